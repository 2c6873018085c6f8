"""Mistakes in a scenario, told so that a newcomer can mend them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from proxysim.errors import ProxysimError, ScenarioError, did_you_mean
from proxysim.scenario.paths import dotted, fields_of, model_at
from proxysim.scenario.quantities import FORMS
from proxysim.scenario.yaml_reader import Path

__all__ = ["DocumentError", "Mistake", "of_validation"]

_SHOWN = 10
_UNKNOWN = "there is no such key"
_MISSING = "is missing"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong: where in the scenario, what was found there, and the mend."""

    path: Path
    problem: str
    mend: str = ""

    def __str__(self) -> str:
        text = f"{dotted(self.path)}: {self.problem}" if self.path else self.problem
        return f"{text.rstrip('.')}. {self.mend}" if self.mend else text


class DocumentError(ScenarioError):
    """A scenario with one mistake or several; ``mistakes`` are all of them, in the file's order."""

    def __init__(self, mistakes: Iterable[Mistake], at: Callable[[Path], str]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: _line(at(mistake.path))))
        first, *others = (
            f"{place}: {mistake}" if (place := at(mistake.path)) else str(mistake)
            for mistake in self.mistakes
        )
        more = len(others) + 1 - _SHOWN
        if more > 0:
            others = [*others[: _SHOWN - 1], f"... and {more} more"]
        place = at(self.mistakes[0].path)
        head = first.removeprefix(f"{place}: ") if place else first
        super().__init__("\n".join([head, *others]), place=place)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.mistakes, self.problem, self.place)


def _line(place: str) -> int:
    _, _, line = place.rpartition(":")
    return int(line) if line.isdecimal() else 0


def _restored(mistakes: tuple[Mistake, ...], problem: str, place: str) -> DocumentError:
    error = DocumentError.__new__(DocumentError)
    ScenarioError.__init__(error, problem, place=place)
    error.mistakes = mistakes
    return error


def of_validation(error: ValidationError, tree: Mapping[str, Any]) -> list[Mistake]:
    """What pydantic found in *tree*, in our words and with the paths that the file has."""
    found: dict[Path, Mistake] = {}
    for detail in error.errors(include_url=False):
        mistake = _told(detail, tree)
        found.setdefault(mistake.path, mistake)
    suspects = [mistake for mistake in found.values() if mistake.problem == _UNKNOWN]
    return [mistake for mistake in found.values() if not _misspelt(mistake, suspects)]


def _misspelt(missing: Mistake, suspects: list[Mistake]) -> bool:
    """Whether what is *missing* is there, but for its spelling."""
    if missing.problem != _MISSING:
        return False
    hint = f"Did you mean {missing.path[-1]!r}?"
    return any(
        other.path[:-1] == missing.path[:-1] and other.mend.startswith(hint) for other in suspects
    )


def _told(detail: Mapping[str, Any], tree: Any) -> Mistake:
    location, kind = detail["loc"], detail["type"]
    given, context = detail["input"], detail.get("ctx", {})
    of_key = location and location[-1] == "[key]"
    path = _written(location[:-1] if of_key else location, kind, tree)
    if kind == "extra_forbidden":
        model = model_at(tree, path[:-1])
        known = fields_of(model) if model else {}
        return Mistake(path, _UNKNOWN, did_you_mean(str(path[-1]), known))
    if kind == "missing":
        return Mistake(path, _MISSING, _wanted(tree, path))
    if kind == "union_tag_invalid":
        kinds = re.findall(r"'([^']*)'", context["expected_tags"])
        word = context["tag"]
        return Mistake((*path, "kind"), f"found {_shown(word)}", did_you_mean(str(word), kinds))
    if kind == "union_tag_not_found":
        return Mistake((*path, "kind"), _MISSING, "Say what the node is, kind: server")
    if kind == "literal_error":
        options = re.findall(r"'([^']*)'", context["expected"])
        if options:
            return Mistake(path, f"found {_shown(given)}", did_you_mean(str(given), options))
        expected = context["expected"].replace("True", "true")
        return Mistake(path, f"found {_shown(given)}", f"Expected {expected}.")
    if kind == "value_error":
        cause = context["error"]
        if isinstance(cause, ProxysimError):
            return Mistake(path, textwrap.shorten(cause.problem, 200), cause.mend)
        return Mistake(path, str(cause))
    if kind == "model_type":
        model = model_at(tree, path)
        keys = ", ".join(fields_of(model)) if model else ""
        return Mistake(path, f"found {_shown(given)}", f"Expected a mapping with keys of: {keys}")
    if kind == "list_type" and isinstance(given, str):
        return Mistake(path, f"found {_shown(given)}", f"Expected a list: [{given[:60]}]")
    if kind == "string_pattern_mismatch":
        return Mistake(path, f"found {_shown(given)}", FORMS[context["pattern"]])
    return Mistake(path, f"found {_shown(given)}", _expected(kind, context, detail["msg"]))


def _written(location: tuple[str | int, ...], kind: str, tree: Any) -> Path:
    """*location* without what pydantic put in: tags of unions, keys that a short form implies."""
    path: Path = ()
    here = tree
    last = len(location) - 1
    for index, step in enumerate(location):
        if index == 2 and location[0] == "nodes":
            continue  # the node's kind, which tells the members of that union apart
        inner = _part(here, step)
        if inner is not _ABSENT:
            here = inner
        elif not (isinstance(here, dict) and kind == "missing" and index == last):
            continue
        path = (*path, step)
    return path


_ABSENT = object()


def _part(tree: Any, step: str | int) -> Any:
    if isinstance(tree, dict):
        return tree.get(step, _ABSENT)
    return tree[step] if isinstance(tree, list) and isinstance(step, int) else _ABSENT


def _expected(kind: str, context: Mapping[str, Any], message: str) -> str:
    limits = {
        "greater_than": "above <gt>",
        "greater_than_equal": "of at least <ge>",
        "less_than": "below <lt>",
        "less_than_equal": "of at most <le>",
    }
    if kind in limits:
        return f"Expected a number {_filled(limits[kind], context)}."
    words = {
        "int_type": "a whole number",
        "int_from_float": "a whole number",
        "float_type": "a number",
        "finite_number": "a finite number",
        "bool_type": "true or false",
        "string_type": "text; put numbers and dates in quotes",
        "list_type": "a list, such as [a, b]",
        "dict_type": "a mapping, such as {key: value}",
        "model_attributes_type": "a mapping, such as {key: value}",
        "too_short": "at least <min_length> of them",
        "too_long": "at most <max_length> of them",
        "string_too_long": "at most <max_length> characters",
    }
    if kind in words:
        return f"Expected {_filled(words[kind], context)}."
    return f"{message}."


def _filled(text: str, context: Mapping[str, Any]) -> str:
    for key, value in context.items():
        text = text.replace(f"<{key}>", f"{value:,}" if isinstance(value, int) else str(value))
    return text


def _wanted(tree: Any, path: Path) -> str:
    """What belongs in a field that is missing: an example, or its description."""
    name = str(path[-1])
    model = model_at(tree, path[:-1])
    field = fields_of(model).get(name) if model else None
    told = f"Add {name}: {field.description}" if field and field.description else "Add it."
    return _EXAMPLES.get(name, told)


_EXAMPLES = {
    "proxysim": "Begin the file with proxysim: 1, the version of the grammar.",
    "title": "Say in a line what the scenario shows.",
    "sites": "Name what is asked for, sites: {shop.example: {}}",
    "nodes": "Say who takes part: clients, servers, proxies.",
    "kind": "Say what the node is, kind: server",
    "arrivals": "Say when requests arrive, arrivals: {poisson: 40/s}",
    "backends": "Name the servers behind it, backends: shop",
    "capacity": "Say how much it holds, capacity: 64MB",
    "between": "Name its two ends, between: [edge, shop]",
    "mean": "Give the mean, such as 40kB or 20ms.",
    "sigma": "Say how far it spreads, sigma: 1.2",
    "alpha": "Say how heavy the tail is, alpha: 1.5",
    "at": "Say when it happens, at: 60s",
}


def _shown(value: Any) -> str:
    """*value* for a message, never long."""
    if isinstance(value, dict) and value:
        return f"a mapping with {', '.join(str(key)[:20] for key in list(value)[:3])}"
    if isinstance(value, list) and len(value) > 3:
        return f"a list of {len(value)}"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
