"""``proxysim scenarios``: what is shipped."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["scenarios"]


def scenarios(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """List the scenarios that come with proxysim."""
    from proxysim.cli.screen import console, json_out
    from proxysim.scenario import load, shipped

    found = [load(name) for name in shipped()]
    if as_json:
        keys = ("name", "title", "question", "watch_for", "hash")
        json_out([{key: getattr(scenario, key) for key in keys} for scenario in found])
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 1, 0), header_style="dim")
    table.add_column("scenario", style="bold cyan", no_wrap=True)
    table.add_column("what it shows, and what it asks")
    for scenario in found:
        table.add_row(scenario.name, f"{scenario.title}\n[italic dim]{scenario.question}[/]")
    screen = console()
    screen.print()
    screen.print(table)
    screen.print()
    screen.print("[dim]proxysim show NAME says more of one; proxysim run NAME runs it.[/]")
