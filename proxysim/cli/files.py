"""What ``proxysim run --out DIR`` leaves there: tables, trace, charts, and a page with them all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxysim.errors import ResultError

if TYPE_CHECKING:
    from proxysim.results.comparison import Difference
    from proxysim.results.run import Run

__all__ = ["made_ready", "rewritten", "write"]

WITHOUT = "without"
MANIFEST = "manifest.json"


def made_ready(directory: Path) -> Path:
    """*directory*, made if it is not there; ResultError before a run, not after it."""
    if directory == Path():
        raise ResultError("--out names no directory", mend="Say where, as in --out results.")
    with _writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        trial = directory / ".proxysim"
        trial.write_bytes(b"")
        trial.unlink()
    return directory


def write(
    directory: Path,
    run: Run,
    summary: Mapping[str, Any],
    *,
    other: Run | None = None,
    label: str = "",
    differences: Sequence[Difference] = (),
    charts: bool = True,
) -> tuple[list[Path], list[str]]:
    """Write everything about *run*; gives the files, and what was left out and why.

    *other* is the same without a proxy, *label* what to call it. See :func:`rewritten`.
    """
    notes: list[str] = []
    with rewritten(directory, run.manifest) as files:
        files += _tables(run, directory, notes)
        if other is not None:
            files += _tables(other, directory / WITHOUT, notes)
        pictures: list[tuple[str, bytes]] = []
        if charts:
            pictures, drawn = _charts(run, other, directory / "charts")
            files += drawn
        path = directory / "summary.json"
        text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
        path.write_text(f"{text}\n", encoding="utf-8")
        files.append(path)
        files.append(_report(run, directory, pictures, other, label, differences))
        files += _stage(run, directory, notes, other, label)
    return files, list(dict.fromkeys(notes))


@contextmanager
def rewritten(directory: Path, manifest: Mapping[str, Any]) -> Iterator[list[Path]]:
    """Gather the files that are written into *directory*, and list them in its *manifest*.

    What an earlier manifest there lists and is not written again is removed, and nothing else is.
    """
    with _writing(directory):
        earlier = _listed(directory)
        files: list[Path] = []
        yield files
        _clear(directory, earlier.difference(files))
        names = sorted({path.relative_to(directory).as_posix() for path in files})
        text = json.dumps({**manifest, "files": names}, indent=2, ensure_ascii=False)
        (directory / MANIFEST).write_text(f"{text}\n", encoding="utf-8")


def _listed(directory: Path) -> set[Path]:
    """The files inside *directory* that an earlier run's manifest lists as its own."""
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    listed = manifest.get("files") if isinstance(manifest, dict) else None
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    inside = directory.resolve()
    return {
        directory / name
        for name in names
        if ".." not in Path(name).parts
        and (directory / name).parent.resolve().is_relative_to(inside)
    }


def _clear(directory: Path, files: Iterable[Path]) -> None:
    """Remove *files*, and the directories below *directory* that this leaves empty."""
    emptied = set()
    for path in files:
        if path.is_file() or path.is_symlink():
            path.unlink()
            emptied.add(path.parent)
    for place in emptied - {directory}:
        if not any(place.iterdir()):
            place.rmdir()


def _tables(run: Run, directory: Path, notes: list[str]) -> list[Path]:
    files = run.to_csv(directory)
    if find_spec("pyarrow") is not None:
        files += run.to_parquet(directory)
    else:
        notes.append("no Parquet: it needs pyarrow, pip install 'proxysim[parquet]'")
    if len(run.table("hops")):
        files.append(run.to_trace(directory / "trace.json"))
    else:
        notes.append("no trace: no spans were kept; --hops says of whom they are")
    return files


def _charts(
    run: Run, other: Run | None, directory: Path
) -> tuple[list[tuple[str, bytes]], list[Path]]:
    from proxysim.charts import figure_set, picture

    directory.mkdir(parents=True, exist_ok=True)
    pictures, files = [], []
    for slug, title, figure in figure_set(run, other):
        drawn = {kind: picture(figure, kind) for kind in ("png", "svg")}
        for kind, content in drawn.items():
            path = directory / f"{slug}.{kind}"
            path.write_bytes(content)
            files.append(path)
        pictures.append((title, drawn["png"]))
    return pictures, files


def _report(
    run: Run,
    directory: Path,
    pictures: Sequence[tuple[str, bytes]],
    other: Run | None,
    label: str,
    differences: Sequence[Difference],
) -> Path:
    from proxysim.results.html import report_html

    page = report_html(
        run,
        pictures,
        others=None if other is None else {label: other},
        differences=differences,
    )
    path = directory / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def _stage(
    run: Run, directory: Path, notes: list[str], other: Run | None, label: str
) -> list[Path]:
    """A page that plays what spans there are, of a bounded number of requests."""
    if not len(run.table("hops")):
        return []  # which the note on the trace has told already
    from proxysim.stage import page

    labels = (label.replace("without ", "with ", 1), label)
    try:
        text = page(run, other, labels=labels)
    except ResultError as error:
        notes.append(f"no stage: {error}")
        return []
    path = directory / "stage.html"
    path.write_text(text, encoding="utf-8")
    return [path]


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ResultError(
            f"cannot be written to: {reason}",
            place=str(directory),
            mend="Name a directory that can be made or written to.",
        ) from error
