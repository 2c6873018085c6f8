"""Finished cells of sweeps on disk: each at once, whole or not at all, and told from damaged ones.

A cell is one replication of one setting. Its file is named after a digest of all that its values
depend on: what the scenario says, the files that it names, seed, replication, metrics, and the
simulator's own code.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import proxysim
from proxysim.errors import ResultError
from proxysim.scenario import Scenario
from proxysim.studies.metrics import Metric

__all__ = ["Cell", "Store", "code_digest", "keys_of", "usual_place"]

FORMAT = 1
HEADER = "store.json"
#: All that the values of a run depend on, as files and directories of the package.
_ROOMS = (
    "costs.py", "messages.py", "units.py", "policies", "proxies", "results", "scenario", "sim",
    "statistics", "studies/menu.py", "studies/metrics.py", "topology", "workload",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """What one replication of one setting found: metrics' *values*, and ok answers *answered*."""

    values: dict[str, float | None]
    answered: int


class Store:
    """Cells in a *directory*, which is made where it is not there.

    ResultError for a directory that holds something else, or cells of another version of proxysim.
    ``damaged`` lists the cells that were found damaged, and so are to be made again.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self.damaged: list[str] = []
        with self._writing():
            self.directory.mkdir(parents=True, exist_ok=True)
            self._check_header()

    def get(self, key: str) -> Cell | None:
        """The cell of *key*; None where there is none, or what there is is damaged."""
        try:
            content = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            content = b""
        digest, _, body = content.partition(b"\n")
        if digest.decode("ascii", "replace") == hashlib.sha256(key.encode() + body).hexdigest():
            said = json.loads(body)
            return Cell(said["values"], said["answered"])
        self.damaged.append(key)
        return None

    def put(self, key: str, cell: Cell) -> None:
        """Keep *cell*; whoever reads meanwhile finds all of it or nothing."""
        said = {"values": cell.values, "answered": cell.answered}
        body = json.dumps(said, allow_nan=False, separators=(",", ":")).encode()
        digest = hashlib.sha256(key.encode() + body).hexdigest().encode()
        path = self._path(key)
        with self._writing():
            path.parent.mkdir(exist_ok=True)
            self._replace(path, digest + b"\n" + body)

    def _path(self, key: str) -> Path:
        return self.directory / key[:2] / f"{key}.json"

    def _check_header(self) -> None:
        header = self.directory / HEADER
        mine = {"proxysim": proxysim.__version__, "format": FORMAT}
        if not header.exists():
            if any(self.directory.iterdir()):
                raise ResultError(
                    "holds something else than cells of a sweep",
                    place=str(self.directory),
                    mend="Name an empty directory, or one that does not exist yet.",
                )
            self._replace(header, json.dumps(mine).encode())
            return
        try:
            found = json.loads(header.read_bytes())
        except ValueError:
            found = None
        if found != mine:
            told = found if isinstance(found, dict) else {}
            raise ResultError(
                f"holds cells of proxysim {told.get('proxysim', 'unknown')}, format"
                f" {told.get('format', 'unknown')}; this is {mine['proxysim']}, format {FORMAT}",
                place=str(self.directory),
                mend="Name another store, or delete this one.",
            )

    def _replace(self, path: Path, content: bytes) -> None:
        beside = path.with_suffix(f".{os.getpid()}.part")
        beside.write_bytes(content)
        beside.replace(path)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ResultError(
                f"the store cannot be written to: {error.strerror}",
                place=str(self.directory),
                mend="Name a directory that can be made or written to.",
            ) from error


def keys_of(
    scenario: Scenario, seed: int, replications: int, metrics: Sequence[Metric]
) -> list[str]:
    """The names of a setting's cells: SHA-256, in hexadecimal, of all that their values depend on.

    One a replication. O(size of the scenario + replications).
    """
    said = scenario.document.model_dump(mode="json", by_alias=True)
    depends = {
        "format": FORMAT,
        "code": code_digest(),
        "scenario": said,
        "removed": scenario.removed,
        "files": [_digest(path) for path in _files(said, scenario.directory)],
        "seed": seed,
        "metrics": [(one.name, repr(one.prices)) for one in metrics],
    }
    text = json.dumps(depends, sort_keys=True, separators=(",", ":"))
    setting = hashlib.sha256(text.encode()).hexdigest()
    return [
        hashlib.sha256(f"{setting} {replication}".encode()).hexdigest()
        for replication in range(replications)
    ]


def _files(said: Any, directory: Path) -> Iterator[Path]:
    """The files that a scenario names: logs, lists and profiles."""
    if isinstance(said, dict):
        for value in said.values():
            yield from _files(value, directory)
    elif isinstance(said, list):
        for value in said:
            yield from _files(value, directory)
    elif isinstance(said, str) and said and "\0" not in said and len(said) < 1000:
        path = directory / said
        try:
            if path.is_file():
                yield path.resolve()
        except OSError:  # a title, too long to be the name of a file
            return


def _digest(path: Path) -> str:
    state = path.stat()
    return _digest_of(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=256)
def _digest_of(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=1)
def code_digest() -> str:
    """SHA-256 over the code that decides what a run finds: other code, other cells."""
    package = Path(proxysim.__file__).parent
    digest = hashlib.sha256()
    for room in _ROOMS:
        place = package / room
        for path in [place] if place.suffix else sorted(place.rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def usual_place() -> Path:
    """Where cells are kept when nobody says where: the user's cache, by version.

    Source: XDG Base Directory Specification 0.8, ``XDG_CACHE_HOME``.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "proxysim" / f"cells-{proxysim.__version__}-{FORMAT}"
