"""What commands print on: a terminal as wide as it is, or plain text where there is none."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console, RenderableType

__all__ = ["console", "head", "json_out", "progress_bar", "side_by_side"]

#: Wide enough for every table; a terminal of less gets less.
WIDEST = 120
#: Where nobody says how wide: a pipe, a file.
USUAL = 100


def console() -> Console:
    """Standard output for people: no wider than is easily read, colours on a terminal only."""
    from rich.console import Console

    width = shutil.get_terminal_size((USUAL, 24)).columns
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        width = USUAL
    return Console(width=max(40, min(width, WIDEST)), highlight=False, emoji=False)


def json_out(value: Any) -> None:
    """One JSON value on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def head(title: str, question: str, watch_for: str) -> RenderableType:
    """What a scenario is about, above everything else that is said of it."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    lines = [Text(title, style="bold")]
    if question:
        lines.append(Text(question, style="italic"))
    if watch_for:
        lines.append(Text.assemble(("Watch for: ", "bold cyan"), " ".join(watch_for.split())))
    return Padding(Group(*lines), (1, 0, 1, 0), expand=False)


def side_by_side(
    blocks: Iterable[tuple[RenderableType, int]], width: int, block_width: int
) -> RenderableType:
    """*blocks* of known height in as many columns as fit, in order, filled evenly."""
    from rich.console import Group
    from rich.table import Table

    found = list(blocks)
    count = max(1, min((width + 4) // (block_width + 4), len(found)))
    columns = _balanced([height for _, height in found], count)
    grid = Table.grid(padding=(0, 4, 0, 0))
    for _ in columns:
        grid.add_column(width=block_width if count > 1 else None)
    groups, taken = [], 0
    for size in columns:
        groups.append(Group(*(block for block, _ in found[taken : taken + size])))
        taken += size
    grid.add_row(*groups)
    return grid


def _balanced(heights: Sequence[int], count: int) -> list[int]:
    """How many of the blocks each column takes, in order, so that the tallest is least tall."""
    limit = max(heights, default=0)
    while True:
        columns: list[int] = []
        filled = limit + 1
        for height in heights:
            if not columns or filled + height > limit:
                columns.append(0)
                filled = 0
            columns[-1] += 1
            filled += height
        if len(columns) <= count:
            return columns
        limit += 1


@contextmanager
def progress_bar(what: str, *, to_go: bool = False) -> Iterator[Callable[[float], None] | None]:
    """A bar on standard error while *what* goes on, to be told the share done; None if no tty.

    It shows how long it has taken, or, where *to_go*, how long it will still take.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    times = (TimeRemainingColumn(), TextColumn("to go")) if to_go else (TimeElapsedColumn(),)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        *times,
        console=Console(stderr=True),
        transient=True,
        speed_estimate_period=3600,  # one run may take minutes
    )
    with bar:
        task = bar.add_task(what, total=1.0)
        yield lambda share: bar.update(task, completed=share)
