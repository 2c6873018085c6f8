"""A scenario: what exists, as a value that can be varied, compared, and written down again."""

from __future__ import annotations

import copy
import hashlib
import json
import pathlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import ValidationError

from proxysim.errors import ProxysimError, ScenarioError, did_you_mean
from proxysim.scenario.consistency import inconsistencies
from proxysim.scenario.control import mistaken_control
from proxysim.scenario.costing import mistaken_costs
from proxysim.scenario.document import Document
from proxysim.scenario.mistakes import DocumentError, of_validation
from proxysim.scenario.paths import steps_of, with_value
from proxysim.scenario.plain import plain
from proxysim.scenario.removal import removed
from proxysim.scenario.serving import fronts, members
from proxysim.scenario.yaml_reader import Path, Source

__all__ = ["Scenario"]


@dataclass(frozen=True, eq=False, repr=False)
class Scenario:
    """A checked scenario. It does not change: :meth:`set` and :meth:`without` make another.

    ``document`` is what it says, in base units with all defaults; ``tree`` the same as it was
    written. ``name`` is the shipped name or the file's stem, ``directory`` where the files that it
    names are looked for, ``removed`` the proxies that :meth:`without` took out. ``at`` gives the
    place of a field, as ``file:line`` where it came from a file.
    """

    document: Document
    tree: Mapping[str, Any]
    name: str
    directory: pathlib.Path = field(default_factory=pathlib.Path)
    removed: tuple[str, ...] = ()
    at: Callable[[Path], str] = field(default=Source({}, "scenario").at)

    @classmethod
    def checked(
        cls,
        tree: Mapping[str, Any],
        *,
        name: str,
        directory: pathlib.Path | None = None,
        removed: tuple[str, ...] = (),
        at: Callable[[Path], str] | None = None,
    ) -> Scenario:
        """The scenario that *tree* says; DocumentError names every mistake, *at* its place."""
        written = plain(tree, name)
        directory = directory or pathlib.Path()
        at = at or Source({}, name).at
        try:
            document = Document.model_validate(written)
        except ValidationError as error:
            raise DocumentError(of_validation(error, written), at) from None
        mistakes = [
            *inconsistencies(document),
            *mistaken_costs(document, directory),
            *mistaken_control(document, directory),
        ]
        if mistakes:
            raise DocumentError(mistakes, at)
        return cls(document, written, name, directory, removed, at)

    @contextmanager
    def located(self) -> Iterator[None]:
        """Let errors that come of a field, once the scenario is in use, name its file and line."""
        try:
            yield
        except ProxysimError as error:
            if steps := steps_of(self.tree, error.place):
                error.problem = f"{error.place}: {error.problem}"
                error.place = self.at(steps)
            raise

    @property
    def title(self) -> str:
        """What the scenario shows, in a line."""
        return self.document.title

    @property
    def question(self) -> str:
        """The question that a run of it answers."""
        return self.document.question

    @property
    def watch_for(self) -> str:
        """What to look at in the answer."""
        return self.document.watch_for

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits of all that the scenario says, however it is written."""
        said = self.document.model_dump(mode="json", by_alias=True)
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def set(self, path: str | Mapping[str, Any], value: Any = None) -> Scenario:
        """The same scenario with *value* at a dotted *path*, or several at once from a mapping.

        ``nodes.edge.balancer``, ``nodes.shop.count``, ``links.0.latency`` or
        ``links.edge-shop.latency``. Raises ScenarioError for a path that does not exist and
        for whatever the new value makes wrong.
        """
        assignments = {path: value} if isinstance(path, str) else dict(path)
        tree = plain(self.tree, self.name)
        for where, what in assignments.items():
            tree, _ = with_value(tree, where, plain(what, where))
        place = f"{self.name} with {', '.join(f'{p} = {v!r}' for p, v in assignments.items())}"
        place = place if len(place) <= 100 else f"{place[:97]}..."
        return Scenario.checked(
            tree,
            name=self.name,
            directory=self.directory,
            removed=self.removed,
            at=Source({}, place).at,
        )

    def without(self, node: str) -> Scenario:
        """The same requests without the proxy *node*: no cache, no filter, no TLS offload.

        Raises ScenarioError unless *node* is a proxy.
        """
        return Scenario.checked(
            removed(self.tree, self.document, node),
            name=self.name,
            directory=self.directory,
            removed=(*self.removed, node),
            at=Source({}, f"{self.name} without {node}").at,
        )

    def members(self, node: str) -> list[str]:
        """The names of a group's members: shop-1 to shop-4; a server alone keeps its name.

        Clients are numbered even where there is one of them.
        """
        found = self.document.nodes.get(node)
        if found is None:
            raise ScenarioError(
                f"there is no node {node!r}",
                place=self.name,
                mend=did_you_mean(node, self.document.nodes),
            )
        return members(node, found)

    def fronts(self, site: str) -> tuple[str, ...]:
        """The nodes that *site*'s name leads to: one, or several server groups that share it."""
        if site not in self.document.sites:
            raise ScenarioError(
                f"there is no site {site!r}",
                place=self.name,
                mend=did_you_mean(site, self.document.sites),
            )
        return tuple(fronts(self.document, site))

    def front(self, site: str) -> str:
        """The node that *site*'s name leads to; the first where several server groups share it."""
        return self.fronts(site)[0]

    def to_dict(self) -> dict[str, Any]:
        """The scenario as plain data, as it was written."""
        return copy.deepcopy(dict(self.tree))

    def to_yaml(self) -> str:
        """The scenario as a file that :func:`proxysim.load` reads."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True, width=100)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scenario):
            return NotImplemented
        return (self.document, self.removed) == (other.document, other.removed)

    def __hash__(self) -> int:
        return int(self.hash, 16)

    def __repr__(self) -> str:
        without = "".join(f" without {name}" for name in self.removed)
        return f"<Scenario {self.name}{without}: {self.title}>"
