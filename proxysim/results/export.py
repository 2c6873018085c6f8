"""A run as files: CSV, Parquet, and a Chrome trace. Each carries the run's manifest."""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from proxysim.errors import ResultError

if TYPE_CHECKING:
    from proxysim.results.run import Run

__all__ = ["to_csv", "to_parquet", "to_trace"]


def to_csv(run: Run, path: str | Path) -> list[Path]:
    """Write the requests to *path* if it ends in ``.csv``, else all tables into that directory.

    UTF-8 with a header line; numbers to the last bit. Beside ``NAME.csv`` lies
    ``NAME.manifest.json``, in a directory ``manifest.json``. Where the run explained itself there
    are also, one JSON object a line, ``choices.jsonl`` (why each backend was chosen) and the run's
    diary: ``messages.jsonl``, ``deeds.jsonl`` and ``bouts.jsonl``. Gives the files written.
    """
    target = Path(path)
    alone = target.suffix.lower() == ".csv"
    with _writing(target):
        files = _files(run, target, alone, "csv")
        for table, file in files.items():
            getattr(run, table).to_csv(file, index=False, lineterminator="\n", encoding="utf-8")
        manifest = target.with_suffix(".manifest.json") if alone else target / "manifest.json"
        text = json.dumps(run.manifest, indent=2, ensure_ascii=False) + "\n"
        manifest.write_text(text, encoding="utf-8")
        told = [] if alone else list(_told(run, target))
    return [*files.values(), *told, manifest]


def _told(run: Run, directory: Path) -> Iterator[Path]:
    """Write what the run has explained."""
    diary = run.diary
    for name, rows in (
        ("choices", run.choices),
        ("messages", [row._asdict() for row in diary.messages]),
        ("deeds", [row._asdict() for row in diary.deeds]),
        ("bouts", [row._asdict() for row in diary.bouts]),
    ):
        if rows:
            file = directory / f"{name}.jsonl"
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            file.write_text("".join(lines), encoding="utf-8")
            yield file


def to_parquet(run: Run, path: str | Path) -> list[Path]:
    """Write the requests to *path* if it ends in ``.parquet``, else all tables into that directory.

    The manifest is JSON under the key ``proxysim`` of each file's metadata. Gives the files
    written. ResultError where pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ResultError(
            "Parquet needs pyarrow, which is not installed",
            mend="Install it with: pip install 'proxysim[parquet]'",
        ) from None
    target = Path(path)
    manifest = json.dumps(run.manifest, ensure_ascii=False).encode()
    with _writing(target):
        files = _files(run, target, target.suffix.lower() == ".parquet", "parquet")
        for name, file in files.items():
            table = pyarrow.Table.from_pandas(getattr(run, name), preserve_index=False)
            metadata = {**(table.schema.metadata or {}), b"proxysim": manifest}
            parquet.write_table(table.replace_schema_metadata(metadata), str(file))
    return list(files.values())


def to_trace(run: Run, path: str | Path) -> Path:
    """Write the spans as Chrome trace JSON, which https://ui.perfetto.dev opens; gives the file.

    A process is a node or link, its threads are as many lanes as it takes for spans not to
    overlap; arrows join the spans of a request. Choices of backends are instants. Times are in
    microseconds. ResultError where no spans were kept.

    Source: Duffy and others, "Trace Event Format", Google, 2016.
    """
    if not len(run.tables["hops"]):
        raise ResultError("no spans were kept", mend="Run with hops kept, for all or a sample.")
    target = Path(path)
    with _writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w", encoding="utf-8", newline="\n") as file:
            file.write('{"displayTimeUnit": "ms",\n"otherData": ')
            file.write(json.dumps(run.manifest, ensure_ascii=False, allow_nan=False))
            file.write(',\n"traceEvents": [')
            for number, event in enumerate(_trace_events(run)):
                file.write(",\n" if number else "\n")
                file.write(json.dumps(event, ensure_ascii=False, allow_nan=False))
            file.write("\n]}\n")
    return target


def _files(run: Run, target: Path, alone: bool, ending: str) -> dict[str, Path]:
    if alone:
        target.parent.mkdir(parents=True, exist_ok=True)
        return {"requests": target}
    target.mkdir(parents=True, exist_ok=True)
    return {name: target / f"{name}.{ending}" for name in run.tables}


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResultError(
            f"cannot be written: {error.strerror or error}",
            place=str(target),
            mend="Name a place that can be written to.",
        ) from error


def _trace_events(run: Run) -> Iterator[dict[str, Any]]:
    hops = run.tables["hops"]
    nodes, steps = hops.names("node"), hops.names("step")
    order = np.lexsort((hops.column("request"), hops.column("end"), hops.column("start")))
    request, node, step, start, end = (
        hops.column(name)[order].tolist() for name in ("request", "node", "step", "start", "end")
    )
    # A span that never ended is drawn to the end of all.
    last = max((moment for moment in (*start, *end) if math.isfinite(moment)), default=0.0)
    end = [moment if math.isfinite(moment) else last for moment in end]
    lanes = _lanes(node, start, end)

    yield {"ph": "M", "name": "process_name", "pid": 0, "tid": 0, "args": {"name": "events"}}
    for code, name in enumerate(nodes):
        yield {"ph": "M", "name": "process_name", "pid": code + 1, "args": {"name": name}}
        yield {
            "ph": "M",
            "name": "process_sort_index",
            "pid": code + 1,
            "args": {"sort_index": code},
        }

    events = [
        {
            "ph": "X",
            "name": str(event.get("label", "event")),
            "cat": "event",
            "pid": 0,
            "tid": number,
            "ts": _micro(event["at"]),
            "dur": _micro((event.get("until") or event["at"]) - event["at"]),
        }
        for number, event in enumerate(run.events)
    ]
    spans: list[dict[str, Any]] = []
    before: dict[int, int] = {}
    last_of = {who: place for place, who in enumerate(request)}
    for place, who in enumerate(request):
        where = {"pid": node[place] + 1, "tid": lanes[place], "ts": _micro(start[place])}
        spans.append(
            {
                "ph": "X",
                "name": steps[step[place]],
                "cat": "hop",
                **where,
                "dur": max(0.0, round(_micro(end[place]) - where["ts"], 3)),
                "args": {"request": who},
            }
        )
        if who >= 0 and (who in before or last_of[who] != place):
            phase = "s" if who not in before else "f" if last_of[who] == place else "t"
            arrow = {"ph": phase, "name": "request", "cat": "flow", "id": who, **where}
            spans.append(arrow | {"bp": "e"} if phase == "f" else arrow)
        before[who] = place
    codes = {name: code for code, name in enumerate(nodes)}
    choices = [
        {
            "ph": "i",
            "s": "p",
            "name": f"choose {choice['backend']}",
            "cat": "choice",
            "pid": codes.get(choice["node"], -1) + 1,
            "tid": 0,
            "ts": _micro(choice["at"]),
            "args": {"request": choice["request"], **choice["why"]},
        }
        for choice in run.choices
    ]
    yield from heapq.merge(sorted(events, key=_moment), choices, spans, key=_moment)


def _lanes(nodes: list[int], starts: list[float], ends: list[float]) -> list[int]:
    """For spans sorted by start, the lowest lane of the span's node that is free by then."""
    free: dict[int, list[int]] = {}
    busy: dict[int, list[tuple[float, int]]] = {}
    used: dict[int, int] = {}
    lanes = []
    for node, start, end in zip(nodes, starts, ends, strict=True):
        running, idle = busy.setdefault(node, []), free.setdefault(node, [])
        while running and running[0][0] <= start:
            heapq.heappush(idle, heapq.heappop(running)[1])
        if idle:
            lane = heapq.heappop(idle)
        else:
            lane = used[node] = used.get(node, 0) + 1
        heapq.heappush(running, (end, lane))
        lanes.append(lane)
    return lanes


def _micro(seconds: float) -> float:
    return round(seconds * 1e6, 3)


def _moment(event: dict[str, Any]) -> float:
    return float(event["ts"])
