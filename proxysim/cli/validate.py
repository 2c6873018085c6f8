"""``proxysim validate``: theory, simulation, sockets and real programs held against each other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxysim.cli.chosen import Assignments, CostsFile, chosen, with_costs
from proxysim.errors import ProxysimError, ResultError, ScenarioError, did_you_mean

if TYPE_CHECKING:
    from rich.table import Table

    from proxysim.scenario import Scenario
    from proxysim.studies.validate import Validation

__all__ = ["validate"]

#: About how many seconds it takes to measure what steps cost.
CALIBRATION = 30.0


def validate(
    scenario: Annotated[
        str | None,
        typer.Argument(
            metavar="[SCENARIO]", help="A shipped name, or a file. Default: the suite of ten."
        ),
    ] = None,
    assignments: Assignments = None,
    engines: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="ENGINE",
            help="Put nginx, haproxy or squid in the proxy's place; of the suite, beside our own.",
        ),
    ] = None,
    node: Annotated[
        str | None, typer.Option(metavar="NODE", help="With --with: in the place of which proxy.")
    ] = None,
    rounds: Annotated[int, typer.Option(metavar="N", min=1, help="Rounds of both worlds.")] = 3,
    length: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long each round is.")
    ] = "20s",
    requests: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Requests replayed one after another; 0: none."),
    ] = 300,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=2**63 - 1, show_default=False, help="Default: the scenario's."
        ),
    ] = None,
    costs: CostsFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write what was found there, as a page, with its charts beside."
        ),
    ] = None,
) -> None:
    """Hold a scenario in theory, in simulated time and on sockets against each other.

    Without --costs the steps of a proxy are measured first, for the simulator to reckon with. How
    long it will take is told before it begins. Exit status 1 where the worlds do not agree, or too
    few rounds may be believed.
    """
    from proxysim.cli.screen import json_out, progress_bar
    from proxysim.cli.standing import need_the_wire
    from proxysim.studies.suite import BEHIND, suite
    from proxysim.studies.validate import not_made
    from proxysim.studies.validate import validate as held
    from proxysim.units import duration

    need_the_wire()
    seconds = duration(length)
    if seconds <= 0:
        raise ScenarioError(f"found {length!r}", place="--for", mend="Give a time above zero.")
    if node is not None and not engines:
        raise ResultError("--node names whose place is taken", mend="Say by whom, with --with.")
    if out is not None and out.is_dir():
        raise ResultError("the page cannot be written: it is a directory", place=str(out))
    asked: list[tuple[Scenario, str | None]] = []
    if scenario is not None:
        one = _chosen(scenario, assignments)
        asked = [(one, engine) for engine in engines] if engines else [(one, None)]
    else:
        if assignments or node is not None:
            raise ResultError(
                "--set and --node are about one scenario", mend="Name it: proxysim validate NAME"
            )
        scenarios = {found.name: found for found in suite()}
        asked = [(found, None) for found in scenarios.values()]
        for program in engines or ():
            if program not in BEHIND:
                raise ScenarioError(
                    f"found {program!r}", place="--with", mend=did_you_mean(program, BEHIND) + "."
                )
            asked += [(scenarios[name], program) for name in BEHIND[program]]
    for program in engines or ():
        _installed(program)
    typer.echo(_announced(asked, rounds, seconds, requests, calibrated=costs is not None), err=True)
    found = []
    with _measured(costs) as profile:
        for one, engine in asked:
            called = one.name if engine is None else f"{one.name} with {engine}"
            try:
                with progress_bar(called) as progress:
                    row = held(
                        with_costs(one, profile),
                        engine=engine,
                        node=node,
                        rounds=rounds,
                        length=seconds,
                        requests=requests,
                        seed=seed,
                        progress=progress,
                    )
            except ProxysimError as error:
                if len(asked) == 1:
                    raise
                # One that fails must not cost the others, nor be passed over.
                row = not_made(one, engine, rounds, str(error))
            found.append(row)
            if not as_json:
                _print(row)
    if as_json:
        said = [row.to_dict() for row in found]
        json_out(said[0] if scenario is not None and len(said) == 1 else said)
    if out is not None:
        whose = "Costs of a profile, by `proxysim calibrate`."
        if costs is None:
            whose = "Costs measured just before."
        files = _written(found, out, whose)
        charts = f", and {len(files)} charts in {files[0].parent}" if files else ""
        typer.echo(f"Written: {out}{charts}", err=as_json)
    if not all(row.ok for row in found):
        raise typer.Exit(1)


def _installed(engine: str) -> None:
    """ScenarioError where *engine* is known and not there: before all the rest is measured."""
    from proxysim.engines import ENGINES
    from proxysim.engines.running import program

    if engine in ENGINES:
        program(engine)


def _announced(
    asked: Sequence[tuple[Scenario, str | None]],
    rounds: int,
    seconds: float,
    requests: int,
    *,
    calibrated: bool,
) -> str:
    """How long it will take, and why."""
    from proxysim.studies.validate import seconds_of
    from proxysim.units import format_duration

    took = 0.0 if calibrated else CALIBRATION
    for one, engine in asked:
        took += seconds_of(one, engine=engine, rounds=rounds, length=seconds, requests=requests)
    many = f"{len(asked)} scenarios, " if len(asked) > 1 else ""
    times = f"{rounds} rounds" if rounds > 1 else "a round"
    return (
        f"This takes about {format_duration(took)}: {many}{times} of {format_duration(seconds)}"
        f"{' each' if many else ''}; longer where rounds are void and made again. Nothing else"
        " should keep this machine busy meanwhile."
    )


def _written(found: Sequence[Validation], out: Path, whose: str) -> list[Path]:
    """The page of what was *found*, at *out*, and its charts in a directory of its name."""
    from proxysim.charts import save
    from proxysim.studies.validate_charts import figures
    from proxysim.studies.validation_page import page

    folder = out.with_suffix("")
    if folder == out:
        folder = out.with_name(f"{out.name}-charts")
    files = save(figures(found), folder, ("png",))
    pictures = {file.stem: f"{folder.name}/{file.name}" for file in files}
    try:
        out.write_text(page(found, whose, pictures), encoding="utf-8")
    except OSError as error:
        raise ResultError(f"the page cannot be written: {error.strerror}", place=str(out)) from None
    return files


def _chosen(name: str, assignments: Sequence[str] | None) -> Scenario:
    """One of the suite by its name, or whatever else is called so."""
    from proxysim.scenario import parse_assignment
    from proxysim.studies.suite import suite

    for found in suite():
        if found.name == name:
            return found.set(dict(map(parse_assignment, assignments or ())))
    return chosen(name, assignments)


@contextmanager
def _measured(costs: Path | None) -> Iterator[Path]:
    """The profile *costs*; one measured now where none is given."""
    if costs is not None:
        yield costs
        return
    from proxysim.cli.screen import progress_bar
    from proxysim.loopback.calibrate import calibrate

    with progress_bar("calibrating") as progress:
        found = calibrate(quick=True, progress=progress)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "costs.yaml"
        path.write_text(found.to_yaml(), encoding="utf-8")
        yield path


def _print(found: Validation) -> None:
    from proxysim.cli.screen import console

    screen = console()
    screen.print()
    name = found.scenario + (f", {found.engine} in the place of {found.node}" * bool(found.engine))
    colour = {"agrees": "green", "void": "yellow"}.get(found.verdict, "red")
    screen.print(f"[bold]{name}[/]: [bold {colour}]{found.verdict}[/]", highlight=False)
    if found.differing is not None:
        screen.print(
            f"  {found.replayed} requests one after another: {found.differing} decisions differ",
            highlight=False,
        )
    screen.print(
        f"  {found.rounds} of {found.wanted} rounds of {found.length:g} s,"
        f" {found.requests:,} requests in all",
        highlight=False,
    )
    if found.checks:
        screen.print(_checks(found))
    if found.theory:
        screen.print(_theory(found))
    for reason in found.void:
        screen.print(f"  a round was void: {reason}", highlight=False, markup=False)
    for note in found.notes:
        screen.print(f"  {found.engine}: {note}", style="dim", highlight=False, markup=False)


def _checks(found: Validation) -> Table:
    table = _table("", "simulated", "on sockets", "difference", "bound")
    for check in found.checks:
        told, bound = check.told
        row = (check.what, check.text(check.expected), check.text(check.found), told, bound)
        table.add_row(*row, _missed(check.ok))
    return table


def _theory(found: Validation) -> Table:
    """Formulas beside simulations of the whole scenario, and what the rounds on sockets gave."""
    table = _table("theory", "formula", "simulated", "bound", "on sockets")
    for said in found.theory:
        table.add_row(
            f"{said.model}, {said.node}: {said.figure.replace('_', ' ')}",
            said.text(said.value),
            said.text(said.simulated),
            f"± {said.text(said.allowed)}",
            said.text(said.live),
            _missed(said.ok),
        )
    return table


def _table(*titles: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), header_style="dim")
    table.add_column(titles[0])
    for title in titles[1:]:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("")
    return table


def _missed(ok: bool) -> str:
    return "" if ok else "[bold red]missed[/]"
