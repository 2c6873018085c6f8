"""``proxysim show``: one scenario, in words and as a picture of characters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxysim.cli.chosen import Assignments, CostsFile, Name, chosen
from proxysim.errors import ScenarioError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from proxysim.scenario import Scenario

__all__ = ["show"]


def show(
    scenario: Name,
    assignments: Assignments = None,
    costs: CostsFile = None,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print the file that says it, to begin your own from.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all of it, defaults and base units, as JSON.")
    ] = False,
) -> None:
    """Say what a scenario is, part by part."""
    from proxysim.cli.screen import console, head, json_out
    from proxysim.scenario.notes import notes_of

    if as_yaml and as_json:
        raise ScenarioError("found both --yaml and --json", mend="Give one of them.")
    asked = chosen(scenario, assignments, costs)
    if as_yaml:
        typer.echo(asked.to_yaml(), nl=False)
        return
    if as_json:
        keys = ("name", "title", "question", "watch_for", "hash")
        said: dict[str, Any] = {key: getattr(asked, key) for key in keys}
        said["notes"] = notes_of(asked)
        json_out(said | {"scenario": asked.document.model_dump(mode="json", by_alias=True)})
        return
    screen = console()
    screen.print(head(asked.title, asked.question, asked.watch_for))
    for part in _parts(asked, screen.width):
        screen.print(part)


def _parts(scenario: Scenario, width: int) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    from proxysim.cli.lanes import drawn, lanes
    from proxysim.scenario.build_topology import network_of
    from proxysim.scenario.notes import notes_of

    for lane in lanes(scenario, network_of(scenario)):
        yield Padding(drawn(lane, width - 2), (0, 0, 1, 2), expand=False)
    yield from _sites(scenario)
    yield from _nodes(scenario)
    yield from _links(scenario)
    yield from _events(scenario)
    run = scenario.document.run
    yield Text.assemble(
        ("run", "bold"),
        f"  {run.duration:g} s, the first {run.warmup:g} s not counted; seed {run.seed}",
    )
    costs = scenario.tree.get("costs")
    if isinstance(costs, str):
        yield Text.assemble(("costs", "bold"), f"  the profile {costs!r}")
    elif costs:
        yield Text.assemble(("costs", "bold"), "  as the file says")
    else:
        yield Text.assemble(("costs", "bold"), "  none: every step is free")
    for note in notes_of(scenario):
        yield Text.assemble(("note", "bold"), f"  {note}")


def _sites(scenario: Scenario) -> Iterator[RenderableType]:
    from proxysim.cli.wording import words

    rows = []
    for host, written in scenario.tree["sites"].items():
        rows.append((host, words(written or {}) or "as by default"))
    yield _listing("sites", rows)


def _nodes(scenario: Scenario) -> Iterator[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    from proxysim.cli.wording import by_default, node_words, setting_words

    yield Text("nodes", style="bold")
    for name, written in scenario.tree["nodes"].items():
        headline = Text("  ").append(name, style="bold cyan").append(f"  {node_words(written)}")
        yield headline
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=2)
        grid.add_column(style="dim", min_width=11, no_wrap=True)
        grid.add_column()
        for setting, said in setting_words(written):
            grid.add_row("", setting, Text(said))
        if defaults := by_default(scenario.document.nodes[name]):
            grid.add_row("", "by default", Text(defaults, style="dim"))
        yield grid
        yield Text()


def _links(scenario: Scenario) -> Iterator[RenderableType]:
    from rich.text import Text

    from proxysim.cli.wording import link_words

    links = scenario.document.links
    if links is None:
        yield Text.assemble(("links", "bold"), "  none: ideal wires join everyone who talks")
        yield Text()
        return
    yield _listing("links", [(" – ".join(link.between), link_words(link)) for link in links])


def _events(scenario: Scenario) -> Iterator[RenderableType]:
    from proxysim.cli.wording import words

    rows = []
    for written in scenario.tree.get("events") or ():
        where = written.get("node") or " – ".join(written.get("link", ()))
        rest = {key: value for key, value in written.items() if key not in ("at", "node", "link")}
        rows.append((f"at {written['at']}", f"{where}: {words(rest)}"))
    if rows:
        yield _listing("events", rows)


def _listing(title: str, rows: list[tuple[str, str]]) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=0)
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column()
    for label, said in rows:
        grid.add_row("", Text(label), Text(said))
    return Group(Text(title, style="bold"), grid, Text())
