"""What leaves backends out for a while, by what requests meet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from proxysim.policies.backend import Backend

__all__ = ["Ejector"]


class Ejector(Protocol):
    """Is told of every answer, and says who is left out, and until when.

    ``out`` gives the second from which a backend may be asked again. It may still list some whose
    time has come.
    """

    @property
    def out(self) -> dict[Backend, float]: ...

    def observe(self, backend: Backend, ok: bool, now: float) -> bool:
        """*backend* answered at *now*, or failed to; whether that has changed ``out``."""
        ...

    def pardon(self, backends: Iterable[Backend]) -> None:
        """Take *backends* back at once: nobody would be left otherwise."""
        ...
