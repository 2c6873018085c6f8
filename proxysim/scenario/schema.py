"""The grammar as a JSON Schema, for editors, and as tables, for people."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from proxysim.scenario.document import Document

__all__ = ["field_tables", "json_schema", "write"]

_TITLE = "A proxysim scenario"
_BEGIN = "<!-- fields: written by `python -m proxysim.scenario.schema` -->"
_END = "<!-- end of fields -->"


def json_schema() -> dict[str, Any]:
    """The grammar as a JSON Schema, draft 2020-12; of single fields only."""
    schema = Document.model_json_schema(mode="validation")
    head = {"$schema": GenerateJsonSchema.schema_dialect, "title": _TITLE}
    return head | {key: value for key, value in schema.items() if key != "title"}


def field_tables() -> str:
    """A Markdown table for every part of the grammar: key, what it holds, default, meaning."""
    schema = json_schema()
    parts = {"Scenario": schema} | schema["$defs"]
    return "\n\n".join(
        "\n".join(_table(name, part)) for name, part in parts.items() if "$ref" not in part
    )


def write(docs: pathlib.Path) -> None:
    """Bring ``scenario.schema.json`` and the tables of ``scenarios.md`` in *docs* up to date."""
    schema = json.dumps(json_schema(), indent=2, ensure_ascii=False)
    (docs / "scenario.schema.json").write_text(schema + "\n", encoding="utf-8")
    reference = docs / "scenarios.md"
    reference.write_text(with_tables(reference.read_text(encoding="utf-8")), encoding="utf-8")


def with_tables(text: str) -> str:
    """*text* with the tables between its marks as they are now."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n\n{field_tables()}\n\n{_END}{after}"


def _table(name: str, part: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if description := part.get("description"):
        yield " ".join(description.split())
        yield ""
    written_out = part if "properties" in part else part["anyOf"][-1]
    yield "| key | holds | default | |"
    yield "|---|---|---|---|"
    required = written_out.get("required", [])
    for key, field in written_out.get("properties", {}).items():
        default = "required" if key in required else _default(field)
        meaning = field.get("description", "") if "examples" not in field else ""
        yield f"| `{key}` | {_holds(field)} | {default} | {meaning} |"


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default is None or default in ({}, [], ""):
        return ""
    return f"`{json.dumps(default).replace(chr(34), '')}`"


def _holds(field: dict[str, Any]) -> str:
    """What a field takes, in a few words; parts of the grammar link to their own table."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in field:
        return f"`{json.dumps(field['const']).strip(chr(34))}`"
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if field.get("examples"):
        return ", ".join(f"`{example}`" for example in field["examples"][:2])
    options = field.get("anyOf") or field.get("oneOf")
    if options:
        held = dict.fromkeys(_holds(option) for option in options if option.get("type") != "null")
        return " or ".join(held)
    match field.get("type"):
        case "array":
            return f"list of {_holds(field['items'])}" if field.get("items") else "list"
        case "object":
            inner = field.get("patternProperties", {}).values() or [
                field.get("additionalProperties", True)
            ]
            held = [_holds(value) for value in inner if isinstance(value, dict)]
            return f"mapping of names to {held[0]}" if held and held[0] else "mapping"
        case "string":
            return "text"
        case "integer":
            return "whole number"
        case "boolean":
            return "`true`, `false`"
        case "number":
            return "number"
    return ""


if __name__ == "__main__":
    write(pathlib.Path("docs"))
