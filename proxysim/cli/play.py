"""``proxysim play``: a page on this machine, on which a scenario's requests move."""

from __future__ import annotations

import json
import shlex
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer

from proxysim.cli.chosen import Assignments, Name, chosen
from proxysim.errors import ResultError

__all__ = ["play"]

#: What is watched is watched from its beginning.
_FROM_THE_START = "run.warmup=0"


def play(
    scenario: Name = "office-forward-proxy",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="0: any that is free.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")
    ] = True,
    assignments: Assignments = None,
    film: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="No page: write a film, .gif or .mp4, and leave."),
    ] = None,
    since: Annotated[str, typer.Option("--from", metavar="TIME", help="With --film.")] = "0s",
    until: Annotated[str, typer.Option("--to", metavar="TIME", help="With --film.")] = "500ms",
    seconds: Annotated[
        float, typer.Option(min=0.5, max=30, help="With --film: how long it lasts.")
    ] = 6.0,
    beside: Annotated[
        str,
        typer.Option(
            metavar="CHANGE", help="A second run under one clock: PATH=VALUE, or 'without NODE'."
        ),
    ] = "",
) -> None:
    """Watch a scenario's requests move, and change it while they do, on a page of one's own."""
    if film is not None:
        _film(scenario, assignments, film, since, until, seconds, beside)
        return
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise ResultError(
            f"the page is served by {' and '.join(missing)}, not installed here",
            mend="pip install 'proxysim[play]'; without it, `proxysim run --out DIR --hops all`"
            " writes a page that plays.",
        )
    from proxysim.scenario import parse_assignment, shipped
    from proxysim.stage.rehearsal import differing
    from proxysim.stage.server import listening, serve

    # A mistake in it is told here, not on the page.
    asked = chosen(scenario, [_FROM_THE_START, *(assignments or ())])
    if beside:
        differing(asked, beside)
    name = asked.name
    library = dict(shipped())
    if scenario not in library:
        library[name] = Path(scenario)
    here = listening(port)

    changes = [parse_assignment(text) for text in assignments or ()]
    query = [("scenario", name), *(("set", f"{path}={json.dumps(to)}") for path, to in changes)]
    if beside:
        query.append(("vs", beside))

    def ready(address: str) -> None:
        if changes or beside:
            address = f"{address}?{urlencode(query)}"
        typer.echo(f"{name} plays at {address}; end it with Ctrl-C.")
        if browser:
            webbrowser.open(address)

    serve(library, name, here, ready, f"proxysim play {shlex.quote(scenario)}")


def _film(
    scenario: str,
    assignments: list[str] | None,
    target: Path,
    since: str,
    until: str,
    seconds: float,
    beside: str,
) -> None:
    from proxysim import units
    from proxysim.sim import simulate
    from proxysim.stage.film import film
    from proxysim.stage.rehearsal import differing, labels_of

    begin, end = units.duration(since), units.duration(until)
    asked = chosen(scenario, [_FROM_THE_START, *(assignments or ())])
    # What comes after the film need not be run.
    if 0 < end < asked.document.run.duration:
        asked = asked.set({"run.duration": end, "run.window": None})
    other, labels = None, ("", "")
    if beside:
        bare = differing(asked, beside)
        labels = labels_of(asked, bare, (beside,))
        other = simulate(bare, hops="all")
    run = simulate(asked, hops="all")
    made = film(run, target, begin, end, seconds, other=other, labels=labels)
    typer.echo(f"Written to {made}.")
