"""What commands that make many runs have in common: their options, and what --out leaves there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxysim.errors import ScenarioError

if TYPE_CHECKING:
    import pandas as pd

    from proxysim.studies.grids import Range

__all__ = [
    "Confidence",
    "Metrics",
    "Price",
    "PriceOut",
    "Replications",
    "Seed",
    "Workers",
    "laid_out",
    "varied",
    "where_written",
]

Replications = Annotated[
    int, typer.Option(metavar="N", help="Runs of each setting, each with its own draws.")
]
Seed = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=0, max=2**63 - 1, show_default=False, help="Default: the scenario's."
    ),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="What to measure: p99, mean, throughput, hit_ratio, utilisation.shop, ... (several).",
    ),
]
Price = Annotated[
    str | None,
    typer.Option(metavar="PRICE", help="Of a server, for --metric cost: 0.12/h or $90/month"),
]
PriceOut = Annotated[
    str | None,
    typer.Option(metavar="PRICE", help="Of what clients receive, for --metric cost: 0.08/GB"),
]
Confidence = Annotated[
    float, typer.Option(metavar="SHARE", help="Of intervals, and to call a difference real.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, show_default=False, help="Processes. Default: one for each core."
    ),
]


def varied(texts: Iterable[str], option: str) -> dict[str, list[Any] | Range]:
    """Values by path, of texts such as ``nodes.shop.count=2,4``; ScenarioError names *option*."""
    from proxysim.studies.grids import parse_varied

    found: dict[str, list[Any] | Range] = {}
    for text in texts:
        path, values = parse_varied(text)
        if path in found:
            raise ScenarioError(
                "it is varied twice", place=f"{option} {path}", mend="Give all its values at once."
            )
        found[path] = values
    return found


def laid_out(
    directory: Path,
    manifest: Mapping[str, Any],
    said: Mapping[str, Any],
    frames: Mapping[str, Callable[[], pd.DataFrame]],
    figures: Iterable[tuple[str, str, Any]] | None,
) -> tuple[list[Path], list[str]]:
    """Write tables (CSV, and Parquet where pyarrow is), figures, what was *said*, and a manifest.

    Gives the files, and what was left out and why. What an earlier manifest listed and this one
    does not is removed, nothing else.
    """
    from proxysim.cli.files import rewritten

    notes = []
    parquet = find_spec("pyarrow") is not None
    if not parquet:
        notes.append("no Parquet: it needs pyarrow, pip install 'proxysim[parquet]'")
    with rewritten(directory, manifest) as files:
        for name, made in frames.items():
            frame = made()
            path = directory / f"{name}.csv"
            frame.to_csv(path, index=False, lineterminator="\n")
            files.append(path)
            if parquet:
                path = directory / f"{name}.parquet"
                _as_text(frame).to_parquet(path, index=False, engine="pyarrow")
                files.append(path)
        path = directory / "summary.json"
        text = json.dumps(said, indent=2, ensure_ascii=False, allow_nan=False)
        path.write_text(f"{text}\n", encoding="utf-8")
        files.append(path)
        if figures is not None:
            from proxysim.charts import save

            files += save(figures, directory / "charts")
    return files, notes


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """*frame* with columns of mixed kinds as text, which Parquet can hold."""
    written = frame.copy()
    for name in written.columns:
        if len({type(value) for value in written[name] if value is not None}) > 1:
            written[name] = [None if value is None else str(value) for value in written[name]]
    return written


def where_written(out: Path, files: Sequence[Path], notes: Sequence[str]) -> Iterator[str]:
    """What was written, in a few lines."""
    yield f"Written to {out}:"
    by_place: dict[Path, list[Path]] = {}
    for file in files:
        by_place.setdefault(file.parent, []).append(file)
    for place, found in sorted(by_place.items()):
        shown = "" if place == out else f"{place.relative_to(out)}/  "
        stems: dict[str, list[str]] = {}
        for file in found:
            stems.setdefault(file.stem, []).append(file.suffix.lstrip("."))
        yield f"  {shown}" + ", ".join(f"{s} ({', '.join(e)})" for s, e in stems.items())
    yield from (f"  {note}" for note in notes)
