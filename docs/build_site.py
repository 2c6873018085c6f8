"""The site: the pages of docs/, the lessons, a gallery of scenarios, and the reference.

    python docs/build_site.py    write it to out/docs; warnings are errors

The pages under docs/ are Markdown that reads well on a git host too, and so know nothing of the
site. Here they are gathered in out/site with what is made for the site alone, and set in order.
What has not changed is not written anew, so that Sphinx does not read it again.
"""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SOURCE = ROOT / "out" / "site"
PAGES = SOURCE / "docs"
SITE = ROOT / "out" / "docs"

#: Pages of docs/ in the order of reading; one that is not named here comes after them.
USING = ["scenarios", "policies", "studies", "planning", "live", "stage", "wire", "engines"]
TRUST = ["semantics", "http-caching", "validation"]
TEACHING = ["learning"]
BUILDING = ["extending"]

#: What pages link to outside of docs/; readers can take it from the site.
OUTSIDE = ("tests", "proxysim", "scenarios", "README.md", "CHANGELOG.md")


def pages() -> Iterator[tuple[str, str]]:
    """Every text page of the site by its name, without its pictures."""
    names = [page.stem for page in sorted(DOCS.glob("*.md")) if page.stem != "index"]
    yield "index.md", (DOCS / "index.md").read_text(encoding="utf-8") + "".join(_contents(names))
    for name in names:
        yield f"{name}.md", (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for page in sorted((DOCS / "adr").glob("[0-9]*.md")):
        text = page.read_text(encoding="utf-8")
        yield f"adr/{page.name}", re.sub(r"\[(\w+)\]\(NNNN-name\.md\)", r"\1", text)
    yield "decisions.md", "# Decisions\n\nWhy it is built as it is.\n\n" + _toctree("adr/0*")
    for notebook in lessons():
        yield f"lessons/{notebook.name}", notebook.read_text(encoding="utf-8")
    yield "reference.md", reference()
    yield "commands.md", commands()


def lessons() -> list[Path]:
    """The executed notebooks, in order."""
    return sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


def _contents(names: list[str]) -> Iterator[str]:
    """The contents beside every page, as the last part of the first one."""
    named = {*USING, *TRUST, *TEACHING, *BUILDING}
    more = [name for name in names if name not in named]

    def there(wanted: list[str]) -> list[str]:
        return [name for name in wanted if name in names]

    yield _toctree(*(f"lessons/{found.stem}" for found in lessons()), caption="Lessons")
    yield _toctree("gallery/index", *there(USING), *more, caption="Using it")
    yield _toctree(*there(TRUST), caption="What it rests on")
    yield _toctree(*there(TEACHING), *there(BUILDING), "decisions", caption="Teaching, building")
    yield _toctree("commands", "reference", caption="Reference")


def _toctree(*entries: str, caption: str = "") -> str:
    if not entries:
        return ""
    options = [f":caption: {caption}", ":hidden:"] if caption else [":glob:", ":titlesonly:"]
    return "\n".join(["", "```{toctree}", *options, "", *entries, "```", ""])


# The reference, from the code.


def reference() -> str:
    """The public names of Python, as their docstrings tell them."""
    import proxysim as ps

    sections: dict[str, list[str]] = {"Doing": [], "Things": [], "Errors": [], "Charts": []}
    for name in ps.__all__:
        found = getattr(ps, name)
        if inspect.isclass(found):
            errs = issubclass(found, Exception)
            section, kind = ("Errors", "autoexception") if errs else ("Things", "autoclass")
            members = [] if errs else ["   :members:", "   :exclude-members: __init__, __new__"]
        elif callable(found):
            section, kind, members = "Doing", "autofunction", []
        else:
            continue
        sections[section].append("\n".join([f".. {kind}:: proxysim.{name}", *members, ""]))
    from proxysim.charts import CHARTS

    seen = {}
    for name, draw in CHARTS.items():
        seen.setdefault(draw, name)
    for draw in seen:
        where = f"{draw.__module__}.{draw.__name__}"
        sections["Charts"].append(f".. autofunction:: {where}\n")
    texts = {
        "Doing": "What `import proxysim as ps` gives.",
        "Things": "",
        "Errors": "Each says where, what was found, and the mend.",
        "Charts": "`run.plot.NAME(...)` calls them with the run as the first argument, and a"
        " notebook shows what they return.",
    }
    parts = ["# Python", "The map of the rooms is in `help(proxysim)`."]
    for title, entries in sections.items():
        parts += [f"## {title}", texts[title]]
        parts += [f"```{{eval-rst}}\n{entry}```" for entry in entries]
    return "\n\n".join(part for part in parts if part) + "\n"


def commands() -> str:
    """What every command says of itself with ``--help``."""
    from typer.main import get_command
    from typer.testing import CliRunner

    from proxysim.cli import app

    environment = {"COLUMNS": "88", "TERMINAL_WIDTH": "88", "NO_COLOR": "1", "TERM": "dumb"}
    os.environ.update(environment)
    parts = ["# Commands", "Everything that prints a table takes `--json` too."]
    for name in ["", *sorted(getattr(get_command(app), "commands", {}))]:
        words = [name, "--help"] if name else ["--help"]
        told = CliRunner().invoke(app, words, env=environment, prog_name="proxysim").stdout
        lines = "\n".join(line.rstrip() for line in told.strip().splitlines())
        parts += [f"## proxysim {name}".rstrip(), f"```text\n{lines}\n```"]
    return "\n\n".join(parts) + "\n"


# Gathering and building.


def write(file: Path, content: bytes) -> None:
    """*content* in *file*, which is left alone where it holds it already."""
    if not file.exists() or file.read_bytes() != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def gather() -> None:
    """Everything that the site is made of, in out/site."""
    # Imported, not run: the processes that draw the charts must be able to find it by its name.
    import gallery

    wanted: set[Path] = set()

    def put(name: str, content: bytes) -> None:
        wanted.add(PAGES / name)
        write(PAGES / name, content)

    for name, text in pages():
        # In the site the lessons stand within docs/, and so do pages that they lead to.
        inside = name.startswith("lessons/")
        text = text.replace("](../docs/", "](../") if inside else text
        text = re.sub(r"\]\(\.\./notebooks/([\w-]+)\.ipynb", r"](lessons/\1.ipynb", text)
        put(name, text.encode())
    for folder in ("images", "validation"):
        for picture in sorted((DOCS / folder).glob("*")):
            put(f"{folder}/{picture.name}", picture.read_bytes())
    for name, content in gallery.pages():
        put(f"gallery/{name}", content)
    for name in OUTSIDE:
        link = SOURCE / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(ROOT / name)
    for file in [found for found in PAGES.rglob("*") if found.is_file()]:
        if file not in wanted:
            file.unlink()


def main() -> int:
    """Build the site and give Sphinx's exit status."""
    gather()
    if not SITE.joinpath("objects.inv").exists():
        shutil.rmtree(SITE, ignore_errors=True)
    options = ["-W", "--keep-going", "-q", "-j", os.environ.get("JOBS", "2")]
    places = ["-c", DOCS, "-d", ROOT / "out" / "site-read", PAGES, SITE]
    command = [sys.executable, "-m", "sphinx", *options, *places]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
