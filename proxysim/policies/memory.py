"""Remembering what was worked out before: for so many arguments, and of long ones for fewer."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from types import MethodType
from typing import Any, ParamSpec, TypeVar
from weakref import proxy, ref

from proxysim.messages import Headers

__all__ = ["MOST_NOTES", "MOST_TEXT", "kept", "noted", "remembered"]

P = ParamSpec("P")
T = TypeVar("T")

#: How many characters of arguments are held at most, by each memory: what strangers send may be as
#: long as the limits for heads let it.
MOST_TEXT = 8_000_000
#: Noted in the place of the fields themselves, lest they hold themselves.
ITSELF = object()
#: How many results are noted at most on the fields of one message.
MOST_NOTES = 16


def kept(most: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep the *most* latest results of a function; all are forgotten before they hold too much.

    As quick as ``lru_cache`` where the result is there; O(length of texts and fields) where it is
    not.
    """

    def keep(function: Callable[P, T]) -> Callable[P, T]:
        held = 0

        def missed(*args: P.args, **named: P.kwargs) -> T:
            nonlocal held
            held += sum(map(_length, args))
            if held > MOST_TEXT:
                held = 0
                whole = memory()
                if whole is not None:
                    whole.cache_clear()
            return function(*args, **named)

        found = lru_cache(most)(missed)
        memory = ref(found)  # weakly, lest it be a circle
        return found  # type: ignore[return-value]

    return keep


def noted(function: Callable[[Headers], T]) -> Callable[[Headers], T]:
    """Work out *function* once for each fields, and note on these themselves what it was.

    For fields that are used again, such as those of an answer that a server gives or a cache keeps.
    Equal fields that are another object are worked out anew; what is noted goes when they go. The
    function of a method knows its object only weakly, as with :func:`remembered`. A result must not
    hold the fields, which would be a circle; it may be the fields.
    """
    if isinstance(function, MethodType):
        function = partial(function.__func__, proxy(function.__self__))
    key = object()

    def found(headers: Headers) -> T:
        notes = headers.notes
        if notes is None:
            notes = headers.notes = {}
        elif key in notes:
            result: Any = notes[key]
            return headers if result is ITSELF else result  # type: ignore[return-value]
        if len(notes) >= MOST_NOTES:
            notes.clear()
        made = function(headers)
        notes[key] = ITSELF if made is headers else made
        return made

    return found


def remembered(method: Callable[P, T], most: int) -> Callable[P, T]:
    """*method* of an object that keeps its *most* latest results, for the object to hold.

    The memory knows the object only weakly: a memoised bound method would be a circle through its
    object, which only the cyclic collector could free, with everything that is remembered.
    """
    assert isinstance(method, MethodType)
    return kept(most)(partial(method.__func__, proxy(method.__self__)))


def _length(argument: Any) -> int:
    if isinstance(argument, Headers):
        return _text(argument)
    return len(argument) if isinstance(argument, str) else 0


@noted
def _text(headers: Headers) -> int:
    fields = headers.fields
    return sum(map(len, fields)) + sum(map(len, fields.values()))
