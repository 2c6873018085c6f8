"""Admission: what a cache takes in at all."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import ClassVar, Protocol

from proxysim.policies.parameters import Reader, Spec, build
from proxysim.units import size as read_size

__all__ = ["ADMISSIONS", "Admission", "SizeLimit", "build_admission"]


class Admission(Protocol):
    """Says whether an object that is not kept may be; asked before the replacement policy."""

    def admits(self, key: Hashable, size: int) -> bool: ...


class SizeLimit:
    """Takes objects of at most *limit* bytes. O(1). Source: Squid ``maximum_object_size``."""

    __slots__ = ("limit",)

    def __init__(self, limit: int) -> None:
        self.limit = limit

    parameters: ClassVar[Mapping[str, Reader]] = {"limit": read_size}

    def admits(self, key: Hashable, size: int) -> bool:
        return size <= self.limit


#: Scenario name -> policy.
ADMISSIONS: dict[str, Callable[..., Admission]] = {"size_limit": SizeLimit}


def build_admission(spec: Spec) -> Admission:
    """The admission policy that a scenario names, such as ``{"size_limit": {"limit": "4MB"}}``."""
    return build("admission policy", ADMISSIONS, spec)
