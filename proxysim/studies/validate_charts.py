"""The charts of validations: distributions of each world, and figures found against simulated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxysim.charts.worlds import Pair, overlay, parity
from proxysim.errors import ResultError, did_you_mean

if TYPE_CHECKING:
    from proxysim.studies.validate import Validation

__all__ = ["ValidationPlots", "figures", "slug"]

_TIMES = ("mean", "p50", "p95", "p99")
#: What the marks of shares are called, by the first words of the figures they stand for.
_SHARES = {
    "hit ratio of": "hit ratio",
    "load of": "share of load",
    "answered by": "answered by the proxy itself",
}


class ValidationPlots:
    """The charts of *found*: ``validation.plot.latency(ax=None)``, and so on."""

    def __init__(self, found: Sequence[Validation]) -> None:
        self._found = found

    def latency(self, ax: Axes | None = None, *, tail: bool = True) -> Axes:
        """How many requests took longer than each latency, simulated and on sockets.

        With the formula and long simulations of it, where the whole scenario is one queue. Not
        *tail*: the share that took at most so long.
        """
        return self._panel(0, ax, tail)

    def queue(self, node: str, ax: Axes | None = None, *, tail: bool = True) -> Axes:
        """The same of waiting and service at *node*, a group of servers whose queue theory tells.

        ResultError for any other node.
        """
        names = [panel.node for panel in self._one.panels[1:]]
        if node not in names:
            raise ResultError(
                f"theory tells no distribution of times at {node!r}",
                mend=f"{did_you_mean(node, names)}." if names else "Look at plot.latency().",
            )
        return self._panel(1 + names.index(node), ax, tail)

    def parity(self, ax: Axes | None = None) -> Axes:
        """Mean, p50, p95 and p99 on sockets against the simulated ones, with the bounds."""
        return self._parity(ax, shares=False)

    def shares(self, ax: Axes | None = None) -> Axes:
        """Hit ratios and shares of load on sockets against the simulated ones, with the bounds."""
        return self._parity(ax, shares=True)

    @property
    def _one(self) -> Validation:
        (found,) = self._found
        return found

    def _panel(self, place: int, ax: Axes | None, tail: bool) -> Axes:
        found = self._one
        if not found.panels:
            raise ResultError("no round of it may be believed", place=found.scenario)
        panel = found.panels[place]
        where = f"Time at {panel.node}" if panel.node else "Latency"
        return overlay(
            panel.theory, panel.rounds, ax, title=f"{where}: {_called(found)}",
            source=_source([found]), tail=tail,
            what="waiting and service" if panel.node else "latency, from asking to the last byte",
        )  # fmt: skip

    def _parity(self, ax: Axes | None, *, shares: bool) -> Axes:
        pairs = self.pairs(shares=shares)
        drawn = {pair.metric for pair in pairs}
        bounds = {
            bound
            for found in self._found
            for metric, bound in _bounds(found, shares)
            if metric in drawn
        }
        return parity(
            pairs, ax, title="Shares in both worlds" if shares else "Latency in both worlds",
            source=_source(self._found), shares=shares,
            bounds=[(_width(bound, shares), bound) for bound in sorted(bounds)],
        )  # fmt: skip

    def pairs(self, *, shares: bool) -> list[Pair]:
        """The figures that both worlds have: shares, or times."""
        pairs = []
        for found in self._found:
            for check in found.checks:
                metric = _metric(check.what, shares)
                one, other = check.expected, check.found
                if metric is None or one is None or other is None:
                    continue
                if shares or min(one, other) > 0:
                    whose, name = found.engine or "ours", f"{_called(found)}: {check.what}"
                    pairs.append(Pair(whose, metric, one, other, check.ok, name))
        return pairs


def figures(found: Sequence[Validation]) -> Iterator[tuple[str, str, Figure]]:
    """All charts that *found* has something to show on: a slug, a title and the figure."""
    plot = ValidationPlots(found)
    kinds = [shares for shares in (False, True) if plot.pairs(shares=shares)]
    if kinds:
        size = (5.7 * len(kinds), 5.6)
        figure = Figure(figsize=size, layout="constrained", facecolor="white")
        for shares, ax in zip(kinds, figure.subplots(1, len(kinds), squeeze=False)[0], strict=True):
            plot._parity(ax, shares=shares)
        yield "parity", "Every figure on sockets against the simulated one", figure
    for one in found:
        if not one.panels:
            continue
        count = len(one.panels)
        figure = Figure(figsize=(7.2 * count, 4.4), layout="constrained", facecolor="white")
        mine = ValidationPlots([one])
        for place, ax in enumerate(figure.subplots(1, count, squeeze=False)[0]):
            mine._panel(place, ax, True)
        yield slug(one), f"How many requests took longer: {_called(one)}", figure


def slug(found: Validation) -> str:
    """What a file with the distributions of *found* is called."""
    name = f"{found.scenario}-{found.engine}" if found.engine else found.scenario
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def _called(found: Validation) -> str:
    return f"{found.scenario} with {found.engine}" if found.engine else found.scenario


def _source(found: Sequence[Validation]) -> str:
    (one, *more) = found
    requests = sum(each.requests for each in found)
    many = f"{len(found)} validations" if more else _called(one)
    rounds = "" if more else f"{one.rounds} round{'s' * (one.rounds != 1)} of {one.length:g} s · "
    return f"{many} · {rounds}n = {requests:,} in each world"


def _metric(what: str, shares: bool) -> str | None:
    """By which mark a check is shown; None where it belongs to another chart, or to none."""
    if not shares:
        return what if what in _TIMES else None
    return next((name for start, name in _SHARES.items() if what.startswith(start)), None)


def _width(bound: float, shares: bool) -> str:
    unit = ("point" if bound == 0.01 else "points") if shares else "%"
    return f"± {100 * bound:g} {unit}"


def _bounds(found: Validation, shares: bool) -> Iterator[tuple[str, float]]:
    """The bounds that *found* was held to, each with the mark that it is for."""
    held = found.tolerances
    if shares:
        yield "hit ratio", held.hit_ratio
        yield "answered by the proxy itself", held.hit_ratio
        yield "share of load", held.load_share
        return
    for name in _TIMES:
        bound = getattr(held, name)
        if bound is not None:
            yield name, bound
