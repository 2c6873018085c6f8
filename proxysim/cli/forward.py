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
    blamed,
    built,
    chosen,
    host_of,
    limits_of,
    listening_place,
    need_the_wire,
    place_of,
    seconds_of,
    stand,
    stood,
    upgrades_of,
    varied,
)
from proxysim.errors import ScenarioError

if TYPE_CHECKING:
    from proxysim.policies.filters import Filters
    from proxysim.policies.reach import Allowed
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
        typer.Option(
            metavar="PORT",
            min=1,
            max=65535,
            help="Let CONNECT reach this port; may be repeated. Default: 443 alone.",
        ),
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
    from proxysim.policies.reach import Reach
    from proxysim.proxies.forward import ForwardProxy
    from proxysim.sockets.dialling import is_here
    from proxysim.sockets.standing import Setup
    from proxysim.sockets.tls import client_context
    from proxysim.sockets.upstream import Upstreams

    place = listening_place(listen, "--listen", everywhere=beyond_loopback)
    admin_place = None if admin is None else listening_place(admin, "--admin")
    limits = limits_of(max_body, header_time, idle, connections)
    patience = seconds_of(drain, "--drain", none=True)
    upgrades = upgrades_of(upgrade)
    allowed = _allowed(allow or [])
    names = dict(_resolved(text) for text in resolve or ())
    settings = {
        "--identity": ("identity", identity),
        "--cache": ("cache", None if cache is None else {"capacity": cache, "collapse": True}),
        "--user": ("authentication", {"users": _users(user)} if user else None),
    }

    def build() -> Setup:
        found, name = chosen(scenario, node, "forward_proxy") or _plain()
        found = varied(found, name, settings)
        proxy = built(found, name)
        assert isinstance(proxy, ForwardProxy)
        proxy.upgrades = upgrades
        proxy.filters = _filters(proxy.filters, allowed, deny or [], block_list or [])
        if tunnel_port:
            proxy.tunnel_ports = frozenset(tunnel_port)
        reach = Reach(allowed, here=is_here)
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
            limits=limits,
            access_log=access_log,
            admin=admin_place,
            drain=patience,
            kept=getattr(found.document.nodes[name], "cache", None),
        )

    stand(build, {"--listen": listen, "--admin": admin, "--access-log": access_log})


def _plain() -> tuple[Scenario, str]:
    """The scenario of a plain forward proxy, and what that is called."""
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


def _allowed(texts: list[str]) -> list[Allowed]:
    from proxysim.policies.reach import Allowed

    with blamed("--allow"):
        return [Allowed(text) for text in texts]


def _filters(
    before: Filters | None, allowed: list[Allowed], deny: list[str], lists: list[Path]
) -> Filters | None:
    """Those of a scenario, and before them what the command allows and denies."""
    from proxysim.policies.filters import Filters, build_rule
    from proxysim.scenario.block_lists import list_in

    rules = []
    if named := [each.name for each in allowed if each.name]:
        with blamed("--allow"):
            rules.append(build_rule("allow", {"domain": named}))
    for domain in deny:
        with blamed("--deny"):
            rules.append(build_rule("deny", {"domain": domain}, "its domain is blocked"))
    for path in lists:
        category = str(path)
        because = f"it is on the list {path.name}"
        with blamed("--block-list", file=True):
            names = {category: list_in(path).names}
        rules.append(build_rule("deny", {"category": category}, because, categories=names))
    rules += () if before is None else before.rules
    return Filters(rules) if rules else None


def _users(texts: list[str]) -> dict[str, dict[str, str]]:
    """Users and their passwords; what is wrong is told without the password."""
    users: dict[str, dict[str, str]] = {}
    for text in texts:
        name, _, password = text.partition(":")
        if not name or not password:
            problem = f"found {name!r} as a user" if name else "found a user without a name"
            raise ScenarioError(problem, place="--user", mend="Give NAME:PASSWORD.")
        if name in users:
            raise ScenarioError(f"{name!r} is given twice", place="--user", mend="Give it once.")
        users[name] = {"password": password}
    return users


def _resolved(text: str) -> tuple[str, tuple[str, int]]:
    host, equals, where = text.partition("=")
    if not equals or not host_of(host):
        raise ScenarioError(f"found {text!r}", place="--resolve", mend="Give HOST=ADDRESS:PORT.")
    return host.lower(), place_of(where, "--resolve", first=1)
