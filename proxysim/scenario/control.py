"""What can be wrong in who may ask and who is believed, that no field shows alone."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Iterator

from proxysim.errors import ScenarioError, did_you_mean
from proxysim.policies.filters import ACTIONS
from proxysim.policies.filters.client import network
from proxysim.scenario.block_lists import files_of, list_in
from proxysim.scenario.document import Document
from proxysim.scenario.filtering import Condition, Rule
from proxysim.scenario.mistakes import Mistake
from proxysim.scenario.nodes import Clients, ForwardProxy, ProxyBase, Router
from proxysim.scenario.serving import group_of
from proxysim.scenario.yaml_reader import Path

__all__ = ["condition_of", "listed", "mistaken_control"]


def mistaken_control(document: Document, directory: pathlib.Path) -> Iterator[Mistake]:
    """Mistakes in the filters, categories, users and trust of *document*'s proxies."""
    for name, node in document.nodes.items():
        if isinstance(node, ProxyBase) and node.trusted is not None:
            for index, written in enumerate(node.trusted.addresses or ()):
                yield from _asker(document, written, ("nodes", name, "trusted", "addresses", index))
        if not isinstance(node, ForwardProxy):
            continue
        for category, path in files_of(node, directory):
            try:
                list_in(path)
            except ScenarioError as error:
                where = ("nodes", name, "categories", category)
                yield Mistake(where, f"{error.place}: {error.problem}", error.mend)
        for number, rule in enumerate(node.filters):
            action, condition = condition_of(rule)
            yield from _rule(document, node, condition, ("nodes", name, "filters", number, action))
        parent = document.nodes.get(node.through or "")
        if isinstance(parent, ForwardProxy) and parent.authentication is not None:
            yield Mistake(
                ("nodes", name, "through"),
                f"{node.through} wants its users to log in, which nobody can do through {name}",
                f"Let them log in at {name}: give it the authentication.",
            )


def condition_of(rule: Rule) -> tuple[str, Condition]:
    """A rule's action and what it looks at."""
    for action in ACTIONS:
        if (condition := getattr(rule, action)) is not None:
            return action, condition
    raise AssertionError(rule)


def listed(found: str | list[str] | None) -> list[str]:
    """One text, several or none, as a list."""
    return [found] if isinstance(found, str) else found or []


def _rule(
    document: Document, node: ForwardProxy, condition: Condition, path: Path
) -> Iterator[Mistake]:
    users = node.authentication.users if node.authentication is not None else None
    groups = {group for user in (users or {}).values() for group in user.groups}
    yield from _known(path, "category", listed(condition.category), node.categories)
    for field, names, known in (
        ("user", listed(condition.user), users or {}),
        ("group", listed(condition.group), groups),
    ):
        if names and users is None:
            yield Mistake(
                (*path, field),
                "nobody logs in to this proxy",
                "Give it authentication, with its users.",
            )
        else:
            yield from _known(path, field, names, known)
    for written in listed(condition.client):
        yield from _asker(document, written, (*path, "client"))


def _known(path: Path, field: str, names: list[str], known: Iterable[str]) -> Iterator[Mistake]:
    known = list(known)
    for name in names:
        if name not in known:
            yield Mistake(
                (*path, field), f"no {field} is called {name!r}", did_you_mean(name, known)
            )


def _asker(document: Document, written: str, path: Path) -> Iterator[Mistake]:
    if not written[:1].isalpha() or ":" in written:
        try:
            network(written)
        except ScenarioError as error:
            yield Mistake(path, error.problem, error.mend)
        return
    if (group := group_of(written, document)) is None:
        asking = [
            name for name, node in document.nodes.items() if isinstance(node, Clients | ProxyBase)
        ]
        yield Mistake(path, f"no node is called {written!r}", did_you_mean(written, asking))
    elif not isinstance(document.nodes[group], Clients | ProxyBase | Router):
        kind = document.nodes[group].kind
        yield Mistake(
            path, f"{written} is of kind {kind}, which asks nothing", "Name a proxy or clients."
        )
