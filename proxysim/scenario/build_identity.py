"""What a scenario's proxies tell of clients and servers, and whom they believe."""

from __future__ import annotations

from collections.abc import Sequence

from proxysim.policies.forwarded import Trusted
from proxysim.policies.identity import HIDDEN, IDENTITIES, Identity, ReverseIdentity
from proxysim.scenario import nodes as said
from proxysim.scenario.build_topology import network_of
from proxysim.scenario.scenario import Scenario
from proxysim.topology import Network

__all__ = ["addresses_of", "identity_of", "trusted_of"]


def identity_of(
    scenario: Scenario, name: str, node: said.ForwardProxy | said.ReverseProxy
) -> Identity:
    """What the proxy *name* tells of itself and others, under its own name."""
    told = {} if node.forwarded is None else {"forwarded": node.forwarded}
    if isinstance(node, said.ForwardProxy):
        return IDENTITIES[node.identity](name, **told)
    if node.hide is False:
        return ReverseIdentity(name, (), **told)
    servers = [member for group in node.backend_names for member in scenario.members(group)]
    more = frozenset() if node.hide is True else frozenset(node.hide)
    return ReverseIdentity(name, HIDDEN | more, servers=servers, sites=node.sites, **told)


def trusted_of(
    scenario: Scenario, node: said.ProxyBase, network: Network | None = None
) -> Trusted | None:
    """Whom *node* believes; groups have their addresses by *network*, or the scenario's own."""
    if node.trusted is None:
        return None
    networks = None
    if node.trusted.addresses is not None:
        networks = [
            address
            for written in node.trusted.addresses
            for address in addresses_of(scenario, written, network)
        ]
    return Trusted(node.trusted.hops, networks, node.trusted.field)


def addresses_of(scenario: Scenario, written: str, network: Network | None = None) -> Sequence[str]:
    """The networks that *written* stands for: a node, a member of one, an address, a network."""
    if not written[:1].isalpha() or ":" in written:
        return [written]
    return (network or network_of(scenario)).networks(written)
