"""The topics, and what a learner has done of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from proxysim.errors import ResultError, did_you_mean
from proxysim.learn.lessons import Lesson, lesson, lesson_names
from proxysim.learn.ways import WAYS, CardsWay, PictureWay, QuizWay, SocraticWay, Way

__all__ = ["SEED", "Topic", "topic", "topics"]

#: The seed of a lesson's runs, unless another is asked for.
SEED = 7


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and its four ways; each way's figures come from runs with *seed*."""

    name: str
    lesson: Lesson

    @property
    def title(self) -> str:
        """What it is called."""
        return self.lesson.title

    def picture(self, seed: int = SEED) -> PictureWay:
        """An analogy, a diagram, a worked example, one question to check the picture."""
        return PictureWay(self.name, self.lesson, self.lesson.at(seed))

    def socratic(self, seed: int = SEED) -> SocraticWay:
        """A dialogue of guiding questions."""
        return SocraticWay(self.name, self.lesson, self.lesson.at(seed))

    def quiz(self, seed: int = SEED) -> QuizWay:
        """Five questions, easy to tricky."""
        return QuizWay(self.name, self.lesson, self.lesson.at(seed))

    def cards(self, seed: int = SEED) -> CardsWay:
        """An intuition, a hook, and flash cards."""
        return CardsWay(self.name, self.lesson, self.lesson.at(seed))

    def way(self, mode: str, seed: int = SEED) -> Way:
        """The way called *mode*; ResultError where there is none."""
        if mode not in WAYS:
            raise ResultError(f"there is no way {mode!r}", mend=f"{did_you_mean(mode, WAYS)}.")
        return WAYS[mode](self.name, self.lesson, self.lesson.at(seed))

    def to_dict(self, seed: int = SEED) -> dict[str, Any]:
        """All of it as plain data, figures written out."""
        said: dict[str, Any] = {"topic": self.name, "title": self.title, "about": self.lesson.about}
        said |= {"minutes": self.lesson.minutes, "seed": seed}
        said |= {mode: self.way(mode, seed).to_dict() for mode in WAYS}
        return said | {
            "contested": list(self.lesson.contested),
            "sources": list(self.lesson.sources),
        }

    def __repr__(self) -> str:
        return f"<Topic {self.name}: {self.title}>"


@cache
def topics() -> dict[str, Topic]:
    """All topics by name, in the order in which they build on each other."""
    return {name: Topic(name, lesson(name)) for name in lesson_names()}


def topic(name: str) -> Topic:
    """The topic *name*, such as ``"caching"``; ResultError, with the names, where there is none."""
    if name not in lesson_names():
        raise ResultError(
            f"there is no topic {name!r}", mend=f"{did_you_mean(name, lesson_names())}."
        )
    return Topic(name, lesson(name))
