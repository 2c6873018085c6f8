"""``proxysim plan``: how much it takes to meet objectives, for how long, at what price."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxysim.cli.chosen import Assignments, CostsFile, Name, chosen
from proxysim.cli.studied import Seed, Workers
from proxysim.errors import ResultError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from proxysim.studies.answer import Plan
    from proxysim.studies.evidence import Measured

__all__ = ["plan"]

MISSED = 1  # as the exit status of a check that failed
_STYLES = {"meets": "green", "misses": "red", "unsure": "yellow"}


def plan(
    scenario: Name,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            "--objective",
            "-o",
            metavar="TEXT",
            help="What to meet: 'p99 < 250ms and error rate < 0.1%'. Several: all of them.",
        ),
    ] = None,
    vary: Annotated[
        str,
        typer.Option(
            metavar="PATH",
            help="The least of what, such as nodes.shop.count; or the most of it, such as"
            " nodes.visitors.arrivals.poisson, or load: all arrivals, in multiples of today's.",
        ),
    ] = "load",
    between: Annotated[
        str | None,
        typer.Option(
            metavar="A..B", help="Where to look: 1..64, 8MB..1GB. Default: about what there is."
        ),
    ] = None,
    survive: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Meet it with the worst N backends down as well."),
    ] = 0,
    growth: Annotated[
        str | None,
        typer.Option(metavar="RATE", help="Say how long the answer lasts: 8%/month, 150%/year."),
    ] = None,
    price: Annotated[
        str | None, typer.Option(metavar="PRICE", help="Of a server: 0.12/h, $90/month.")
    ] = None,
    price_out: Annotated[
        str | None, typer.Option(metavar="PRICE", help="Of what clients receive: 0.08/GB.")
    ] = None,
    headroom: Annotated[
        bool, typer.Option("--headroom", help="Say how much more load the answer sustains.")
    ] = False,
    curve: Annotated[
        bool, typer.Option("--curve", help="Measure latency against throughput, and its knee.")
    ] = False,
    assignments: Assignments = None,
    precision: Annotated[
        str, typer.Option(metavar="SHARE", help="Steps of sizes, rates and the like.")
    ] = "5%",
    confidence: Annotated[
        float, typer.Option(metavar="SHARE", help="With which each value meets, or misses.")
    ] = 0.95,
    replications: Annotated[
        int, typer.Option(metavar="N", help="The most runs of one value; it takes fewer if clear.")
    ] = 48,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Try the neighbours of the answer too.")
    ] = True,
    seed: Seed = None,
    workers: Workers = None,
    costs: CostsFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the evidence and charts there.")
    ] = None,
) -> None:
    """Find how much it takes to meet objectives; exit status 1 where nothing that is tried does."""
    from proxysim.cli.files import made_ready
    from proxysim.cli.screen import json_out, progress_bar
    from proxysim.cli.studied import laid_out, where_written
    from proxysim.studies.plan import plan as planned

    if not objective:
        raise ResultError(
            "nothing is asked",
            place="--objective",
            mend="Say what to meet: --objective 'p99 < 250ms'",
        )
    asked = chosen(scenario, assignments, costs)
    if out is not None:
        made_ready(out)
    with progress_bar(f"{asked.name}: trying {vary}") as progress:
        found = planned(
            asked,
            objective,
            vary,
            between=between,
            precision=_share(precision),
            survive=survive,
            growth=growth,
            price=price,
            price_out=price_out,
            headroom=headroom,
            curve=curve,
            confidence=confidence,
            replications=replications,
            check=check,
            seed=seed,
            workers=workers,
            progress=progress,
        )
    said = found.to_dict()
    if as_json:
        json_out(said)
    else:
        _print(found)
    if out is not None:
        from proxysim.charts.planning import plan_charts

        files, notes = laid_out(
            out, found.manifest, said, {"evidence": found.frame}, plan_charts(said)
        )
        for line in where_written(out, files, notes):
            typer.echo(line, err=as_json)
    if not found.met:
        raise typer.Exit(MISSED)


def _share(text: str) -> float:
    from proxysim.errors import UnitError
    from proxysim.units import ratio

    try:
        return ratio(text)
    except UnitError as error:
        error.place = "--precision"
        raise


def _print(found: Plan) -> None:
    from rich.table import Table
    from rich.text import Text

    from proxysim.cli.screen import console, head
    from proxysim.studies.telling import told

    screen = console()
    screen.print(head(found.title, "", ""))
    asked = " and ".join(str(objective) for objective in found.objectives)
    down = f" · worst {found.survive} down" if found.survive else ""
    line = f"{found.scenario} · {asked} · vary {found.variable.path}{down} · seed {found.seed}"
    screen.print(Text(line, style="dim"))
    screen.print()
    screen.print(_table(found))
    screen.print()
    lines = Table.grid(padding=(0, 1, 0, 0))
    lines.add_column(no_wrap=True, style="cyan")
    lines.add_column()
    last = ""
    for word, line in told(found):
        style = "bold" if word == "Answer" else ""
        lines.add_row("" if word == last else word, Text(line, style=style))
        last = word
    screen.print(lines)


def _table(found: Plan) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    from proxysim.studies.evidence import ANSWERED

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(found.variable.name, justify="right", no_wrap=True)
    table.add_column("")
    for objective in found.objectives:
        table.add_column(objective.name, justify="right", no_wrap=True)
        if objective != ANSWERED:
            table.add_column("interval", justify="right", no_wrap=True, style="dim")
    table.add_column("busiest", no_wrap=True, style="dim")
    if found.survive:
        table.add_column("worst", style="dim")
    if found.tariff is not None:
        table.add_column("a month", justify="right")
    table.add_column("runs", justify="right", style="dim")
    for trial in found.trials:
        answer = trial.value == found.answer
        verdict = trial.verdict.value
        cells = [
            Text(found.variable.kind.write(trial.value), style="bold" if answer else ""),
            Text(verdict, style=_STYLES[verdict]),
            *(Text(cell) for one in trial.measured for cell in _cells(one)),
            Text("" if trial.busy is None else trial.busy.text),
        ]
        if found.survive:
            cells.append(Text(trial.case))
        if found.tariff is not None:
            cost = found.a_month(trial)
            cells.append(Text("" if cost is None else found.tariff.text(cost)))
        table.add_row(*cells, Text(str(trial.replications)))
    return table


def _cells(one: Measured) -> Iterator[str]:
    from proxysim.studies.evidence import ANSWERED

    text = one.objective.metric.text
    yield "no answers" if one.found is None else text(one.found.value)
    if one.objective != ANSWERED:
        yield "" if one.found is None else f"{text(one.found.low)} to {text(one.found.high)}"
