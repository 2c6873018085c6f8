"""Experiments: runs that a learner can repeat from the command line, and what came of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import proxysim
from proxysim.errors import ResultError, did_you_mean

if TYPE_CHECKING:
    from proxysim.results.run import Run
    from proxysim.scenario import Scenario

__all__ = ["Setting", "answered", "command", "found_at", "runs", "scenario", "told"]

#: Scenario, assignments as the command line takes them, proxies left out for comparison.
Setting = tuple[str, tuple[str, ...], tuple[str, ...]]


def command(setting: Setting, seed: int) -> str:
    """What to type to see it: ``proxysim run NAME --set PATH=VALUE --seed N``."""
    name, assignments, without = setting
    words = ["proxysim", "run", name]
    for assignment in assignments:
        words += ["--set", assignment]
    for node in without:
        words += ["--without", node]
    return shlex.join([*words, "--seed", str(seed)])


def scenario(setting: Setting) -> Scenario:
    """The scenario that *setting* varies, with the proxies that are later left out."""
    from proxysim.scenario import parse_assignment

    name, assignments, _ = setting
    found = proxysim.load(name)
    return found.set(dict(map(parse_assignment, assignments))) if assignments else found


def runs(setting: Setting, seed: int) -> tuple[Run, Run | None]:
    """The run of *setting*, and the same requests without its proxies, if it leaves some out."""
    asked = scenario(setting)
    run = proxysim.simulate(asked, seed=seed)
    if not setting[2]:
        return run, None
    for node in setting[2]:
        asked = asked.without(node)
    return run, proxysim.simulate(asked, seed=seed)


@lru_cache(maxsize=256)
def answered(setting: Setting, seed: int) -> dict[str, Any]:
    """What ``proxysim run --json`` prints of *setting*, and ``sees``, as its tables show it.

    Kept for the life of the process: a run of a given seed is always the same. ``differences`` are
    nested by section and label; ``sees`` says by party which share of requests told it the
    ``client``, the ``site``, the ``page`` and the ``contents``; ``shares`` are outcomes in shares,
    ``clients`` outcomes by group of clients, ``attempts`` the mean number of requests sent for one.
    """
    run, bare = runs(setting, seed)
    found = told(run)
    if bare is not None:
        found["without"] = told(bare)
        nested: dict[str, dict[str, Any]] = {}
        for row in proxysim.differences(run, bare):
            nested.setdefault(row.section, {})[row.label] = row.to_dict()
        found["differences"] = nested
    return found


def told(run: Run) -> dict[str, Any]:
    """The summary of *run*, with what :func:`answered` adds to it."""
    from proxysim.results.knowledge import SECRETS, observers

    found: dict[str, Any] = run.summary().to_dict()
    names = [secret.partition("'")[0] for secret in SECRETS]
    found["sees"] = {
        party.name: dict(zip(names, party.shares, strict=True)) for party in observers(run)
    }
    arrived = found["requests"]["arrived"]
    found["shares"] = {
        outcome: count / arrived if arrived else 0.0 for outcome, count in found["requests"].items()
    }
    found["clients"] = _by_group(run)
    found["attempts"] = float(run.column("attempts")[run.counted].mean()) if arrived else None
    return found


def _by_group(run: Run) -> dict[str, dict[str, int]]:
    """How many counted requests of each group of clients came to which end, and in all."""
    outcomes = run.names("outcome")
    groups = [str(run.fact(name).get("group") or name) for name in run.names("client")]
    counted = run.counted
    pairs = zip(
        run.column("client")[counted].tolist(), run.column("outcome")[counted].tolist(), strict=True
    )
    found: dict[str, dict[str, int]] = {}
    for client, outcome in pairs:
        ends = found.setdefault(groups[client], {"arrived": 0, **dict.fromkeys(outcomes, 0)})
        ends["arrived"] += 1
        ends[outcomes[outcome]] += 1
    return found


def found_at(tree: Any, path: str) -> float | None:
    """The number at the dotted *path* of *tree*; names may hold dots.

    Raises ResultError where there is nothing, or no number.
    """
    here, rest = tree, path
    while rest:
        step = next(_steps(here, rest), None)
        if step is None:
            known = here if isinstance(here, dict) else ()
            raise ResultError(f"nothing is at {path!r}", mend=f"{did_you_mean(rest, known)}.")
        here, rest = here[step], rest[len(step) + 1 :]
    if here is not None and not isinstance(here, int | float):
        raise ResultError(f"there is no number at {path!r}", mend=f"{did_you_mean('', here)}.")
    return here


def _steps(here: Any, rest: str) -> Iterator[str]:
    """The keys of *here* that *rest* may begin with, the longest first."""
    if isinstance(here, dict):
        keys = [key for key in here if f"{rest}.".startswith(f"{key}.")]
        yield from sorted(keys, key=len, reverse=True)
