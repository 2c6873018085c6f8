"""``proxysim learn``: lessons in the terminal, one question at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxysim.errors import ResultError

if TYPE_CHECKING:
    from proxysim.learn.progress import Progress

__all__ = ["learn"]

#: A narrower screen has no room for what topics are about.
ROOMY = 80
_FORMATS = ("anki", "jupyterquiz", "jupytercards")


def _topics(incomplete: str) -> list[str]:
    """For the shell's completion."""
    from proxysim.learn.lessons import lesson_names

    return [name for name in lesson_names() if name.startswith(incomplete)]


def learn(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="[TOPIC]", help="Default: the map of topics.", autocompletion=_topics
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(metavar="picture|socratic|quiz|cards", help="Which way in. Default: asks."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=2**63 - 1, show_default=False, help="Of the runs. Default: 7."
        ),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Your predictions, and what came instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    export: Annotated[
        tuple[str, Path] | None,
        typer.Option(
            metavar="FORMAT FILE", help=f"Write cards or questions: {', '.join(_FORMATS)}."
        ),
    ] = None,
    progress: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where to keep your progress. Default: your data folder."
        ),
    ] = None,
) -> None:
    """Learn what proxies do: predict, run, see, explain."""
    from proxysim.cli.screen import json_out
    from proxysim.learn.progress import Progress
    from proxysim.learn.topics import SEED

    shelf = Progress(progress)
    for note in shelf.notes:
        typer.echo(f"note: {note}", err=True)
    chosen = SEED if seed is None else seed
    if export is not None:
        _export(export, topic, chosen)
    elif report:
        _report(shelf, as_json)
    elif as_json:
        json_out(_plain(topic, mode, chosen, shelf))
    elif topic is None and mode is None:
        _map(shelf)
    else:
        _walk(topic, mode, chosen, shelf)


def _export(export: tuple[str, Path], topic: str | None, seed: int) -> None:
    from proxysim.errors import did_you_mean
    from proxysim.learn import export as formats

    form, file = export
    if form not in _FORMATS:
        raise ResultError(
            f"found {form!r}", place="--export", mend=f"{did_you_mean(form, _FORMATS)}."
        )
    written = formats.write(form, file, topic, seed)
    typer.echo(f"Written to {file}: {written}.")


def _plain(topic: str | None, mode: str | None, seed: int, shelf: Progress) -> Any:
    from proxysim.learn.standing import standing
    from proxysim.learn.topics import topic as named

    if topic is None:
        if mode is not None:
            raise ResultError("--mode needs a topic", mend="proxysim learn lists them.")
        return standing(shelf)
    found = named(topic)
    return found.to_dict(seed) if mode is None else found.way(mode, seed).to_dict()


def _walk(topic: str | None, mode: str | None, seed: int, shelf: Progress) -> None:
    from proxysim.cli.lesson import carry, choose
    from proxysim.learn.topics import topic as named
    from proxysim.learn.ways import review

    if topic is None:
        if mode != "cards":
            raise ResultError("--mode needs a topic", mend="proxysim learn lists them.")
        carry(review(seed, shelf))
        return
    found = named(topic)
    way = mode or choose(found, shelf)
    if way is not None:
        carry(found.way(way, seed).walk(shelf))


def _map(shelf: Progress) -> None:
    from rich.table import Table
    from rich.text import Text

    from proxysim.cli.screen import console
    from proxysim.learn.standing import standing
    from proxysim.learn.ways import WAYS

    found = standing(shelf)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("topic")
    screen = console()
    table.add_column("min", justify="right")
    for mode in WAYS:
        table.add_column(mode, justify="center", no_wrap=True)
    for each in found["topics"]:
        quiz = each["quiz"]
        marks = {mode: "✓" if mode in each["done"] else "·" for mode in WAYS}
        if quiz["answered"]:
            marks["quiz"] = f"{quiz['right']}/{quiz['questions']}"
        if each["cards"]["due"]:
            marks["cards"] = f"{each['cards']['due']} due"
        cells = [marks[mode] for mode in WAYS]
        topic = Text(each["topic"], style="bold cyan")
        if screen.width >= ROOMY:
            topic.append(f"\n{each['about']}", style="not bold default")
        table.add_row(topic, str(each["minutes"]), *cells)
    screen.print()
    screen.print(table)
    screen.print()
    if found["due"]:
        cards = "1 card is" if found["due"] == 1 else f"{found['due']} cards are"
        screen.print(f"{cards} due again: [bold]proxysim learn --mode cards[/]")
    if found["next"]:
        screen.print(f"Go on with: [bold]proxysim learn {found['next']}[/]")
    else:
        screen.print("You have been through all of it. Well done.")


def _report(shelf: Progress, as_json: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from proxysim.cli.screen import console, json_out
    from proxysim.learn.standing import reported

    found = reported(shelf)
    if as_json:
        json_out(found)
        return
    screen = console()
    if not found["predictions"] and not found["exercises"]:
        screen.print("No predictions yet. Begin with: [bold]proxysim learn two-proxies[/]")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 1, 0), header_style="dim")
    for title in ("question", "you predicted", "it is", ""):
        table.add_column(title)
    for each in found["predictions"]:
        mark = "" if each["outcome"] is None else "✓" if each["close"] else "≠"
        table.add_row(Text(each["question"]), each["predicted"], each["found"], mark)
    screen.print(table)
    told = [each for each in found["predictions"] if each["outcome"] is not None]
    if told:
        close = sum(each["close"] for each in told)
        screen.print(f"{close} of {len(told)} predictions were within 15 % of what came.")
    for each in found["exercises"]:
        how = "solved" if each["right"] else "not solved yet"
        screen.print(Text(f"exercise {each['exercise']}: {how}, tries: {each['tries']}"))
