"""What a scenario says of chance, made into the workload that its worlds draw from."""

from __future__ import annotations

from typing import Any

from proxysim.errors import ProxysimError, TraceError
from proxysim.scenario import draws as said
from proxysim.scenario.document import Site as SiteSaid
from proxysim.scenario.nodes import Clients
from proxysim.scenario.scenario import Scenario
from proxysim.workload import arrivals, distributions, popularity
from proxysim.workload.catalogue import Catalogue, Site
from proxysim.workload.draws import ClosedGroup, Group, OpenGroup, Seat, Workload
from proxysim.workload.replay import ReplayGroup
from proxysim.workload.streams import seed_of
from proxysim.workload.traces import read_trace

__all__ = ["arrivals_of", "distribution_of", "site_of", "workload_of"]


def workload_of(scenario: Scenario, seed: int | None = None, replication: int = 0) -> Workload:
    """The requests of *scenario*, from its own seed unless another is given.

    Groups are its nodes of kind clients, sites its sites, both in order. Reads the access logs
    that it names; TraceError says what is wrong with one.
    """
    with scenario.located():
        return _workload(
            scenario, scenario.document.run.seed if seed is None else seed, replication
        )


def _workload(scenario: Scenario, seed: int, replication: int) -> Workload:
    document = scenario.document
    catalogues = tuple(
        Catalogue(site_of(name, site, seed, replication), seed, replication)
        for name, site in document.sites.items()
    )
    names = list(document.sites)
    clients = {name: node for name, node in document.nodes.items() if isinstance(node, Clients)}
    groups: list[Group] = []
    for index, (name, node) in enumerate(clients.items()):
        seat = Seat(
            name=name,
            index=index,
            groups=len(clients),
            count=node.count,
            sites=[names.index(site) for site in (node.sites if node.sites is not None else names)],
            catalogues=catalogues,
            seed=seed,
            replication=replication,
            duration=document.run.duration,
        )
        groups.append(_group_of(scenario, node, seat))
    return Workload(tuple(groups), catalogues)


def _group_of(scenario: Scenario, node: Clients, seat: Seat) -> Group:
    try:
        if node.arrivals.kind == "closed":
            return ClosedGroup(seat, distribution_of(node.arrivals.parameters.think))
        if node.arrivals.kind != "replay":
            return OpenGroup(seat, arrivals_of(node.arrivals, seat.duration))
        replay: said.Replay = node.arrivals.parameters
        trace = read_trace(scenario.directory / replay.file, replay.format, limit=replay.limit)
        return ReplayGroup.of(
            trace,
            seat,
            site=replay.site,
            speed=replay.speed,
            spread=replay.spread,
            fold="count" in node.model_fields_set,
        )
    except TraceError as error:
        error.problem = f"{error.place}: {error.problem}"
        error.place = f"nodes.{seat.name}.arrivals.replay.file"
        raise
    except ProxysimError as error:
        error.place = error.place or f"nodes.{seat.name}.arrivals"
        raise


def distribution_of(spec: said.TimeDistribution | said.SizeDistribution) -> Any:
    """The distribution that *spec* names, in seconds or bytes."""
    given = spec.parameters
    match spec.kind:
        case "fixed":
            return distributions.Fixed(given)
        case "exponential":
            return distributions.Exponential(given)
        case "lognormal":
            return distributions.Lognormal(given.mean, given.sigma)
        case "pareto":
            return distributions.Pareto(given.mean, given.alpha)
        case "hyperexponential":
            return distributions.Hyperexponential(given.fast, given.slow, given.slow_share)
        case "per_byte" if given.plus is None:
            return distributions.PerByte(given.speed)
        case "per_byte":
            return distributions.PerByte(given.speed, distribution_of(given.plus))
    raise AssertionError(spec.kind)


def arrivals_of(spec: said.Arrivals, duration: float) -> arrivals.Arrivals:
    """The open arrival process that *spec* names, for a run of *duration* seconds."""
    given = spec.parameters
    match spec.kind:
        case "poisson":
            return arrivals.Poisson(given)
        case "even":
            return arrivals.Even(given)
        case "bursty":
            return arrivals.Bursty(given.calm, given.burst, given.calm_for, given.burst_for)
        case "ramp":
            over = duration if given.over is None else given.over
            return arrivals.Ramp(given.start, given.end, over)
        case "daily":
            return arrivals.Daily(given.mean, tuple(given.profile), given.day)
        case "steps":
            return arrivals.Steps(tuple((step.at, step.rate) for step in given))
    raise AssertionError(spec.kind)


def site_of(name: str, site: SiteSaid, seed: int, replication: int = 0) -> Site:
    """The site *name* in base units; the *seed* decides how its popularity drifts."""
    given = site.popularity.parameters
    ranks: popularity.Popularity
    match site.popularity.kind:
        case "zipf":
            ranks = popularity.Zipf(given, site.objects)
        case "uniform":
            ranks = popularity.Uniform(site.objects)
        case _:
            own = seed_of(seed, f"site:{name}/drift", replication)
            ranks = popularity.Drifting(given.zipf, site.objects, given.every, given.share, own)
    return Site(
        name=name,
        popularity=ranks,
        size=distribution_of(site.size),
        share=1.0 if site.share is None else site.share,
        ttl=site.ttl,
        cacheable=site.cacheable,
        compressible=site.compressible,
        tls=site.tls,
        methods=site.methods,
        upload=site.upload,
        path=site.path,
    )
