"""What an exchange holds while it lasts, however many generators take part in it."""

from __future__ import annotations

from proxysim.policies.backend import Backend
from proxysim.policies.retry import Retry
from proxysim.proxies.slots import Slots

__all__ = ["Claims"]


class Claims:
    """What one exchange holds until its answer has gone: leases, slots, its place in a budget.

    The generators that take part in an exchange may end, or be closed, in any order; whatever they
    have not given back by then is given back with this.
    """

    __slots__ = ("_leases", "_retry", "_slots", "until")

    def __init__(self, slots: Slots[Backend] | None) -> None:
        self._leases: list[Backend] = []
        self._slots = slots
        self._retry: Retry | None = None
        self.until: float | None = None  # when nobody waits any more

    def take(self, backend: Backend) -> None:
        """Hold a lease of *backend*, and the slot there, where it takes one to ask it."""
        backend.__enter__()
        self._leases.append(backend)

    def give_back(self, backend: Backend) -> None:
        """Hold no lease of *backend* any more; nothing happens where none is held."""
        if backend in self._leases:
            self._leases.remove(backend)
            backend.__exit__()
            if self._slots is not None:
                self._slots.give_back(backend)

    def insist(self, retry: Retry | None) -> None:
        """Hold a place in the budget of *retry*, until the end."""
        if retry is not None:
            self._retry = retry.__enter__()

    def late(self, now: float) -> bool:
        """Whether the time for all is up at *now*, but for a rounding error."""
        return self.until is not None and now > self.until - 1e-9

    def __enter__(self) -> Claims:
        return self

    def __exit__(self, *failure: object) -> None:
        while self._leases:
            self.give_back(self._leases[-1])
        if self._retry is not None:
            self._retry.__exit__(None, None, None)
