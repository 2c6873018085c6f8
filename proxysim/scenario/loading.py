"""Scenarios from where they are: the shipped library, a file, text, or plain data."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from proxysim.errors import ScenarioError, did_you_mean
from proxysim.scenario.scenario import Scenario
from proxysim.scenario.yaml_reader import MAX_BYTES, decode, read

__all__ = ["from_dict", "load", "loads", "shipped"]

_HERE = pathlib.Path(__file__).resolve().parent
# An installed package holds the library; in a checkout it is the top-level directory.
_LIBRARIES = (_HERE / "library", _HERE.parents[1] / "scenarios")


def shipped() -> dict[str, pathlib.Path]:
    """The scenarios that come with proxysim: their names, and where their files are."""
    for library in _LIBRARIES:
        if found := sorted(library.glob("*.yaml")):
            return {path.stem: path for path in found}
    return {}


def load(name: str | os.PathLike[str]) -> Scenario:
    """The scenario of a shipped *name*, or of a file.

    Raises ScenarioError, naming file, line, field, what was found, and what would be accepted.
    """
    library = shipped()
    if not isinstance(name, str | os.PathLike):
        raise ScenarioError(
            f"found {_kind(name)} where the name of a scenario should be",
            mend=f"Give a path, or one of: {', '.join(library)}. from_dict() takes mappings.",
        )
    path = library.get(os.fspath(name)) or pathlib.Path(name)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(os.fspath(name), error, library) from None
    place = os.fspath(path)
    return _from_text(decode(content, place), place, path.stem, path.parent)


def loads(text: str, place: str = "<text>", directory: str | os.PathLike[str] = ".") -> Scenario:
    """The scenario that *text* holds; errors name *place*. Raises ScenarioError."""
    if not isinstance(text, str):
        raise ScenarioError(
            f"found {_kind(text)} where text should be",
            mend="Give the text of a scenario; load() takes names and paths, from_dict() mappings.",
        )
    return _from_text(text, place, pathlib.PurePath(place).stem, pathlib.Path(directory))


def from_dict(
    tree: Mapping[str, Any], name: str = "scenario", directory: str | os.PathLike[str] = "."
) -> Scenario:
    """The scenario that plain data says, as ``Scenario.to_dict`` gives it. Raises ScenarioError."""
    if not isinstance(tree, Mapping):
        raise ScenarioError(
            f"found {type(tree).__name__} where the scenario should be",
            place=name,
            mend="Give a mapping; load() takes names and paths, loads() takes text.",
        )
    return Scenario.checked(tree, name=name, directory=pathlib.Path(directory))


def _kind(found: object) -> str:
    return "nothing" if found is None else f"{type(found).__name__} {str(found)[:40]!r}"


def _from_text(text: str, place: str, name: str, directory: pathlib.Path) -> Scenario:
    source = read(text, place)
    at = replace(source, tree={}).at
    return Scenario.checked(source.tree, name=name, directory=directory, at=at)


def _unreadable(name: str, error: Exception, library: Mapping[str, Any]) -> ScenarioError:
    place = name if name.isprintable() else repr(name)
    looks_like_path = name.endswith((".yaml", ".yml")) or "/" in name or os.sep in name
    if (isinstance(error, FileNotFoundError) and not looks_like_path) or not name:
        return ScenarioError(
            f"there is no scenario {name!r}, and no file of that name",
            mend=did_you_mean(name, library),
        )
    if isinstance(error, FileNotFoundError):
        return ScenarioError(
            "there is no such file",
            place=place,
            mend=f"Give a path that exists, or one of: {', '.join(library)}",
        )
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return ScenarioError(
        f"cannot be read: {reason}", place=place, mend="Give a YAML file, or a shipped name."
    )
