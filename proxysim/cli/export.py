"""``proxysim export``: a scenario's proxies as configurations of nginx, HAProxy or Squid."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxysim.cli.chosen import Assignments, Name, chosen
from proxysim.errors import ResultError, ScenarioError

if TYPE_CHECKING:
    from proxysim.engines import Configuration, Place
    from proxysim.scenario import Scenario

__all__ = ["export"]

AUTHORITY = "authority.pem"
_PLACE = re.compile(r"([^=\s]+)=(\[[0-9A-Fa-f:.]+\]|[^:=\s]+):(\d{1,5})(?::(\d{1,5}))?")


def _engines(incomplete: str) -> list[str]:
    """For the shell's completion."""
    from proxysim.engines import ENGINES

    return [name for name in ENGINES if name.startswith(incomplete)]


def export(
    engine: Annotated[
        str,
        typer.Argument(metavar="ENGINE", help="nginx, haproxy or squid.", autocompletion=_engines),
    ],
    scenario: Name,
    node: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="This proxy; may be repeated. Default: all of them."),
    ] = None,
    assignments: Assignments = None,
    place: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=HOST:PORT[:TLS_PORT]",
            help="Where a proxy or server is: shop-1=10.0.0.7:80:443; may be repeated. Default: an"
            " address on the loopback for each; ports 3128 of forward proxies, 8080 and 8443 of"
            " reverse proxies, 8000 and 8444 of servers.",
        ),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Trust this authority (PEM) about servers spoken TLS to."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the files into DIR/NODE, with what they need."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Write a scenario's proxies as configurations of a real program.

    What the program cannot do, or does otherwise, stands there in plain words.
    """
    from proxysim.cli.screen import json_out
    from proxysim.engines import proxies

    asked = chosen(scenario, assignments)
    places = dict(_place(text) for text in place or ())
    found = [_exported(engine, asked, name, places, trust, out) for name in node or proxies(asked)]
    if as_json:
        json_out([each.to_dict() for each in found])
    elif out is None:
        typer.echo("\n".join(each.text for each in found if each.text), nl=False)
    if out is not None:
        for each in found:
            for line in _written(each, out / each.node):
                typer.echo(line, err=True)
    for each in found:
        if not each.text:
            typer.echo(f"{each.node}: {' '.join(each.not_expressed)}", err=True)
    if not any(each.text for each in found):
        raise ScenarioError(
            "there is nothing to export",
            place=asked.name,
            mend="Choose another engine, or a scenario with a proxy that it can be.",
        )


def _exported(
    engine: str,
    scenario: Scenario,
    node: str,
    places: dict[str, Place],
    trust: Path | None,
    out: Path | None,
) -> Configuration:
    from proxysim.engines import export as exported
    from proxysim.engines import places_of

    directory = None if out is None else (out / node).absolute()
    authority = None if trust is None else trust.absolute()
    return exported(engine, scenario, node, places_of(scenario, places, directory, authority))


def _place(text: str) -> tuple[str, Place]:
    from proxysim.engines import Place

    found = _PLACE.fullmatch(text)
    ports = [int(port) for port in found.group(3, 4) if port] if found else [0]
    if found is None or not all(1 <= port <= 65535 for port in ports):
        raise ScenarioError(
            f"found {text!r}",
            place="--place",
            mend="Give an address and one or two ports: shop-1=10.0.0.7:80, edge=10.0.0.1:80:443",
        )
    return found[1], Place(found[2].removeprefix("[").removesuffix("]"), ports[0], ports[-1])


def _written(found: Configuration, directory: Path) -> Iterator[str]:
    """Write the files of *found* into *directory*; what to say of it."""
    if not found.text:
        return
    try:
        files = [*found.write(directory), *_certified(found, directory)]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ResultError(
            f"cannot be written to: {reason}", place=str(directory), mend="Name another directory."
        ) from None
    yield f"wrote {', '.join(file.name for file in files)} to {directory}"
    if missing := [name for name in found.certificates if not (directory / name).exists()]:
        yield f"put key and certificate chain there, as PEM: {', '.join(missing)}"


def _certified(found: Configuration, directory: Path) -> Sequence[Path]:
    """Certificates made up where there are none, with the authority that vouches for them."""
    wanted = {
        name: hosts for name, hosts in found.certificates.items() if not (directory / name).exists()
    }
    if not wanted or find_spec("trustme") is None:
        return []
    from proxysim.sockets.tls import Certificates

    made = Certificates(host for hosts in wanted.values() for host in hosts)
    paths = [directory / name for name in wanted]
    for path in paths:
        path.touch(mode=0o600)
        path.write_bytes(made.leaf)
    (directory / AUTHORITY).write_bytes(made.authority)
    return [*paths, directory / AUTHORITY]
