"""``proxysim live``: a scenario on real sockets, beside the simulator on the same requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxysim.cli.chosen import Assignments, CostsFile, Name, chosen

if TYPE_CHECKING:
    from proxysim.results.run import Run
    from proxysim.scenario import Scenario

__all__ = ["live"]

#: With --out, the spans of every so-manieth request are kept.
SAMPLE = 50
#: Of a longer run than this, in seconds, it is said how to have a shorter one.
LONG = 60.0
#: Of a shortened run, the share that the summary leaves out at first, at most.
WARMUP = 0.2


def live(
    scenario: Name,
    assignments: Assignments = None,
    without: Annotated[
        list[str] | None, typer.Option(metavar="NODE", help="Take this proxy out.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=2**63 - 1, show_default=False, help="Default: the scenario's."
        ),
    ] = None,
    length: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="TIME",
            help="Run only so long, as in 20s: live time is real time. Default: the scenario's.",
        ),
    ] = None,
    costs: CostsFile = None,
    sequential: Annotated[
        bool,
        typer.Option(
            "--sequential",
            help="Send each request when the last is answered, and compare every decision.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write tables, trace, charts and a report there."),
    ] = None,
    charts: Annotated[
        bool | None, typer.Option("--charts/--no-charts", help="With --out. Default: charts.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why backends were chosen, beside their spans.")
    ] = False,
) -> None:
    """Run a scenario on real sockets, and lay it beside the simulation of the same requests."""
    import proxysim
    from proxysim.cli.files import made_ready, write
    from proxysim.cli.screen import json_out, progress_bar
    from proxysim.errors import ResultError
    from proxysim.results.decisions import disagreements

    if charts and out is None:
        raise ResultError("--charts has nowhere to go", mend="Say where, with --out DIR.")
    asked = chosen(scenario, assignments, costs)
    for node in without or ():
        asked = asked.without(node)
    if length is not None:
        asked = _shortened(asked, length)
    if out is not None:
        made_ready(out)
    _announce(asked, sequential=sequential, shortened=length is not None)

    hops: Any = SAMPLE if out is not None or explain else "none"
    options: dict[str, Any] = {"seed": seed, "hops": hops, "sequential": sequential}
    with progress_bar(f"{asked.name} live") as progress:
        found = proxysim.live(asked, explain=explain, progress=progress, **options)
    with progress_bar(f"{asked.name} simulated") as progress:
        simulated = proxysim.simulate(asked, progress=progress, **options)
    differing = disagreements(found, simulated) if sequential else []
    said = {
        "live": found.summary().to_dict(),
        "simulated": simulated.summary().to_dict(),
        "machine": found.manifest["live"],
    }
    if sequential:
        said["disagreements"] = [row._asdict() for row in differing]
    if as_json:
        json_out(said)
    else:
        _print(asked, found, simulated, differing if sequential else None)
    if out is not None:
        write(out, found, said, charts=charts is not False)
        simulated.to_csv(out / "simulated")
        typer.echo(f"Written to {out}; open {out / 'report.html'} in a browser.", err=as_json)
    if found.extra["live"]["void"] or differing:
        raise typer.Exit(1)


def _shortened(scenario: Scenario, length: str) -> Scenario:
    """*scenario*, its duration at most *length*, and its warm-up with it."""
    from proxysim.errors import ProxysimError, ScenarioError
    from proxysim.units import duration

    try:
        seconds = duration(length)
    except ProxysimError as error:
        error.place = "--for"
        raise
    if seconds <= 0:
        raise ScenarioError(f"found {length!r}", place="--for", mend="Give a time above zero.")
    run = scenario.document.run
    if seconds >= run.duration:
        return scenario
    warmup = min(run.warmup, WARMUP * seconds)
    return scenario.set({"run.duration": seconds, "run.warmup": warmup})


def _announce(scenario: Scenario, *, sequential: bool, shortened: bool) -> None:
    from proxysim.loopback.unlike import unlike
    from proxysim.units import format_duration

    for line in unlike(scenario):
        typer.echo(f"Not as simulated: {line}.", err=True)
    run = scenario.document.run
    if sequential:
        typer.echo("One request after another: this takes as long as their answers do.", err=True)
        return
    line = f"This takes {format_duration(run.duration)} of real time, and until the last answer."
    if run.duration > LONG and not shortened:
        line += " Shorter: --for 20s"
    typer.echo(line, err=True)


def _print(asked: Scenario, found: Run, simulated: Run, differing: list[Any] | None) -> None:
    from proxysim.cli.beside import beside_table, machine_lines
    from proxysim.cli.figures import choices_table, run_line, sights_table
    from proxysim.cli.screen import console, head
    from proxysim.results.knowledge import observers

    screen = console()
    screen.print(head(asked.title, asked.question, asked.watch_for))
    screen.print(run_line(found))
    for line in machine_lines(found):
        screen.print(line)
    screen.print()
    screen.print(beside_table(found, simulated))
    if found.choices:
        screen.print(choices_table(found))
    screen.print(sights_table(observers(found), observers(simulated), ("live", "simulated")))
    screen.print()
    if differing is None:
        return
    count = len(found.table("requests"))
    if not differing:
        screen.print(f"[bold green]All decisions are equal[/], of {count:,} requests.")
        return
    screen.print(f"[bold red]{len(differing):,} decisions differ[/], of {count:,} requests:")
    for row in differing[:10]:
        screen.print(
            f"  request {row.request}: {row.column} live {row.one}, simulated {row.other}",
            markup=False,
        )
