"""A table of a run, column by column, as compact arrays; pandas only where asked for."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import starmap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from proxysim.errors import ResultError, RunError, did_you_mean
from proxysim.results.columns import Column

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Array", "Names", "Packer", "Table", "natural"]

Array = NDArray[Any]

_FORMATS = {"int64": "q", "int32": "i", "int16": "h", "int8": "b", "float64": "d", "bool": "?"}
_DIGITS = re.compile(r"[0-9]+")


@lru_cache(maxsize=65536)
def natural(name: str) -> str:
    """A sort key that puts shop-2 before shop-10."""
    return _DIGITS.sub(_counted, name)


def _counted(found: re.Match[str]) -> str:
    """Digits as text in whose order they are numbers, before any other text."""
    digits = found[0]
    number = digits.lstrip("0")
    return f"\0{chr(len(number))}{number}{digits}"


class Names(dict[str, int]):
    """Names and their codes, given in the order of first use; the empty name is always 0.

    ``names[name]`` gives the code, a new one where the name is new.
    """

    def __init__(self) -> None:
        super().__init__({"": 0})

    def __missing__(self, name: str) -> int:
        code = self[name] = len(self)
        return code

    def code(self, name: str) -> int:
        """The code of *name*."""
        return self[name]


class Packer:
    """Rows of a table as bytes: much smaller than tuples, and nothing for the collector to walk."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.dtype = np.dtype([(column.name, f"<{_code(column)}") for column in columns])
        self._row = struct.Struct("<" + "".join(_FORMATS[column.dtype] for column in columns))

    def pack(self, rows: Iterable[Sequence[Any]]) -> Array:
        """*rows* as one structured array; a row that does not fit its columns is a RunError."""
        kept = list(rows)
        try:
            packed = b"".join(starmap(self._row.pack, kept))
        except struct.error:
            raise self._misfit(kept) from None
        return np.frombuffer(packed, dtype=self.dtype)

    def _misfit(self, rows: list[Sequence[Any]]) -> RunError:
        for row in rows:
            if len(row) != len(self.columns):
                return RunError(
                    f"a row of {len(row)} values for {len(self.columns)} columns: {row!r}"
                )
            for column, found in zip(self.columns, row, strict=True):
                try:
                    struct.pack("<" + _FORMATS[column.dtype], found)
                except struct.error:
                    return RunError(f"found {found!r}, not {column.dtype}", place=column.name)
        return RunError("a row that cannot be kept")


def _code(column: Column) -> str:
    return np.dtype(column.dtype).str.lstrip("<|=>")


class Table:
    """Rows under the columns that :mod:`proxysim.results.columns` names.

    ``column(name)`` is the array of one column, read-only; where the column is coded, ``names``
    says what the codes mean. The names of a text column are those that occur in it, sorted, so
    that equal rows make equal tables whatever the order in which names were first met.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        data: Mapping[str, Array],
        names: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.columns = tuple(columns)
        self._names = dict(names)
        self._data = dict(data)
        self._protect()

    @classmethod
    def of(
        cls,
        columns: Sequence[Column],
        blocks: list[Array],
        texts: Mapping[str, Mapping[str, int]],
        by: Sequence[str],
    ) -> Table:
        """The table of *blocks*, which it empties, sorted by the columns *by*.

        *texts* gives the vocabulary of each text column.
        """
        pieces: dict[str, list[Array]] = {
            column.name: [np.ascontiguousarray(block[column.name]) for block in blocks]
            for column in columns
        }
        blocks.clear()
        return cls.of_pieces(columns, pieces, texts, by)

    @classmethod
    def of_pieces(
        cls,
        columns: Sequence[Column],
        pieces: dict[str, list[Array]],
        texts: Mapping[str, Mapping[str, int]],
        by: Sequence[str],
    ) -> Table:
        """The table of *pieces* of each column, which it empties, sorted by the columns *by*."""
        data: dict[str, Array] = {}
        names: dict[str, tuple[str, ...]] = {}
        for column in columns:
            parts = pieces.pop(column.name)
            found = np.concatenate(parts) if parts else np.empty(0, dtype=column.dtype)
            parts.clear()
            if column.names is not None:
                fixed = isinstance(column.names, tuple)
                known = list(column.names if fixed else texts[column.name])
                if found.size and not 0 <= int(found.min()) <= int(found.max()) < len(known):
                    raise RunError(
                        f"codes from {found.min()} to {found.max()} for {len(known)} names",
                        place=column.name,
                    )
                names[column.name] = tuple(known)
                if not fixed:
                    found, names[column.name] = _canonical(found, known)
            data[column.name] = found
        order = _order([data[name] for name in by])
        if order is not None:
            for name in data:
                data[name] = data[name][order]
        return cls(columns, data, names)

    def added_up(self, count: str) -> Table:
        """This table, its equal rows made one, with the sum of their *count*.

        Rows that are equal but for that must follow each other.
        """
        if not len(self):
            return self
        first = np.zeros(len(self), dtype=bool)
        first[0] = True
        for name, found in self._data.items():
            if name != count:
                first[1:] |= found[1:] != found[:-1]
        starts = np.flatnonzero(first)
        data = {name: found[starts] for name, found in self._data.items()}
        data[count] = np.add.reduceat(self._data[count], starts)
        return Table(self.columns, data, self._names)

    def _protect(self) -> None:
        for array in self._data.values():
            array.setflags(write=False)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._protect()

    def __len__(self) -> int:
        return len(self._data[self.columns[0].name])

    @property
    def nbytes(self) -> int:
        """Bytes that the arrays take."""
        return sum(array.nbytes for array in self._data.values())

    def column(self, name: str) -> Array:
        """The column *name*, codes where it is coded."""
        try:
            return self._data[name]
        except KeyError:
            raise ResultError(
                f"no column {name!r}", mend=did_you_mean(name, self._data) + "."
            ) from None

    def names(self, name: str) -> tuple[str, ...]:
        """What the codes of the column *name* stand for, in the order of the codes."""
        self.column(name)
        try:
            return self._names[name]
        except KeyError:
            raise ResultError(
                f"the column {name!r} holds plain values", mend="Read it with column()."
            ) from None

    def code(self, column: str, name: str) -> int:
        """The code of *name* in *column*, -1 where it does not occur."""
        names = self.names(column)
        return names.index(name) if name in names else -1

    def frame(self) -> pd.DataFrame:
        """The table as a DataFrame; coded columns are categorical. Plain columns are shared."""
        import pandas as pd

        return pd.DataFrame(
            {
                name: pd.Categorical.from_codes(
                    self._data[name],
                    categories=pd.Index(self._names[name], dtype="str"),
                    validate=False,
                )
                if name in self._names
                else self._data[name]
                for name in self._data
            },
            copy=False,
        )

    def digest(self) -> str:
        """SHA-256 over all columns and names, in hexadecimal: equal for equal rows."""
        digest = hashlib.sha256()
        for column in self.columns:
            array = self._data[column.name]
            head = f"{column.name} {column.dtype} {len(array)} {self._names.get(column.name)!r}\n"
            digest.update(head.encode())
            digest.update(array.astype(f"<{_code(column)}", copy=False).tobytes())
        return digest.hexdigest()


def _canonical(codes: Array, names: list[str]) -> tuple[Array, tuple[str, ...]]:
    """*codes* renumbered over the names that occur, in natural order."""
    used = np.flatnonzero(np.bincount(codes, minlength=len(names)))
    ordered = sorted(used.tolist(), key=lambda code: natural(names[code]))
    renumbered = np.zeros(len(names), dtype=codes.dtype)
    renumbered[ordered] = np.arange(len(ordered), dtype=codes.dtype)
    return renumbered[codes], tuple(_printable(names[code]) for code in ordered)


def _printable(name: str) -> str:
    """*name* as every export can write it: a log may hold bytes that are no text."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _order(keys: list[Array]) -> Array | None:
    """The order that sorts by *keys*, first key first; None where they are sorted already."""
    if len(keys) == 1:
        if bool(np.all(keys[0][1:] >= keys[0][:-1])):
            return None
        return np.argsort(keys[0], kind="stable")
    return np.lexsort(keys[::-1]) if keys else None
