"""``proxysim play``: a page on this machine, on which a scenario's requests move."""

from __future__ import annotations

import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from proxysim.cli.chosen import Name
from proxysim.errors import ResultError

__all__ = ["play"]


def play(
    scenario: Name = "office-forward-proxy",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="0: any that is free.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")
    ] = True,
) -> None:
    """Watch a scenario's requests move, and change it while they do, on a page of one's own."""
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise ResultError(
            f"the page is served by {' and '.join(missing)}, not installed here",
            mend="pip install 'proxysim[play]'; without it, `proxysim run --out DIR --hops all`"
            " writes a page that plays.",
        )
    from proxysim.scenario import load, shipped
    from proxysim.stage.server import listening, serve

    name = load(scenario).name  # a mistake in it is told here, not on the page
    library = dict(shipped())
    if scenario not in library:
        library[name] = Path(scenario)
    here = listening(port)

    def ready(address: str) -> None:
        typer.echo(f"{name} plays at {address}; end it with Ctrl-C.")
        if browser:
            webbrowser.open(address)

    serve(library, name, here, ready)
