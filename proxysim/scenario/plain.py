"""What a caller gave, as the plain data that a YAML file could have held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from proxysim.errors import ScenarioError
from proxysim.scenario.yaml_reader import LARGEST, MAX_DEPTH

__all__ = ["plain"]


def plain(value: Any, place: str, depth: int = 0) -> Any:
    """A copy of *value* in dicts, lists, text, numbers, true, false and None.

    Mappings, sequences and the numbers of numpy are taken. Raises ScenarioError for anything else,
    for keys that are no text, whole numbers beyond 64 bits, and values that hold themselves.
    """
    if depth > MAX_DEPTH:
        raise ScenarioError(f"it is nested more than {MAX_DEPTH} deep", place=place)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Integral):
        number = int(value)
        if abs(number) >= LARGEST:
            raise ScenarioError(
                "found a whole number beyond 64 bits",
                place=place,
                mend=f"Give one below {LARGEST:,}.",
            )
        return number
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                problem = f"found a key of type {type(key).__name__}"
                raise ScenarioError(problem, place=place, mend="Keys are text.")
        return {str(key): plain(item, place, depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [plain(item, place, depth + 1) for item in value]
    raise ScenarioError(
        f"found a value of type {type(value).__name__}",
        place=place,
        mend="A scenario holds mappings, lists, text, numbers, true and false.",
    )
