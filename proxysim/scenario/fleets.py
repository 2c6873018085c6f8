"""What a reverse proxy cannot do with its backends, given who they are."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from proxysim.errors import ScenarioError
from proxysim.policies.backend import Backend
from proxysim.policies.balancers import build_balancer
from proxysim.scenario.document import Document
from proxysim.scenario.mistakes import Mistake
from proxysim.scenario.nodes import ReverseProxy
from proxysim.scenario.serving import members
from proxysim.scenario.yaml_reader import Path

__all__ = ["unwatchable"]

#: Probes of a run.
MOST_PROBES = 100_000_000


def unwatchable(document: Document) -> Iterator[Mistake]:
    """The settings of health and balancers in *document* that could not do what they say."""
    for name, node in document.nodes.items():
        if isinstance(node, ReverseProxy):
            place: Path = ("nodes", name, "health")
            names = _members(document, node)
            size = len(names)
            yield from _named(node, ("nodes", name, "balancer"), names)
            yield from _probes(document, node, place, size)
            yield from _rates(node, place, size)
            yield from _slow_start(node, place)


def _members(document: Document, proxy: ReverseProxy) -> list[str]:
    """Its backends; those that are misnamed are told of elsewhere."""
    known = [name for name in proxy.backend_names if name in document.nodes]
    return [member for name in known for member in members(name, document.nodes[name])]


def _named(proxy: ReverseProxy, place: Path, names: list[str]) -> Iterator[Mistake]:
    """A mistake where the balancer was told names that are none of the backends'."""
    check = getattr(build_balancer(proxy.balancer, Random(0)), "check", None)
    try:
        if check is not None and names:
            check([Backend(name, name) for name in names])
    except ScenarioError as error:
        yield Mistake(place, error.problem, error.mend)


def _probes(document: Document, proxy: ReverseProxy, place: Path, size: int) -> Iterator[Mistake]:
    active = proxy.health.active
    if active is None:
        return
    if not proxy.mode.reads:
        yield Mistake(
            (*place, "active"),
            "a proxy that passes TLS through cannot ask over HTTP",
            "Use passive health, or end TLS here.",
        )
    probes = document.run.duration / active.interval * size
    if probes > MOST_PROBES:
        yield Mistake(
            (*place, "active", "interval"),
            f"makes about {probes:.3g} probes in the run",
            f"Probe less often: at most {MOST_PROBES:,} of all {size} backends.",
        )


def _rates(proxy: ReverseProxy, place: Path, size: int) -> Iterator[Mistake]:
    outliers = proxy.health.outliers
    if outliers is None or outliers.success_rate is None:
        return
    rate = outliers.success_rate
    at = (*place, "outliers", "success_rate")
    if size < rate.backends:
        highest = (size - 1) ** 0.5
        fewer = f", or set it to {size} and factor below {highest:.2f}" if size > 1 else ""
        yield Mistake(
            (*at, "backends"),
            f"rates are compared from {rate.backends} backends on, and there are {size}",
            f"Have more backends{fewer}.",
        )
    elif rate.factor**2 >= size - 1:
        yield Mistake(
            (*at, "factor"),
            f"none of {size} backends can be {rate.factor:g} standard deviations below their mean",
            f"Give a factor below {(size - 1) ** 0.5:.2f}.",
        )


def _slow_start(proxy: ReverseProxy, place: Path) -> Iterator[Mistake]:
    if proxy.health.slow_start is None:
        return
    if not getattr(build_balancer(proxy.balancer, Random(0)), "weighted", True):
        yield Mistake(
            (*place, "slow_start"),
            "the balancer looks at no weights, by which a backend would start slowly",
            "Choose weighted_round_robin, weighted_random, least_connections or another one.",
        )
