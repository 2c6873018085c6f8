"""How near two runs of the same requests come to each other, held against bounds set beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from proxysim.results.columns import Outcome
from proxysim.results.knowledge import observers
from proxysim.results.run import Run
from proxysim.results.summary import plain
from proxysim.units import format_duration

__all__ = ["ENGINE", "OWN", "Check", "Tolerances", "agreement"]


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far a run on sockets may be from the simulated one and still be said to agree.

    Shares of the simulated value for times and bytes, p95 and p99 alternatively ``slack`` seconds;
    absolute for ratios. None: not looked at.
    """

    mean: float | None = 0.05
    p50: float | None = 0.10
    p95: float | None = 0.15
    p99: float | None = 0.15
    slack: float = 0.002
    hit_ratio: float = 0.01
    load_share: float = 0.02
    bytes_down: float | None = 0.02
    views: float | None = 0.02


#: For our own proxies on sockets, and for a real program in the place of one of them.
OWN = Tolerances()
ENGINE = Tolerances(
    mean=None,
    p50=0.15,
    p95=None,
    p99=None,
    hit_ratio=0.03,
    load_share=0.03,
    bytes_down=None,
    views=None,
)


@dataclass(frozen=True, slots=True)
class Check:
    """One figure: as *expected*, as *found* (the median round), and how far it may be off.

    ``difference`` is the median over the rounds, in the unit of ``allowed``: a share, points of a
    ratio, seconds, or a count.
    """

    what: str
    expected: float | None
    found: float | None
    difference: float
    allowed: float
    kind: str  # share, points, count

    @property
    def ok(self) -> bool:
        """Whether it is within its bound."""
        return abs(self.difference) <= self.allowed

    def text(self, value: float | None) -> str:
        """*value* as people read it."""
        if value is None:
            return "-"
        if self.what in _TIMES:
            return format_duration(value)
        return f"{value:.1%}" if self.kind == "points" else f"{value:,.0f}"

    @property
    def told(self) -> tuple[str, str]:
        """The difference and its bound as people read them."""
        if self.kind == "share":
            return f"{self.difference:+.1%}", f"{self.allowed:.0%}"
        if self.kind == "points":
            return f"{100 * self.difference:+.1f} points", f"{100 * self.allowed:g} points"
        return f"{self.difference:,.0f}", f"{self.allowed:,.0f}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        named = {name: plain(getattr(self, name)) for name in self.__slots__}
        return {**named, "ok": self.ok}


_TIMES = ("mean", "p50", "p95", "p99")


def agreement(
    pairs: Sequence[tuple[Run, Run]], tolerances: Tolerances, proxy: str | None = None
) -> list[Check]:
    """What *pairs* of runs, on sockets and simulated, agree in: a check for each figure.

    With *proxy*, another program stands there, which tells nothing: then what it answered itself
    takes the place of its hits. Needs one pair at least.
    """
    found: dict[str, list[tuple[float | None, float | None, float]]] = {}
    bounds: dict[str, tuple[float, str]] = {}
    for live, simulated in pairs:
        for what, one, other, difference, allowed, kind in _figures(
            live, simulated, tolerances, proxy
        ):
            found.setdefault(what, []).append((one, other, difference))
            bounds[what] = (max(allowed, bounds.get(what, (allowed, kind))[0]), kind)
    checks = []
    for what, rounds in found.items():
        middle = sorted(rounds, key=lambda row: row[2])[len(rounds) // 2]
        difference = median(row[2] for row in rounds)
        checks.append(Check(what, middle[1], middle[0], difference, *bounds[what]))
    return checks


Figure = tuple[str, float | None, float | None, float, float, str]


def _figures(
    live: Run, simulated: Run, tolerances: Tolerances, proxy: str | None
) -> Iterator[Figure]:
    mine, theirs = live.summary(), simulated.summary()
    status = _unlike(live, simulated, "status") if proxy else _unlike_blocked(live, simulated)
    what = "answers of another status" if proxy else "blocked or not, otherwise"
    yield what, None, None, float(status), len(live.column("id")) // 100 if proxy else 0.0, "count"
    for name in _TIMES:
        allowed = getattr(tolerances, name)
        one, other = mine.latency[name], theirs.latency[name]
        if allowed is None or not one or not other:
            continue
        if name in ("p95", "p99"):
            allowed = max(allowed, tolerances.slack / other)
        yield name, one, other, one / other - 1, allowed, "share"
    yield from _hits(live, simulated, tolerances, proxy)
    whole = sum(theirs.load.values())
    got = sum(mine.load.values())
    if len(theirs.load) > 1 and whole and got:
        for server, count in theirs.load.items():
            share, due = mine.load.get(server, 0) / got, count / whole
            yield f"load of {server}", share, due, share - due, tolerances.load_share, "points"
    if tolerances.bytes_down is not None and theirs.bytes_down:
        difference = mine.bytes_down / theirs.bytes_down - 1
        yield (
            "bytes to clients",
            mine.bytes_down,
            theirs.bytes_down,
            difference,
            tolerances.bytes_down,
            "share",
        )
    if tolerances.views is not None and live.extra["live"].get("addresses") is None:
        difference = _sights_apart(live, simulated)
        yield "who sees what", None, None, difference, tolerances.views, "points"


def _hits(live: Run, simulated: Run, tolerances: Tolerances, proxy: str | None) -> Iterator[Figure]:
    if proxy is not None:
        if simulated.facts.get(proxy, {}).get("cache"):
            one, other = _own_answers(live, proxy), _own_answers(simulated, proxy)
            what = f"answered by {proxy} itself"
            yield what, one, other, one - other, tolerances.hit_ratio, "points"
        return
    mine, theirs = live.summary().hit_ratio, simulated.summary().hit_ratio
    for node, due in theirs.items():
        got = mine.get(node)
        if got is not None and due is not None:
            yield f"hit ratio of {node}", got, due, got - due, tolerances.hit_ratio, "points"


def _own_answers(run: Run, proxy: str) -> float:
    """The share of good answers that *proxy* gave without asking a server."""
    names = run.names("served_by")
    good = run.counted & (run.column("status") < 300) & (run.column("status") > 0)
    mine = run.column("served_by") == (names.index(proxy) if proxy in names else -1)
    return float(mine[good].mean()) if good.any() else 0.0


def _unlike(live: Run, simulated: Run, column: str) -> int:
    return int(np.count_nonzero(live.column(column) != simulated.column(column)))


def _unlike_blocked(live: Run, simulated: Run) -> int:
    blocked = [run.column("outcome") == int(Outcome.BLOCKED) for run in (live, simulated)]
    return int(np.count_nonzero(blocked[0] != blocked[1]))


def _sights_apart(live: Run, simulated: Run) -> float:
    """By how much the share of requests that told a party a secret differs at most."""
    shares: list[Mapping[str, tuple[float, ...]]] = [
        {found.name: found.shares for found in observers(run)} for run in (live, simulated)
    ]
    none = (0.0,) * 4
    apart = [
        abs(one - other)
        for name in {*shares[0], *shares[1]}
        for one, other in zip(shares[0].get(name, none), shares[1].get(name, none), strict=True)
    ]
    return max(apart, default=0.0)
