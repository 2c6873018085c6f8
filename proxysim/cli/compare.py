"""``proxysim compare``: settings of a scenario side by side, and which differences are real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxysim.cli.chosen import Assignments, CostsFile, Name, chosen
from proxysim.cli.studied import Confidence, Metrics, Price, PriceOut, Replications, Seed, Workers

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

    from proxysim.studies.compare import CompareResult
    from proxysim.studies.contrasts import Contrast

__all__ = ["compare"]

#: Of more findings in words, only the number is told.
MOST_WORDS = 12
_STYLES = {True: "green", False: "red", None: ""}


def compare(
    scenario: Name,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH=VALUES",
            help="Values to compare: nodes.edge.balancer=round_robin,random or"
            " nodes.shop.count=2..4. Several: every combination.",
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE",
            help="Compare with the same requests without this proxy, or without several: a,b",
        ),
    ] = None,
    assignments: Assignments = None,
    replications: Replications = 20,
    metric: Metrics = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="SETTING", help="What to compare with. Default: the first setting."),
    ] = None,
    seed: Seed = None,
    confidence: Confidence = 0.95,
    bootstrap: Annotated[
        bool, typer.Option("--bootstrap", help="Intervals by the bootstrap, not by Student's t.")
    ] = False,
    price: Price = None,
    price_out: PriceOut = None,
    workers: Workers = None,
    costs: CostsFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write tables and charts there.")
    ] = None,
) -> None:
    """Compare settings of a scenario, each given the same requests, and say what is real."""
    from proxysim.cli.files import made_ready
    from proxysim.cli.screen import json_out, progress_bar
    from proxysim.cli.studied import laid_out, varied, where_written
    from proxysim.studies.compare import prepared
    from proxysim.studies.pricing import tariff

    priced = tariff(price, price_out)
    comparing = prepared(
        chosen(scenario, assignments, costs),
        varied(vary or (), "--vary"),
        without=without,
        replications=replications,
        seed=seed,
        metrics=metric or None,
        baseline=baseline,
        confidence=confidence,
        method="bootstrap" if bootstrap else "student",
        prices=priced.prices if priced else None,
    )
    if out is not None:
        made_ready(out)
    what = f"{comparing.scenario.name}: {comparing.runs} runs"
    with progress_bar(what, to_go=True) as progress:
        found = comparing.made(workers=workers, latencies=out is not None, progress=progress)
    if as_json:
        json_out(found.to_dict())
    else:
        _print(found)
    if out is not None:
        from proxysim.studies.compare_charts import figures

        frames = {"values": found.frame, "differences": found.differences}
        files, notes = laid_out(out, found.manifest, found.to_dict(), frames, figures(found))
        for line in where_written(out, files, notes):
            typer.echo(line, err=as_json)


def _print(found: CompareResult) -> None:
    from rich.text import Text

    from proxysim.cli.screen import console, head

    asked = found.asked
    screen = console()
    screen.print(head(asked.scenario.title, asked.scenario.question, ""))
    runs = (
        f"{asked.scenario.name} · {len(asked.settings)} settings × {asked.replications}"
        f" replications = {asked.runs} runs · seed {asked.seed}"
    )
    screen.print(Text(runs, style="dim"))
    screen.print()
    screen.print(_table(found, screen))
    for line in _in_words(found):
        screen.print(Text(line))


def _table(found: CompareResult, screen: Console) -> RenderableType:
    """A row a setting; where that is too wide the interval stands below the difference."""
    wide = _laid_out(found, stacked=False)
    room = screen.options.update_width(10 * screen.width)
    fits = screen.measure(wide, options=room).maximum <= screen.width
    return wide if fits else _laid_out(found, stacked=True)


def _laid_out(found: CompareResult, *, stacked: bool) -> Table:
    from rich.table import Table
    from rich.text import Text

    interval = f"{100 * found.asked.confidence:g} % interval"
    padding = (0, 2 if stacked else 3, 0, 0)
    table = Table(box=None, pad_edge=False, padding=padding, header_style="dim")
    table.add_column("", overflow="fold")
    table.add_column("mean", justify="right", no_wrap=True)
    if stacked:
        table.add_column(f"difference\n{interval}")
    else:
        table.add_column("difference", justify="right", no_wrap=True)
        table.add_column(interval, justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
    by_setting = {(one.metric.name, one.setting): one for one in found.contrasts}
    for metric in found.asked.metrics:
        table.add_row(Text(metric.name, style="bold cyan"))
        for setting in found.asked.settings:
            figure = found.figure(setting.label, metric.name)
            value = metric.text(figure.mean if figure else None)
            contrast = by_setting.get((metric.name, setting.label))
            cells = _cells(contrast) if contrast else (Text("baseline", style="dim"), Text())
            if contrast and stacked:
                change, between, verdict = cells
                first = Text("  ").join(part for part in (change, verdict) if part)
                cells = (Text("\n").join(part for part in (first, between) if part),)
            table.add_row(Text(f"  {setting.label}"), value, *cells[: len(table.columns) - 2])
        table.add_row()
    return table


def _cells(found: Contrast) -> tuple[Text, ...]:
    """The difference, its interval, and the verdict."""
    from rich.text import Text

    if found.verdict in ("refused", "missing"):
        word = "refused: too short" if found.verdict == "refused" else "no such thing"
        return Text(), Text(), Text(word, style="dim")
    if found.verdict == "same":
        return Text("the same", style="dim"), Text(), Text("in every replication", style="dim")
    style = _STYLES[found.better]
    verdict = Text("real", style=f"bold {style}".strip())
    if found.verdict == "unsure":
        verdict = Text("cannot be told", style="dim")
    return Text(found.change(), style=style), Text(found.between(), style="dim"), verdict


def _in_words(found: CompareResult) -> Iterator[str]:
    """The findings as sentences: what is real first, and no more than a screen of them."""
    real = [one.text() for one in found.real]
    other = [text for text in found.statements if text not in real]
    told = [*real, *other]
    yield from told[:MOST_WORDS]
    if len(told) > MOST_WORDS:
        yield f"and {len(told) - MOST_WORDS} more: --json"
