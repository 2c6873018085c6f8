"""Every model that ``theory.of`` names for a scenario, beside simulations of that scenario.

The other oracles hold formulas to queues; here stands what theory says of a scenario by itself, and
that no model is named that nothing holds.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from proxysim.results.columns import Outcome
from proxysim.results.run import Run
from proxysim.scenario import Scenario, load, shipped
from proxysim.sim import simulate
from proxysim.studies.doctrine import times_at
from proxysim.studies.suite import suite
from proxysim.theory import Prediction, of
from tests.oracles.oracle import SITE, Controls, assert_exact, luck, replicate, scenario

EXPONENTIAL = {"exponential": 1.0}
LOGNORMAL = {"lognormal": {"mean": 1.0, "sigma": 0.8}}


def one(arrivals: Any, clients: int = 1, **server: Any) -> dict[str, Any]:
    return {
        "users": {"kind": "clients", "count": clients, "arrivals": arrivals},
        "server": {"kind": "server", "sites": [SITE], "service": EXPONENTIAL, **server},
    }


def behind(
    balancer: Any, arrivals: Any, proxy: Mapping[str, Any] | None = None, **server: Any
) -> dict[str, Any]:
    edge = {"kind": "reverse_proxy", "sites": [SITE], "backends": "server", "balancer": balancer}
    return {
        "users": {"kind": "clients", "arrivals": arrivals},
        "edge": {**edge, **(proxy or {})},
        "server": {"kind": "server", "count": 4, "service": EXPONENTIAL, **server},
    }


@dataclass(frozen=True)
class Case:
    """A scenario by its *nodes*, the *model* that theory names for *node*, and how to see it.

    *figure* of it is held against what *measure* finds, by default the mean time at the node. With
    *near* the formula approximates, and may be off by that share.
    """

    name: str
    model: str
    nodes: Mapping[str, Any]
    requests: float
    node: str = "server"
    figure: str = "response"
    measure: Callable[[Run, Scenario], float] | None = None
    near: float = 0.0
    tolerance: float = 0.03
    rest: Mapping[str, Any] | None = None

    @property
    def scenario(self) -> Scenario:
        warmup = 100.0
        length = self.requests / self.rate
        return scenario(self.nodes, duration=warmup + length, warmup=warmup, **(self.rest or {}))

    @property
    def rate(self) -> float:
        given = self.nodes["users"]["arrivals"]
        return given if isinstance(given, float) else given.get("even", 1.0)

    @property
    def said(self) -> Prediction:
        (found,) = (made for made in of(self.scenario).of(self.node) if self.figure in made.values)
        return found

    def hold(self) -> None:
        asked, said = self.scenario, self.said
        assert said.model == self.model
        assert said.grade == ("approximate" if self.near else "exact")
        measure = self.measure or (lambda run, asked: float(times_at(run, asked, self.node).mean()))
        controls: Controls | None = None
        if self.measure is None and self.nodes["server"].get("speed") is None:
            controls = luck(self.rate, lambda run: run.column("service"))
        (found,) = replicate(asked, lambda run: measure(run, asked), controls=controls)
        if self.near:
            off = abs(found.mean / said.values[self.figure] - 1)
            assert off <= self.near + 3.5 * found.standard_error / found.mean, (found, said)
        else:
            assert_exact(found, said.values[self.figure], self.tolerance)


def rejected(run: Run, asked: Scenario) -> float:
    return float((run.column("outcome")[run.counted] == Outcome.REJECTED).mean())


def throughput(run: Run, asked: Scenario) -> float:
    return float(run.counted.sum()) / (run.duration - run.warmup)


def at_processor(run: Run, asked: Scenario) -> float:
    """Until its job is done; the server has none."""
    return float((run.column("wait") + run.column("cpu"))[run.counted].mean())


QUICK = [
    Case("evenly spaced", "D/M/1", one({"even": 0.5}), 1500),
    Case("evenly spaced, in turn", "D/M/1", behind("round_robin", {"even": 2.0}), 1500),
    Case("nobody waits", "M/G/2/2", one(1.0, workers=2, queue=0, service=LOGNORMAL), 6000,
         figure="blocked", measure=rejected, tolerance=0.06),
    Case("in turn, one of them slow", "E4/M/1", behind("round_robin", 1.6, speed=[1, 1, 1, 0.8]),
         5000, node="server-4", tolerance=0.05),
    Case("at random, one more often", "M/M/1", behind("weighted_random", 1.6, weight=[1, 1, 1, 2]),
         4000, node="server-4", tolerance=0.08),
    Case("a proxy's processor", "M/D/1", behind("random", 1.0, {"cores": 1}, service=0.0), 2500,
         node="edge", measure=at_processor, rest={"costs": {"request": "500ms"}}),
    Case("users over several servers", "closed loop (mean value analysis)",
         {**behind("random", {"closed": {"think": {"exponential": 5.0}}}),
          "users": {"kind": "clients", "count": 16,
                    "arrivals": {"closed": {"think": {"exponential": 5.0}}}}},
         700, figure="throughput", measure=throughput),
    Case("in turn, two workers each", "G/G/2", behind("round_robin", 6.4, workers=2), 3000,
         near=0.10),
    Case("any demands, two workers", "G/G/2", one(1.4, workers=2, service={"fixed": 1.0}), 4000,
         near=0.05),
]  # fmt: skip


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_what_theory_says_of_a_scenario(case: Case) -> None:
    case.hold()


def test_no_balancer_is_better_than_one_queue_for_all() -> None:
    """A bound holds, and is no idle one: within 12 % of it here."""
    nodes = behind("least_connections", 5.6, workers=2)
    asked = scenario(nodes, duration=100 + 2500 / 5.6, warmup=100)
    (said,) = of(asked).of("server")
    assert (said.model, said.grade) == ("M/M/8", "bound")
    (found,) = replicate(asked, lambda run: float(times_at(run, asked, "server").mean()))
    least = said.values["response_at_least"]
    assert found.high > least
    assert found.mean < 1.12 * least


@pytest.mark.parametrize(("balancer", "off"), [("ring", 0.12), ("maglev", 0.05)])
def test_the_largest_share_of_hashed_keys(balancer: str, off: float) -> None:
    """Twenty thousand objects, all as popular: what is left is the table's share of each server.

    One ring's largest share is some 4 % off the mean of all rings', and counts some 1 % from both.
    """
    site = {"objects": 20_000, "popularity": "uniform"}
    nodes = behind({balancer: {"key": "uri"}}, 100.0, service=0.001)
    asked = scenario(nodes, duration=101.0, warmup=1.0, site=site)
    (said,) = (made for made in of(asked).of("edge") if "peak" in made.values)

    run = simulate(asked, views=False)
    counts = np.unique(run.column("served_by")[run.counted], return_counts=True)[1]
    # Ten thousand requests over four servers: the largest of four counts is above their mean.
    luck_of_counts = 1.03 * np.sqrt(4 / 10_000)
    found = float(counts.max() / counts.mean())
    assert found == pytest.approx(said.values["peak"] + luck_of_counts, abs=off)


#: Models that other tests hold to simulations, and where.
ELSEWHERE = {
    "M/M/c": "test_oracle_queues",
    "M/G/1": "test_oracle_queues",
    "join the shortest queue": "test_oracle_queues",
    "power of 2 choices": "test_oracle_models: many queues",
    "M/M/c/K": "test_oracle_models: bounded room",
    "Che, copies fresh for their ttl": "tests/theory/test_of_scenarios: hit ratios",
    "Martina, Garetto, Leonardi": "tests/theory/test_of_scenarios: hit ratios",
    "perfect LFU": "tests/theory/test_of_scenarios: bound",
    "Fofack: LRU behind LRU": "tests/theory/test_of_scenarios: tiers",
}
#: Scenarios that have a model each of what no shipped one has.
OTHERS = [
    one(1.6, workers=2, queue=3),
    one(0.8, service=LOGNORMAL),
    behind("least_connections", 3.2),
    behind("power_of_two", 3.2),
    behind("random", 1.0, {"cache": {"capacity": {"objects": 1}, "eviction": "fifo"}}),
    behind("random", 1.0, {"cache": {"capacity": {"objects": 1}, "eviction": "sieve"}}),
]


def plain(model: str) -> str:
    """*model* without its numbers: M/M/4 is M/M/c, M/M/1/5 is M/M/c/K; and M/D/1 is M/G/1."""
    if model in ("M/D/1", "M/G/1"):
        return "M/G/1"
    model = re.sub(r"^([MG]/[MG])/\d+$", r"\1/c", model)
    model = re.sub(r"^([MG]/[MG])/\d+/\d+$", r"\1/c/K", model)
    return re.sub(r"^E\d+/", "Ec/", model)


def test_no_model_is_named_that_nothing_holds() -> None:
    held = {plain(case.model) for case in QUICK} | {*ELSEWHERE, "ring", "maglev"}
    asked = [*map(load, shipped()), *suite(), *(case.scenario for case in QUICK)]
    site = {"objects": 10}
    asked += [scenario(nodes, duration=100.0, warmup=10.0, site=site) for nodes in OTHERS]
    named = {plain(made.model) for each in asked for made in of(each).made}
    assert named - {*held} == set()
    assert {*ELSEWHERE} - named == set(), "no scenario has these any more"
