"""Replacement: what a full cache lets go. One file a strategy."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from random import Random as Stream

from proxysim.errors import ScenarioError
from proxysim.policies.eviction.arc import Arc
from proxysim.policies.eviction.base import Eviction
from proxysim.policies.eviction.belady import Belady, BeladyBypass
from proxysim.policies.eviction.clock import Clock
from proxysim.policies.eviction.fifo import Fifo
from proxysim.policies.eviction.gdsf import Gdsf
from proxysim.policies.eviction.lfu import Lfu
from proxysim.policies.eviction.lfuda import Lfuda
from proxysim.policies.eviction.lru import Lru
from proxysim.policies.eviction.random_choice import Random
from proxysim.policies.eviction.s3fifo import S3Fifo
from proxysim.policies.eviction.sieve import Sieve
from proxysim.policies.eviction.slru import Slru
from proxysim.policies.eviction.two_q import TwoQ
from proxysim.policies.eviction.wtinylfu import WTinyLfu
from proxysim.policies.parameters import Spec, build

__all__ = ["EVICTIONS", "OFFLINE", "Eviction", "build_eviction", "build_offline"]

#: Scenario name -> strategy.
EVICTIONS: dict[str, Callable[..., Eviction]] = {
    "lru": Lru,
    "fifo": Fifo,
    "random": Random,
    "clock": Clock,
    "lfu": Lfu,
    "lfuda": Lfuda,
    "slru": Slru,
    "2q": TwoQ,
    "arc": Arc,
    "sieve": Sieve,
    "s3fifo": S3Fifo,
    "wtinylfu": WTinyLfu,
    "gdsf": Gdsf,
}

#: Those that must know the future: yardsticks for a trace, not for a running cache.
OFFLINE: dict[str, Callable[..., Eviction]] = {"belady": Belady, "belady_bypass": BeladyBypass}


def build_eviction(spec: Spec, capacity: int, rng: Stream | None = None) -> Eviction:
    """The policy that a scenario names: ``"lru"`` or ``{"s3fifo": {"small": "20%"}}``.

    *capacity* is in the unit of the sizes that will be inserted; *rng* is for those that draw.
    Raises :class:`~proxysim.errors.ScenarioError` for an unknown name, an impossible parameter, or
    a policy that must know the requests to come.
    """
    name = spec if isinstance(spec, str) else next(iter(spec), None)
    if name in OFFLINE:
        raise ScenarioError(
            f"{name} must know all requests to come",
            mend="It is a yardstick for a recorded trace: see build_offline. A cache at work can"
            " be given any of " + ", ".join(EVICTIONS) + ".",
        )
    return build("eviction policy", EVICTIONS, spec, capacity=_checked(capacity), rng=rng)


def build_offline(spec: Spec, capacity: int, trace: Sequence[Hashable]) -> Eviction:
    """The policy of :data:`OFFLINE` that *spec* names, for exactly the requests of *trace*."""
    return build("offline policy", OFFLINE, spec, capacity=_checked(capacity), trace=trace)


def _checked(capacity: object) -> int:
    if isinstance(capacity, bool) or not isinstance(capacity, int) or capacity < 0:
        raise ScenarioError(
            f"found {capacity!r} as a cache's capacity", mend="Give a size from 0 up."
        )
    return capacity
