"""Independent replications: as many as are asked for, or as a wanted precision takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proxysim.errors import ResultError
from proxysim.statistics.estimates import share_of_certainty
from proxysim.statistics.intervals import Interval, mean_interval

__all__ = ["Replications", "replicate", "replicate_until"]

Measure = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Replications:
    """What each replication found, the *interval* of its mean, and whether that is *precise*."""

    values: tuple[float, ...]
    interval: Interval
    precise: bool = True


def replicate(measure: Measure, count: int, confidence: float = 0.95) -> Replications:
    """*measure* of the replications 0 to *count* - 1, which must be independent of one another."""
    values = tuple(float(measure(number)) for number in range(count))
    return Replications(values, mean_interval(values, confidence))


def replicate_until(
    measure: Measure,
    precision: float,
    *,
    relative: bool = True,
    confidence: float = 0.95,
    floor: int = 10,
    most: int = 1000,
) -> Replications:
    """Replicate until the interval's half-width is *precision*, of the mean where *relative*.

    To stop as soon as the interval looks narrow favours samples that look calmer than they are;
    hence at least *floor* replications, and for a relative precision g one of g / (1 + g), as the
    mean is itself an estimate. After *most* it ends in any case, and is not ``precise``. Coverage
    tends to *confidence* as *precision* goes to zero, from just below.

    Source: Chow and Robbins, "On the asymptotic theory of fixed-width sequential confidence
    intervals for the mean", Annals of Mathematical Statistics 36(2), 1965; Law, "Simulation
    Modeling and Analysis", 5th ed., section 9.4.1.
    """
    share_of_certainty(confidence)
    if not precision > 0:
        raise ResultError(f"a precision of {precision!r}", mend="Give a number above zero.")
    if not 2 <= floor <= most:
        raise ResultError(
            f"at least {floor} and at most {most} replications", mend="Give 2 <= floor <= most."
        )
    wanted = precision / (1 + precision) if relative else precision
    values = [float(measure(number)) for number in range(floor)]
    while True:
        interval = mean_interval(values, confidence)
        precise = (interval.relative if relative else interval.half_width) <= wanted
        if precise or len(values) >= most:
            return Replications(tuple(values), interval, precise)
        values.append(float(measure(len(values))))
