"""Validation: one scenario in theory, in simulated time, on sockets, and with a real program."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from proxysim import theory
from proxysim.engines.running import program
from proxysim.errors import RunError
from proxysim.loopback import live
from proxysim.results.decisions import disagreements
from proxysim.results.run import Run
from proxysim.scenario import Scenario, load
from proxysim.scenario.build_workload import workload_of
from proxysim.sim import simulate
from proxysim.studies.agreement import ENGINE, OWN, Check, Tolerances, agreement
from proxysim.studies.doctrine import Doctrine, Taught, doctrine
from proxysim.studies.panels import Panel, panels
from proxysim.studies.running import Progress, whole
from proxysim.studies.stand_ins import stand_in_for, with_nothing_behind
from proxysim.workload.sequence import in_sequence

if TYPE_CHECKING:
    from proxysim.studies.validate_charts import ValidationPlots

__all__ = ["Validation", "not_made", "seconds_of", "validate"]

#: Requests of the sequential replay, seconds of a round, and how often a void one is tried again.
REQUESTS = 300
LENGTH = 20.0
AGAIN = 2
#: Of a round, the share that is left out at its beginning.
WARMUP = 0.15
#: About how many seconds it takes to begin and end the processes of a live run.
BESIDES = 2.5
#: About how many it takes to hold theory against simulations.
DOCTRINE = 5.0


@dataclass(frozen=True, slots=True)
class Validation:
    """What came of it: each *check*, the decisions, what theory says, and what was void.

    ``differing`` counts the decisions of ``replayed`` requests that were not the same one after
    another; None where they were not replayed. With an ``engine`` in place of the proxy ``node``,
    ``notes`` are what the program does otherwise. Of the rounds that were ``wanted`` those that are
    ``void`` are left out; where fewer are left, nothing is said to agree. ``panels`` are the
    distributions that ``plot`` draws.
    """

    scenario: str
    title: str
    checks: tuple[Check, ...]
    tolerances: Tolerances
    rounds: int
    length: float
    requests: int
    void: tuple[str, ...] = ()
    replayed: int = 0
    differing: int | None = None
    theory: tuple[Doctrine, ...] = ()
    declined: tuple[str, ...] = ()
    engine: str = ""
    node: str = ""
    notes: tuple[str, ...] = ()
    wanted: int = 1
    panels: tuple[Panel, ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        """Whether the worlds agree in everything that was held against a bound."""
        return self.verdict == "agrees"

    @property
    def verdict(self) -> str:
        """``agrees``, ``does not agree``, or ``void``: too few rounds that may be believed."""
        if self.rounds < max(1, self.wanted):
            return "void"
        held = [check.ok for check in self.checks] + [row.ok for row in self.theory]
        return "agrees" if all(held) and not self.differing else "does not agree"

    @property
    def plot(self) -> ValidationPlots:
        """The charts: ``plot.latency()``, ``.queue("shop")``, ``.parity()``, ``.shares()``."""
        from proxysim.studies.validate_charts import ValidationPlots

        return ValidationPlots([self])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "scenario": self.scenario,
            "ok": self.ok,
            "verdict": self.verdict,
            "rounds": self.rounds,
            "wanted": self.wanted,
            "seconds": self.length,
            "requests": self.requests,
            "void": list(self.void),
            "replayed": self.replayed,
            "differing": self.differing,
            "checks": [check.to_dict() for check in self.checks],
            "theory": [row.to_dict() for row in self.theory],
            "declined": list(self.declined),
            "engine": self.engine or None,
            "node": self.node or None,
            "notes": list(self.notes),
            "distributions": [panel.to_dict() for panel in self.panels],
        }

    def _repr_html_(self) -> str:
        from proxysim.studies.validation_html import fragment

        return fragment(self)


def validate(
    scenario: Scenario | str | os.PathLike[str],
    *,
    engine: str | None = None,
    node: str | None = None,
    rounds: int = 3,
    length: float = LENGTH,
    requests: int = REQUESTS,
    seed: int | None = None,
    tolerances: Tolerances | None = None,
    progress: Progress | None = None,
) -> Validation:
    """Hold *scenario* in simulated time against sockets, and against theory where there is one.

    *rounds* of *length* seconds run live and simulated in turns, each of its own requests, the same
    in both; the median of the rounds must be within *tolerances*, which are set beforehand. First
    *requests* of them are replayed one after another: every decision must be the same (0: not
    done). With an *engine* (nginx, haproxy, squid) that program stands in the place of the proxy
    *node*, and its decisions are its own. What steps cost, the scenario should know: see
    :func:`proxysim.loopback.calibrate.calibrate`. A void round is made again, but no more than two.
    Raises RunError where every round is void.
    """
    if not isinstance(scenario, Scenario):
        scenario = load(scenario)
    rounds = whole(rounds, "rounds", 1)
    requests = whole(requests, "requests")
    steps = _Steps(progress, bool(requests and engine is None), rounds)
    stand_in = None
    if engine is not None:
        stand_in = stand_in_for(engine, scenario, node)
        program(engine)  # which says what to install, before anything takes time
        scenario = with_nothing_behind(scenario, stand_in.node)
    replayed, differing = 0, None
    if requests and stand_in is None:
        replayed, differing = _replayed(scenario, requests, seed)
        steps.done()
    short = _round_of(scenario, length)
    stand_ins = {} if stand_in is None else {stand_in.node: stand_in}
    pairs: list[tuple[Run, Run]] = []
    void: list[str] = []
    replication = 0
    while len(pairs) < rounds and len(void) <= AGAIN:
        views = stand_in is None
        found = live(
            short,
            seed=seed,
            replication=replication,
            views=views,
            stand_ins=stand_ins,
            progress=steps.within,
        )
        if reason := found.extra["live"]["void"]:
            void.append(reason)
        else:
            simulated = simulate(short, seed=seed, replication=replication, views=views)
            pairs.append((found, simulated))
            steps.done()
        replication += 1
    if not pairs:
        raise RunError(
            f"every round is void: {void[0]}",
            place=scenario.name,
            mend="Ask for less a second, or wait until the machine has time.",
        )
    held = tolerances or (OWN if stand_in is None else ENGINE)
    taught = Taught()
    if stand_in is None:
        taught = doctrine(scenario, seed=seed, rounds=[found for found, _ in pairs])
    return Validation(
        scenario.name,
        scenario.title,
        tuple(agreement(pairs, held, None if stand_in is None else stand_in.node)),
        held,
        len(pairs),
        short.document.run.duration,
        sum(len(found.column("id")) for found, _ in pairs),
        tuple(void),
        replayed,
        differing,
        taught.rows,
        taught.declined,
        engine or "",
        "" if stand_in is None else stand_in.node,
        () if stand_in is None else stand_in.notes,
        rounds,
        panels(pairs, scenario, taught, engine or ""),
    )


def not_made(scenario: Scenario, engine: str | None, rounds: int, reason: str) -> Validation:
    """Of a validation that came to nothing: what was asked for, and the *reason*; it is void."""
    return Validation(
        scenario.name, scenario.title, (), OWN if engine is None else ENGINE, 0, 0.0, 0,
        (reason,), engine=engine or "", wanted=rounds,
    )  # fmt: skip


def seconds_of(
    scenario: Scenario, *, engine: str | None = None, rounds: int, length: float, requests: int
) -> float:
    """About how long :func:`validate` will take, in seconds, on a machine that has time.

    Rounds take as long as they are, with the processes begun and ended; the replay as long as its
    requests take one after another, which a simulation of it tells.
    """
    short = _round_of(scenario, length)
    took = rounds * (short.document.run.duration + BESIDES)
    if engine is None and any(made.grade != "bound" for made in theory.of(scenario).made):
        took += DOCTRINE
    if engine is None and requests:
        took += BESIDES + _span(simulate(_first(scenario, requests, None), sequential=True))
    return took


def _span(run: Run) -> float:
    """How long the requests of a sequential run took, one after another."""
    return float(run.column("latency").sum())


class _Steps:
    """Tells *progress* the share done: a replay, if there is one, and rounds."""

    def __init__(self, progress: Progress | None, replay: bool, rounds: int) -> None:
        self._progress = progress
        self._all = rounds + (1 if replay else 0)
        self._done = 0

    def within(self, share: float) -> None:
        if self._progress is not None:
            self._progress((self._done + share) / self._all)

    def done(self) -> None:
        self._done += 1
        self.within(0.0)


def _replayed(scenario: Scenario, requests: int, seed: int | None) -> tuple[int, int]:
    """So many requests one after another in both worlds: how many, and unlike decisions."""
    short = _first(scenario, requests, seed)
    mine, theirs = (world(short, seed=seed, sequential=True) for world in _WORLDS)
    return len(mine.column("id")), len(disagreements(mine, theirs))


def _first(scenario: Scenario, requests: int, seed: int | None) -> Scenario:
    """As much of *scenario* as has so many requests."""
    run = scenario.document.run
    turns = in_sequence(
        workload_of(scenario, run.seed if seed is None else seed).groups, run.duration
    )
    ats = [turn.at for turn in islice(turns, requests + 1)]
    if len(ats) <= requests:
        return scenario
    return scenario.set({"run.duration": ats[-1], "run.warmup": min(run.warmup, ats[-1] / 5)})


_WORLDS: Sequence[Callable[..., Run]] = (live, simulate)


def _round_of(scenario: Scenario, length: float) -> Scenario:
    run = scenario.document.run
    if length >= run.duration:
        return scenario
    return scenario.set({"run.duration": length, "run.warmup": min(run.warmup, WARMUP * length)})
