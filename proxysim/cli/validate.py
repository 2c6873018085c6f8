"""``proxysim validate``: theory, simulation, sockets and real programs held against each other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxysim.cli.chosen import Assignments, CostsFile, chosen, with_costs

if TYPE_CHECKING:
    from proxysim.scenario import Scenario
    from proxysim.studies.validate import Validation

__all__ = ["validate"]


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
        Path | None, typer.Option(metavar="FILE", help="Write what was found there, as a page.")
    ] = None,
) -> None:
    """Hold a scenario in theory, in simulated time and on sockets against each other.

    Without --costs the steps of a proxy are measured first, for the simulator to reckon with. Exit
    status 1 where the worlds do not agree.
    """
    from proxysim.cli.screen import json_out, progress_bar
    from proxysim.cli.standing import need_the_wire
    from proxysim.errors import ResultError, ScenarioError, did_you_mean
    from proxysim.studies.suite import BEHIND, suite
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
    found = []
    with _measured(costs) as profile:
        for one, engine in asked:
            called = one.name if engine is None else f"{one.name} with {engine}"
            with progress_bar(called) as progress:
                found.append(
                    held(
                        with_costs(one, profile),
                        engine=engine,
                        node=node,
                        rounds=rounds,
                        length=seconds,
                        requests=requests,
                        seed=seed,
                        progress=progress,
                    )
                )
            if not as_json:
                _print(found[-1])
    if as_json:
        said = [row.to_dict() for row in found]
        json_out(said[0] if scenario is not None and len(said) == 1 else said)
    if out is not None:
        from proxysim.studies.validation_page import page

        whose = "Costs of a profile, by `proxysim calibrate`."
        if costs is None:
            whose = "Costs measured just before."
        try:
            out.write_text(page(found, whose), encoding="utf-8")
        except OSError as error:
            raise ResultError(
                f"the page cannot be written: {error.strerror}", place=str(out)
            ) from None
    if not all(row.ok for row in found):
        raise typer.Exit(1)


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
    from rich.table import Table

    from proxysim.cli.screen import console

    screen = console()
    screen.print()
    name = found.scenario + (f", {found.engine} in the place of {found.node}" * bool(found.engine))
    verdict = "[bold green]agrees[/]" if found.ok else "[bold red]does not agree[/]"
    screen.print(f"[bold]{name}[/]: {verdict}", highlight=False)
    if found.differing is not None:
        screen.print(
            f"  {found.replayed} requests one after another: {found.differing} decisions differ",
            highlight=False,
        )
    screen.print(
        f"  {found.rounds} rounds of {found.length:g} s, {found.requests:,} requests in all",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), header_style="dim")
    table.add_column("")
    for title in ("simulated", "on sockets", "difference", "bound"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("")
    for check in found.checks:
        told, bound = check.told
        row = (check.what, check.text(check.expected), check.text(check.found), told, bound)
        table.add_row(*row, "" if check.ok else "[bold red]missed[/]")
    for said in found.theory:
        off = f"{(said.simulated / said.value - 1):+.1%}" if said.value else "-"
        table.add_row(
            f"theory, {said.node}: {said.figure} by {said.model}",
            f"{said.simulated:.4g}",
            f"{said.value:.4g} (formula)",
            off,
            f"{said.allowed / said.value:.1%}" if said.value else "-",
            "" if said.ok else "[bold red]missed[/]",
        )
    screen.print(table)
    for reason in found.void:
        screen.print(f"  a round was void: {reason}", highlight=False, markup=False)
    for note in found.notes:
        screen.print(f"  {found.engine}: {note}", style="dim", highlight=False, markup=False)
