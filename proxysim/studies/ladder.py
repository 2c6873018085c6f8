"""The values that a varied quantity may take: what they are, how they are written, and which."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from proxysim import units
from proxysim.errors import ScenarioError, UnitError

__all__ = [
    "COUNT",
    "FACTOR",
    "KINDS",
    "NUMBER",
    "Kind",
    "Ladder",
    "kind_of",
    "ladder",
    "read_range",
]

#: Of two sizes that differ by less than this, the search does not say which it takes.
PRECISION = 0.05
#: So far from what the scenario says does a search go by itself, up and down.
_REACH = 16.0
#: Of counts, from one up to this, or to four times what there is.
_MOST = 64
#: More rungs, or a longer way, is a mistake rather than a question.
_MOST_RUNGS = 1_000_000
_APART = re.compile(r"\s*(?:\.\.|…)\s*")


@dataclass(frozen=True, slots=True)
class Kind:
    """What the numbers of a quantity mean: how text becomes a number, and a number text."""

    name: str
    read: Callable[[object], float]
    write: Callable[[float], str]
    whole: bool = False
    example: str = ""


def _count(found: object) -> int:
    text = str(found).strip()
    if isinstance(found, bool) or not re.fullmatch(r"\d{1,9}", text):
        raise UnitError(f"found {found!r}", mend="Expected a whole number.")
    return int(text)


def _number(found: object) -> float:
    try:
        number = float(str(found).strip().removesuffix("x").removesuffix("×"))
    except ValueError:
        number = math.nan
    if isinstance(found, bool) or not (math.isfinite(number) and number >= 0):
        raise UnitError(f"found {found!r}", mend="Expected a number.")
    return number


COUNT = Kind("count", _count, lambda number: f"{number:,.0f}", whole=True, example="1..64")
FACTOR = Kind("factor", _number, lambda number: f"{number:.4g} ×", example="0.5..4")
#: The kinds of quantity with a unit; no text is of two.
KINDS = (
    Kind("time", units.duration, units.format_duration, example="5ms..2s"),
    Kind("size", units.size, units.format_bytes, whole=True, example="8MB..1GB"),
    Kind("bandwidth", units.bandwidth, units.format_bandwidth, example="10Mbps..1Gbps"),
    Kind("rate", units.rate, units.format_rate, example="100/s..800/s"),
    Kind("share", units.ratio, lambda number: f"{100 * number:.4g} %", example="10%..90%"),
)
NUMBER = Kind("number", _number, lambda number: f"{number:.6g}", example="0.5..4")


def kind_of(found: object) -> Kind:
    """What kind of quantity *found* is, as a scenario has it; UnitError where it is none."""
    if isinstance(found, bool):
        raise UnitError(f"found {found!r}, which is no quantity")
    if isinstance(found, int) or (isinstance(found, str) and found.strip().isdecimal()):
        return COUNT
    for kind in (NUMBER, *KINDS):
        try:
            kind.read(found)
        except UnitError:
            continue
        return kind
    examples = ", ".join(kind.example.partition("..")[0] for kind in (COUNT, *KINDS))
    raise UnitError(f"found {found!r}, which is no quantity", mend=f"Such as {examples}.")


@dataclass(frozen=True, slots=True)
class Ladder:
    """The *values* to choose from, ascending, and their *kind*."""

    kind: Kind
    values: Sequence[Any]

    def text(self, value: float) -> str:
        """*value* as people write it."""
        return self.kind.write(value)


def read_range(text: str, place: str = "between") -> tuple[str, str]:
    """The two ends of ``1..64`` or ``8MB..512MB``, as they are written."""
    ends = _APART.split(text.strip())
    if len(ends) != 2 or not all(ends):
        raise ScenarioError(
            f"found {text!r} where a range should be",
            place=place,
            mend="Give both ends, such as 1..64 or 8MB..512MB.",
        )
    return ends[0], ends[1]


def ladder(
    between: tuple[object, object] | None,
    *,
    now: object = None,
    kind: Kind | None = None,
    precision: float = PRECISION,
    place: str = "between",
) -> Ladder:
    """The rungs from one end of *between* to the other.

    Whole numbers are all taken; of sizes, rates and the like those that differ by *precision*, in
    equal ratios, written with three digits. Without *between*: 1 to 64 for a count, else from a
    sixteenth to sixteen times what is there *now*. ScenarioError where the ends make no range.
    """
    if not 0 < precision <= 1:
        raise ScenarioError(
            f"found {precision!r}", place="precision", mend="Give a share above 0, like 5%."
        )
    try:
        kind = kind or kind_of(between[0] if between is not None else now)
        if between is None:
            low, high = _around(kind, now)
        else:
            low, high = kind.read(between[0]), kind.read(between[1])
    except UnitError as error:
        error.place = error.place or place
        raise
    if not 0 < low < high:
        problem = f"found {kind.write(low)} to {kind.write(high)}"
        mend = f"Give two values above zero, the smaller first, such as {kind.example}."
        raise ScenarioError(problem, place=place, mend=mend)
    if kind is COUNT:
        values: Sequence[Any] = range(int(low), int(high) + 1)
    else:
        values = _rungs(kind, low, high, precision, place)
    return Ladder(kind, values)


def _around(kind: Kind, now: object) -> tuple[float, float]:
    if kind is COUNT:
        return 1, _MOST if now is None else max(_MOST, 4 * kind.read(now))
    found = kind.read(now)
    if kind.name == "share":
        return 0.01, 1.0
    return found / _REACH, found * _REACH


def _rungs(kind: Kind, low: float, high: float, precision: float, place: str) -> list[float]:
    count = math.ceil(math.log(high / low) / math.log1p(precision))
    if count > _MOST_RUNGS:
        raise ScenarioError(f"{count:,} values", place=place, mend="Take a larger precision.")
    inner = (low * (high / low) ** (step / count) for step in range(1, count))
    found = {low, *(value for each in inner if low < (value := _three(each)) < high), high}
    return sorted({round(value) for value in found} if kind.whole else found)


def _three(number: float) -> float:
    """*number* to three significant digits."""
    return float(f"{number:.3g}")
