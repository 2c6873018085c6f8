"""The grammar as a JSON Schema, for editors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from proxysim.scenario.document import Document
from proxysim.scenario.paths import fields_of
from proxysim.scenario.quantities import Grammar

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """The grammar as a JSON Schema, draft 2020-12; of single fields only."""
    schema = Document.model_json_schema(mode="validation")
    _describe(Document, schema)
    for model in _below(Grammar):
        if model.__name__ in schema["$defs"]:
            _describe(model, schema["$defs"][model.__name__])
    head = {"$schema": GenerateJsonSchema.schema_dialect, "title": "A proxysim scenario"}
    return head | {key: value for key, value in schema.items() if key != "title"}


def _describe(model: type[Grammar], schema: dict[str, Any]) -> None:
    """Put back what fields say of themselves, over what their quantity says of its units."""
    properties = (schema if "properties" in schema else schema["anyOf"][-1])["properties"]
    for key, field in fields_of(model).items():
        if field.description:
            properties[key]["description"] = field.description


def _below(model: type[Grammar]) -> Iterator[type[Grammar]]:
    for inner in model.__subclasses__():
        yield inner
        yield from _below(inner)
