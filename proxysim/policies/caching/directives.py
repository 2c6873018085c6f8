"""The directives of Cache-Control, as text and as values.

Source: RFC 9111, sections 1.2.2, 4.2.1 and 5.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from proxysim.messages import Headers
from proxysim.policies.fields import members
from proxysim.policies.memory import kept

__all__ = ["LONGEST", "Directives", "directives", "named", "parse_cache_control", "seconds"]

#: Directive (lower case) -> argument, without its quotes; None where it has none.
Directives = Mapping[str, str | None]

#: Larger numbers of seconds count as this one (RFC 9111, section 1.2.2).
LONGEST = 2**31

_NONE: Directives = {}
_QUALIFIED = frozenset({"private", "no-cache"})
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@kept(4096)
def parse_cache_control(text: str) -> Directives:
    """The directives of a Cache-Control *text*. O(len(text)) once, O(1) when it is seen again.

    Of a directive given twice the first counts (section 4.2.1); of ``private`` and ``no-cache``,
    which may name fields, the stricter: unqualified before qualified, else all that are named. An
    argument that is neither a token nor a quoted string is kept as it stands, and is no number to
    :func:`seconds`.
    """
    found: dict[str, str | None] = {}
    for member in members(text):
        name, equals, argument = member.partition("=")
        name = name.lower()
        if name != name.rstrip():
            name, argument = name.rstrip(), f" {argument}"
        if len(argument) > 1 and argument[0] == argument[-1] == '"':
            argument = _ESCAPED.sub(r"\1", argument[1:-1])
        value = argument if equals else None
        if name in _QUALIFIED and name in found:
            before = found[name]
            found[name] = f"{before}, {value}" if before and value else None
        else:
            found.setdefault(name, value)
    return found


def directives(headers: Headers) -> Directives:
    """What the Cache-Control of *headers* says."""
    text = headers.fields.get("cache-control")
    return parse_cache_control(text) if text else _NONE


def seconds(said: Directives, name: str) -> int | None:
    """The argument of *name* in seconds; None without it, 0 where it is no number.

    What cannot be read counts as no time at all (section 4.2.1), what is too long as
    :data:`LONGEST`.
    """
    if name not in said:
        return None
    text = said[name]
    if text is None or not (text.isascii() and text.isdigit()):
        return 0
    digits = text.lstrip("0")
    return LONGEST if len(digits) > 10 else min(int(digits or "0"), LONGEST)


def named(said: Directives, name: str) -> tuple[str, ...] | None:
    """The fields (lower case) that ``private`` or ``no-cache`` names; () where it names none.

    None without the directive. An argument that names nothing counts as no argument: the directive
    then concerns the whole answer (sections 5.2.2.4 and 5.2.2.7).
    """
    if name not in said:
        return None
    return tuple(field.lower() for field in members(said[name] or ""))
