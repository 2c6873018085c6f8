"""A live run beside a simulated one: figure by figure, and what the machine had to do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from proxysim.results.summary import Row
from proxysim.units import format_duration

if TYPE_CHECKING:
    from proxysim.results.run import Run

__all__ = ["beside_table", "machine_lines"]


def beside_table(found: Run, simulated: Run) -> RenderableType:
    """The figures of both summaries, line by line, and the handshakes of both."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("")
    for title in ("live", "simulated", "difference"):
        table.add_column(title, justify="right", no_wrap=True)
    theirs = {(row.section, row.label): row for row in _rows(simulated)}
    mine = {(row.section, row.label): row for row in _rows(found)}
    sections: dict[str, None] = dict.fromkeys(section for section, _ in (*mine, *theirs))
    keys = [
        key for section in sections for key in dict.fromkeys((*mine, *theirs)) if key[0] == section
    ]
    for section, group in groupby(keys, lambda key: key[0]):
        table.add_row(Text(section, style="bold cyan"))
        for key in group:
            one, other = mine.get(key), theirs.get(key)
            table.add_row(
                Text(f"  {key[1]}"),
                Text(one.text if one else "-"),
                Text(other.text if other else "-"),
                Text(_difference(one, other), style="dim"),
            )
        table.add_row()
    return table


def _rows(run: Run) -> Iterator[Row]:
    yield from run.summary().rows()
    for node, fact in run.facts.items():
        for kind, count in sorted(fact.get("handshakes", {}).items()):
            yield Row("TLS handshakes", f"{node}, {kind}", count, "", f"{count:,}")


def _difference(one: Row | None, other: Row | None) -> str:
    """Of shares in points, of everything else in proportion."""
    if one is None or other is None or one.value is None or other.value is None:
        return ""
    if one.value == other.value:
        return "="
    if one.text.endswith("%"):
        return f"{100 * (one.value - other.value):+.1f} points"
    return f"{one.value / other.value - 1:+.1%}" if other.value else ""


def machine_lines(found: Run) -> Iterator[RenderableType]:
    """What the run cost this machine, and whether it may be believed."""
    live = found.extra["live"]
    shares = ", ".join(f"{name} {share:.0%}" for name, share in live["cpu"].items())
    late = live["lateness_p99"]
    told = [f"cores busy: {shares}"]
    if not found.extra.get("sequential"):
        told.append(f"sent late, p99: {format_duration(late)}")
    yield Text(" · ".join(told), style="dim")
    if "addresses" in live:
        yield Text(f"note: {live['addresses']}", style="dim")
    for line in live.get("unlike", ()):
        yield Text(f"not as simulated: {line}", style="dim")
    if live["void"]:
        yield Text.assemble(
            ("Void: ", "bold red"),
            f"{live['void']}. The clients were the bottleneck, so what they saw is not what"
            f" happened; {_mend(live)}",
        )


def _mend(live: dict[str, Any]) -> str:
    """What to do about a run that is void."""
    carried = f"{live['carried']:.0f} a second"
    if live["carried"] > live["rate"]:
        return (
            f"alone, this run could have carried about {carried}: something else keeps this machine"
            " busy. Try again when it is quiet."
        )
    return f"this machine carries about {carried}. Ask for less."
