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
    blamed,
    built,
    chosen,
    host_of,
    limits_of,
    listening_place,
    need_the_wire,
    pairs_of,
    seconds_of,
    stand,
    stood,
    upgrades_of,
    varied,
)
from proxysim.errors import ScenarioError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from proxysim.scenario import Scenario
    from proxysim.sockets.standing import Place, Setup

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
    from proxysim.sockets.upstream import Upstreams

    place = listening_place(listen, "--listen", everywhere=beyond_loopback)
    admin_place = None if admin is None else listening_place(admin, "--admin")
    limits = limits_of(max_body, header_time, idle, connections)
    patience = seconds_of(drain, "--drain", none=True)
    upgrades = upgrades_of(upgrade)
    urls = [_url(text) for text in backend or ()]
    if not urls:
        raise ScenarioError(
            "there are no servers", place="--backend", mend="Give one: http://127.0.0.1:9001"
        )
    _not_itself(backend or [], urls, place)
    pairs = pairs_of(certificate or [], key or [])
    if passthrough:
        _nothing_to_read({"--tls": tls or pairs, "--cache": cache, "--compress": compress})
    if write_ca is not None and (pairs or not tls):
        raise ScenarioError(
            "no authority is made up", place="--write-ca", mend="Give --tls, and no --certificate."
        )
    if backend_ca is not None and not any(url[0] == "https" for url in urls):
        raise ScenarioError(
            "no server speaks TLS", place="--backend-ca", mend="Give one: --backend https://..."
        )
    terminate = tls or bool(pairs)
    made = _made(pairs, [place[0], *(site or ())], write_ca) if terminate else None
    settings = {
        "--balancer": ("balancer", balancer),
        "--site": ("sites", site if scenario is not None else None),
        "--cache": ("cache", None if cache is None else {"capacity": cache, "collapse": True}),
        "--compress": ("compression", ["zstd", "br", "gzip"] if compress else None),
        "--check": ("health.active", None if check is None else {"path": check}),
        "--retry": ("retry", {"attempts": retry} if retry is not None else None),
        "--passthrough": ("tls", "passthrough" if passthrough else None),
    }

    def build() -> Setup:
        named = chosen(scenario, node, "reverse_proxy")
        found, name = named or _plain(len(urls), site or [ANY_SITE])
        found = varied(found, name, settings)
        proxy = built(found, name)
        assert isinstance(proxy, ReverseProxy)
        proxy.upgrades = upgrades
        if scenario is None and not site:
            proxy.sites = frozenset()  # whatever it is called
        members = [member.name for member in proxy.fleet.backends]
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
                tls=_trusting(backend_ca) if secure else None,
                secure=secure,
            ),
            everywhere=beyond_loopback,
            tls=context,
            proxy_protocol=proxy_protocol,
            limits=limits,
            access_log=access_log,
            admin=admin_place,
            drain=patience,
            kept=getattr(found.document.nodes[name], "cache", None),
            notes=notes,
        )

    stand(build, {"--listen": listen, "--admin": admin, "--access-log": access_log})


def _plain(count: int, sites: list[str]) -> tuple[Scenario, str]:
    """The scenario of a reverse proxy for *sites* on *count* servers, and what that is called."""
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
    with blamed("--site"):
        return stood(nodes, sites), "proxysim"


def _url(text: str) -> tuple[str, str, int]:
    """Scheme, host and port of a server's address."""
    try:
        split = urlsplit(text if "://" in text else f"http://{text}")
        port = split.port
    except ValueError:
        split, port = urlsplit(""), None
    wrong = split.path not in ("", "/") or split.query or split.fragment or "@" in split.netloc
    host = host_of(split.hostname or "")
    if split.scheme not in ("http", "https") or not host or wrong or port == 0:
        raise ScenarioError(
            f"found {text!r}",
            place="--backend",
            mend="Give a scheme, a host and a port: http://127.0.0.1:9001",
        )
    return split.scheme, host, port or (443 if split.scheme == "https" else 80)


def _not_itself(texts: list[str], urls: list[tuple[str, str, int]], place: Place) -> None:
    """Refuse a server that is this proxy: what it is asked would come back to it, again and again.

    A name is not looked up, and a loop over further proxies not found.
    """
    from proxysim.sockets.dialling import is_here

    listening, taken = place
    for text, (_, host, port) in zip(texts, urls, strict=True):
        host = "127.0.0.1" if host == "localhost" else host
        everywhere = listening in ("0.0.0.0", "::")
        if port == taken and (host == listening or (everywhere and is_here(host))):
            raise ScenarioError(
                f"found {text!r}, where this proxy itself listens",
                place="--backend",
                mend="Give the address of the server behind it.",
            )


def _trusting(authority: Path | None) -> ssl.SSLContext:
    """TLS for servers that *authority*, or the system's, vouch for."""
    from proxysim.sockets.tls import client_context

    with blamed("--backend-ca", file=True):
        return client_context(authority)


def _nothing_to_read(options: Mapping[str, object]) -> None:
    """Refuse those of *options* that want to see what --passthrough leaves sealed."""
    for option, given in options.items():
        if given:
            raise ScenarioError(
                "found beside --passthrough",
                place=option,
                mend="Leave TLS to the servers, or end it here: give one of the two.",
            )


def _made(
    pairs: list[tuple[Path, Path]], names: list[str], written: Path | None
) -> Callable[[], tuple[ssl.SSLContext, list[str]]]:
    """What makes the TLS that clients are spoken to with: of *pairs*, or for *names*."""
    from proxysim.sockets.tls import Certificates, server_context

    def given() -> tuple[ssl.SSLContext, list[str]]:
        with blamed("--certificate, --key", file=True):
            return server_context(pairs), []

    if pairs:
        return given
    made = Certificates(names)
    if written is None:
        with tempfile.NamedTemporaryFile(prefix="proxysim-", suffix=".pem", delete=False) as file:
            written = Path(file.name)
    try:
        written.write_bytes(made.authority)
    except OSError as error:
        raise ScenarioError(
            f"the authority cannot be written: {error.strerror}",
            place=f"--write-ca {written}",
            mend="Name a file in a directory that can be written to.",
        ) from None
    note = f"its certificate is made up; trust it by {written}, as in curl --cacert {written}"
    return lambda: (made.server_context(), [note])
