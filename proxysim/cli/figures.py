"""A run's figures as tables on a terminal: the summary, with against without, who sees what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from proxysim.cli.screen import side_by_side
from proxysim.units import format_duration

if TYPE_CHECKING:
    from proxysim.results.comparison import Difference
    from proxysim.results.knowledge import Observer
    from proxysim.results.run import Run
    from proxysim.results.summary import Row

__all__ = ["choices_table", "differences_table", "run_line", "sights_table", "summary_tables"]

#: Of more choices of backends, only the number is told.
MOST_CHOICES = 8


def run_line(run: Run) -> RenderableType:
    """Which run it was, on one line."""
    removed = run.extra.get("without")
    parts = [run.scenario, *([f"without {', '.join(removed)}"] if removed else [])]
    counted = f"requests of {run.warmup:g} s to {run.duration:g} s"
    parts += [f"world {run.world}", f"seed {run.seed}", counted]
    return Text(" · ".join(parts), style="dim")


def summary_tables(run: Run, width: int) -> RenderableType:
    """The summary, a small table a section, as many side by side as fit in *width*."""
    sections = {
        name: list(rows) for name, rows in groupby(run.summary().rows(), lambda row: row.section)
    }
    rows = [row for found in sections.values() for row in found]
    labels = max(len(row.label) for row in rows)
    values = max(len(row.text) for row in rows)
    block_width = max(labels + values + 2, 22)
    blocks = [
        (_block(name, found, block_width), len(found) + 2) for name, found in sections.items()
    ]
    return side_by_side(blocks, width, block_width)


def _block(name: str, rows: Sequence[Row], width: int) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column()
    grid.add_column(justify="right")
    for row in rows:
        grid.add_row(Text(row.label), Text(row.text))
    return Padding(Group(Text(name, style="bold cyan"), grid), (0, 0, 1, 0))


def differences_table(differences: Sequence[Difference], removed: str) -> RenderableType:
    """With and without the proxy, figure by figure; what parties know has its own table."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("")
    for title in (f"with {removed}", "without", "difference"):
        table.add_column(title, justify="right", no_wrap=True)
    shown = [row for row in differences if row.section != "who knows what"]
    for section, rows in groupby(shown, lambda row: row.section):
        table.add_row(Text(section, style="bold cyan"))
        for row in rows:
            label, *texts = row.texts()
            table.add_row(Text(f"  {label}"), *map(Text, texts))
        table.add_row()
    return table


def choices_table(run: Run) -> RenderableType:
    """Why these servers: the first choices of backends that were kept, with what decided them."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column(Text("why this server", style="bold cyan not dim"), justify="right")
    table.add_column("request", justify="right")
    table.add_column("at", no_wrap=True)
    table.add_column("chosen", no_wrap=True)
    table.add_column("by")
    shown = run.choices[:MOST_CHOICES]
    for choice in shown:
        table.add_row(
            Text(choice["node"]),
            str(choice["request"]),
            format_duration(choice["at"]),
            Text(choice["backend"]),
            Text("\n".join(_reasons(choice["why"])), style="dim"),
        )
    left = len(run.choices) - len(shown)
    more = Text(f"and {left:,} more: --json, or choices.jsonl with --out", style="dim")
    return Padding(Group(table, more) if left else table, (0, 0, 1, 0))


def _reasons(why: Mapping[str, Any]) -> Iterator[str]:
    """What a balancer went by, a line a key; less weights that are equal, which say nothing."""
    for key, found in why.items():
        if key == "within":
            yield from (f"within: {line}" for line in _reasons(found))
        elif isinstance(found, Mapping):
            if key != "weights" or len(set(found.values())) > 1:
                yield f"{key}: " + ", ".join(f"{name} {_brief(of)}" for name, of in found.items())
        elif isinstance(found, list):
            yield f"{key}: " + ", ".join(map(_brief, found))
        else:
            yield f"{key}: {_brief(found)}"


def _brief(found: object) -> str:
    return f"{found:.4g}" if isinstance(found, float) else str(found)


def sights_table(
    one: Sequence[Observer],
    other: Sequence[Observer],
    names: tuple[str, str] = ("with", "without"),
) -> RenderableType:
    """Who sees what in two runs: all, none, or a share of the requests each party saw.

    *names* says what the runs are called where they differ.
    """
    from proxysim.results.knowledge import SECRETS

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column(Text("who sees what", style="bold cyan not dim"), no_wrap=True)
    table.add_column("", no_wrap=True)
    for secret in SECRETS:
        table.add_column(secret.partition("'")[0], justify="right")
    for wire, lines in groupby(_sights(one, other, names), lambda line: line[0]):
        if wire:
            table.add_row(Text("on the wire, an eavesdropper", style="dim italic"))
        for _, name, how, cells in lines:
            table.add_row(Text(f"  {name}"), Text(how, style="dim"), *cells)
    return table


def _sights(
    with_proxy: Sequence[Observer], without: Sequence[Observer], names: tuple[str, str]
) -> Iterator[tuple[bool, str, str, list[Text]]]:
    mine = {(found.wire, found.name): found for found in with_proxy}
    other = {(found.wire, found.name): found for found in without}
    # An order that both agree with: parties as they stand with the proxy, then the rest.
    keys = sorted({**mine, **other}, key=lambda key: key[0])
    for key in keys:
        one, two = mine.get(key), other.get(key)
        wire, name = key
        first, second = _cells(one), _cells(two)
        if one and two and [text.plain for text in first] == [text.plain for text in second]:
            yield wire, name, "either way", first
            continue
        yield wire, name, names[0], first
        yield wire, "", names[1], second


def _cells(observer: Observer | None) -> list[Text]:
    from proxysim.results.knowledge import SECRETS

    if observer is None:
        return [Text("-", style="dim")] * len(SECRETS)
    return [_share(share) for share in observer.shares]


def _share(share: float) -> Text:
    if share <= 0:
        return Text("none", style="dim")
    if share >= 1:
        return Text("all", style="bold")
    if share < 0.01 or share > 0.99:
        return Text("<1 %" if share < 0.5 else ">99 %")
    return Text(f"{share:.0%}".replace("%", " %"))
