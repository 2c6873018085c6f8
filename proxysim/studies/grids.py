"""Values to go through: lists, ranges such as ``100/s..800/s:8``, and points at random in them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from proxysim import units
from proxysim.errors import ResultError, ScenarioError, UnitError
from proxysim.scenario.yaml_reader import read_value

__all__ = ["Range", "latin_hypercube", "parse_varied", "range_of", "values_of"]

_RANGE = re.compile(r"(?P<low>[^\s:,]+?)\s*\.\.\s*(?P<high>[^\s:,]+)(?:\s*:\s*(?P<rest>[\w\s:]*))?")
_END = re.compile(r"(?P<number>[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?P<unit>[^\s\d]*)")
_READERS: tuple[Callable[[object], float], ...] = (
    units.duration, units.size, units.bandwidth, units.rate, units.ratio,
)  # fmt: skip
_EXAMPLE = "1..8, 100/s..800/s:8 or 1MB..1GB:7:log"
#: More points on one line are a mistake rather than a question.
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers from *low* to *high*, both in *unit*.

    *count* of them, evenly, or in equal ratios where *log*; without a count every whole number.
    *whole*: its values are rounded to whole numbers.
    """

    low: float
    high: float
    unit: str = ""
    count: int | None = None
    log: bool = False
    whole: bool = False

    def values(self, place: str = "range") -> list[Any]:
        """The values as a scenario takes them: whole numbers, or text with the unit."""
        if self.count is None:
            if self.unit or not (self.low.is_integer() and self.high.is_integer()):
                raise ScenarioError(
                    f"found {self.low:g}{self.unit}..{self.high:g}{self.unit} without a number",
                    place=place,
                    mend=f"Say how many values, as in {self.low:g}{self.unit}.."
                    f"{self.high:g}{self.unit}:8",
                )
            count = int(self.high - self.low) + 1
            if count > _MOST:
                raise ScenarioError(f"found {count:,} values", place=place, mend="Take fewer.")
            return list(range(int(self.low), int(self.high) + 1))
        shares = np.linspace(0.0, 1.0, self.count)
        return list(dict.fromkeys(self.at(share) for share in shares.tolist()))

    def at(self, share: float) -> Any:
        """The value *share* of the way from low to high."""
        if self.log:
            number = self.low * (self.high / self.low) ** share
        else:
            number = self.low + share * (self.high - self.low)
        if self.whole:
            return round(number)
        text = float(f"{number:.4g}" if self.log else f"{number:.6g}")
        return f"{text:.10g}{self.unit}" if self.unit else text

    def drawn(self, share: float) -> Any:
        """As :meth:`at`, for a *share* in [0, 1) at random: whole numbers are equally likely."""
        if self.whole and not self.log:
            return int(self.low) + math.floor(share * (self.high - self.low + 1))
        return self.at(share)


def parse_varied(text: str) -> tuple[str, list[Any] | Range]:
    """Path and values of ``nodes.shop.count=1..8`` or ``nodes.edge.balancer=random,maglev``."""
    path, equals, said = text.partition("=")
    path, said = path.strip(), said.strip()
    if not equals or not path or not said:
        raise ScenarioError(
            f"found {text!r} where a path and its values should be",
            mend="Write it like this: nodes.shop.count=2,4,8 or nodes.shop.count=1..8",
        )
    found = range_of(said, path)
    if found is not None:
        return path, found
    values = read_value(f"[{said}]", f"values of {path}")
    if not isinstance(values, list):
        raise ScenarioError(f"found {said!r}", place=path, mend="Write the values with commas.")
    return path, values


def values_of(found: Iterable[Any] | str | Range, place: str) -> list[Any]:
    """The values in a list, a range, or the text of a range; ScenarioError where there are none."""
    if isinstance(found, str):
        said = range_of(found, place)
        if said is None:
            raise ScenarioError(
                f"found the text {found!r} where a list of values should be",
                place=place,
                mend=f"Give a list, or a range such as {_EXAMPLE}.",
            )
        found = said
    if isinstance(found, Range):
        return found.values(place)
    if isinstance(found, Mapping) or not isinstance(found, Iterable):
        raise ScenarioError(
            f"found {found!r} where a list of values should be", place=place, mend="Give a list."
        )
    values = [value.item() if isinstance(value, np.generic) else value for value in found]
    if not values:
        raise ScenarioError("no values are given", place=place, mend="Give one or more.")
    for number, value in enumerate(values):
        if value in values[:number]:
            raise ScenarioError(f"{value!r} is given twice", place=place, mend="Give it once.")
    return values


def range_of(text: str, place: str) -> Range | None:
    """The range that *text* says; None where it says none. ScenarioError for one that is wrong."""
    said = _RANGE.fullmatch(text.strip())
    if said is None:
        return None
    low, high = (_END.fullmatch(said[end]) for end in ("low", "high"))
    if low is None or high is None:
        return None
    count, log = _spacing(said["rest"], text, place)
    unit = low["unit"]
    first, last = (float(end["number"].replace("_", "")) for end in (low, high))
    if unit != high["unit"]:
        last = _converted(said["high"], unit, text, place)
    whole = not unit and all(end["number"].isdecimal() for end in (low, high))
    if not first < last:
        raise ScenarioError(
            f"found {text!r}", place=place, mend="Give the smaller end first, as in 1..8."
        )
    if log and not first > 0:
        raise ScenarioError(
            f"found {text!r}", place=place, mend="Equal ratios begin above zero: 1..64:7:log"
        )
    return Range(first, last, unit, count, log, whole)


def _spacing(rest: str | None, text: str, place: str) -> tuple[int | None, bool]:
    """Number of values and whether they are in equal ratios, of ``8`` or ``8:log``."""
    if rest is None:
        return None, False
    number, _, word = rest.partition(":")
    number, word = number.strip(), word.strip()
    if number in ("log", "linear") and not word:
        number, word = "", number
    if word not in ("", "log", "linear") or not (number.isdecimal() or (not number and word)):
        raise ScenarioError(
            f"found {text!r}", place=place, mend=f"Write ranges like this: {_EXAMPLE}"
        )
    count = int(number) if number else None
    if count is not None and not 2 <= count <= _MOST:
        raise ScenarioError(
            f"found {text!r}", place=place, mend=f"Give a number of values from 2 to {_MOST:,}."
        )
    return count, word == "log"


def _converted(end: str, unit: str, text: str, place: str) -> float:
    """The number of *end*, which has another unit, in *unit*."""
    for read in _READERS:
        try:
            return read(end) / read(f"1{unit}")
        except (UnitError, ZeroDivisionError):
            continue
    raise ScenarioError(
        f"found {text!r}: its ends are of different kinds", place=place, mend=f"As in {_EXAMPLE}"
    )


def latin_hypercube(
    vary: Mapping[str, Iterable[Any] | str | Range], count: int, seed: int
) -> list[dict[str, Any]]:
    """*count* settings at random, spread evenly: of each range every count-th part is met once.

    Of lists, values are taken about equally often. The same *seed* gives the same settings.
    O(count^2).

    Source: McKay, Beckman, Conover, "A comparison of three methods for selecting values of input
    variables in the analysis of output from a computer code", Technometrics 21(2), 1979.
    """
    from scipy.stats import qmc

    if not 2 <= count <= _MOST:
        raise ResultError(f"{count} settings at random", mend=f"Give a number from 2 to {_MOST:,}.")
    sides: list[Range | Sequence[Any]] = []
    for path, said in vary.items():
        found = range_of(said, path) if isinstance(said, str) else said
        sides.append(found if isinstance(found, Range) else values_of(said, path))
    sampler = qmc.LatinHypercube(len(sides), rng=np.random.default_rng(seed))
    design: list[dict[str, Any]] = []
    for point in sampler.random(count).tolist():
        chosen = [
            side.drawn(share) if isinstance(side, Range) else side[int(share * len(side))]
            for side, share in zip(sides, point, strict=True)
        ]
        design.append(dict(zip(vary, chosen, strict=True)))
    return design
