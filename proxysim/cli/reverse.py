"""``proxysim reverse``: a reverse proxy in front of servers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

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
    pairs_of,
    place_of,
    stand,
    stood,
    upgrades_of,
)
from proxysim.errors import ScenarioError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from proxysim.scenario import Scenario
    from proxysim.sockets.standing import Setup

__all__ = ["reverse"]

CONNECT_SECONDS = 5.0
FIRST_BYTE_SECONDS = 60.0
ATTEMPTS = 2
#: Stands for whatever is asked for.
ANY_SITE = "site.example"


def reverse(
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where it is served.")
    ] = "127.0.0.1:8080",
    backend: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="A server, as http://127.0.0.1:9001, or https:// to speak TLS to it; may be"
            " repeated. With --scenario: one for each member, in order.",
        ),
    ] = None,
    balancer: Annotated[
        str | None, typer.Option(metavar="NAME", help="How to choose. Default: round_robin.")
    ] = None,
    site: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="Answer for this host alone; may be repeated."),
    ] = None,
    cache: CacheSize = None,
    compress: Annotated[
        bool, typer.Option("--compress", help="Code text as zstd, br or gzip.")
    ] = False,
    check: Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="Ask every server for this path of the first --site, every 2 s."
        ),
    ] = None,
    retry: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=10, help="Most servers asked for one request. Default: 2."
        ),
    ] = None,
    tls: Annotated[
        bool,
        typer.Option("--tls", help="Speak TLS to clients; certificates are made unless given."),
    ] = False,
    certificate: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A certificate (PEM); may be repeated, one a name."),
    ] = None,
    key: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="The key of each certificate (PEM).")
    ] = None,
    write_ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where clients find the authority that was made up."),
    ] = None,
    passthrough: Annotated[
        bool,
        typer.Option("--passthrough", help="Leave TLS to the servers; choose by its server name."),
    ] = False,
    backend_ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Trust this authority (PEM) for https:// servers."),
    ] = None,
    proxy_protocol: Annotated[
        bool,
        typer.Option("--proxy-protocol", help="Every connection begins with a PROXY line (v1)."),
    ] = False,
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
    """Serve as a reverse proxy, until SIGTERM; SIGHUP reads scenario and certificates anew.

    It listens on the loopback only, unless told otherwise.
    """
    need_the_wire()
    from proxysim.policies.reach import ANYWHERE
    from proxysim.proxies.reverse import ReverseProxy
    from proxysim.sockets.standing import Setup
    from proxysim.sockets.tls import client_context
    from proxysim.sockets.upstream import Upstreams
    from proxysim.units import duration

    place = place_of(listen, "--listen")
    urls = [_url(text) for text in backend or ()]
    if not urls:
        raise ScenarioError(
            "there are no servers", place="--backend", mend="Give one: http://127.0.0.1:9001"
        )
    pairs = pairs_of(certificate or [], key or [])
    if passthrough and (tls or pairs):
        raise ScenarioError(
            "found --passthrough with --tls", mend="Leave TLS to the servers, or end it here."
        )
    terminate = tls or bool(pairs)
    made = _made(pairs, [place[0], *(site or ())], write_ca) if terminate else None
    settings = {
        "balancer": balancer,
        "sites": site if scenario is not None else None,
        "cache": None if cache is None else {"capacity": cache, "collapse": True},
        "compression": ["zstd", "br", "gzip"] if compress else None,
        "health.active": None if check is None else {"path": check},
        "retry": {"attempts": retry} if retry is not None else None,
        "tls": "passthrough" if passthrough else None,
    }

    def build() -> Setup:
        chosen, name = _scenario(scenario, node, len(urls), site or [ANY_SITE])
        changes = {f"nodes.{name}.{at}": to for at, to in settings.items() if to is not None}
        proxy = built(chosen.set(changes) if changes else chosen, name)
        assert isinstance(proxy, ReverseProxy)
        proxy.upgrades = upgrades_of(upgrade)
        if scenario is None and not site:
            proxy.sites = frozenset()  # whatever it is called
        members = [found.name for found in proxy.fleet.backends]
        if len(members) != len(urls):
            raise ScenarioError(
                f"found {len(urls)} servers for the scenario's {len(members)}",
                place="--backend",
                mend=f"Give one for each of {', '.join(members)}.",
            )
        where = dict(zip(members, urls, strict=True))
        secure = [member for member, url in where.items() if url[0] == "https"]
        context, notes = made() if made is not None else (None, [])
        notes += [f"{member} is {url[0]}://{url[1]}:{url[2]}" for member, url in where.items()]
        return Setup(
            proxy,
            place,
            Upstreams(
                {member: url[1:] for member, url in where.items()},
                bounds=ANYWHERE,
                tls=client_context(backend_ca) if secure else None,
                secure=secure,
            ),
            everywhere=beyond_loopback,
            tls=context,
            proxy_protocol=proxy_protocol,
            limits=limits_of(max_body, header_time, idle, connections),
            access_log=access_log,
            admin=None if admin is None else place_of(admin, "--admin"),
            drain=duration(drain),
            kept=(cache, scenario, node),
            notes=notes,
        )

    stand(build)


def _scenario(
    name: str | None, node: str | None, count: int, sites: list[str]
) -> tuple[Scenario, str]:
    """The scenario called *name*, or one of *sites* on *count* servers; the node that is meant."""
    from proxysim.scenario import load

    if name is not None:
        chosen = load(name)
        return chosen, node_of(chosen, node, "reverse_proxy")
    proxy = {
        "kind": "reverse_proxy",
        "sites": sites,
        "backends": "server",
        "deadlines": {"connect": CONNECT_SECONDS, "first_byte": FIRST_BYTE_SECONDS},
        "retry": {"attempts": ATTEMPTS},
    }
    nodes = {
        "clients": {"kind": "clients", "arrivals": {"even": 1.0}},
        "proxysim": proxy,
        "server": {"kind": "server", "count": count},
    }
    return stood(nodes, sites), "proxysim"


def _url(text: str) -> tuple[str, str, int]:
    """Scheme, host and port of a server's address."""
    try:
        split = urlsplit(text if "://" in text else f"http://{text}")
        port = split.port
    except ValueError:
        split, port = urlsplit(""), None
    wrong = split.path not in ("", "/") or split.query or split.username
    if split.scheme not in ("http", "https") or not split.hostname or wrong:
        raise ScenarioError(
            f"found {text!r}",
            place="--backend",
            mend="Give a scheme, a host and a port: http://127.0.0.1:9001",
        )
    return split.scheme, split.hostname, port or (443 if split.scheme == "https" else 80)


def _made(
    pairs: list[tuple[Path, Path]], names: list[str], written: Path | None
) -> Callable[[], tuple[ssl.SSLContext, list[str]]]:
    """What makes the TLS that clients are spoken to with: of *pairs*, or for *names*."""
    from proxysim.sockets.tls import Certificates, server_context

    if pairs:
        return lambda: (server_context(pairs), [])
    made = Certificates(names)
    if written is None:
        with tempfile.NamedTemporaryFile(prefix="proxysim-", suffix=".pem", delete=False) as file:
            written = Path(file.name)
    try:
        written.write_bytes(made.authority)
    except OSError as error:
        raise ScenarioError(
            f"the authority cannot be written: {error.strerror}",
            place=str(written),
            mend="Name another file, with --write-ca.",
        ) from None
    note = f"its certificate is made up; trust it by {written}, as in curl --cacert {written}"
    return lambda: (made.server_context(), [note])
