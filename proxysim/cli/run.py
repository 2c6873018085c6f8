"""``proxysim run``: a scenario in simulated time, with and without a proxy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxysim.cli.chosen import Assignments, CostsFile, Name, chosen
from proxysim.errors import ResultError

if TYPE_CHECKING:
    from proxysim.results.comparison import Difference
    from proxysim.results.recorder import Keep
    from proxysim.results.run import Run
    from proxysim.scenario import Scenario

__all__ = ["run"]

#: With --out, the spans of every so-manieth request are kept unless --hops says otherwise: enough
#: to look into, and the trace of a shipped scenario stays a few megabytes.
SAMPLE = 50
#: Of more files of one kind, only the number is told.
MOST_NAMES = 6


def _keep(option: str, text: str) -> Keep:
    if text == "all":
        return "all"
    if text == "none":
        return "none"
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise ResultError(
        f"found {text!r}", place=option, mend="Give all, none, or N for every N-th request."
    )


def run(
    scenario: Name,
    assignments: Assignments = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE", help="Send the same requests without this proxy too, and compare."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=2**63 - 1, show_default=False, help="Default: the scenario's."
        ),
    ] = None,
    costs: CostsFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write tables, trace, charts and a report there."),
    ] = None,
    charts: Annotated[
        bool | None, typer.Option("--charts/--no-charts", help="With --out. Default: charts.")
    ] = None,
    hops: Annotated[
        str | None,
        typer.Option(
            metavar="all|none|N",
            help=f"Whose spans to keep; N: every N-th request. Default: {SAMPLE} with --out"
            " or --explain, else none.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why backends were chosen, beside their spans.")
    ] = False,
    keep: Annotated[str, typer.Option(metavar="all|none|N", help="Whose rows to keep.")] = "all",
) -> None:
    """Run a scenario in simulated time, and print what came of it."""
    from proxysim.cli.files import made_ready, write
    from proxysim.cli.screen import json_out

    rows = _keep("--keep", keep)
    sampled = out is not None or explain
    spans = _keep("--hops", hops or (str(SAMPLE) if sampled else "none"))
    if charts and out is None:
        raise ResultError("--charts has nowhere to go", mend="Say where, with --out DIR.")
    asked = chosen(scenario, assignments, costs)
    bare = asked
    for node in without or ():
        bare = bare.without(node)
    if out is not None:
        made_ready(out)

    found = _simulated(asked, seed, rows, spans, explain)
    other = _simulated(bare, seed, rows, spans) if without else None
    differences: Sequence[Difference] = ()
    if other is not None:
        from proxysim.results.comparison import compare

        differences = compare(found, other)
    said = _said(found, other, differences)
    if as_json:
        json_out(said)
    else:
        _print(asked, found, other, differences)
    if out is not None:
        files, notes = write(
            out,
            found,
            said,
            other=other,
            label=f"without {', '.join(without or ())}",
            differences=differences,
            charts=charts is not False,
        )
        for line in _written(out, files, notes):
            typer.echo(line, err=as_json)


def _simulated(
    scenario: Scenario, seed: int | None, keep: Keep, hops: Keep, explain: bool = False
) -> Run:
    import proxysim
    from proxysim.cli.screen import progress_bar

    what = scenario.name + "".join(f" without {node}" for node in scenario.removed)
    with progress_bar(what) as progress:
        return proxysim.simulate(
            scenario, seed=seed, keep=keep, hops=hops, explain=explain, progress=progress
        )


def _said(found: Run, other: Run | None, differences: Sequence[Difference]) -> dict[str, Any]:
    said: dict[str, Any] = found.summary().to_dict()
    if found.choices:
        said["choices"] = found.choices
    if other is not None:
        said["without"] = other.summary().to_dict()
        said["differences"] = [row.to_dict() for row in differences]
    return said


def _print(
    scenario: Scenario, found: Run, other: Run | None, differences: Sequence[Difference]
) -> None:
    from proxysim.cli.figures import (
        choices_table,
        differences_table,
        run_line,
        sights_table,
        summary_tables,
    )
    from proxysim.cli.screen import console, head
    from proxysim.results.knowledge import observers

    screen = console()
    screen.print(head(scenario.title, scenario.question, scenario.watch_for))
    screen.print(run_line(found))
    for group, notes in found.extra.get("replayed", {}).items():
        for note in notes:
            screen.print(f"{group}: {note}", style="dim", markup=False, highlight=False)
    for note in found.extra.get("notes", ()):
        screen.print(f"note: {note}", style="dim", markup=False, highlight=False)
    screen.print()
    screen.print(summary_tables(found, screen.width))
    if found.choices:
        screen.print(choices_table(found))
    if other is None:
        return
    removed = ", ".join(other.extra.get("without", ()))
    screen.rule(f"[bold]with and without {removed}[/]", style="dim")
    screen.print()
    screen.print(differences_table(differences, removed))
    screen.print(sights_table(observers(found), observers(other)))
    screen.print()


def _written(out: Path, files: Sequence[Path], notes: Sequence[str]) -> Iterator[str]:
    """What was written, by directory: the names of files that differ only by their ending once."""
    by_place: dict[Path, dict[str, list[str]]] = {}
    for file in files:
        endings = by_place.setdefault(file.parent, {}).setdefault(file.stem, [])
        endings.append(file.suffix.lstrip("."))
    yield f"Written to {out}; open {out / 'report.html'} in a browser."
    for place, stems in sorted(by_place.items()):
        by_endings: dict[str, list[str]] = {}
        for stem, endings in stems.items():
            by_endings.setdefault(", ".join(endings), []).append(stem)
        shown = "" if place == out else f"{place.relative_to(out)}/  "
        for ending, names in by_endings.items():
            told = ", ".join(names) if len(names) <= MOST_NAMES else f"{len(names)} pictures"
            yield f"  {shown}{told} ({ending})"
    yield from (f"  {note}" for note in notes)
