"""Which queue a group of servers is, given what reaches it and how it is spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from proxysim.scenario.build_workload import distribution_of
from proxysim.scenario.draws import TimeDistribution
from proxysim.theory import approximations, queues, sojourns
from proxysim.theory.prediction import Grade, Prediction
from proxysim.theory.sojourns import Sojourn
from proxysim.theory.streams import Declination, Stream

__all__ = ["Demand", "Fleet", "Spread", "demand_of", "predicted"]

#: How requests are spread over the members: each has its own share of the stream at random; all
#: in turn; to the least loaded of all, or of so many drawn.
Spread = Literal["random", "turn", "least"]

#: Above this the chain of the shortest queue has too many states.
_BUSIEST = 0.95
_SERVED = "first come, first served"
_KNOWN = (0.5, 0.95, 0.99)
#: That stand for a demand.
_QUANTILES = 100_000


@dataclass(frozen=True, slots=True)
class Demand:
    """What a worker takes over a request: mean, squared coefficient of variation, and quantiles.

    *kind* is the distribution's name; ``quantiles`` are at evenly spaced shares.
    """

    kind: str
    mean: float
    variation: float
    quantiles: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fleet:
    """*count* servers alike, each with so many *workers*, and *room* for so many requests."""

    name: str
    demand: Demand
    count: int = 1
    workers: int = 1
    room: int | None = None


def demand_of(service: TimeDistribution, speed: float) -> Demand:
    """The demand that a scenario says, at a server of *speed*; Declination where it is of sizes."""
    if service.kind == "per_byte":
        raise Declination("demands follow the objects' sizes: no closed form")
    found = distribution_of(service)
    middles = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    return Demand(service.kind, found.mean / speed, found.scv, found.of_many(middles) / speed)


def predicted(fleet: Fleet, stream: Stream, spread: Spread, choices: int | None) -> Prediction:
    """What is known of *fleet* when *stream*, of all members together, is spread over it.

    Declination says why nothing is. *choices*: the least of so many drawn, all where None.
    """
    demand, count, workers = fleet.demand, fleet.count, fleet.workers
    rho = stream.rate * demand.mean / (count * workers)
    if fleet.room is None and rho >= 1:
        raise Declination(f"utilisation would be {rho:.3g}: the queue grows for ever")
    if stream.between is None:
        raise Declination("the times between arrivals are of no known kind")
    if count == 1 or (spread == "least" and choices == 1):
        spread = "random"
    own = stream.thinned(1 / count) if spread == "random" else stream
    model = _Model(fleet, own, stream.rate, rho, stream.doubts)
    if fleet.room is not None:
        if spread != "random":
            raise Declination("servers turn some away, and the balancer goes by loads or turns")
        return model.bounded()
    if spread == "random":
        return model.alone(own.between)
    if spread == "turn":
        return model.in_turn()
    return model.least(choices)


@dataclass(frozen=True, slots=True)
class _Model:
    fleet: Fleet
    stream: Stream
    total: float
    rho: float
    doubts: Sequence[str]

    def alone(self, between: float | None) -> Prediction:
        """Each member by itself, with its own arrivals."""
        demand, workers = self.fleet.demand, self.fleet.workers
        rate = self.stream.rate
        if between == 1.0 and demand.kind == "exponential":
            return self._known(f"M/M/{workers}", sojourns.mmc(rate, demand.mean, workers))
        if between == 1.0 and workers == 1:
            if not math.isfinite(demand.variation):
                raise Declination("demands vary without bound, and so does the mean wait")
            name = "M/D/1" if demand.variation == 0 else "M/G/1"
            found = sojourns.mg1(rate, demand.quantiles, demand.mean, demand.variation)
            return self._known(name, found, "percentiles by numerical integration")
        if between == 0.0 and workers == 1 and demand.kind == "exponential":
            return self._known("D/M/1", sojourns.dm1(rate, demand.mean))
        return self._about(rate, 1.0 if between is None else between)

    def in_turn(self) -> Prediction:
        """One after the other: each member gets every n-th."""
        demand, count, workers = self.fleet.demand, self.fleet.count, self.fleet.workers
        rate, between = self.stream.rate, self.stream.between
        exponential = demand.kind == "exponential" and workers == 1
        if exponential and between == 1.0:
            found = sojourns.round_robin(rate, demand.mean, count)
            return self._known(f"E{count}/M/1", found, f"every {count}th request, strictly in turn")
        if exponential and between == 0.0:
            return self._known("D/M/1", sojourns.dm1(rate / count, demand.mean))
        return self._about(rate / count, (between or 0.0) / count)

    def least(self, choices: int | None) -> Prediction:
        """To the least loaded of all, or of *choices*."""
        demand, count, workers = self.fleet.demand, self.fleet.count, self.fleet.workers
        rate = self.stream.rate
        plain = self.stream.poisson and demand.kind == "exponential"
        whole = choices is None or choices >= count
        if plain and workers == 1 and whole and count <= 5 and self.rho <= _BUSIEST:
            found = sojourns.join_shortest_queue(rate, demand.mean, count)
            return self._known("join the shortest queue", found, "ties broken at random")
        if plain and workers == 1 and not whole and choices is not None:
            found = sojourns.power_of_choices(rate, demand.mean, count, choices)
            limit = f"the limit of very many servers; with {count} it takes somewhat longer"
            return self._known(f"power of {choices} choices", found, limit, grade="approximate")
        if not plain:
            raise Declination(
                "the least loaded server is known for Poisson arrivals and exponential demands only"
            )
        bound = queues.mmc(rate, demand.mean, count * workers)
        return self._made(
            f"M/M/{count * workers}",
            "bound",
            {"response_at_least": bound},
            "no balancer does better than one queue for all servers",
        )

    def bounded(self) -> Prediction:
        """Room for so many: who finds it full is turned away."""
        demand, workers, room = self.fleet.demand, self.fleet.workers, self.fleet.room
        assert room is not None
        rate = self.stream.rate
        if not self.stream.poisson or (demand.kind != "exponential" and room > workers):
            raise Declination(
                "a bounded queue is known for Poisson arrivals and exponential demands only"
            )
        loss = queues.mmck(rate, demand.mean, workers, room)
        values = {"blocked": loss.blocked, "utilisation": self.rho * (1 - loss.blocked)}
        if room == workers and demand.kind != "exponential":
            values["response"] = demand.mean
            return self._made(f"M/G/{workers}/{room}", "exact", values, "nobody waits")
        found = sojourns.mmck(rate, demand.mean, workers, room)
        made = self._known(f"M/M/{workers}/{room}", found, "nobody tries again")
        return replace(made, values={**made.values, **values})

    def _about(self, rate: float, between: float) -> Prediction:
        demand, workers = self.fleet.demand, self.fleet.workers
        if not math.isfinite(demand.variation):
            raise Declination("demands vary without bound, and so does the mean wait")
        mean = approximations.allen_cunneen(rate, demand.mean, workers, between, demand.variation)
        return self._made(
            f"G/G/{workers}",
            "approximate",
            {"response": mean},
            "Allen and Cunneen: the mean only, the better the busier",
        )

    def _known(self, model: str, found: Sojourn, *more: str, grade: Grade = "exact") -> Prediction:
        return replace(self._made(model, grade, _times(found), *more), times=found)

    def _made(self, model: str, grade: Grade, values: dict[str, float], *more: str) -> Prediction:
        kind = "exponential" if self.fleet.demand.kind == "exponential" else "independent"
        arrivals = {1.0: "arrivals at random (Poisson)", 0.0: "arrivals evenly spaced"}
        assumed = [arrivals.get(self.stream.between or 0.0, ""), f"{kind} demands", _SERVED]
        return Prediction(
            self.fleet.name,
            model,
            "approximate" if self.doubts else grade,
            {"rate": self.total, "utilisation": self.rho, **values},
            tuple(text for text in (*assumed, *more, *self.doubts) if text),
        )


def _times(found: Sojourn) -> dict[str, float]:
    shares = {f"p{100 * share:g}": found.quantile(share) for share in _KNOWN}
    return {"response": found.mean, **shares}
