"""Which scenario a command is about: a name or file, and what is varied in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from proxysim.scenario import Scenario

__all__ = ["Assignments", "CostsFile", "Name", "chosen", "with_costs"]


def _shipped(incomplete: str) -> list[str]:
    """For the shell's completion."""
    from proxysim.scenario import shipped

    return [name for name in shipped() if name.startswith(incomplete)]


Name = Annotated[
    str,
    typer.Argument(metavar="SCENARIO", help="A shipped name, or a file.", autocompletion=_shipped),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Vary a field: nodes.shop.count=8"),
]
CostsFile = Annotated[
    Path | None,
    typer.Option(
        "--costs",
        metavar="FILE",
        help="What steps cost, from a YAML file or a profile; it goes before the scenario's.",
    ),
]


def chosen(name: str, assignments: Sequence[str] | None, costs: Path | None = None) -> Scenario:
    """The scenario *name* with *costs* and all *assignments*, checked as a whole."""
    from proxysim.scenario import load, parse_assignment

    scenario = load(name)
    changes = dict(parse_assignment(text) for text in assignments or ())
    if costs is not None:
        changes = _costs(scenario, costs) | changes
    return scenario.set(changes) if changes else scenario


def with_costs(scenario: Scenario, costs: Path) -> Scenario:
    """*scenario*, its steps as dear as *costs* says."""
    return scenario.set(_costs(scenario, costs))


def _costs(scenario: Scenario, path: Path) -> dict[str, Any]:
    """What *path*, a profile's name or a file of steps, changes in *scenario*."""
    from proxysim.costs import PROFILES
    from proxysim.scenario.costing import read_profile, with_profile

    if (name := str(path)) in PROFILES:
        return with_profile(scenario.document, {"profile": name})
    return with_profile(scenario.document, read_profile(path), scenario.directory)
