"""``proxysim calibrate``: what the steps of a proxy cost on this machine, for the simulator."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxysim.cli.standing import need_the_wire
from proxysim.errors import ResultError

if TYPE_CHECKING:
    from rich.table import Table

    from proxysim.loopback.calibrate import Calibration

__all__ = ["calibrate"]


def calibrate(
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the profile there: proxysim run NAME --costs FILE"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer rounds, and of codings the usual levels alone.")
    ] = False,
) -> None:
    """Measure what a proxy's steps cost on this machine, in processor time, at low load.

    It takes some 20 seconds. What else runs here makes figures larger.
    """
    need_the_wire()
    from proxysim.cli.screen import console, json_out, progress_bar
    from proxysim.loopback.calibrate import calibrate as measure

    with _written(out) as write:
        with progress_bar("calibrating") as progress:
            found = measure(quick=quick, progress=progress)
        write(found.to_yaml())
    if as_json:
        json_out(found.to_dict())
    else:
        screen = console()
        screen.print()
        for name in ("machine", "system", "python", "loop"):
            screen.print(f"[dim]{name:<8}[/] {found.measured[name]}", highlight=False)
        screen.print()
        screen.print(_steps(found))
        screen.print()
        screen.print(_codings(found))
    if found.hurried:
        rounds = len(found.figures[0].rounds)
        typer.echo(f"note: this machine is busy: only {rounds} rounds in the time", err=True)
    if out is not None:
        typer.echo(f"wrote {out}; use it so: proxysim run SCENARIO --costs {out}", err=True)


@contextmanager
def _written(path: Path | None) -> Iterator[Callable[[str], object]]:
    """What writes a text to *path*, whole or not at all; told at once where that is impossible."""
    if path is None:
        yield lambda text: None
        return
    part: Path | None = None
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "it is a directory")
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}-", delete=False, encoding="utf-8"
        ) as file:
            part = Path(file.name)
            texts: list[str] = []
            yield texts.append
            file.write("".join(texts))
        part.chmod(0o644)
        part.replace(path)
        part = None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ResultError(
            f"the profile cannot be written: {reason}",
            place=str(path),
            mend="Name a file that can be made.",
        ) from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _steps(found: Calibration) -> Table:
    from rich.table import Table

    from proxysim.units import format_duration

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("step", style="bold cyan", no_wrap=True)
    table.add_column("median", justify="right", no_wrap=True)
    table.add_column("rounds", justify="right", no_wrap=True)
    table.add_column("how it was measured")
    for figure in found.figures:
        if figure.ratio:
            continue
        if figure.per_byte:
            told = _speed(figure.value)
            ends = [_speed(max(0.0, each)) for each in (max(figure.rounds), min(figure.rounds))]
        else:
            told = format_duration(figure.value)
            ends = [format_duration(each) for each in (min(figure.rounds), max(figure.rounds))]
        table.add_row(figure.step, told, " to ".join(ends), figure.how)
    for kind in ("forward", "reverse"):
        told = format_duration(found.details[f"request_{kind}"])
        table.add_row(f"  {kind}", told, "", f"of request, the {kind} proxy alone", style="dim")
    return table


def _codings(found: Calibration) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("coding and level", style="bold cyan", no_wrap=True)
    table.add_column("speed", justify="right")
    table.add_column("shrinks text", justify="right")
    for figure in found.figures:
        if figure.ratio:
            name = figure.step.removeprefix("compress ")
            table.add_row(name, _speed(figure.value), f"{figure.ratio:.2f} times")
    return table


def _speed(seconds_per_byte: float) -> str:
    from proxysim.units import format_bytes

    return f"{format_bytes(1 / seconds_per_byte)}/s" if seconds_per_byte else "too fast to tell"
