"""The grammar as tables, for people; and the files of the documentation that are made from it.

``python -m proxysim.scenario.reference`` brings those up to date.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

from proxysim.scenario.quantities import UNIT_NOTES
from proxysim.scenario.schema import json_schema

__all__ = ["field_tables", "schema_text", "with_tables"]

_BEGIN = "<!-- fields: written by `python -m proxysim.scenario.reference` -->"
_END = "<!-- end of fields -->"
_ENDING_OF_WHOLE_NUMBERS = re.compile(r"\.0\b")
_FIRST = ("Scenario", "RunSettings", "Site", "Clients", "ForwardProxy", "ReverseProxy", "Server")


def schema_text() -> str:
    """What stands in ``docs/scenario.schema.json``."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def field_tables() -> str:
    """A Markdown table for every part of the grammar: key, what it holds, default, meaning."""
    schema = json_schema()
    parts = {"Scenario": schema} | schema["$defs"]
    ordered = [*_FIRST, *(name for name in parts if name not in _FIRST)]
    return "\n\n".join("\n".join(_table(name, parts[name])) for name in ordered)


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
    required = written_out.get("required", [])
    fields = written_out.get("properties", {})
    if fields:
        yield "| key | holds | default | |"
        yield "|---|---|---|---|"
    for key, field in fields.items():
        default = "required" if key in required else _default(field)
        meaning = field.get("description", "")
        meaning = "" if meaning in UNIT_NOTES else meaning
        yield f"| `{key}` | {_holds(field)} | {default} | {meaning} |"


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if isinstance(default, dict):
        default = {key: value for key, value in default.items() if value is not None}
    if default is None or default in ({}, [], ""):
        return ""
    written = json.dumps(default).replace('"', "")
    return f"`{_ENDING_OF_WHOLE_NUMBERS.sub('', written)}`"


def _holds(field: dict[str, Any]) -> str:
    """What a field takes, in a few words; parts of the grammar link to their own table."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in field:
        return f"`{json.dumps(field['const']).strip(chr(34))}`"
    if "enum" in field:
        return ", ".join(dict.fromkeys(f"`{word}`" for word in field["enum"]))
    if field.get("examples"):
        return f"{field['x-quantity']}, `{field['examples'][0]}`"
    options = field.get("anyOf") or field.get("oneOf")
    if options:
        held = dict.fromkeys(_holds(option) for option in options if option.get("type") != "null")
        return " or ".join(held)
    match field.get("type"):
        case "array":
            return f"list of {_holds(field['items'])}" if field.get("items") else "list"
        case "object":
            inner = [
                *field.get("patternProperties", {}).values(),
                field.get("additionalProperties"),
            ]
            words = [_holds(value) for value in inner if isinstance(value, dict)]
            return f"mapping of names to {words[0]}" if words and words[0] else "mapping"
        case "string":
            return "text"
        case "integer":
            return "whole number"
        case "boolean":
            return "`true`, `false`"
        case "number":
            return "number"
    return ""


def _write(docs: pathlib.Path) -> None:
    (docs / "scenario.schema.json").write_text(schema_text(), encoding="utf-8")
    reference = docs / "scenarios.md"
    reference.write_text(with_tables(reference.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    _write(pathlib.Path("docs"))
