"""What is worth knowing of a scenario before it is run, though nothing is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxysim.messages import Request
from proxysim.policies.filters import ANSWER_CONDITIONS, CONDITIONS, Names, build_rule
from proxysim.scenario.block_lists import categories_of, files_of, list_in
from proxysim.scenario.control import condition_of, listed
from proxysim.scenario.filtering import Condition, rule_words
from proxysim.scenario.nodes import Clients, ForwardProxy
from proxysim.scenario.scenario import Scenario
from proxysim.scenario.unheeded import unheeded

__all__ = ["notes_of"]

_SHOWN = 3
_MENUS: dict[str, Any] = {**CONDITIONS, **ANSWER_CONDITIONS}
_BLIND = [name for name, kind in _MENUS.items() if not kind.in_tunnels]
_BY_HOST = ("domain", "category")


def notes_of(scenario: Scenario) -> list[str]:
    """Notes on *scenario*: bad lines of lists, rules that tunnels escape, what is unheeded."""
    found = []
    for name, node in scenario.document.nodes.items():
        if isinstance(node, ForwardProxy) and node.filters:
            found += [f"{name}: {note}" for note in _of_lists(scenario, node)]
            found += [f"{name}: {note}" for note in _of_tunnels(scenario, name, node)]
    return [*found, *unheeded(scenario)]


def _of_lists(scenario: Scenario, node: ForwardProxy) -> Iterator[str]:
    for category, path in files_of(node, scenario.directory):
        read = list_in(path)
        if read.bad:
            shown = ", ".join(f"line {number} ({text[:40]})" for number, text in read.examples)
            more = ", ..." if read.bad > len(read.examples) else ""
            lines = "1 line" if read.bad == 1 else f"{read.bad:,} lines"
            yield f"category {category} leaves out {lines} of {path.name}: {shown}{more}"


def _of_tunnels(scenario: Scenario, name: str, node: ForwardProxy) -> Iterator[str]:
    tunnelled = [
        site for site in _asked_through(scenario, name) if scenario.document.sites[site].tls
    ]
    if not tunnelled:
        return
    categories = categories_of(node, scenario.directory)
    for number, rule in enumerate(node.filters):
        _, condition = condition_of(rule)
        if blind := _blind(condition):
            escaping = [site for site in tunnelled if _concerns(condition, site, categories)]
            if escaping:
                sites = ", ".join(escaping[:_SHOWN]) + (", ..." if escaping[_SHOWN:] else "")
                yield (
                    f"filters.{number} ({rule_words(rule.model_dump())}) does not see the"
                    f" {' or '.join(blind)} of what goes through tunnels: all of {sites}"
                )


def _blind(condition: Condition) -> list[str]:
    """What *condition* looks at that no tunnel shows."""
    looked_at = [name for name in _BLIND if getattr(condition, name) is not None]
    if "CONNECT" in (method.upper() for method in listed(condition.method)):
        looked_at.remove("method")
    return [name.replace("_", " ") for name in looked_at]


def _concerns(condition: Condition, site: str, categories: dict[str, Names]) -> bool:
    """Whether *condition* may hold for *site*, by what it says of hosts."""
    of_hosts = {name: getattr(condition, name) for name in _BY_HOST}
    if not any(of_hosts.values()):
        return True
    request = Request("CONNECT", "https", site, 443, "")
    return build_rule("deny", of_hosts, categories=categories).matches(request, 0.0)


def _asked_through(scenario: Scenario, name: str) -> list[str]:
    """The sites that clients ask for through the forward proxy *name*, or proxies before it."""
    nodes = scenario.document.nodes
    found: dict[str, None] = {}
    for node in nodes.values():
        if isinstance(node, Clients):
            through = node.through
            while through is not None and through != name:
                further = nodes[through]
                through = further.through if isinstance(further, ForwardProxy) else None
            if through is not None:
                found |= dict.fromkeys(node.sites or scenario.document.sites)
    return list(found)
