"""What ``proxysim forward`` and ``proxysim reverse`` have in common."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxysim.errors import ScenarioError, did_you_mean

if TYPE_CHECKING:
    from proxysim.proxies.forward import ForwardProxy
    from proxysim.proxies.reverse import ReverseProxy
    from proxysim.scenario import Scenario
    from proxysim.sockets.limits import Limits
    from proxysim.sockets.standing import Setup

__all__ = [
    "AccessLogFile",
    "AdminPlace",
    "BeyondLoopback",
    "CacheSize",
    "Connections",
    "Drain",
    "FromScenario",
    "HeaderTime",
    "Idle",
    "MaxBody",
    "Node",
    "Upgrades",
    "built",
    "limits_of",
    "need_the_wire",
    "node_of",
    "pairs_of",
    "place_of",
    "stand",
    "stood",
    "upgrades_of",
]

FromScenario = Annotated[
    str | None,
    typer.Option(metavar="SCENARIO", help="Take the proxy from a shipped scenario or a file."),
]
Node = Annotated[str | None, typer.Option(metavar="NAME", help="Which of the scenario's proxies.")]
Upgrades = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PROTOCOL",
        help="Relay upgrades to it; none relays none; may be repeated. Default: websocket.",
    ),
]
BeyondLoopback = Annotated[
    bool,
    typer.Option("--beyond-loopback", help="Allow --listen on addresses that others can reach."),
]
CacheSize = Annotated[
    str | None, typer.Option(metavar="SIZE", help="Keep answers, at most that much: 100MB.")
]
AccessLogFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write a line for each answer there; - prints them."),
]
AdminPlace = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Serve /metrics and /healthz there, on the loopback."),
]
MaxBody = Annotated[
    str, typer.Option(metavar="SIZE", help="Refuse larger bodies of requests (413).")
]
HeaderTime = Annotated[
    str, typer.Option(metavar="TIME", help="Refuse heads that take longer to come (408).")
]
Idle = Annotated[
    str, typer.Option(metavar="TIME", help="Close connections and tunnels that are silent so long.")
]
Connections = Annotated[
    int, typer.Option(metavar="N", min=1, help="Most connections from one address (429).")
]
Drain = Annotated[
    str, typer.Option(metavar="TIME", help="How long requests under way may take at the end.")
]


def place_of(text: str, option: str) -> tuple[str, int]:
    """The address and port in *text*, as ``127.0.0.1:3128`` or ``[::1]:3128``."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ScenarioError(
            f"found {text!r}", place=option, mend="Give an address and a port: 127.0.0.1:3128"
        )
    return ("127.0.0.1" if host == "localhost" else host), int(port)


def limits_of(max_body: str, header_time: str, idle: str, connections: int) -> Limits:
    """The limits that the options say."""
    from proxysim.sockets.limits import Limits
    from proxysim.units import duration, size

    return Limits(
        body=size(max_body),
        header_time=duration(header_time),
        idle=duration(idle),
        connections=connections,
    )


def node_of(scenario: Scenario, name: str | None, kind: str) -> str:
    """The proxy of *kind* that is meant: *name*, or the only one there is."""
    nodes = scenario.document.nodes
    found = [other for other, node in nodes.items() if node.kind == kind]
    if name is None and len(found) == 1:
        return found[0]
    if name in found and name is not None:
        return name
    written = kind.replace("_", " ")
    if name is None:
        problem, mend = f"it has {len(found)} nodes of kind {kind}", "Say which, with --node NAME."
    else:
        problem, mend = f"no {written} is called {name!r}", did_you_mean(name, found)
    raise ScenarioError(problem, place=scenario.name, mend=mend)


def upgrades_of(listed: list[str] | None) -> frozenset[str]:
    """What clients may upgrade to."""
    named = frozenset(name.lower() for name in listed or ["websocket"])
    return named - {"none"}


def stood(nodes: dict[str, Any], sites: Sequence[str]) -> Scenario:
    """The scenario of a proxy that no scenario was named for; all of *sites* are alike."""
    from proxysim.scenario import from_dict

    return from_dict(
        {
            "proxysim": 1,
            "title": "A stand-alone proxy",
            "sites": {site: {} for site in sites},
            "nodes": nodes,
        }
    )


def built(scenario: Scenario, name: str) -> ForwardProxy | ReverseProxy:
    """The proxy that *scenario* calls *name*, by the clock of the loop that runs."""
    from proxysim.scenario.build_proxies import proxy_of

    clock = asyncio.get_running_loop().time
    return proxy_of(scenario, name, clock, epoch=time.time() - clock())


def need_the_wire() -> None:
    """Say what is missing where sockets cannot be served; all of it comes with one extra."""
    parts = ("httptools", "brotli", "zstandard", "cryptography", "trustme")
    missing = [name for name in parts if find_spec(name) is None]
    if missing:
        raise ScenarioError(
            f"{', '.join(missing)} cannot be found", mend="Install it: pip install 'proxysim[live]'"
        )


def stand(build: Callable[[], Setup]) -> None:
    """Serve what *build* sets up, until told to stop."""
    from proxysim.sockets.standing import stand as standing

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    _run(standing(build, lambda line: typer.echo(line, err=True)))


def _run(coroutine: Any) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(coroutine)
    else:
        uvloop.run(coroutine)


def pairs_of(certificates: Sequence[Path], keys: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Each certificate with its key."""
    if len(certificates) != len(keys):
        raise ScenarioError(
            f"found {len(certificates)} certificates and {len(keys)} keys",
            place="--certificate, --key",
            mend="Give a --key for each --certificate, in the same order.",
        )
    return list(zip(certificates, keys, strict=True))
