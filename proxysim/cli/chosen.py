"""Which scenario a command is about: a name or file, and what is varied in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxysim.errors import ScenarioError

if TYPE_CHECKING:
    from proxysim.scenario import Scenario

__all__ = ["Assignments", "CostsFile", "Name", "chosen"]


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
    typer.Option("--costs", metavar="FILE", help="What steps cost, from a YAML file or a profile."),
]


def chosen(name: str, assignments: Sequence[str] | None, costs: Path | None = None) -> Scenario:
    """The scenario *name* with *costs* and all *assignments*, checked as a whole."""
    from proxysim.scenario import load, parse_assignment

    scenario = load(name)
    changes = dict(parse_assignment(text) for text in assignments or ())
    if costs is not None:
        changes = {"costs": _costs(costs)} | changes
    return scenario.set(changes) if changes else scenario


def _costs(path: Path) -> Any:
    """What *path*, a profile's name or a file of steps, says; errors name the file."""
    from proxysim.costs import PROFILES, from_mapping
    from proxysim.scenario.yaml_reader import MAX_BYTES, decode, read

    place = str(path)
    if place in PROFILES:
        return place
    try:
        with path.open("rb") as file:
            text = decode(file.read(MAX_BYTES + 1), place)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ScenarioError(
            f"the costs cannot be read: {reason}",
            place=place,
            mend=f"Give a YAML file of steps, or one of: {', '.join(PROFILES)}",
        ) from None
    steps = read(text, place).tree
    from_mapping(steps, place=place)
    return steps
