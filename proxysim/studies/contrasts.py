"""Settings against a baseline, metric by metric: which differences are real, said in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from proxysim.statistics.bootstrap import ratio, resampled
from proxysim.statistics.comparisons import enough, holm, paired_difference, step_down
from proxysim.statistics.estimates import Estimate
from proxysim.statistics.intervals import mean_interval
from proxysim.statistics.ratios import ratio_interval
from proxysim.studies.metrics import Metric

__all__ = ["Contrast", "Method", "Verdict", "contrasts"]

Floats = NDArray[np.float64]
Method = Literal["student", "bootstrap"]
Verdict = Literal["real", "unsure", "same", "refused", "missing"]

#: More replications than this nobody makes to tell two settings apart.
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Contrast:
    """One *metric* of a *setting* against the *baseline*'s, replication by replication.

    ``verdict``: ``real``; ``unsure`` where chance may have made it, and *enough* is about how many
    replications would tell; ``same`` where no replication differs; ``refused`` where runs are too
    short for the quantile; ``missing`` where one of the two has no such thing. *why* says of the
    last two. *mean* and *base* are means over replications; *difference* is the setting's less the
    baseline's, *relative* that as a share of the baseline's (None for shares, which differ by
    points, and where the baseline's mean is too unsure). Both intervals are at *level*, no less
    than the confidence they state, and leave out zero exactly where the verdict is real. *p* is of
    this one alone, *adjusted* among all (Holm); None by the bootstrap. *gained*: how many times the
    replications it would have taken without common random numbers.
    """

    metric: Metric
    setting: str
    baseline: str
    verdict: Verdict
    mean: float | None = None
    base: float | None = None
    difference: Estimate | None = None
    relative: Estimate | None = None
    level: float | None = None
    p: float | None = None
    adjusted: float | None = None
    enough: int | None = None
    gained: float | None = None
    why: str = ""

    @property
    def better(self) -> bool | None:
        """Whether a real difference is for the better; None where it is not real, or neither."""
        if self.verdict != "real" or self.difference is None or not self.metric.better:
            return None
        return (self.difference.value < 0) == (self.metric.better == "less")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "metric": self.metric.name,
            "setting": self.setting,
            "baseline": self.baseline,
            "verdict": self.verdict,
            "better": self.better,
            "mean": self.mean,
            "base": self.base,
            "difference": _bounds(self.difference),
            "relative": _bounds(self.relative),
            "level": self.level,
            "p": self.p,
            "adjusted": self.adjusted,
            "enough": self.enough,
            "gained": self.gained if self.gained != float("inf") else None,
            "why": self.why,
            "text": self.text(),
        }

    def change(self) -> str:
        """By how much, and which way: ``31 % faster``, ``1.2 points less``; empty where unknown."""
        found = self.relative or self.difference
        return self._way(found.value) if found else ""

    def between(self) -> str:
        """The interval, which way each of its ends lies: ``28 % to 34 % faster``."""
        found = self.relative or self.difference
        if found is None:
            return ""
        if found.low < 0 < found.high:
            return f"{self._way(found.low)} to {self._way(found.high)}"
        near, far = sorted((found.low, found.high), key=abs)
        digits = next((d for d in range(3) if self._size(near, d) != self._size(far, d)), 3)
        least, _, unit = self._size(near, digits).rpartition(" ")
        most = self._way(far, digits)
        return f"{least} to {most}" if f" {unit} " in most else f"{least} {unit} to {most}"

    def text(self) -> str:
        """The finding as a sentence."""
        one = self.metric
        if self.why:
            return self.why
        if self.verdict == "same":
            return (
                f"{self.setting}: {one.name} is the same as of {self.baseline} in every"
                f" replication ({one.text(self.base)})."
            )
        confidence = self.difference.confidence if self.difference else 0.95
        interval = f"{100 * confidence:g} % interval {self.between()}"
        if self.verdict == "real":
            return f"{self.setting} {self._does()}: real ({interval})."
        told = f"about {self.enough:,} replications would tell" if self.enough else (
            f"{_MOST:,} replications would hardly tell"
        )  # fmt: skip
        return (
            f"{self.setting} cannot be told from {self.baseline} {self._where()}"
            f" ({interval}): {told}."
        )

    def _does(self) -> str:
        """What the setting does in comparison: ``answers 31 % faster at p99``."""
        if _is_latency(self.metric):
            return f"answers {self.change()} {self._where()}"
        return f"has {self.change()} {self.metric.name}"

    def _where(self) -> str:
        name = self.metric.name
        if not _is_latency(self.metric):
            return f"by {name}"
        return {"mean": "on average", "max": "at worst"}.get(name, f"at {name}")

    def _way(self, found: float, more: int = 0) -> str:
        words = ("faster", "slower") if _is_latency(self.metric) else ("less", "more")
        return f"{self._size(found, more)} {words[found > 0]}"

    def _size(self, found: float, more: int = 0) -> str:
        size = abs(found)
        if self.relative is None:
            if self.metric.unit == "share":
                return f"{_rounded(100 * size, more)} points"
            return self.metric.text(size)
        return (
            f"{_rounded(100 * size, more)} %" if size < 10 else f"{_rounded(1 + size, more)} times"
        )


def contrasts(
    metrics: Sequence[Metric],
    values: Mapping[str, Mapping[str, Sequence[float | None]]],
    answered: Mapping[str, Sequence[int]],
    baseline: str,
    *,
    confidence: float,
    method: Method,
    seed: int,
) -> list[Contrast]:
    """Every other setting against *baseline*, by each metric; all corrected for one another.

    ``values[setting][metric]`` and ``answered[setting]``, the number of ok answers, have one entry
    a replication; the i-th of all settings had the same draws. A difference is real where its
    interval leaves out zero: by Student's t of the pairs, or by the bootstrap, at the level to
    which :func:`~proxysim.statistics.comparisons.step_down` comes.
    """
    found: list[Contrast] = []
    tested: list[tuple[int, _Pairs]] = []
    for one in metrics:
        for setting in values:
            if setting == baseline:
                continue
            both = values[baseline][one.name], values[setting][one.name]
            contrast = _untested(one, setting, baseline, *both, answered)
            if contrast.verdict == "unsure":
                base, other = (np.array(each, dtype=np.float64) for each in both)
                by_share = bool(base.min() > 0) and one.unit != "share"
                tested.append((len(found), _Pairs(base, other, by_share)))
            found.append(contrast)
    at_level = _student if method == "student" else partial(_bootstrap, seed=seed)
    apart = step_down([at_level(pairs) for _, pairs in tested], confidence)
    alone = [paired_difference(pairs.base, pairs.other, confidence) for _, pairs in tested]
    adjusted = holm([difference.p for difference in alone])
    for (place, pairs), bounds, one_of, after in zip(tested, apart, alone, adjusted, strict=True):
        real = 0.0 not in bounds
        level = bounds.difference.confidence
        needed = None if real else enough(pairs.apart, level)
        found[place] = replace(
            found[place],
            verdict="real" if real else "unsure",
            difference=replace(bounds.difference, confidence=confidence),
            relative=bounds.relative and replace(bounds.relative, confidence=confidence),
            level=level,
            p=one_of.p if method == "student" else None,
            adjusted=float(after) if method == "student" else None,
            enough=needed if needed is not None and needed <= _MOST else None,
            gained=one_of.gained,
        )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """A setting's values and the *base*'s, by replication; *by_share*: told as a share of these."""

    base: Floats
    other: Floats
    by_share: bool

    @property
    def apart(self) -> Floats:
        return self.other - self.base


@dataclass(frozen=True, slots=True)
class _Apart:
    """Intervals of a *difference*, and of what share of the baseline it is; agreed about zero."""

    difference: Estimate
    relative: Estimate | None

    def __contains__(self, value: float) -> bool:
        return value in self.difference


def _student(pairs: _Pairs) -> Callable[[float], _Apart]:
    def at(level: float) -> _Apart:
        found = mean_interval(pairs.apart, level)
        difference = Estimate(found.mean, found.low, found.high, level, found.n)
        relative = ratio_interval(pairs.apart, pairs.base, level) if pairs.by_share else None
        return _Apart(difference, _possible(relative))

    return at


def _bootstrap(pairs: _Pairs, seed: int) -> Callable[[float], _Apart]:
    rows = np.column_stack([pairs.apart, pairs.base])
    difference = resampled(rows, _difference, seed=seed)
    relative = resampled(rows, ratio, seed=seed) if pairs.by_share else None

    def at(level: float) -> _Apart:
        # Of the same samples at the same shares: a ratio has the sign of what is above.
        shares = difference.shares(level)
        share = relative.at(shares, level) if relative else None
        return _Apart(difference.interval(level), _possible(share))

    return at


def _difference(rows: Floats) -> float:
    return float(rows.sum(axis=0)[0] / len(rows))


def _possible(relative: Estimate | None) -> Estimate | None:
    """A *relative* difference of what is above zero: nothing is less than none."""
    return relative and replace(relative, low=max(relative.low, -1.0))


def _untested(
    one: Metric,
    setting: str,
    baseline: str,
    base: Sequence[float | None],
    other: Sequence[float | None],
    answered: Mapping[str, Sequence[int]],
) -> Contrast:
    """What can be said without a test; ``unsure`` where one is to be made."""
    for name in (baseline, setting):
        fewest = min(answered[name])
        if fewest < one.needs:
            why = (
                f"{one.name} is refused: {name} has {fewest:,} ok answers in a replication, and it"
                f" takes {one.needs:,}. Make run.duration {_times(one.needs, fewest)} as long."
            )
            return Contrast(one, setting, baseline, "refused", why=why)
    for name, found in ((baseline, base), (setting, other)):
        if None in found:
            never = found.count(None) == len(found)
            why = f"{name} has no {one.name}{'' if never else ' in some replications'}."
            return Contrast(one, setting, baseline, "missing", _mean(other), _mean(base), why=why)
    same = list(base) == list(other)
    return Contrast(one, setting, baseline, "same" if same else "unsure", _mean(other), _mean(base))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _times(needs: int, fewest: int) -> str:
    return f"{np.ceil(12 * needs / max(fewest, 1)) / 10:g} times"


def _bounds(found: Estimate | None) -> dict[str, float] | None:
    return None if found is None else {"value": found.value, "low": found.low, "high": found.high}


def _is_latency(one: Metric) -> bool:
    return one.unit == "s" and (one.name in ("mean", "max") or one.name.startswith("p"))


def _rounded(number: float, more: int) -> str:
    """*number* to two digits or to the unit, and so many *more* digits."""
    return f"{number:.{2 + more}g}" if number < 10 else f"{number:.{more}f}"
