"""A learner who answers by rule, and what is said to them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from proxysim.learn.talking import Ask, Say, Try

__all__ = ["Heard", "walk"]

#: More questions than any way has; a way that asks more never ends.
MOST = 100


@dataclass
class Heard:
    """What was said, asked and tried, in order."""

    said: list[Say] = field(default_factory=list)
    asked: list[Ask] = field(default_factory=list)
    tried: list[Try] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join([each.text for each in self.said] + [each.found for each in self.tried])


def walk(talk, answer: Callable[[Ask, int], str]) -> Heard:
    """Go through *talk*, answering each question by *answer*, told how often it was asked."""
    heard = Heard()
    times: dict[str, int] = {}
    reply = None
    while True:
        try:
            step = talk.send(reply)
        except StopIteration:
            return heard
        reply = None
        if isinstance(step, Ask):
            heard.asked.append(step)
            assert len(heard.asked) < MOST, f"no end to {step.id}"
            reply = answer(step, times.get(step.id, 0))
            times[step.id] = times.get(step.id, 0) + 1
        elif isinstance(step, Say):
            heard.said.append(step)
        elif isinstance(step, Try):
            heard.tried.append(step)
