"""A backend as a proxy knows it: an address, a weight, and what the proxy has seen of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Backend"]


@dataclass(slots=True, eq=False)
class Backend:
    """One member of a pool, or an origin that a forward proxy has resolved.

    ``in_flight`` is the load that every load-aware balancer reads: requests that this proxy has
    sent and not yet had answered, whether in transit, queued or in service. Only leases change it:
    to enter the backend, ``with backend: ...``, is to hold one for as long as the block lasts.
    """

    name: str
    host: str = ""
    port: int = 80
    weight: float = 1.0
    in_flight: int = 0

    def __enter__(self) -> Backend:
        self.in_flight += 1
        return self

    def __exit__(self, *failure: object) -> None:
        self.in_flight -= 1

    def __repr__(self) -> str:
        return f"Backend({self.name!r})"
