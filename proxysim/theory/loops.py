"""Users of a scenario who wait for their answers: the closed loop that it is."""

from __future__ import annotations

from proxysim.scenario.build_workload import distribution_of
from proxysim.scenario.nodes import Clients, ReverseProxy, Server
from proxysim.scenario.scenario import Scenario
from proxysim.theory import sojourns
from proxysim.theory.networks import Station, mean_value_analysis
from proxysim.theory.passing import restless
from proxysim.theory.prediction import Prediction
from proxysim.theory.servers import demand_of
from proxysim.theory.streams import Declination

__all__ = ["looped"]


def looped(scenario: Scenario, clients: dict[str, Clients], *, ideal: bool) -> Prediction:
    """What is known of the servers that *clients*, some of them in closed loops, ask.

    *ideal*: wires take no time. Declination says why nothing is.
    """
    document = scenario.document
    if len(clients) > 1:
        raise Declination("a closed loop beside other clients: no formula")
    ((name, node),) = clients.items()
    if node.patience is not None or node.connections is not None or node.through is not None:
        raise Declination("users who give up, wait for connections, or have a proxy: no formula")
    if not ideal or document.events or document.costs:
        raise Declination("a closed loop over wires, with costs or events: no formula")
    sites = node.sites if node.sites is not None else document.sites
    fronts = {front for site in sites for front in scenario.fronts(site)}
    if len(fronts) > 1:
        raise Declination("users who ask several groups: no formula")
    target = fronts.pop()
    proxy = document.nodes[target]
    if isinstance(proxy, ReverseProxy):
        target = _one_group(scenario, proxy)
    server = document.nodes[target]
    assert isinstance(server, Server)
    if not isinstance(proxy, ReverseProxy) and server.count > 1:
        raise Declination("users who each keep to a server of their own: no formula")
    if server.queue is not None or isinstance(server.speed, list):
        raise Declination("servers with bounded queues, or not alike: no formula")
    demand = demand_of(server.service, server.speed)
    if demand.kind != "exponential" or demand.mean == 0:
        raise Declination("a closed loop is known for exponential demands only")
    think = float(distribution_of(node.arrivals.parameters.think).mean)
    return _at_rest(name, target, server, node.count, think, demand.mean)


def _one_group(scenario: Scenario, proxy: ReverseProxy) -> str:
    name, *more = proxy.backend_names
    server = scenario.document.nodes[name]
    if any(restless(proxy)) or proxy.cache is not None or more or not isinstance(server, Server):
        raise Declination("a closed loop through such a proxy: no formula")
    if server.count > 1 and proxy.balancer != "random":
        raise Declination("a closed loop over several servers is known at random only")
    return name


def _at_rest(
    name: str, target: str, server: Server, users: int, think: float, service: float
) -> Prediction:
    stations = [Station(service / server.count, server.workers)] * server.count
    found = mean_value_analysis(users, think, stations)
    values = {
        "throughput": found.throughput,
        "utilisation": found.stations[0].utilisation,
        "response": found.response,
    }
    times = None
    if server.count == 1:
        times = sojourns.closed_loop(users, think, service, server.workers)
        values |= {f"p{100 * share:g}": times.quantile(share) for share in (0.5, 0.95, 0.99)}
    assumed = (
        f"{users} users of {name} who wait for each answer",
        "exponential demands, first come, first served",
        "any distribution of think times",
    )
    model = "closed loop (mean value analysis)"
    return Prediction(target, model, "exact", values, assumed, times)
