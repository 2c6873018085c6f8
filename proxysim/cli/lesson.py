"""A way through a topic, carried out on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from proxysim.learn.progress import Progress
    from proxysim.learn.talking import Ask, Step, Talk
    from proxysim.learn.topics import Topic

__all__ = ["carry", "choose"]

_LEAVE = ("q", "quit", "exit")
_MARKS = {
    "right": ("✓ ", "green"),
    "wrong": ("≠ ", "yellow"),
    "note": ("  ", "dim"),
    "plain": ("  ", ""),
}


class LeftError(Exception):
    """The learner has had enough for now."""


def carry(talk: Talk) -> None:
    """Show what *talk* shows, and pass on what is answered, until it ends or the input does."""
    from proxysim.cli.screen import console
    from proxysim.learn.talking import Ask

    screen = console()
    answer: str | None = None
    try:
        while True:
            step = _next(screen, talk, answer)
            answer = None
            if isinstance(step, Ask):
                answer = _asked(screen, step)
            else:
                _shown(screen, step)
    except StopIteration:
        screen.print()
    except LeftError:
        screen.print("\nUntil later. All that you have answered is kept.", style="dim")
    except KeyboardInterrupt:
        typer.echo("\nAll that you have answered is kept.", err=True)
        raise
    finally:
        talk.close()
        screen.show_cursor()


def _next(screen: Console, talk: Talk, answer: str | None) -> Step:
    """What comes next; a terminal says so while it is being simulated."""
    if not screen.is_terminal:
        return talk.send(answer)
    with screen.status("running it ..."):
        return talk.send(answer)


def choose(topic: Topic, progress: Progress) -> str | None:
    """Ask which way into *topic*; Enter takes the first that was not gone yet. None: left."""
    from rich.table import Table

    from proxysim.cli.screen import console
    from proxysim.learn.ways import WAYS

    screen = console()
    done = progress.done(topic.name)
    fresh = next((mode for mode in WAYS if mode not in done), "quiz")
    screen.print(f"\n[bold]{topic.title}[/]\n{topic.lesson.about}\n")
    ways = Table.grid(padding=(0, 1, 0, 0))
    for mode, way in WAYS.items():
        summary = (way.__doc__ or "").partition("\n")[0]
        ways.add_row(" ", "✓" if mode in done else " ", f"[bold cyan]{mode}[/]", summary)
    screen.print(ways)
    while True:
        try:
            said = _line(screen, f"\nWhich way? Enter: {fresh}, q: leave > ").lower()
        except LeftError:
            return None
        found = [mode for mode in WAYS if said and mode.startswith(said)]
        if not said or len(found) == 1:
            return found[0] if found else fresh
        screen.print("Write, for example, [bold]picture[/], or its first letter.", style="dim")


def _asked(screen: Console, ask: Ask) -> str:
    from rich.markdown import Markdown
    from rich.padding import Padding
    from rich.table import Table

    screen.print()
    screen.print(Padding(Markdown(ask.text), (0, 2)))
    lettered = [option for option in ask.options if option[0]]
    if lettered:
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(style="bold cyan", no_wrap=True)
        grid.add_column()
        for key, text in lettered:
            grid.add_row(f"    {key}", Markdown(text))
        screen.print(grid)
    hint = f"such as {ask.example}" if not ask.options else ""
    if ask.options and not lettered:
        hint = f"Enter: {ask.options[0][1]}"
    said = _line(screen, f"  {hint}{' ' if hint else ''}> ")
    return said


def _shown(screen: Console, step: object) -> None:
    from rich.markdown import Markdown
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from proxysim.learn.talking import Draw, Say, Show, Try

    if isinstance(step, Say) and step.tone == "title":
        screen.print()
        screen.rule(f"[bold]{step.text}[/]", style="dim")
    elif isinstance(step, Say):
        mark, style = _MARKS[step.tone]
        grid = Table.grid()
        grid.add_column(style=style)
        grid.add_column()
        grid.add_row(mark, Markdown(step.text, style=style or "none"))
        screen.print()
        screen.print(Padding(grid, (0, 2, 0, 0)))
    elif isinstance(step, Draw):
        screen.print()
        drawing = Text(step.text, style="cyan", no_wrap=True, overflow="crop")
        screen.print(Padding(drawing, (0, 0, 0, 4), expand=False))
    elif isinstance(step, Show):
        hint = "For a chart of it, add --out DIR to the command, and open DIR/report.html."
        screen.print(f"\n  {hint}", style="dim")
    elif isinstance(step, Try):
        screen.print()
        screen.print(Text(f"  $ {step.command}", style="bold"), soft_wrap=True)
        screen.print(Padding(Markdown(step.found), (0, 2, 0, 4)))


def _line(screen: Console, prompt: str) -> str:
    """What is typed; LeftError at the end of input, or when the learner says so."""
    screen.print(prompt, end="", style="bold", markup=False)
    screen.file.flush()
    line = _typed()
    if not sys.stdin.isatty():
        screen.print(line.strip(), markup=False)
    if not line or line.strip().lower() in _LEAVE:
        raise LeftError
    return line.strip()


def _typed() -> str:
    return sys.stdin.readline()
