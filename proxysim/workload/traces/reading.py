"""From a file to a trace: which format it is in, line by line, with what cannot be used counted."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from proxysim.errors import TraceError, did_you_mean
from proxysim.workload.traces import combined, squid, table
from proxysim.workload.traces.trace import Columns, Entry, Skipped, Trace

__all__ = ["FORMATS", "read_trace"]

#: The formats that can be asked for by name.
FORMATS = ("auto", "combined", "squid", "csv")

_LOOKED_AT = 50
_LONGEST_LINE = 1 << 16
_RESOLUTIONS = {"combined": 1.0, "squid": 0.001, "csv": 0.001}
_EXPECTED = (
    "an access log in the common or combined format, in Squid's native format, or a CSV with the"
    " columns time, client, url and size"
)

Parser = Callable[[str], Entry]


def read_trace(file: str | Path, format: str = "auto", *, limit: int | None = None) -> Trace:
    """The access log *file*, gzipped or not; only its first *limit* requests if that is given.

    *format* is one of :data:`FORMATS`; ``auto`` takes the one that reads most of the first 50
    lines. Lines that cannot be used are counted in ``Trace.skipped`` and never fatal. Raises
    TraceError for a file that cannot be read, or that holds not one request.
    """
    path = Path(file)
    if format not in FORMATS:
        raise TraceError(
            f"unknown format {format!r}", place=str(path), mend=did_you_mean(format, FORMATS)
        )
    if format == "auto":
        format = _recognised(path)
    columns, skipped = Columns(), Skipped()
    parse: Parser | None = {"combined": combined.parse, "squid": squid.parse}.get(format)
    for number, line in _lines(path, skipped):
        try:
            if parse is None:
                parse = _table_parser(path, line)
            else:
                columns.add(parse(line))
        except (ValueError, OverflowError) as error:
            skipped.add(number, str(error))
        if len(columns.time) == limit:
            break
    if not columns.time:
        found = f"not one request in it; {skipped}" if skipped.count else "there is nothing in it"
        raise TraceError(found, place=str(path), mend=f"Expected {_EXPECTED}.")
    return Trace(
        columns,
        file=path.name,
        format=format,
        resolution=_RESOLUTIONS[format],
        skipped=skipped,
    )


def _table_parser(path: Path, header: str) -> Parser:
    try:
        return table.parser_of(header)
    except ValueError as error:
        raise TraceError(
            str(error),
            place=str(path),
            mend="Begin a CSV with a line that names its columns: time, client, url, size.",
        ) from None


def _recognised(path: Path) -> str:
    """The format that reads most of the first lines."""
    lines = [line for _, line in _lines(path, Skipped(), most=_LOOKED_AT)]
    if not lines:
        return "combined"
    parsers: dict[str, Parser] = {"combined": combined.parse, "squid": squid.parse}
    try:
        parsers["csv"] = table.parser_of(lines[0])
    except ValueError:
        pass
    reads = {name: sum(_reads(parse, line) for line in lines) for name, parse in parsers.items()}
    best = max(reads, key=lambda name: reads[name])
    if not reads[best]:
        raise TraceError(
            f"none of its first {len(lines)} lines is in a known format",
            place=str(path),
            mend=f"Expected {_EXPECTED}.",
        )
    return best


def _reads(parse: Parser, line: str) -> bool:
    try:
        parse(line)
    except (ValueError, OverflowError):
        return False
    return True


def _lines(path: Path, skipped: Skipped, most: int | None = None) -> Iterator[tuple[int, str]]:
    """The numbered lines of *path* that hold anything; at most *most* of them."""
    given = 0
    number = 0
    try:
        with _opened(path) as file:
            while raw := file.readline(_LONGEST_LINE):
                number += 1
                if len(raw) == _LONGEST_LINE and not raw.endswith(b"\n"):
                    while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
                        pass
                    skipped.add(number, f"longer than {_LONGEST_LINE} bytes")
                    continue
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                if line.strip():
                    yield number, line
                    given += 1
                    if given == most:
                        return
    except (EOFError, gzip.BadGzipFile, zlib.error):
        skipped.add(number + 1, "the gzip archive is damaged or ends here")
    except OSError as error:
        raise TraceError(
            f"cannot be read: {error.strerror or error}",
            place=str(path),
            mend="Name an access log that exists; the path is taken from the scenario's directory.",
        ) from None


def _opened(path: Path) -> BinaryIO:
    """*path*, decompressed if it begins as gzip does, whatever it is called."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path) if zipped else path.open("rb"))
