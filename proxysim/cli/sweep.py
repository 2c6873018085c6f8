"""``proxysim sweep``: a scenario in many settings, and how its figures change over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxysim.cli.chosen import Assignments, CostsFile, Name, chosen
from proxysim.cli.studied import Metrics, Price, PriceOut, Seed, Workers

if TYPE_CHECKING:
    from rich.console import RenderableType

    from proxysim.studies.metrics import Metric
    from proxysim.studies.store import Store
    from proxysim.studies.sweep import SweepResult

__all__ = ["sweep"]

#: Of more settings, only the number is told.
MOST_ROWS = 64


def sweep(
    scenario: Name,
    over: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH=VALUES",
            help="What to vary: nodes.shop.count=1..8, nodes.edge.balancer=random,maglev,"
            " nodes.visitors.arrivals.poisson=100/s..800/s:8, nodes.edge.cache.capacity="
            "1MB..1GB:7:log, or load=0.5..1.5:6 for all arrivals. Several: every combination.",
        ),
    ] = None,
    random: Annotated[
        int | None,
        typer.Option(metavar="N", help="Instead of all combinations, N points at random."),
    ] = None,
    assignments: Assignments = None,
    replications: Annotated[
        int, typer.Option(metavar="N", help="Runs of each setting, each with its own draws.")
    ] = 5,
    metric: Metrics = None,
    seed: Seed = None,
    confidence: Annotated[float, typer.Option(metavar="SHARE", help="Of intervals.")] = 0.95,
    price: Price = None,
    price_out: PriceOut = None,
    workers: Workers = None,
    dask: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Run on this dask cluster: tcp://10.0.0.1:8786"),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where finished cells are kept, and found again. Default: DIR/cells with"
            " --out DIR, otherwise the user's cache.",
        ),
    ] = None,
    no_store: Annotated[bool, typer.Option("--no-store", help="Keep and find nothing.")] = False,
    costs: CostsFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write tables and charts there.")
    ] = None,
) -> None:
    """Run a scenario in many settings; what is finished is kept, so a sweep can go on later."""
    from proxysim.cli.files import made_ready
    from proxysim.cli.screen import json_out, progress_bar
    from proxysim.cli.studied import laid_out, varied, where_written
    from proxysim.errors import ResultError
    from proxysim.studies.pricing import tariff
    from proxysim.studies.sweep import planned

    if dask is not None and workers is not None:
        raise ResultError("--workers are of this machine", mend="Leave it out with --dask.")
    priced = tariff(price, price_out)
    sweeping = planned(
        chosen(scenario, assignments, costs),
        varied(over or (), "--over"),
        random=random,
        replications=replications,
        seed=seed,
        metrics=metric or None,
        confidence=confidence,
        prices=priced.prices if priced else None,
    )
    if out is not None:
        made_ready(out)
    crew = None
    if dask is not None:
        from proxysim.studies.clusters import Cluster

        crew = Cluster(dask)
    kept = None if no_store else _store(store, out)
    what = f"{sweeping.scenario.name}: {sweeping.cells} runs"
    with progress_bar(what, to_go=True) as progress:
        found = sweeping.made(store=kept, workers=workers, crew=crew, progress=progress)
    if kept is not None:
        for line in _kept(found, kept):
            typer.echo(line, err=True)
    if as_json:
        json_out(found.to_dict())
    else:
        _print(found)
    if out is not None:
        from proxysim.studies.sweep_charts import figures

        frames = {"values": found.frame, "table": found.table}
        files, notes = laid_out(out, found.manifest, found.to_dict(), frames, figures(found))
        for line in where_written(out, files, notes):
            typer.echo(line, err=as_json)


def _store(store: Path | None, out: Path | None) -> Store:
    from proxysim.studies.store import Store, usual_place

    return Store(store or (out / "cells" if out is not None else usual_place()))


def _kept(found: SweepResult, store: Store) -> Sequence[str]:
    """What the store had, for whoever wonders that it took no time."""
    said = []
    if found.already:
        said.append(
            f"{found.already:,} of {found.asked.cells:,} runs were there already, in"
            f" {store.directory}"
        )
    if found.damaged:
        said.append(f"{found.damaged:,} were damaged there, and are made anew")
    return said


def _print(found: SweepResult) -> None:
    from rich.text import Text

    from proxysim.cli.screen import console, head

    asked = found.asked
    screen = console()
    screen.print(head(asked.scenario.title, asked.scenario.question, ""))
    design = "" if asked.design != "latin hypercube" else " at random (Latin hypercube)"
    runs = (
        f"{asked.scenario.name} · {len(asked.settings)} settings{design} × {asked.replications}"
        f" = {asked.cells} runs · seed {asked.seed}"
    )
    if asked.replications > 1:
        runs += f" · means, {100 * asked.confidence:g} % intervals"
    screen.print(Text(runs, style="dim"))
    screen.print()
    screen.print(_table(found, screen.width))
    if len(asked.settings) > MOST_ROWS:
        screen.print(Text(f"and {len(asked.settings) - MOST_ROWS} more: --json, or --out DIR"))
    for note in found.notes:
        screen.print(Text(f"note: {note}", style="dim"))


def _table(found: SweepResult, width: int) -> RenderableType:
    """A row a setting; intervals only where there is room for them."""
    from rich.table import Table
    from rich.text import Text

    from proxysim.studies.settings import short_names, value_text

    asked = found.asked
    names = short_names(asked.paths)
    shown = asked.settings[:MOST_ROWS]
    varied = [
        [names[path], *(value_text(setting.changes.get(path)) for setting in shown)]
        for path in asked.paths
    ]

    def columns(*, intervals: bool) -> list[list[str]]:
        return [
            [one.name, *(_figure(found, place, one, intervals) for place in range(len(shown)))]
            for one in asked.metrics
        ]

    figures = columns(intervals=True)
    needed = sum(max(map(len, column)) + 3 for column in (*varied, *figures)) - 3
    if needed > width:
        figures = columns(intervals=False)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for head, *_ in varied:
        table.add_column(head, style="cyan", justify="right")
    for head, *_ in figures:
        table.add_column(head, justify="right")
    for row in list(zip(*varied, *figures, strict=True))[1:]:
        table.add_row(*map(Text, row))
    return table


def _figure(found: SweepResult, place: int, one: Metric, intervals: bool) -> str:
    figure = found.figure(place, one)
    if figure is None:
        return "-"
    mean, _, high = figure
    half = high - mean  # nan of one run
    return f"{one.text(mean)} ± {one.text(half)}" if intervals and half > 0 else one.text(mean)
