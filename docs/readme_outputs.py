"""The outputs that README.md and other pages show, and README's picture, from real runs.

    python docs/readme_outputs.py            say whether the pages show what really comes out
    python docs/readme_outputs.py --write    write anew the outputs, and the picture

A ``console`` block holds one command and its output, a ``text`` block what the Python block before
it prints. A comment ``<!-- file: NAME -->`` before a YAML block makes a file of it, which the
commands find where they run. A comment ``<!-- shown: FROM .. TO; FROM .. -->`` before a block says
which of its lines are shown: from a line that holds FROM up to, but without, one that holds TO.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = (README, ROOT / "docs" / "planning.md")
PICTURE = ROOT / "docs" / "images" / "office-with-and-without.png"

_BLOCK = re.compile(
    r"(?:<!-- (?P<note>[^\n]*) -->\n)?^```(?P<kind>\w+)\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its *kind*, what stands in it, and the *note* in the comment before it."""

    kind: str
    body: str
    note: str = ""
    start: int = 0
    end: int = 0

    @property
    def command(self) -> str:
        """The command of a console block."""
        return self.body.splitlines()[0].removeprefix("$ ")


@dataclass(frozen=True)
class Shown:
    """A block that shows an output, and what makes it: a command, or a Python script."""

    block: Block
    command: list[str]


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a Markdown *text*, in order."""
    return [
        Block(found["kind"], found["body"], found["note"] or "", *found.span("body"))
        for found in _BLOCK.finditer(text)
    ]


def shown(text: str) -> Iterator[Shown]:
    """The blocks of *text* that show an output."""
    script = ""
    for block in blocks(text):
        if block.kind == "console":
            yield Shown(block, ["sh", "-c", block.command])
        elif block.kind == "python":
            script = block.body
        elif block.kind == "text":
            yield Shown(block, [sys.executable, "-c", script])


def files(text: str) -> dict[str, str]:
    """The files that *text* has its readers write, by name."""
    return {
        block.note.removeprefix("file: "): block.body
        for block in blocks(text)
        if block.note.startswith("file: ")
    }


def real(example: Shown, directory: Path) -> str:
    """The body that the block of *example* should have; runs its command in *directory*."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")
    }
    environment["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), environment["PATH"]))
    found = subprocess.run(
        example.command,
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if "Traceback" in found.stdout:
        raise RuntimeError(found.stdout)
    lines = [line.rstrip() for line in found.stdout.splitlines()]
    if example.block.note.startswith("shown: "):
        lines = list(_trimmed(lines, example.block.note.removeprefix("shown: ")))
    while lines and not lines[0]:
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    if example.block.kind == "console":
        lines.insert(0, f"$ {example.block.command}")
    return "".join(f"{line}\n" for line in lines)


def _trimmed(lines: list[str], spans: str) -> Iterator[str]:
    at = 0
    for span in spans.split(";"):
        begin, _, end = (part.strip() for part in span.partition(".."))
        first = next(n for n in range(at, len(lines)) if lines[n].lstrip().startswith(begin))
        if first > at and any(lines[at:first]):
            yield "..."
        past = range(first + 1, len(lines))
        at = next(n for n in past if lines[n].lstrip().startswith(end)) if end else len(lines)
        kept = lines[first:at]
        while kept and not kept[-1]:
            kept.pop()
        yield from kept
    if any(lines[at:]):
        yield "..."


def written(text: str) -> str:
    """*text* with every output as it really comes out."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        for name, content in files(text).items():
            (directory / name).write_text(content, encoding="utf-8")
        bodies = [(example.block, real(example, directory)) for example in shown(text)]
    for block, body in reversed(bodies):
        text = text[: block.start] + body + text[block.end :]
    return text


def picture() -> bytes:
    """The picture at the head: the office's network, and its latencies with and without."""
    from matplotlib.figure import Figure

    import proxysim as ps
    from proxysim.charts import picture as as_bytes

    office = ps.load("office-forward-proxy")
    run, without = ps.simulate(office), ps.simulate(office.without("gateway"))
    figure = Figure(figsize=(8.2, 6.2), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(2, 3))
    run.plot.topology(ax=above)
    run.plot.with_without_latency(without, ax=below, labels=("with gateway", "without"))
    return as_bytes(figure)


def main() -> int:
    """Compare or write, and give the exit status."""
    stale = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if (found := written(text)) != text:
            stale.append(page)
        if "--write" in sys.argv[1:]:
            page.write_text(found, encoding="utf-8")
    if "--write" in sys.argv[1:]:
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_bytes(picture())
        return 0
    for page in stale:
        sys.stderr.write(f"{page.name} shows what no longer comes out; write it anew: --write\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
