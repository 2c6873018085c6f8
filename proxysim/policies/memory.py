"""Remembering what was worked out before, within an object's life."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from types import MethodType
from typing import ParamSpec, TypeVar
from weakref import proxy

__all__ = ["remembered"]

P = ParamSpec("P")
T = TypeVar("T")


def remembered(method: Callable[P, T], most: int) -> Callable[P, T]:
    """*method* of an object that keeps its *most* latest results, for the object to hold.

    The memory knows the object only weakly: a memoised bound method would be a circle through its
    object, which only the cyclic collector could free, with everything that is remembered.
    """
    assert isinstance(method, MethodType)
    memory: Callable[P, T] = lru_cache(most)(partial(method.__func__, proxy(method.__self__)))  # type: ignore[assignment]
    return memory
