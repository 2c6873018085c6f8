"""Dotted paths: which part of the grammar one leads to, and how a value is set there."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from proxysim.errors import ScenarioError, did_you_mean
from proxysim.scenario.document import Document
from proxysim.scenario.draws import Choice
from proxysim.scenario.menus import PolicyName
from proxysim.scenario.quantities import Grammar
from proxysim.scenario.yaml_reader import Path, read_value

__all__ = ["dotted", "fields_of", "model_at", "parse_assignment", "steps_of", "with_value"]


def dotted(path: Path) -> str:
    """*path* as people write it: ``nodes.gateway.cache.capacity``, ``links.0.latency``."""
    return ".".join(map(str, path))


def steps_of(tree: Any, place: str) -> Path:
    """The steps of the dotted *place*, as far as *tree* has them; names of sites hold dots."""
    steps: Path = ()
    while place and isinstance(tree, Mapping | list):
        parts = range(len(tree)) if isinstance(tree, list) else tree
        found = [part for part in parts if f"{place}.".startswith(f"{part}.")]
        if not found:
            break
        step = max(found, key=lambda part: len(str(part)))
        steps, tree, place = (*steps, step), tree[step], place[len(str(step)) + 1 :]
    return steps


def fields_of(model: type[Grammar]) -> dict[str, FieldInfo]:
    """The fields of *model* by the names that a scenario uses."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def model_at(tree: Any, path: Path) -> type[Grammar] | None:
    """The part of the grammar that the mapping at *path* is written in; None where it is free."""
    kind: Any = Document
    for step in path:
        kind = _below(kind, tree, step)
        tree = _value(tree, step)
    return _model(kind, tree)


def parse_assignment(text: str) -> tuple[str, Any]:
    """Path and value of ``nodes.shop.count=8``; the value is YAML, such as ``[1, 1, 0.5]``."""
    path, equals, value = text.partition("=")
    if not equals or not path.strip() or not value.strip():
        raise ScenarioError(
            f"found {text!r} where a path and a value should be",
            mend="Write it like this: nodes.shop.count=8",
        )
    return path.strip(), read_value(value, f"value of {path.strip()}")


def with_value(tree: dict[str, Any], path: str, value: Any) -> tuple[dict[str, Any], Path]:
    """A copy of *tree* with *value* at *path*, and the path's steps.

    Raises ScenarioError where the grammar, or the tree, has no such path.
    """
    if not all(path.split(".")):
        raise ScenarioError(f"found the path {path!r}", mend="Write it like this: run.duration")
    changed = copy.deepcopy(tree)
    here, kind = changed, Document
    steps: Path = ()
    rest = path.split(".")
    while True:
        step, rest = _next_step(here, kind, steps, rest, path)
        steps = (*steps, step)
        if not rest:
            _put(here, kind, step, value)
            return changed, steps
        here, kind = _entered(here, kind, step)


def _next_step(
    here: Any, kind: Any, steps: Path, rest: list[str], path: str
) -> tuple[str | int, list[str]]:
    """The step that *rest* begins with, and what remains. Names of sites hold dots."""
    model = _model(kind, here)
    if model is not None:
        known = fields_of(model)
        if rest[0] in known:
            return rest[0], rest[1:]
        raise _no_such(path, steps, rest[0], known)
    if isinstance(here, list):
        names = {str(index): index for index in range(len(here))} | _named_by_ends(here)
        if rest[0] in names:
            return names[rest[0]], rest[1:]
        raise _no_such(path, steps, rest[0], names)
    if _is_mapping(kind):
        known = dict(here) if isinstance(here, Mapping) else {}
        for length in range(len(rest), 0, -1):
            if (name := ".".join(rest[:length])) in known:
                return name, rest[length:]
        if _model_of_values(kind):
            with_dots = any("." in name for name in known)
            raise _no_such(path, steps, ".".join(rest) if with_dots else rest[0], known)
        return rest[0], rest[1:]
    lists = any(get_origin(leaf) is list for leaf in _leaves(kind))
    why = "is not given, so it has no members" if lists else "is a single value and has no parts"
    raise ScenarioError(
        f"{path}: {dotted(steps)} {why}",
        mend=f"Set {dotted(steps)} itself.",
    )


def _entered(here: Any, kind: Any, step: str | int) -> tuple[Any, Any]:
    """What is at *step*, ready to be changed: made, or written out, where it was short."""
    inner_kind = _below(kind, here, step)
    inner = _value(here, step)
    model = _model(inner_kind, inner)
    if not isinstance(inner, dict) and (model is not None or _is_mapping(inner_kind)):
        # A profile's name is short for a mapping that builds on it.
        inner = {"profile": inner} if step == "costs" and isinstance(inner, str) else {}
        _put(here, kind, step, inner)
    return inner, inner_kind


def _put(here: Any, kind: Any, step: str | int, value: Any) -> None:
    if _is_choice(kind, here):
        for other in [key for key in here if key != step]:
            del here[other]
    here[step] = value


def _is_choice(kind: Any, tree: Any) -> bool:
    """Whether the keys of a mapping exclude each other."""
    model = _model(kind, tree)
    if model is not None:
        return issubclass(model, Choice)
    return any(
        get_origin(leaf) is dict and get_args(leaf)[0] == PolicyName for leaf in _leaves(kind)
    )


def _named_by_ends(items: list[Any]) -> dict[str, int]:
    """Links by their ends, ``edge-shop``, either way round."""
    names: dict[str, int] = {}
    for index, item in enumerate(items):
        ends = item.get("between") if isinstance(item, dict) else None
        if isinstance(ends, list) and len(ends) == 2:
            names.setdefault(f"{ends[0]}-{ends[1]}", index)
            names.setdefault(f"{ends[1]}-{ends[0]}", index)
    return names


def _no_such(path: str, steps: Path, word: str, known: Mapping[str, Any]) -> ScenarioError:
    where = f"{dotted(steps)} has no {word!r}" if steps else f"a scenario has no {word!r}"
    return ScenarioError(f"{path}: {where}", mend=did_you_mean(word, known))


def _leaves(kind: Any) -> Iterator[Any]:
    """What a type may be, without Annotated, Union and None."""
    if get_origin(kind) is Annotated:
        yield from _leaves(get_args(kind)[0])
    elif get_origin(kind) in (Union, UnionType):
        for part in get_args(kind):
            yield from _leaves(part)
    elif kind is not NoneType:
        yield kind


def _model(kind: Any, tree: Any) -> type[Grammar] | None:
    """The model among what *kind* may be; of several, the one whose ``kind`` *tree* names."""
    models = [leaf for leaf in _leaves(kind) if _is_model(leaf)]
    if len(models) > 1:
        wanted = tree.get("kind") if isinstance(tree, dict) else None
        models = [model for model in models if wanted in kinds_of(model)]
    return models[0] if models else None


def kinds_of(model: type[Grammar]) -> tuple[str, ...]:
    """The words that choose *model*, for a kind of node."""
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()


def _below(kind: Any, tree: Any, step: str | int) -> Any:
    model = _model(kind, tree)
    if model is not None:
        field = fields_of(model).get(str(step))
        return field.annotation if field else None
    for leaf in _leaves(kind):
        if leaf is Any:
            return Any
        arguments = get_args(leaf)
        if get_origin(leaf) is list and isinstance(step, int):
            return arguments[0]
        if get_origin(leaf) is dict:
            return arguments[1]
    return None


def _is_mapping(kind: Any) -> bool:
    return any(leaf is Any or get_origin(leaf) is dict for leaf in _leaves(kind))


def _model_of_values(kind: Any) -> bool:
    """Whether *kind* maps names to parts of the grammar, which a path cannot invent."""
    values = [get_args(leaf)[1] for leaf in _leaves(kind) if get_origin(leaf) is dict]
    return any(_is_model(leaf) for value in values for leaf in _leaves(value))


def _is_model(leaf: Any) -> bool:
    return isinstance(leaf, type) and issubclass(leaf, Grammar)


def _value(tree: Any, step: str | int) -> Any:
    if isinstance(tree, dict):
        return tree.get(step)
    if isinstance(tree, list) and isinstance(step, int) and 0 <= step < len(tree):
        return tree[step]
    return None
