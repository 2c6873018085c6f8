"""What a run can be measured by: one list for comparisons, sweeps, plans and the command line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from proxysim import units
from proxysim.errors import ResultError, did_you_mean
from proxysim.results.columns import OUTCOMES
from proxysim.results.run import Run
from proxysim.scenario import Scenario
from proxysim.studies.menu import MENU, Better, Of, Reading, quantile

__all__ = ["Metric", "Prices", "metric", "metrics_of", "names", "usual"]

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,6})?)")
_EXAMPLES = {"outcome": "rejected", "figure": "p95"}


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a run; *share* where it is a quantile of ok answers.

    *unit* is ``s``, ``share``, ``1/s``, ``B``, ``1/h`` (money), or empty for plain numbers;
    *better* says which way is good: ``less``, ``more``, or neither. *of* and *target* say of which
    node or link it is. Equal by name and prices; can be pickled.
    """

    name: str
    unit: str
    better: Better
    says: str
    read: Callable[[Run], float | None] = field(compare=False, repr=False)
    share: float | None = None
    of: Of = ""
    target: str = ""
    prices: Prices | None = None

    def value(self, run: Run) -> float | None:
        """The figure of *run*, over requests that arrive in [warmup, duration); None: no such."""
        found = self.read(run)
        return None if found is None or not math.isfinite(found) else float(found)

    @property
    def needs(self) -> int:
        """How many ok answers a run must have for it: what a quantile takes to be supported."""
        from proxysim.statistics.support import needed  # scipy, for which workers need not wait

        return 0 if self.share is None else needed(self.share)

    def text(self, value: float | None) -> str:
        """*value* as people read it, with its unit."""
        if value is None or math.isnan(value):
            return "-"
        if self.unit == "s":
            return units.format_duration(value)
        if self.unit == "B":
            return units.format_bytes(value)
        if self.unit == "1/s":
            return units.format_rate(value)
        if self.unit == "share":
            return f"{value:.3%}" if 0 < abs(value) < 0.01 else f"{value:.1%}"
        return f"{value:,.2f}/h" if self.unit == "1/h" else f"{value:.4g}"


@dataclass(frozen=True, slots=True)
class Prices:
    """What a fleet costs: *server_hour* for each member of a server group, *gb_out* for each GB.

    In any one currency. GB are 10^9 bytes of bodies that reach the clients.
    """

    server_hour: float = 0.0
    gb_out: float = 0.0

    def __post_init__(self) -> None:
        for name in ("server_hour", "gb_out"):
            price = getattr(self, name)
            if not (math.isfinite(price) and price >= 0):
                raise ResultError(f"found {price!r}", place=name, mend="Give a price of 0 or more.")

    def an_hour(self, run: Run) -> float:
        """What an hour like *run* costs."""
        servers = sum(fact.get("kind") == "server" for fact in run.facts.values())
        out = float(run.summary().bytes_down) / 1e9 / ((run.duration - run.warmup) / 3600)
        return float(servers * self.server_hour + out * self.gb_out)


def names() -> list[str]:
    """All that can be measured, as words to choose from."""
    return [
        "mean",
        "p50",
        "p95",
        "p99",
        "p99.9",
        *(name for name in MENU if name != "mean"),
        "cost",
    ]


def metric(name: str, prices: Prices | None = None) -> Metric:
    """The metric called *name*: ``p99``, ``hit_ratio.edge``, ``utilisation.shop``, ``cost``.

    ResultError, with the nearest name, where there is no such.
    """
    asked = str(name).strip()
    if found := _PERCENTILE.fullmatch(asked):
        says = f"the latency that {found[1]} % of ok answers do not exceed"
        read = partial(_read, quantile, asked)
        return Metric(asked, "s", "less", says, read, _share(asked, found[1]))
    if asked == "cost":
        return _cost(prices)
    word, dot, target = asked.partition(".")
    if word not in MENU:
        raise ResultError(f"there is no metric {asked!r}", mend=f"{did_you_mean(word, names())}.")
    kind = MENU[word]
    if (dot and not kind.of) or (kind.required and not target) or (dot and not target):
        one = f"{word} stands alone." if not kind.of else f"Name the {kind.of}, as in"
        example = f" {word}.{_EXAMPLES.get(kind.of, 'NAME')}" if kind.of else ""
        raise ResultError(f"found the metric {asked!r}", mend=one + example)
    share = None
    if kind.of == "figure" and target not in ("mean", "max"):
        if not (found := _PERCENTILE.fullmatch(target)):
            mend = "Give mean, max or a percentile, such as p95."
            raise ResultError(f"found the metric {asked!r}", mend=mend)
        share = _share(asked, found[1])
    if kind.of == "outcome" and target not in OUTCOMES:
        raise ResultError(
            f"{asked}: no outcome is called {target!r}", mend=f"{did_you_mean(target, OUTCOMES)}."
        )
    read = partial(_read, kind.read, target)
    return Metric(asked, kind.unit, kind.better, kind.says, read, share, kind.of, target)


def metrics_of(
    asked: Iterable[str | Metric], scenarios: Sequence[Scenario], prices: Prices | None = None
) -> list[Metric]:
    """The metrics *asked* for, each once; whatever one is of, one of *scenarios* must have.

    A scenario that lacks it, such as the one without the proxy, has no value then.
    """
    found: dict[str, Metric] = {}
    for name in asked:
        one = name if isinstance(name, Metric) else metric(name, prices)
        _check(one, scenarios)
        found[one.name] = one
    if not found:
        raise ResultError("no metric to measure by", mend=f"Known: {', '.join(names())}.")
    return list(found.values())


def usual(scenarios: Sequence[Scenario]) -> list[Metric]:
    """What most want to know of *scenarios*, where nobody says what."""
    wanted = ["mean", "p50", "p95", "p99", "throughput", "error_rate"]
    if any(_caches(scenario) for scenario in scenarios):
        wanted.append("hit_ratio")
    return [metric(name) for name in wanted]


def _read(read: Reading, target: str, run: Run) -> float | None:
    return read(run, target)


def _cost(prices: Prices | None) -> Metric:
    if prices is None or prices == Prices():
        raise ResultError(
            "nothing has a price", place="cost", mend="Say what a server hour or a GB out costs."
        )
    says = "servers and bytes out, an hour"
    return Metric("cost", "1/h", "less", says, prices.an_hour, prices=prices)


def _share(name: str, digits: str) -> float:
    share = float(digits) / 100
    if not 0 < share < 1:
        raise ResultError(f"found the metric {name!r}", mend="Percentiles lie between p0 and p100.")
    return share


def _check(one: Metric, scenarios: Sequence[Scenario]) -> None:
    """ResultError unless some of *scenarios* has what *one* is of."""
    if one.of not in ("node", "cache", "backend", "link") or not one.target:
        return
    known = dict.fromkeys(name for scenario in scenarios for name in _parties(one.of, scenario))
    if one.target in known or (one.of == "link" and _joins(one.target, known)):
        return
    if one.of == "link":
        mend = f"Name two nodes, as in {one.name.partition('.')[0]}.A-B. Known: {', '.join(known)}."
    else:
        mend = f"{did_you_mean(one.target, known)}."
    raise ResultError(f"{one.name}: there is no {one.of} {one.target!r}", mend=mend)


def _parties(of: Of, scenario: Scenario) -> list[str]:
    nodes = scenario.document.nodes
    if of == "link":
        found = list(nodes)
    elif of == "cache":
        found = _caches(scenario)
    elif of == "backend":
        found = [name for name, node in nodes.items() if node.kind == "server"]
    else:
        found = [name for name, node in nodes.items() if node.kind not in ("clients", "router")]
    return [*found, *(member for name in found for member in scenario.members(name))]


def _joins(link: str, known: Iterable[str]) -> bool:
    """Whether *link* is two known names with ``-`` or ``>`` between them; names may hold ``-``."""
    those = set(known)
    return any(
        link[:place] in those and link[place + 1 :] in those
        for place, sign in enumerate(link)
        if sign in "->"
    )


def _caches(scenario: Scenario) -> list[str]:
    nodes = scenario.document.nodes
    return [name for name, node in nodes.items() if getattr(node, "cache", None) is not None]
