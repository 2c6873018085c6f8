"""A scenario's parts in plain words, as ``proxysim show`` says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxysim import units

if TYPE_CHECKING:
    from proxysim.scenario.document import Link
    from proxysim.scenario.quantities import Grammar

__all__ = ["by_default", "link_words", "node_words", "setting_words", "words"]

_KINDS = {
    "clients": "client",
    "forward_proxy": "forward proxy",
    "reverse_proxy": "reverse proxy",
    "server": "server",
    "router": "router",
}
_IDENTITY = {
    "transparent": "transparent: tells who asks, and that it is there",
    "anonymous": "anonymous: tells that it is there, not who asks",
    "elite": "elite: tells neither who asks nor that it is there",
}
_TLS = {
    "terminate": "ended here; plain to the backends",
    "passthrough": "passed through, ended by the backends",
    "reencrypt": "ended here, and begun anew to the backends",
    "none": "none",
}
#: What the kind of node, not a setting of it, says.
_HEADLINE = ("kind", "count")
#: What is plain from the picture, or from the headline.
_UNTOLD = ("zone", "count")


def node_words(written: Mapping[str, Any]) -> str:
    """What a node is, and how many: ``80 clients``, ``a forward proxy``."""
    kind = _KINDS[written["kind"]]
    count = written.get("count", 1)
    if count == 1 or kind not in ("client", "server"):
        return f"a {kind}"
    return f"{count:,} {kind}s"


def setting_words(written: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a node's file says of it, setting by setting."""
    said = []
    for name, value in written.items():
        if name in _HEADLINE:
            continue
        if name == "filters":
            said += [
                ("filter" if place == 0 else "", _rule(rule)) for place, rule in enumerate(value)
            ]
        elif name == "authentication":
            users = value["users"].items()
            said.append((name, f"users {', '.join(_user(user, told) for user, told in users)}"))
        elif name == "credentials":
            said.append(("logs in as", str(value["user"])))
        elif name == "identity":
            said.append((name, _IDENTITY.get(value, words(value))))
        elif name == "tls":
            said.append((name, _TLS.get(value, words(value))))
        else:
            said.append((name.replace("_", " "), words(value)))
    return said


def words(value: Any) -> str:
    """A value as a scenario writes it, without YAML's brackets."""
    if isinstance(value, Mapping):
        if len(value) == 1:
            name, inner = next(iter(value.items()))
            text = words(inner)
            return f"{name} ({text})" if isinstance(inner, Mapping) else f"{_plain(name)} {text}"
        return ", ".join(f"{_plain(name)} {words(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(words(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _plain(name: Any) -> str:
    return str(name).replace("_", " ")


def _rule(rule: Mapping[str, Any]) -> str:
    from proxysim.scenario.filtering import rule_words

    because = f", because: {rule['because']}" if rule.get("because") else ""
    return f"{rule_words(rule)}{because}"


def _user(name: str, said: Mapping[str, Any]) -> str:
    groups = said.get("groups")
    return f"{name} ({words(groups)})" if groups else name


def by_default(model: Grammar) -> str:
    """What *model* is by default, where nobody said otherwise."""
    from proxysim.scenario.paths import fields_of
    from proxysim.scenario.quantities import Duration

    time = Duration.__metadata__[0]  # type: ignore[attr-defined]
    given = model.model_fields_set
    parts = []
    for name, field in fields_of(type(model)).items():
        own = name if name in type(model).model_fields else f"{name}_"
        value = getattr(model, own)
        if own in given or field.is_required() or name in _UNTOLD:
            continue
        _, told, default = (field.description or "").partition("Default: ")
        if value is None and told:
            parts.append(f"{_plain(name)} {default.rstrip('.')}")
        elif isinstance(value, bool | str) and value != "":
            parts.append(f"{_plain(name)} {words(value)}")
        elif isinstance(value, int | float):
            text = units.format_duration(value) if time in field.metadata else f"{value:g}"
            parts.append(f"{_plain(name)} {text}")
    return "; ".join(parts)


def link_words(link: Link) -> str:
    """A link's properties: ``40.0 ms one way, 50 Mbps``."""
    parts = [f"{units.format_duration(link.latency)} one way" if link.latency else "no latency"]
    if link.jitter:
        parts.append(f"± {units.format_duration(link.jitter)}")
    parts.append(_bandwidth(link.bandwidth))
    if link.loss:
        parts.append(f"{link.loss:.2%} lost")
    if link.shared:
        parts.append("shared by all members")
    if link.slow_start:
        parts.append("TCP starts slowly")
    return ", ".join(parts)


def _bandwidth(per_second: float | None) -> str:
    if per_second is None:
        return "no limit of bandwidth"
    return units.format_bandwidth(per_second)
