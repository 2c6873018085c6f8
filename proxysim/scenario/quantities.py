"""The kinds of value that a scenario's fields hold, as types that pydantic checks.

Each reads what people write (``10ms``, ``60%``) and hands on a number in the base unit; each tells
the JSON Schema both forms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from proxysim import units
from proxysim.errors import ScenarioError, UnitError

__all__ = [
    "FIELD_NAME",
    "FORMS",
    "MEDIA_TYPE",
    "UNIT_NOTES",
    "URL_PATH",
    "Bandwidth",
    "Count",
    "Duration",
    "FieldError",
    "Grammar",
    "Host",
    "Name",
    "Rate",
    "Ratio",
    "Share",
    "Size",
    "Weight",
    "alternatives",
]


class FieldError(ScenarioError, ValueError):
    """A field that does not fit; a ValueError too, so that pydantic takes it and goes on."""


class Grammar(BaseModel):
    """The root of every part of a scenario: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _reads(read: Callable[[object], float]) -> BeforeValidator:
    def checked(found: object) -> float:
        try:
            return read(found)
        except OverflowError:
            raise UnitError("found a number too large to calculate with") from None

    return BeforeValidator(checked)


#: What the schema says of each quantity where a field says nothing of its own.
UNIT_NOTES: set[str] = set()


def _quantity(what: str, *examples: str) -> WithJsonSchema:
    UNIT_NOTES.add(what)
    schema: dict[str, Any] = {
        "x-quantity": what.partition(";")[0].partition(",")[0].removeprefix("A "),
        "anyOf": [{"type": "string"}, {"type": "number", "minimum": 0}],
        "description": what,
        "examples": list(examples),
    }
    return WithJsonSchema(schema)


def _share(found: object) -> float:
    """A relative weight: percent, or any number that is not negative."""
    if isinstance(found, int | float) and not isinstance(found, bool) and found >= 0:
        return float(found)
    return units.ratio(found)


Duration = Annotated[
    float,
    _reads(units.duration),
    _quantity("A time; a bare number is seconds.", "10ms", "2s", "5min"),
]
Size = Annotated[
    int,
    _reads(units.size),
    _quantity("A size; a bare number is bytes; kB is 1000, KiB 1024.", "20kB", "64MiB"),
]
Bandwidth = Annotated[
    float,
    _reads(units.bandwidth),
    _quantity("A bandwidth; a bare number is bytes per second.", "50Mbps", "10MB/s"),
]
Rate = Annotated[
    float,
    _reads(units.rate),
    _quantity("A rate; a bare number is per second.", "40/s", "30/min"),
]
Ratio = Annotated[
    float,
    _reads(units.ratio),
    _quantity("A share; from 0 to 1, or in percent.", "60%", "0.6"),
]
Share = Annotated[
    float,
    _reads(_share),
    _quantity("A weight, relative to the others; in percent if you like.", "60%", "3"),
]
Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
Weight = Annotated[float, Field(ge=0, le=1e6, strict=True)]
NAME = r"^[A-Za-z][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*$"
HOST = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"
MEDIA_TYPE = r"^[A-Za-z0-9!#$&^_.+-]+/([A-Za-z0-9!#$&^_.+-]+|\*)$"
URL_PATH = r"^/[!-~]*$"
FIELD_NAME = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
#: The texts that have a form, and that form in words.
FORMS = {
    NAME: "A name has letters, digits, - and _, and begins with a letter.",
    HOST: "A site's name is a host in small letters, such as shop.example.",
    MEDIA_TYPE: "Give a type such as text/html, or text/* for all of its kind.",
    FIELD_NAME: "Give the name of a field, such as X-Powered-By.",
    URL_PATH: "Give a path that begins with /, such as /health.",
}
Name = Annotated[str, Field(pattern=NAME, max_length=64)]
Host = Annotated[str, Field(pattern=HOST, max_length=253)]


def alternatives(found: object) -> str:
    """Which form of a value that may stand alone or in a list was written: its tag."""
    return "many" if isinstance(found, list | tuple) else "one"
