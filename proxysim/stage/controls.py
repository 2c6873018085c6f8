"""Sliders, menus and switches for a scenario, taken from its grammar's schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from proxysim.errors import ScenarioError
from proxysim.policies.balancers import ALIASES
from proxysim.scenario import Scenario
from proxysim.scenario.document import Link, Site
from proxysim.scenario.draws import Choice
from proxysim.scenario.nodes import Clients, ForwardProxy, ReverseProxy, Server
from proxysim.scenario.quantities import Grammar
from proxysim.scenario.schema import json_schema

__all__ = ["controls_of"]

Node = Clients | ForwardProxy | ReverseProxy | Server
_MODELS = {
    "clients": "Clients",
    "forward_proxy": "ForwardProxy",
    "reverse_proxy": "ReverseProxy",
    "server": "Server",
}
#: Shown whether the scenario says them or not; the rest only where it does.
_ALWAYS = {"balancer", "identity", "tls", "workers", "eviction", "collapse", "latency"}
#: Parts that can be taken out, and put back as they were.
_PARTS = ("cache", "filters", "compression", "retry", "hedge", "breaker", "rate_limit", "shedding")
#: Of no use to move, or not by a slider.
_LEFT_OUT = {"kind", "zone", "through", "keep_alive", "sites", "backends", "between", "warmup"}
_LEFT_OUT |= {"starts", "drain", "window", "tls_version", "status", "forwarded", "path", "upload"}
_WIDE = 20  # a slider goes from a twentieth to twenty times the value


def controls_of(scenario: Scenario) -> list[dict[str, Any]]:
    """What of *scenario* can be varied on a page.

    Each has ``group`` and ``label``, the dotted ``path``, ``kind`` and ``value``: a *slider* from
    ``low`` to ``high`` (``log``, ``whole``, and its ``quantity``: time, size, rate, ...), a *menu*
    of ``options``, a *switch*, or a *part*, whose value is whether it is there.
    """
    document, tree = scenario.document, scenario.tree
    found: list[dict[str, Any]] = []
    for name, node in document.nodes.items():
        if node.kind in _MODELS:
            found += _of_model(f"nodes.{name}", name, _MODELS[node.kind], node)
            given = tree["nodes"][name]
            found += [
                _control(f"nodes.{name}.{part}", name, part, kind="part", value=True)
                for part in _PARTS
                if given.get(part)
            ]
    for place, link in enumerate(document.links or ()):
        ends = " – ".join(link.between)
        found += _of_model(f"links.{place}", f"link {ends}", "Link", link)
    for name, site in document.sites.items():
        found += _of_model(f"sites.{name}", f"site {name}", "Site", site)
    return [control for control in found if _usable(scenario, control)]


@cache
def _properties(model: str) -> dict[str, Any]:
    schema = _definitions()[model]
    found: dict[str, Any] = (schema if "properties" in schema else schema["anyOf"][-1])[
        "properties"
    ]
    return found


@cache
def _definitions() -> dict[str, Any]:
    found: dict[str, Any] = json_schema()["$defs"]
    return found


def _of_model(path: str, group: str, model: str, value: Grammar) -> Iterator[dict[str, Any]]:
    for name, schema in _properties(model).items():
        if name in _LEFT_OUT:
            continue
        own = name if name in type(value).model_fields else f"{name}_"
        now = getattr(value, own)
        given = own in value.model_fields_set
        inner = _reference(schema)
        if isinstance(now, Grammar) and inner in _definitions() and given:
            yield from _of_model(f"{path}.{name}", group, inner, now)
        elif now is not None and (given or name in _ALWAYS):
            yield from _of_field(f"{path}.{name}", group, _label(path, name, value), schema, now)


def _label(path: str, name: str, value: Grammar) -> str:
    """Such as *service (exponential)*, *cache capacity*; of a node itself the name alone."""
    label = name.replace("_", " ")
    if not isinstance(value, Node | Link | Site):
        part = path.rpartition(".")[2].replace("_", " ")
        return f"{part} ({label})" if isinstance(value, Choice) else f"{part} {label}"
    return label


def _reference(schema: Mapping[str, Any]) -> str:
    for part in (schema, *schema.get("anyOf", ())):
        if "$ref" in part:
            return str(part["$ref"]).rpartition("/")[2]
    return ""


def _of_field(
    path: str, group: str, label: str, schema: Mapping[str, Any], now: Any
) -> Iterator[dict[str, Any]]:
    forms = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    forms += [inner for form in forms[1:] for inner in form.get("anyOf", ())]
    told = {"title": str(schema.get("description", ""))}
    options = next((form["enum"] for form in forms if "enum" in form), None)
    quantity = next((form["x-quantity"] for form in forms if "x-quantity" in form), None)
    if options is not None:
        if isinstance(now, str):
            menu = [option for option in dict.fromkeys(map(str, options)) if option not in ALIASES]
            yield _control(path, group, label, kind="menu", value=now, options=menu, **told)
    elif isinstance(now, bool):
        yield _control(path, group, label, kind="switch", value=now, **told)
    elif isinstance(now, list) and all(isinstance(one, int | float) for one in now):
        for place, one in enumerate(now):
            inner = _range(one, quantity, forms)
            name = f"{label} of {group}-{place + 1}"
            yield _control(
                f"{path}.{place}", group, name, kind="slider", value=one, **inner, **told
            )
    elif isinstance(now, int | float):
        yield _control(
            path, group, label, kind="slider", value=now, **_range(now, quantity, forms), **told
        )


def _range(now: float, quantity: str | None, forms: list[Any]) -> dict[str, Any]:
    if quantity in ("share", "weight"):
        return {"low": 0.0, "high": max(1.0, now), "quantity": "share"}
    if quantity is None:
        whole = any(form.get("type") == "integer" for form in forms)
        wide = _WIDE if whole else _WIDE // 2
        most = min((form["maximum"] for form in forms if "maximum" in form), default=now * wide)
        if whole and now <= _WIDE:
            high = min(most, max(16, 2 * now))
            return {"low": 1, "high": high, "whole": True, "quantity": "count"}
        low, high = now / wide, min(most, now * wide)
        if whole:
            low, high = max(1, round(low)), round(high)
        return {"low": low, "high": high, "log": True, "whole": whole, "quantity": "count"}
    if now == 0:
        return {"low": 0.0, "high": 0.1, "quantity": quantity}
    return {"low": now / _WIDE, "high": now * _WIDE, "log": True, "quantity": quantity}


def _control(path: str, group: str, label: str, **said: Any) -> dict[str, Any]:
    return {"path": path, "group": group, "label": label, **said}


def _usable(scenario: Scenario, control: dict[str, Any]) -> bool:
    """Whether it can be moved at all; takes options out that need more than a name.

    A count may not be varied alone where something is listed for each member.
    """
    if control["kind"] == "menu":
        control["options"] = [o for o in control["options"] if _fits(scenario, control["path"], o)]
        return len(control["options"]) > 1
    if control["kind"] == "slider" and control.get("whole"):
        return all(_fits(scenario, control["path"], control[end]) for end in ("low", "high"))
    return True


def _fits(scenario: Scenario, path: str, value: Any) -> bool:
    try:
        scenario.set(path, value)
    except ScenarioError:
        return False
    return True
