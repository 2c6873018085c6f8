"""What can befall a node, whatever it is: down, silent, slow. Several at a time add up."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from proxysim.sim.cores import Cores

__all__ = ["Mishaps"]


class Mishaps:
    """A node that can fail. A subclass says what it loses, and what it does when it is back.

    ``generation`` counts its falls: connections from before one are dead.
    """

    def __init__(self, cores: Cores) -> None:
        self.cores = cores
        self.down = False
        self.silent = False
        self.generation = 0
        self.slowdown = 1.0
        self._downs = self._silences = 0
        self._slowdowns: list[float] = []
        self._held: list[Callable[[], None]] = []

    def hold(self, call: Callable[[], None]) -> None:
        """It is silent: call *call* when it speaks again."""
        self._held.append(call)

    def go_down(self) -> None:
        """Refuse and reset everything until :meth:`come_up`."""
        self._downs += 1
        self.down = True
        self.generation += 1
        self._held.clear()
        self._lose()

    def come_up(self) -> None:
        """Take connections again, unless something else keeps it down."""
        self._downs -= 1
        self.down = self._downs > 0
        if not self.down:
            self._return()

    def go_silent(self) -> None:
        """Take what comes and answer nothing until :meth:`speak`."""
        self._silences += 1
        self.silent = True

    def speak(self) -> None:
        """Go on with all that came meanwhile, unless something else keeps it silent."""
        self._silences -= 1
        if self._silences:
            return
        self.silent = False
        calls, self._held = self._held, []
        self._resume()
        for call in calls:
            call()

    def slow(self, factor: float) -> None:
        """Until :meth:`recover`, what begins takes *factor* times as long."""
        self._slowdowns.append(factor)
        self.slowdown = self.cores.slowdown = prod(self._slowdowns)

    def recover(self, factor: float) -> None:
        """Be *factor* times slow no longer."""
        self._slowdowns.remove(factor)
        self.slowdown = self.cores.slowdown = prod(self._slowdowns)

    def _lose(self) -> None:
        """It falls: everything under way is lost."""

    def _return(self) -> None:
        """It is up again."""

    def _resume(self) -> None:
        """It speaks again."""
