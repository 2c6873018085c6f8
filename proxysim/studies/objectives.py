"""What is asked of a system, in words: ``p99 < 250ms and error rate < 0.1%``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from proxysim import units
from proxysim.errors import ResultError, UnitError
from proxysim.statistics.estimates import Estimate
from proxysim.studies.metrics import Metric, Prices, metric
from proxysim.studies.search import Verdict

__all__ = ["Objective", "objectives"]

#: Longer ones first, so that ``<=`` is not read as ``<``.
_SIGNS = {
    "<=": True, "≤": True, "<": True, "below": True, "under": True, "at most": True,
    ">=": False, "≥": False, ">": False, "above": False, "over": False, "at least": False,
}  # fmt: skip
_WORDS = r"(?<=\s)(?:below|under|at most|above|over|at least)(?=\s)"
_COMPARED = re.compile(
    rf"(?P<what>[^<>=≤≥]+?)\s*(?P<sign><=|>=|[<>≤≥]|{_WORDS})\s*(?P<bound>[^<>=≤≥]+)",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\s*(?:,|;|&&|\band\b)\s*", re.IGNORECASE)
_FORM = "Write it like this: p99 < 250ms and error rate < 0.1%"
#: A percentile is of latency, and so is a mean; to say so changes nothing.
_SAID_ANYWAY = re.compile(r"(?<=\w) (?:latency|response time)$", re.IGNORECASE)
_PERCENTILE = re.compile(r"p\d+(?:\.\d+)?", re.IGNORECASE)
_OF = re.compile(r" of ", re.IGNORECASE)
#: How quantities of each unit are read, and whether a bare number will do.
_READERS = {
    "s": (units.duration, False, "a time such as 250ms"),
    "B": (units.size, False, "a size such as 20MB"),
    "1/s": (units.rate, True, "a rate such as 300/s"),
    "share": (units.ratio, True, "a share such as 0.1%"),
}


@dataclass(frozen=True, slots=True)
class Objective:
    """A *metric* that must stay *below* a *bound*, in base units, or else above it.

    *written* is the bound as somebody wrote it.
    """

    metric: Metric
    below: bool
    bound: float
    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        bound = self.written or self.metric.text(self.bound)
        return f"{self.name} {'<' if self.below else '>'} {bound}"

    @property
    def name(self) -> str:
        """The metric in words: ``p99``, ``hit ratio of edge``."""
        word, dot, target = self.metric.name.partition(".")
        if self.metric.share is not None and not self.metric.of:
            return self.metric.name
        return word.replace("_", " ") + (f" of {target}" if dot else "")

    def met_by(self, value: float) -> bool:
        """Whether *value* is on the right side of the bound."""
        return value < self.bound if self.below else value > self.bound

    def judge(self, found: Estimate) -> Verdict:
        """Whether all of an interval is on the right side, or all on the wrong one."""
        ends = [self.met_by(found.low), self.met_by(found.high)]
        if all(ends):
            return Verdict.MEETS
        return Verdict.UNSURE if any(ends) else Verdict.MISSES

    def spare(self, value: float) -> float:
        """How far *value* is on the right side of the bound, as a share of the bound."""
        if self.bound == 0:
            return 0.0 if value == 0 else -math.inf
        return (self.bound - value if self.below else value - self.bound) / self.bound


def objectives(
    said: str | Objective | Iterable[str | Objective],
    prices: Prices | None = None,
    place: str = "objective",
) -> tuple[Objective, ...]:
    """The objectives of one text, or of several; joined by ``and`` or a comma.

    ``METRIC < BOUND`` or ``METRIC > BOUND``, also in words (below, at most, above, at least), where
    METRIC is one of :func:`~proxysim.studies.metrics.names` with spaces as well as with ``_``, and
    ``of edge`` as well as ``.edge``. ResultError for what cannot be read, for a bound that does not
    fit the metric's unit, and for one on the side that nobody wants.
    """
    found: list[Objective] = []
    several = said if isinstance(said, Iterable) and not isinstance(said, str) else [said]
    for one in several:
        if isinstance(one, Objective):
            found.append(one)
            continue
        if not isinstance(one, str):
            raise ResultError(f"found {one!r}", place=place, mend=_FORM)
        found += [_objective(part, prices, place) for part in _JOINED.split(one.strip())]
    if not found:
        raise ResultError("nothing is asked", place=place, mend=_FORM)
    return tuple(dict.fromkeys(found))


def _objective(text: str, prices: Prices | None, place: str) -> Objective:
    compared = _COMPARED.fullmatch(text.strip())
    if compared is None:
        raise ResultError(f"found {text!r}", place=place, mend=_FORM)
    try:
        measured = metric(_metric_name(compared["what"]), prices)
    except ResultError as error:
        error.place = error.place or place
        raise
    below = _SIGNS[" ".join(compared["sign"].lower().split())]
    bound = _bound(compared["bound"].strip(), measured, text, place)
    if measured.better == ("more" if below else "less"):
        sign = ">" if below else "<"
        raise ResultError(
            f"found {text.strip()!r}, and {measured.better} is better",
            place=place,
            mend=f"Write {compared['what'].strip()} {sign} {compared['bound'].strip()}",
        )
    return Objective(measured, below, bound, compared["bound"].strip())


def _metric_name(words: str) -> str:
    """The menu's name for what people write: ``hit ratio of edge`` is ``hit_ratio.edge``."""
    said = _SAID_ANYWAY.sub("", " ".join(words.split()))
    if _PERCENTILE.fullmatch(said):
        return said.lower()
    head, apart, target = _OF.sub(".", said, count=1).partition(".")
    return re.sub(r"[ -]", "_", head.lower()) + apart + target


def _bound(text: str, measured: Metric, whole: str, place: str) -> float:
    read, bare, expected = _READERS.get(measured.unit, (None, True, "a number"))
    try:
        if read is None:
            number = float(text)
            if not (math.isfinite(number) and number >= 0):
                raise ValueError
            return number
        if not bare and re.fullmatch(r"[\d._eE+-]+", text):
            raise UnitError(f"found {text!r}, without a unit")
        return read(text)
    except ValueError as error:
        problem = error.problem if isinstance(error, UnitError) else f"found {text!r}"
        raise ResultError(
            f"{problem} in {whole.strip()!r}",
            place=place,
            mend=f"{measured.name} is compared with {expected}.",
        ) from None
