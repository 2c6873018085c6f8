"""A scenario's forward proxies, made into the objects that every world runs."""

from __future__ import annotations

from collections.abc import Callable

from proxysim.policies.authentication import Authentication, User
from proxysim.policies.backend import Backend
from proxysim.policies.filters import Filters, build_filters
from proxysim.policies.filters.schedule import moment
from proxysim.proxies.cache import Cache
from proxysim.proxies.effects import Deadlines
from proxysim.proxies.forward import ForwardProxy
from proxysim.scenario import nodes as said
from proxysim.scenario.block_lists import categories_of
from proxysim.scenario.build_identity import addresses_of, identity_of, trusted_of
from proxysim.scenario.build_resilience import gate_of, slots_of
from proxysim.scenario.scenario import Scenario
from proxysim.topology import Network

__all__ = ["forward_of"]


def forward_of(
    scenario: Scenario,
    name: str,
    clock: Callable[[], float],
    cache: Cache | None,
    network: Network | None = None,
) -> ForwardProxy:
    """The forward proxy that *scenario* calls *name*, with *cache*.

    Groups of clients have their addresses by *network*, the scenario's own unless given. Raises
    ScenarioError.
    """
    node = scenario.document.nodes[name]
    assert isinstance(node, said.ForwardProxy)
    login = _authentication(node)
    return ForwardProxy(
        name,
        clock,
        identity_of(scenario, name, node),
        authentication=login,
        filters=_filters(scenario, node, login, network),
        parent=Backend(node.through) if node.through is not None else None,
        tunnel_ports=(443,) if node.tunnels else (),
        trusted=trusted_of(scenario, node, network),
        cache=cache,
        slots=slots_of(node, clock),
        gate=gate_of(node, clock),
        deadlines=Deadlines(
            node.deadlines.connect, node.deadlines.first_byte, node.deadlines.total
        ),
    )


def _authentication(node: said.ForwardProxy) -> Authentication | None:
    if node.authentication is None:
        return None
    users = {
        name: User(user.password, frozenset(user.groups))
        for name, user in node.authentication.users.items()
    }
    return Authentication(users, node.authentication.realm)


def _filters(
    scenario: Scenario,
    node: said.ForwardProxy,
    login: Authentication | None,
    network: Network | None,
) -> Filters | None:
    if not node.filters:
        return None
    return build_filters(
        [rule.model_dump(exclude_none=True) for rule in node.filters],
        categories=categories_of(node, scenario.directory),
        addresses=lambda written: addresses_of(scenario, written, network),
        authentication=login,
        starts=moment(scenario.document.run.starts),
    )
