"""Policies by name: how a menu's entry is picked and its parameters are checked.

A menu is a dict from scenario name to class. A class lists what a scenario may set in
``parameters``, a dict from name to the reader that checks it; what else its constructor takes
(a random stream, a capacity) is given by the builder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, TypeVar

from proxysim.errors import ScenarioError, did_you_mean
from proxysim.units import duration, ratio

__all__ = ["Reader", "Spec", "Stated", "build", "number", "share", "span", "whole"]

P = TypeVar("P")

#: How a scenario names a policy: by name alone, or ``{name: {parameter: value}}``.
Spec = str | Mapping[str, Any]

Reader = Callable[[object], Any]


@dataclass(frozen=True, slots=True)
class Stated:
    """A reader that says, for the documentation, what it ``accepts``."""

    accepts: str
    read: Reader

    def __call__(self, found: object) -> Any:
        return self.read(found)


def build(family: str, menu: Mapping[str, Callable[..., P]], spec: Spec, **given: Any) -> P:
    """The policy of *menu* that *spec* names, with its parameters and what it takes of *given*.

    Raises :class:`~proxysim.errors.ScenarioError`, naming *family*, policy and parameter.
    """
    name, values = _named(family, spec)
    if name not in menu:
        raise ScenarioError(f"no {family} is called {name!r}", mend=did_you_mean(name, menu))
    make = menu[name]
    readers: Mapping[str, Reader] = getattr(make, "parameters", {})
    chosen: dict[str, Any] = {}
    for key, found in values.items():
        if key not in readers:
            raise ScenarioError(
                f"{family} {name} has no parameter {key!r}", mend=did_you_mean(key, readers)
            )
        try:
            chosen[key] = readers[key](found)
        except ScenarioError as error:
            raise ScenarioError(
                f"{family} {name}: {key}: {error.problem}", mend=error.mend
            ) from None
    wanted = signature(make).parameters
    for key, parameter in wanted.items():
        if key in readers and key not in chosen and parameter.default is Parameter.empty:
            raise ScenarioError(
                f"{family} {name} needs {key}", mend=f"Give {{{name}: {{{key}: ...}}}}."
            )
    return make(**{key: value for key, value in given.items() if key in wanted}, **chosen)


def whole(low: int, high: int) -> Reader:
    """Reads a whole number from *low* to *high*."""

    def read(found: object) -> int:
        if isinstance(found, bool) or not isinstance(found, int) or not low <= found <= high:
            raise ScenarioError(
                f"found {found!r}", mend=f"Give a whole number from {low} to {high}."
            )
        return found

    return Stated(f"a whole number from {low} to {high}", read)


def number(low: float, high: float) -> Reader:
    """Reads a number from *low* to *high*."""

    def read(found: object) -> float:
        if (
            isinstance(found, bool)
            or not isinstance(found, int | float)
            or not low <= found <= high
        ):
            raise ScenarioError(f"found {found!r}", mend=f"Give a number from {low:g} to {high:g}.")
        return float(found)

    return Stated(f"a number from {low:g} to {high:g}", read)


def share(low: float = 0.0, high: float = 1.0) -> Reader:
    """Reads a share such as 0.1 or 10% from *low* to *high*."""

    def read(found: object) -> float:
        part = ratio(found)
        if not low <= part <= high:
            raise ScenarioError(f"found {found!r}", mend=f"Give a share from {low:g} to {high:g}.")
        return part

    return Stated(f"a share from {low:g} to {high:g}", read)


def span(low: float, high: float) -> Reader:
    """Reads a time from *low* to *high* seconds."""

    def read(found: object) -> float:
        seconds = duration(found)
        if not low <= seconds <= high:
            raise ScenarioError(f"found {found!r}", mend=f"Give a time from {low:g}s to {high:g}s.")
        return seconds

    return Stated(f"a time from {low:g}s to {high:g}s", read)


def _named(family: str, spec: object) -> tuple[str, Mapping[str, Any]]:
    if isinstance(spec, str):
        return spec, {}
    if isinstance(spec, Mapping) and len(spec) == 1:
        ((name, values),) = spec.items()
        if isinstance(name, str) and (values is None or isinstance(values, Mapping)):
            return name, values or {}
    raise ScenarioError(
        f"found {spec!r} for a {family}", mend="Give a name, or one name with its parameters."
    )
