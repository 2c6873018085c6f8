"""What lies ahead of a fleet: how much more load it takes, for how long, and where it bends."""

from __future__ import annotations

import math

import numpy as np

from proxysim.errors import ResultError
from proxysim.scenario import Scenario
from proxysim.studies.answer import Curve, CurvePoint, Headroom, Outlook
from proxysim.studies.knee import knee
from proxysim.studies.ladder import FACTOR, ladder
from proxysim.studies.load import with_load
from proxysim.studies.overlay import predicted
from proxysim.studies.pricing import Growth
from proxysim.studies.search import search
from proxysim.studies.trials import Bench, Trials

__all__ = ["headroom_of", "measured_curve", "outlook_of"]

#: Growth and headroom are followed up to so many times today's load, and so many months.
FURTHEST = 4.0
LONGEST = 120
#: Of headroom, two loads that differ by less than this are taken for one.
FINE = 0.02
#: A curve is measured where the busiest part is so busy, by so many replications each.
UTILISATIONS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
CURVE_REPLICATIONS = 5
#: The load at which one finds out what gets busy, and the most that a curve goes up to.
LIGHT, HEAVIEST = 0.25, 16.0


def headroom_of(bench: Bench, fleet: Scenario) -> Headroom | None:
    """The largest load, as a multiple of today's, that *fleet* is sure to sustain.

    None where it does not sustain even today's.
    """
    trials = Trials(bench, lambda load: with_load(fleet, load), _times)
    loads = ladder((1.0, FURTHEST), kind=FACTOR, precision=FINE).values
    found = search(loads, trials.judge, first="low", either=False, check=False)
    if found.answer is None:
        return None
    return Headroom(float(found.answer), at_least=found.next is None)


def outlook_of(bench: Bench, fleet: Scenario, growth: Growth) -> Outlook:
    """For how many months *fleet* lasts, if load grows so."""
    trials = Trials(
        bench,
        lambda months: with_load(fleet, growth.after(months)),
        lambda months: f"month {months:g}",
    )
    last = min(LONGEST, max(1, math.ceil(growth.until(FURTHEST))))
    found = search(range(last + 1), trials.judge, first="low", either=False, check=False)
    tried = tuple(trials[month] for month in sorted(trials))
    at_least = found.answer is not None and found.next is None
    return Outlook(growth, found.answer, tried, at_least)


def measured_curve(bench: Bench, fleet: Scenario) -> Curve:
    """Latency against throughput of *fleet*, at loads that fill its busiest part more and more.

    Loads so light that no run is long enough for the percentile are left out.
    """
    light = bench.fixed(1, ()).trial(LIGHT, with_load(fleet, LIGHT), _times(LIGHT))
    share = 0.0 if light.busy is None else light.busy.share
    full = LIGHT / share if share > LIGHT / HEAVIEST else HEAVIEST
    asked = [one for one in bench.objectives if one.metric.unit == "s"][:1]
    watched = asked[0].metric.name if asked else "mean"
    fixed = bench.fixed(CURVE_REPLICATIONS, asked)
    points = []
    for load in (full * share for share in UTILISATIONS):
        scenario = with_load(fleet, load)
        try:
            trial = fixed.trial(load, scenario, _times(load))
        except ResultError:
            continue
        points.append(CurvePoint(load, trial, predicted(scenario, watched)))
    x, y = (
        np.array([point.trial.figures[name] for point in points if point.trial.figures["mean"]])
        for name in ("throughput", "mean")
    )
    offered = light.figures["offered"]
    today = None if offered is None else offered / LIGHT
    try:
        return Curve(watched, tuple(points), knee(x, y), today)
    except ResultError as error:
        return Curve(watched, tuple(points), None, today, error.problem)


def _times(load: float) -> str:
    return f"{load:.3g} times today's load"
