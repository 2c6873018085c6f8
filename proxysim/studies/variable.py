"""What a plan varies: a field of the scenario by its path, or the load as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any, Literal, get_args

from pydantic import WithJsonSchema
from pydantic.fields import FieldInfo

from proxysim.errors import ScenarioError, UnitError
from proxysim.scenario import Scenario
from proxysim.scenario.nodes import Clients, Server
from proxysim.scenario.paths import fields_of, model_at, with_value
from proxysim.studies.ladder import COUNT, FACTOR, KINDS, NUMBER, Kind, kind_of
from proxysim.studies.load import with_load

__all__ = ["LOAD", "Variable", "variable"]

#: The name that stands for all arrivals together.
LOAD = "load"


@dataclass(frozen=True, slots=True)
class Variable:
    """The *path* that varies, what *kind* of quantity it is, and its value *now*.

    *is_load*: more of it is more to do. *member* says what a count counts, such as a server; empty
    otherwise. *lists* are fields, by path, that list a value for each member: other counts go
    through the list in turn, from its beginning as often as it takes. *named* are its members to
    which events happen.
    """

    path: str
    kind: Kind
    now: Any
    is_load: bool = False
    member: str = ""
    lists: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    named: Mapping[str, int] = field(default_factory=dict)

    def at(self, scenario: Scenario, value: float) -> Scenario:
        """*scenario* with *value*; ScenarioError where that makes it wrong."""
        if self.path == LOAD:
            return with_load(scenario, value)
        for name, number in self.named.items():
            if value < number:
                least = max(self.named.values())
                raise ScenarioError(
                    f"with {self.phrase(value)} there is no {name}, to which an event happens",
                    place=self.path,
                    mend=f"Begin at {least}, as in between {least}..{4 * least}; or leave out what"
                    " happens: --set 'events=[]'",
                )
        changes: dict[str, Any] = {self.path: int(value) if self.kind.whole else float(value)}
        for path, each in self.lists.items():
            changes[path] = list(islice(cycle(each), int(value)))
        return scenario.set(changes)

    @property
    def first(self) -> Literal["low", "high"]:
        """The end of a range at which objectives are, as far as its name tells, more likely met."""
        last = self.path.rpartition(".")[2]
        delays = self.kind.name == "time" and last not in _KEPT
        return "low" if self.is_load or delays or last in _TROUBLE else "high"

    @property
    def name(self) -> str:
        """What it is called where the whole path would be too long: ``workers``, ``capacity``."""
        return self.path.rpartition(".")[2].replace("_", " ")

    def phrase(self, value: float) -> str:
        """*value* of it in words: ``6 servers``, ``1 worker``, ``bandwidth 80 Mbps``."""
        text = self.kind.write(value)
        if self.path == LOAD:
            return f"{text} today's load".replace(" ×", " times")
        name = f"{self.member}s" if self.member else self.name
        if self.kind is COUNT and name.endswith("s"):
            return f"{text} {name.removesuffix('s') if value == 1 else name}"
        return f"{name} {text}"


#: Times of which more may well be better.
_KEPT = {"ttl", "keep_alive", "stale_while_revalidate", "patience", "first_byte", "connect"}
_TROUBLE = {"loss", "jitter", "fail", "slow"}


def variable(scenario: Scenario, path: str) -> Variable:
    """What *path* leads to in *scenario*; ScenarioError where there is nothing, or no quantity."""
    if path == LOAD:
        return Variable(LOAD, FACTOR, 1.0, is_load=True)
    _, steps = with_value(scenario.to_dict(), path, 1)
    if steps[0] == "run":
        raise ScenarioError(
            "how it is run is no part of what is planned",
            place=path,
            mend="Name a field of what exists, such as nodes.shop.count, or load.",
        )
    now = _found(scenario.tree, steps)
    if now is None:
        now = _found(scenario.document.model_dump(by_alias=True), steps)
    kind = _of_field(scenario, steps)
    try:
        if kind is None:
            kind = kind_of(now)
    except UnitError as error:
        error.place = path
        error.mend = "Name a field that holds a number or a quantity, such as nodes.shop.count."
        raise
    return Variable(
        path,
        kind,
        now,
        _is_load(scenario, steps),
        _member(scenario, steps),
        dict(_lists(scenario, steps)),
        _named(scenario, steps),
    )


def _is_load(scenario: Scenario, steps: tuple[str | int, ...]) -> bool:
    match steps:
        case ("nodes", _, "arrivals", *_):
            return True
        case ("nodes", name, "count"):
            node = scenario.document.nodes[str(name)]
            return isinstance(node, Clients) and node.arrivals.kind == "closed"
    return False


def _member(scenario: Scenario, steps: tuple[str | int, ...]) -> str:
    match steps:
        case ("nodes", name, "count"):
            return str(scenario.document.nodes[str(name)].kind).removesuffix("s")
    return ""


def _lists(
    scenario: Scenario, steps: tuple[str | int, ...]
) -> Iterator[tuple[str, tuple[float, ...]]]:
    """The fields that list a value for each of the members that are counted."""
    match steps:
        case ("nodes", name, "count"):
            node = scenario.document.nodes[str(name)]
            for one in ("speed", "weight"):
                if isinstance(node, Server) and isinstance(each := getattr(node, one), list):
                    yield f"nodes.{name}.{one}", tuple(each)


def _named(scenario: Scenario, steps: tuple[str | int, ...]) -> dict[str, int]:
    """The members, of those that are counted, to which events happen: their places, from 1."""
    match steps:
        case ("nodes", name, "count") if len(members := scenario.members(str(name))) > 1:
            happens = [{event.node, *(event.link or ())} for event in scenario.document.events]
            ends = set().union(*happens)
            # Of one, the only member has the name of the group.
            return {
                member: max(place, 2) for place, member in enumerate(members, 1) if member in ends
            }
    return {}


def _found(tree: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        try:
            tree = tree[step]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def _of_field(scenario: Scenario, steps: tuple[str | int, ...]) -> Kind | None:
    """The kind that the grammar says the field is of; None where it leaves that open."""
    model = model_at(scenario.tree, steps[:-1])
    found = fields_of(model).get(str(steps[-1])) if model is not None else None
    if found is None:
        return None
    told = {
        said.json_schema.get("x-quantity")
        for said in _annotations(found)
        if isinstance(said, WithJsonSchema) and said.json_schema
    }
    for kind in KINDS:
        if kind.name in told:
            return kind
    types = _types(found.annotation)
    return COUNT if int in types else NUMBER if float in types else None


def _annotations(field: FieldInfo) -> Iterator[Any]:
    yield from field.metadata
    yield from _below(field.annotation)


def _below(annotation: Any) -> Iterator[Any]:
    for part in get_args(annotation):
        yield part
        yield from _below(part)


def _types(annotation: Any) -> set[Any]:
    return {annotation, *(part for part in _below(annotation) if isinstance(part, type))}
