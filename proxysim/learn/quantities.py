"""Quantities as learners write and read them: ``200ms``, ``30%``, ``1.5 times``."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from proxysim import units
from proxysim.errors import UnitError

__all__ = ["UNITS", "Unit", "as_number", "read", "written"]


@dataclass(frozen=True, slots=True)
class Unit:
    """How a quantity is written for people, and how to ask for it."""

    write: Callable[[float], str]
    example: str
    read: Callable[[object], float] | None = None


def _share(value: float) -> str:
    percent = 100 * value
    if percent and abs(percent) < 0.995:
        return f"{percent:.2g} %"
    if 99 < percent < 100:
        return f"{percent:.4g} %"
    return f"{percent:.0f} %"


def _times(value: float) -> str:
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def _plain(value: float) -> str:
    if value == round(value) or abs(value) >= 1000:
        return f"{round(value):,}"
    return f"{value:.3g}"


UNITS: dict[str, Unit] = {
    "s": Unit(units.format_duration, "200ms or 1.5s", units.duration),
    "share": Unit(_share, "30%"),
    "B": Unit(units.format_bytes, "20kB or 3MB", units.size),
    "1/s": Unit(units.format_rate, "40/s", units.rate),
    "times": Unit(_times, "2.5"),
    "": Unit(_plain, "12"),
}


def written(value: float | str | None, unit: str) -> str:
    """*value*, in base units, for people; a *unit* of no known kind is set behind the number."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if unit in UNITS:
        return UNITS[unit].write(value)
    return f"{_plain(value)} {unit}"


def read(text: object, unit: str) -> float:
    """The number that *text* says, in the base unit; UnitError, with an example, if it says none.

    A share may be written ``30%`` or ``0.3``; anything may have spaces, and a comma in thousands.
    A time or a size that is written names its unit, lest ``15`` be taken for seconds.
    """
    known = UNITS.get(unit)
    example = f"Write it like this: {known.example if known else f'12 {unit}'}"
    try:
        return _number(text, unit, known)
    except UnitError as error:
        raise UnitError(f"found {text!r}", mend=f"{example}.") from error


def _number(text: object, unit: str, known: Unit | None) -> float:
    if isinstance(text, str):
        text = as_number(text)
        if unit in ("s", "B") and _bare(text):
            raise UnitError(f"found {text!r}")
        for word in (unit, "times", "x"):
            if unit not in ("s", "B", "1/s", "share") and word and text.endswith(word):
                text = text.removesuffix(word).strip()
    if known and known.read:
        return known.read(text)
    if unit == "share":
        return _ratio(text)
    number = units.duration(f"{text}s" if isinstance(text, str) else text)  # a bare number
    if not math.isfinite(number):
        raise UnitError(f"found {text!r}")
    return number


def _bare(text: str) -> bool:
    """Whether *text* is a number other than 0, and nothing else."""
    return text.replace(".", "", 1).isdecimal() and float(text) != 0


def _ratio(text: object) -> float:
    """A share; a bare number above 1 that somebody typed is in percent, and a bare 1 in doubt."""
    if isinstance(text, str) and _bare(text) and float(text) >= 1:
        if float(text) == 1:
            raise UnitError(f"found {text!r}")
        text = f"{text}%"
    return units.ratio(text)


def as_number(text: str) -> str:
    """*text* with what people put into numbers taken out: spaces, commas in thousands."""
    head, comma, tail = text.strip().rpartition(",")
    thousands = comma and len(tail) >= 3 and tail[:3].isdecimal() and not tail[3:4].isdecimal()
    return f"{head}{tail}".replace(",", "") if thousands else text.strip().replace(",", ".")
