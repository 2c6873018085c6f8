"""A world played by hand for generators that race: the test says what happens next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxysim.proxies.effects import TIMED_OUT, Race, Spawn, Wait, Won

__all__ = ["Play", "Played"]


class Play:
    """A generator under way, and the generators of the races that it has asked for.

    :meth:`waiting` lists those that wait for something, each with the ``effect`` it has asked for.
    ``over`` and ``result`` say how it ended.
    """

    def __init__(self, generator: Any) -> None:
        self.spawned: list[Play] = []
        self.root = Played(self, generator, None)
        self.root.go(None)

    @property
    def over(self) -> bool:
        return self.root.over

    @property
    def result(self) -> Any:
        return self.root.result

    @property
    def effect(self) -> Any:
        """What the only one that waits has asked for."""
        (one,) = self.waiting()
        return one.effect

    def waiting(self) -> list[Played]:
        return list(self.root.leaves())

    def races(self) -> list[Played]:
        """Those whose race has only one runner so far."""
        return [node for node in self.root.all() if len(node.racers) == 1]

    def reply(self, reply: Any) -> Any:
        """Reply to the only one that waits; what it asks for next, None when all is over."""
        (one,) = self.waiting()
        one.go(reply)
        return None if self.over else self.effect

    def close(self) -> None:
        self.root.close()


class Played:
    """One generator, and what it waits for."""

    def __init__(self, play: Play, generator: Any, parent: Played | None) -> None:
        self.play = play
        self.generator = generator
        self.parent = parent
        self.effect: Any = None
        self.racers: list[Played] = []
        self.over = False
        self.result: Any = None

    def go(self, reply: Any) -> None:
        """Send *reply*, and carry out what needs no time."""
        try:
            self.effect = self.generator.send(reply)
        except StopIteration as end:
            self.over, self.result, self.effect = True, end.value, None
            if self.parent is not None:
                self.parent.won(self)
            return
        if isinstance(self.effect, Race):
            self._enter(self.effect.first)
        elif isinstance(self.effect, Spawn):
            spawned = Play(self.effect.generator)
            self.play.spawned.append(spawned)
            self.go(spawned)

    def late(self) -> None:
        """The time that the first runner had is over: let the second begin."""
        self._enter(self.effect.second())

    def _enter(self, generator: Any) -> None:
        runner = Played(self.play, generator, self)
        self.racers.append(runner)
        runner.go(None)

    def won(self, winner: Played) -> None:
        racers, self.racers = self.racers, []
        for runner in racers:
            if runner is not winner:
                runner.close()
        self.go(Won(racers.index(winner), winner.result))

    def close(self) -> None:
        self.over = True
        for runner in self.racers:
            runner.close()
        self.generator.close()

    def all(self) -> Iterator[Played]:
        if not self.over:
            yield self
            for runner in self.racers:
                yield from runner.all()

    def leaves(self) -> Iterator[Played]:
        return (node for node in self.all() if not node.racers)

    def wakes(self) -> list[Any]:
        """What a wait may be replied now: the signal's value, or that time is up."""
        assert isinstance(self.effect, Wait)
        if self.effect.signal.is_set:
            return [self.effect.signal.value]
        return [] if self.effect.deadline is None else [TIMED_OUT]
