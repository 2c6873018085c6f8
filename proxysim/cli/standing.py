"""What ``proxysim forward`` and ``proxysim reverse`` have in common."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from ipaddress import ip_address
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
    "blamed",
    "built",
    "chosen",
    "host_of",
    "limits_of",
    "listening_place",
    "need_the_wire",
    "pairs_of",
    "place_of",
    "seconds_of",
    "stand",
    "stood",
    "upgrades_of",
    "varied",
]

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\.?")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~/-]+")

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


@contextmanager
def blamed(option: str, *, file: bool = False) -> Iterator[None]:
    """Whatever is wrong within is told of *option*, in one line; with the *file* it is about."""
    from proxysim.scenario.mistakes import DocumentError

    try:
        yield
    except ScenarioError as error:
        first = error.mistakes[0] if isinstance(error, DocumentError) else error
        place = f"{option} {error.place}" if file else option
        raise ScenarioError(first.problem, place=place, mend=first.mend) from None


def place_of(text: str, option: str, *, first: int = 0) -> tuple[str, int]:
    """The host and port in *text*, as ``127.0.0.1:3128`` or ``[::1]:3128``; ports from *first*."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    good = colon and host_of(host) and port.isascii() and port.isdecimal()
    if not good or not first <= int(port) <= 65535:
        raise ScenarioError(
            f"found {text!r}", place=option, mend="Give an address and a port: 127.0.0.1:3128"
        )
    return ("127.0.0.1" if host == "localhost" else host), int(port)


def listening_place(text: str, option: str, *, everywhere: bool = False) -> tuple[str, int]:
    """Where to listen, of *text*: on the loopback, unless *everywhere*."""
    from proxysim.sockets.serve import on_loopback

    host, port = place_of(text, option)
    if not everywhere and not on_loopback(host):
        more = ", or --beyond-loopback too" if option == "--listen" else ""
        raise ScenarioError(
            f"found {text!r}, which others can reach",
            place=option,
            mend=f"Give an address on the loopback, such as 127.0.0.1:{port}{more}.",
        )
    return host, port


def host_of(text: str) -> str:
    """*text*, where it can be an address or the name of a host; else nothing."""
    try:
        return str(ip_address(text)) and text
    except ValueError:
        return text if _HOST.fullmatch(text) else ""


def seconds_of(text: str, option: str, *, none: bool = False) -> float:
    """The time that *option* gives; *none* at all is refused unless it is allowed."""
    from proxysim.units import duration

    with blamed(option):
        seconds = duration(text)
        if not seconds and not none:
            raise ScenarioError(f"found {text!r}", mend="Give a time above zero, such as 15s.")
    return seconds


def limits_of(max_body: str, header_time: str, idle: str, connections: int) -> Limits:
    """The limits that the options say."""
    from proxysim.sockets.limits import Limits
    from proxysim.units import size

    with blamed("--max-body"):
        body = size(max_body)
    return Limits(
        body=body,
        header_time=seconds_of(header_time, "--header-time"),
        idle=seconds_of(idle, "--idle"),
        connections=connections,
    )


def chosen(name: str | None, node: str | None, kind: str) -> tuple[Scenario, str] | None:
    """The scenario called *name* and the proxy of *kind* in it that is meant; None without one."""
    from proxysim.scenario import load

    if name is None:
        if node is not None:
            raise ScenarioError(
                f"found {node!r}, and no scenario", place="--node", mend="Give --scenario too."
            )
        return None
    try:
        scenario = load(name)
    except ScenarioError as error:
        if error.place:
            raise
        with blamed("--scenario"):
            raise
    return scenario, _node_of(scenario, node, kind)


def _node_of(scenario: Scenario, name: str | None, kind: str) -> str:
    """The proxy of *kind* that is meant: *name*, or the only one there is."""
    nodes = scenario.document.nodes
    found = [other for other, node in nodes.items() if node.kind == kind]
    if name is None and len(found) == 1:
        return found[0]
    if name in found and name is not None:
        return name
    written = kind.replace("_", " ")
    if name is not None:
        problem = f"{scenario.name} has no {written} called {name!r}"
        raise ScenarioError(problem, place="--node", mend=did_you_mean(name, found))
    if not found:
        problem, mend = f"{scenario.name} has no {written}", "Give one that has."
    else:
        problem = f"{scenario.name} has {len(found)} nodes of kind {kind}"
        mend = f"Say which, by --node: {', '.join(found)}"
    raise ScenarioError(problem, place="--scenario", mend=mend)


def upgrades_of(listed: list[str] | None) -> frozenset[str]:
    """What clients may upgrade to."""
    for name in listed or ():
        if not _TOKEN.fullmatch(name):
            raise ScenarioError(
                f"found {name!r}", place="--upgrade", mend="Give a protocol such as websocket."
            )
    named = frozenset(name.lower() for name in listed or ["websocket"])
    return named - {"none"}


def varied(scenario: Scenario, node: str, settings: Mapping[str, tuple[str, Any]]) -> Scenario:
    """*scenario* with what each option sets in *node*: its field and the value, None for nothing.

    Whatever that makes wrong is told of the option.
    """
    for option, (field, value) in settings.items():
        if value is not None:
            with blamed(option):
                scenario = scenario.set(f"nodes.{node}.{field}", value)
    return scenario


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


def stand(build: Callable[[], Setup], places: Mapping[str, object]) -> None:
    """Serve what *build* sets up, until told to stop; *places* are what options name, by option."""
    from proxysim.sockets.standing import stand as standing

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    try:
        _run(standing(build, lambda line: typer.echo(line, err=True)))
    except ScenarioError as error:
        for option, place in places.items():
            if place is not None and error.place == str(place):
                with blamed(option, file=True):
                    raise
        raise


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
