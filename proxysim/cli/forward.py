"""``proxysim forward``: a forward proxy that browsers and curl can be pointed at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxysim.cli.standing import (
    AccessLogFile,
    AdminPlace,
    BeyondLoopback,
    CacheSize,
    Connections,
    Drain,
    FromScenario,
    HeaderTime,
    Idle,
    MaxBody,
    Node,
    Upgrades,
    built,
    limits_of,
    need_the_wire,
    node_of,
    place_of,
    stand,
    stood,
    upgrades_of,
)
from proxysim.errors import ScenarioError

if TYPE_CHECKING:
    from proxysim.policies.filters import Filters
    from proxysim.scenario import Scenario
    from proxysim.sockets.standing import Setup

__all__ = ["forward"]

CONNECT_SECONDS = 10.0
FIRST_BYTE_SECONDS = 60.0


def forward(
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where it is served.")
    ] = "127.0.0.1:3128",
    deny: Annotated[
        list[str] | None,
        typer.Option(metavar="DOMAIN", help="Block a domain and all below it; may be repeated."),
    ] = None,
    block_list: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Block the hosts of a published list; may be repeated."),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHERE",
            help="Reach addresses that are not public: 127.0.0.1:9001, 10.0.0.0/8, or a host's"
            " name, which is never blocked then; may be repeated.",
        ),
    ] = None,
    identity: Annotated[
        str | None,
        typer.Option(metavar="MODE", help="transparent, anonymous or elite. Default: transparent."),
    ] = None,
    cache: CacheSize = None,
    user: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:PASSWORD", help="Let in only who logs in as this; may be repeated."
        ),
    ] = None,
    tunnel_port: Annotated[
        list[int] | None,
        typer.Option(metavar="PORT", help="Let CONNECT reach this port. Default: 443 alone."),
    ] = None,
    resolve: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST=ADDRESS:PORT", help="Find a host there, whatever its name leads to."
        ),
    ] = None,
    upgrade: Upgrades = None,
    scenario: FromScenario = None,
    node: Node = None,
    access_log: AccessLogFile = None,
    admin: AdminPlace = None,
    beyond_loopback: BeyondLoopback = False,
    max_body: MaxBody = "1GB",
    header_time: HeaderTime = "15s",
    idle: Idle = "75s",
    connections: Connections = 4096,
    drain: Drain = "30s",
) -> None:
    """Serve as a forward proxy, until SIGTERM; SIGHUP reads scenario and block lists anew.

    It reaches public addresses only, and listens on the loopback only, unless told otherwise.
    """
    need_the_wire()
    from proxysim.policies.reach import Allowed, Reach
    from proxysim.proxies.forward import ForwardProxy
    from proxysim.sockets.standing import Setup
    from proxysim.sockets.tls import client_context
    from proxysim.sockets.upstream import Upstreams
    from proxysim.units import duration

    place = place_of(listen, "--listen")
    names = dict(_resolved(text) for text in resolve or ())
    settings = {
        "identity": identity,
        "cache": None if cache is None else {"capacity": cache, "collapse": True},
        "authentication": {"users": dict(map(_user, user))} if user else None,
    }

    def build() -> Setup:
        chosen, name = _scenario(scenario, node)
        changes = {f"nodes.{name}.{at}": to for at, to in settings.items() if to is not None}
        proxy = built(chosen.set(changes) if changes else chosen, name)
        assert isinstance(proxy, ForwardProxy)
        proxy.upgrades = upgrades_of(upgrade)
        proxy.filters = _filters(proxy.filters, allow or [], deny or [], block_list or [])
        if tunnel_port:
            proxy.tunnel_ports = frozenset(tunnel_port)
        reach = Reach(Allowed(text) for text in allow or ())
        return Setup(
            proxy,
            place,
            Upstreams(
                names,
                () if proxy.parent is None else (proxy.parent.name,),
                bounds=reach,
                tls=client_context(),
                by_scheme=True,
            ),
            everywhere=beyond_loopback,
            reach=reach,
            limits=limits_of(max_body, header_time, idle, connections),
            access_log=access_log,
            admin=None if admin is None else place_of(admin, "--admin"),
            drain=duration(drain),
            kept=(cache, scenario, node),
        )

    stand(build)


def _scenario(name: str | None, node: str | None) -> tuple[Scenario, str]:
    """The scenario called *name*, or a plain one, and the node that is meant."""
    from proxysim.scenario import load

    if name is not None:
        chosen = load(name)
        return chosen, node_of(chosen, node, "forward_proxy")
    proxy = {
        "kind": "forward_proxy",
        "deadlines": {"connect": CONNECT_SECONDS, "first_byte": FIRST_BYTE_SECONDS},
    }
    site = "site.example"
    nodes = {
        "clients": {"kind": "clients", "arrivals": {"even": 1.0}, "through": "proxysim"},
        "proxysim": proxy,
        "server": {"kind": "server", "sites": [site]},
    }
    return stood(nodes, [site]), "proxysim"


def _filters(
    before: Filters | None, allow: list[str], deny: list[str], lists: list[Path]
) -> Filters | None:
    """Those of a scenario, and before them what the command allows and denies."""
    from proxysim.policies.filters import Filters, build_rule
    from proxysim.policies.reach import Allowed
    from proxysim.scenario.block_lists import list_in

    rules = []
    if named := [name for text in allow if (name := Allowed(text).name)]:
        rules.append(build_rule("allow", {"domain": named}))
    if deny:
        rules.append(build_rule("deny", {"domain": deny}, "its domain is blocked"))
    for path in lists:
        category = str(path)
        because = f"it is on the list {path.name}"
        names = {category: list_in(path).names}
        rules.append(build_rule("deny", {"category": category}, because, categories=names))
    rules += () if before is None else before.rules
    return Filters(rules) if rules else None


def _user(text: str) -> tuple[str, dict[str, str]]:
    name, colon, password = text.partition(":")
    if not name or not colon:
        raise ScenarioError(f"found {name!r} as a user", place="--user", mend="Give NAME:PASSWORD.")
    return name, {"password": password}


def _resolved(text: str) -> tuple[str, tuple[str, int]]:
    host, equals, where = text.partition("=")
    if not host or not equals:
        raise ScenarioError(f"found {text!r}", place="--resolve", mend="Give HOST=ADDRESS:PORT.")
    return host.lower(), place_of(where, "--resolve")
