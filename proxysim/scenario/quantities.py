"""The kinds of value that a scenario's fields hold, as types that pydantic checks.

Each reads what people write (``10ms``, ``60%``) and hands on a number in the base unit; each tells
the JSON Schema both forms.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from proxysim import units

__all__ = ["Bandwidth", "Count", "Duration", "Grammar", "Name", "Rate", "Ratio", "Size", "Weight"]


class Grammar(BaseModel):
    """The root of every part of a scenario: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _quantity(what: str, example: str) -> WithJsonSchema:
    schema: dict[str, Any] = {
        "anyOf": [{"type": "string"}, {"type": "number", "minimum": 0}],
        "description": what,
        "examples": [example],
    }
    return WithJsonSchema(schema)


Duration = Annotated[
    float, BeforeValidator(units.duration), _quantity("A time; a bare number is seconds.", "10ms")
]
Size = Annotated[
    int, BeforeValidator(units.size), _quantity("A size; a bare number is bytes.", "20kB")
]
Bandwidth = Annotated[
    float,
    BeforeValidator(units.bandwidth),
    _quantity("A bandwidth; a bare number is bytes per second.", "50Mbps"),
]
Rate = Annotated[
    float, BeforeValidator(units.rate), _quantity("A rate; a bare number is per second.", "40/s")
]
Ratio = Annotated[
    float, BeforeValidator(units.ratio), _quantity("A share from 0 to 1, or in percent.", "60%")
]
Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
Weight = Annotated[float, Field(ge=0, le=1e6, strict=True)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*$", max_length=64)]
