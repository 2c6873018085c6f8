"""The lessons: notebooks/*.py are their sources, and beside each lies the notebook it makes.

    python docs/lessons.py [NAME ...]            execute them; say whether the notebooks beside
                                                 them show what really comes out
    python docs/lessons.py --write [NAME ...]    execute them, and write the notebooks anew

A NAME is the beginning of one, such as 00. What stands in it as a solution is run as well, in the
same kernel, and has to be right. Everything that is text in an output has to come out
again, to the letter, except in cells with the tag ``measured``, which ask real sockets or clocks.
Pictures only have to be there, moving ones too: their bytes are the business of those who draw.
"""

from __future__ import annotations

import base64
import difflib
import math
import os
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from queue import Empty
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"

#: What a slider leaves on a page that no kernel stands behind.
STILL = "*A slider: run this notebook to move it.*"
MEASURED = "measured"
_WIDGET = "application/vnd.jupyter.widget-view+json"
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_CHECK = re.compile(r"^check\(", re.MULTILINE)
_LOOK = 2.0
_SECONDS = 300  # for one cell, on a machine that has much else to do


def sources(names: list[str] | None = None) -> list[Path]:
    """The sources of the lessons that *names* begin, or of all."""
    found = sorted(NOTEBOOKS.glob("[0-9]*.py"))
    if not names:
        return found
    missing = [name for name in names if not any(file.name.startswith(name) for file in found)]
    if missing:
        raise SystemExit(f"no lesson begins with {', '.join(missing)}")
    return [file for file in found if file.name.startswith(tuple(names))]


def notebook(source: Path) -> nbformat.NotebookNode:
    """The notebook of *source*, not yet executed."""
    book = jupytext.read(source)
    for number, cell in enumerate(book.cells):
        cell.id = f"cell-{number:02}"
    book.nbformat, book.nbformat_minor = 4, 5
    book.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python", "file_extension": ".py"},
        }
    )
    return book


def executed(source: Path) -> nbformat.NotebookNode:
    """The notebook of *source* with what its cells put out; no learner's progress is touched."""
    book = notebook(source)
    metadata = book.metadata.copy()
    with tempfile.TemporaryDirectory() as place:
        os.environ.pop("MPLBACKEND", None)  # the kernel's own shows figures where they are made
        os.environ["PROXYSIM_PROGRESS"] = str(Path(place) / "progress.json")
        options = {"kernel_name": "python3", "timeout": _SECONDS, "iopub_timeout": _SECONDS}
        resources = {"metadata": {"path": str(NOTEBOOKS)}}
        length = len(book.cells)
        book.cells += [nbformat.v4.new_code_cell(code) for code in solutions(book)]
        client = _Client(book, resources=resources, **options)
        client.execute()
    _look_at_sliders(client)
    del book.cells[length:]
    book.metadata = metadata
    for cell in book.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [_settled(output) for output in cell.outputs]
    return book


class _Client(NotebookClient):
    """A client that looks anew every few seconds whether the kernel has said something.

    Now and then the wake-up call of a ZeroMQ socket is lost, and a cell that has long been
    answered is waited for until its time is up.
    """

    async def async_start_new_kernel_client(self) -> Any:
        client = await super().async_start_new_kernel_client()
        for channel in (client.shell_channel, client.iopub_channel):
            channel.get_msg = partial(_heard, channel.get_msg)
        return client


async def _heard(get: Callable[..., Awaitable[Any]], timeout: float | None = None) -> Any:
    """What *get* gives, asked again and again until *timeout*."""
    until = math.inf if timeout is None else time.monotonic() + timeout
    while True:
        left = until - time.monotonic()
        try:
            return await get(timeout=max(0.0, min(_LOOK, left)))
        except Empty:
            if left <= _LOOK:
                raise


def _look_at_sliders(client: NotebookClient) -> None:
    """Raise the mistake that a slider shows instead of what it is to show: it stops no cell."""
    for state in client.widget_state.values():
        for output in state.get("outputs", ()):
            if output["output_type"] == "error":
                told = "\n".join(output["traceback"])
                raise CellExecutionError(told, output["ename"], output["evalue"])


def solutions(book: nbformat.NotebookNode) -> list[str]:
    """The code of the solutions in *book*, each of which fails unless its check is passed."""
    texts = [cell.source for cell in book.cells if cell.source.startswith("<details>")]
    found = [code for text in texts for code in _PYTHON.findall(text)]
    return [_CHECK.sub(r"assert \g<0>", code) for code in found]


def _settled(output: Any) -> Any:
    """*output* without what differs from run to run, its picture in a few colours."""
    data = output.get("data", {})
    if _WIDGET in data:
        output.data = nbformat.from_dict({"text/markdown": STILL, "text/plain": STILL})
    elif "image/png" in data:
        data["text/plain"] = "<picture>"
        data["image/png"] = _in_few_colours(data["image/png"])
    elif "text/markdown" in data:
        data["text/plain"] = data["text/markdown"]
    output.metadata = nbformat.from_dict({}) if "metadata" in output else None
    if output.metadata is None:
        del output["metadata"]
    return output


def _in_few_colours(picture: str) -> str:
    """A PNG, in base 64, with a palette: charts have few colours, and lose nothing by it."""
    with Image.open(BytesIO(base64.b64decode(picture))) as image, BytesIO() as buffer:
        image.convert("RGB").quantize(200, dither=Image.Dither.NONE).save(
            buffer, "PNG", optimize=True
        )
        return base64.b64encode(buffer.getvalue()).decode() + "\n"


def told(book: nbformat.NotebookNode) -> Iterator[str]:
    """What has to come out again, line by line: sources, texts of outputs, where pictures are."""
    for number, cell in enumerate(book.cells):
        yield f"-- cell {number}: {cell.cell_type} {sorted(cell.metadata.get('tags', []))}"
        yield from cell.source.splitlines()
        if cell.cell_type != "code" or MEASURED in cell.metadata.get("tags", []):
            continue
        for output in cell.outputs:
            yield f"-> {output.output_type}"
            yield from output.get("text", "").splitlines()
            for kind, content in sorted(output.get("data", {}).items()):
                yield f"   {kind}"
                if not (kind.startswith("image/") or "<iframe" in content):
                    yield from str(content).splitlines()


def main(words: list[str]) -> int:
    """Execute, and write or compare; 1 where one fails, or shows what no longer comes out."""
    write = "--write" in words
    stale = 0
    for source in sources([word for word in words if not word.startswith("-")]):
        began = time.monotonic()
        try:
            book = executed(source)
        except CellExecutionError as error:
            stale += 1
            sys.stderr.write(f"{source.name}: {_COLOUR.sub('', str(error))}\n")
            continue
        file = source.with_suffix(".ipynb")
        if write:
            file.write_text(nbformat.writes(book) + "\n", encoding="utf-8")
        lines = list(told(book))
        there = list(told(nbformat.read(file, as_version=4))) if file.exists() else []
        sys.stdout.write(f"{source.stem}: {time.monotonic() - began:.0f} s\n")
        sys.stdout.flush()
        if lines != there:
            stale += 1
            sys.stderr.write("\n".join(difflib.unified_diff(there, lines, "there", "now", n=1)))
            sys.stderr.write(f"\n{file.name} shows what no longer comes out: --write\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
