"""What a topic's file holds: its experiments and figures, and the four ways into it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, Self

import yaml
from pydantic import Field, model_validator

from proxysim.learn.figures import Part, Stock

__all__ = [
    "Card",
    "Cards",
    "Chart",
    "Lesson",
    "Misconception",
    "Option",
    "Picture",
    "Question",
    "Socratic",
    "lesson",
    "lesson_names",
    "misconceptions",
]


class Option(Part):
    """One answer to choose, and why it is right or wrong.

    A wrong one names the ``belief`` behind it, where it is one of :func:`misconceptions`, and may
    have an ``experiment`` of its own; else the question's shows it.
    """

    say: str
    because: str
    right: bool = False
    belief: str = ""
    experiment: str = ""


class Mistaken(Part):
    """A number that shows a certain mistake: near what the expression ``is`` comes to."""

    is_: str = Field(alias="is")
    because: str
    belief: str = ""


class Question(Part):
    """A question: of ``options`` one is right; or a ``number``, a figure, ``within`` a share of it.

    ``experiment`` is the run that shows the answer; ``because`` explains a number.
    """

    id: str
    ask: str
    experiment: str
    options: tuple[Option, ...] = ()
    number: str = ""
    within: float = 0.25
    because: str = ""
    mistaken: tuple[Mistaken, ...] = ()

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        if bool(self.options) == bool(self.number):
            raise ValueError(f"question {self.id} has either options or a number")
        if self.options and (len(self.options) < 2 or sum(o.right for o in self.options) != 1):
            raise ValueError(f"question {self.id} has at least two options, one of them right")
        if self.number and not self.because:
            raise ValueError(f"question {self.id} asks for a number and does not explain it")
        return self

    @property
    def shuffled(self) -> tuple[Option, ...]:
        """The options, in an order that tells nothing and is always the same."""
        return tuple(sorted(self.options, key=lambda option: _digest(self.id + option.say)))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


class Chart(Part):
    """A chart of an experiment, as ``run.plot`` calls it.

    One that shows two runs, with and without, takes the second from the experiment ``beside``, or
    else from the first, without its proxy; ``labels`` say what each is.
    """

    experiment: str
    plot: str
    beside: str = ""
    labels: tuple[str, str] = ("with", "without")


class Picture(Part):
    """An analogy, a diagram, a prediction, a worked example that settles it, and a check."""

    analogy: str
    diagram: str
    predict: Question
    example: str
    chart: Chart
    check: Question


class Socratic(Part):
    """A dialogue: questions that lead on from one to the next."""

    opening: str
    steps: tuple[Question, ...]
    closing: str


class Card(Part):
    """A flash card."""

    id: str
    front: str
    back: str


class Cards(Part):
    """What to keep: an intuition in a sentence, a hook for the memory, a tiny example, cards."""

    intuition: str
    hook: str
    example: str
    cards: tuple[Card, ...]


class Lesson(Stock):
    """A topic: ``words`` explained first, ``claims`` that its texts make, its four ways in.

    ``contested`` is what is not agreed on, or holds for some products only.
    """

    title: str
    about: str
    minutes: int
    words: dict[str, str] = Field(default_factory=dict)
    claims: tuple[str, ...] = ()
    picture: Picture
    socratic: Socratic
    quiz: tuple[Question, ...]
    cards: Cards
    sources: tuple[str, ...] = ()
    contested: tuple[str, ...] = ()

    def questions(self) -> Iterator[tuple[str, Question]]:
        """All questions, with the way in which each is asked."""
        yield "picture", self.picture.predict
        yield "picture", self.picture.check
        yield from (("socratic", step) for step in self.socratic.steps)
        yield from (("quiz", question) for question in self.quiz)


class Misconception(Part):
    """What many believe, what is the case, and the ``topic`` and ``experiment`` that show it."""

    believed: str
    instead: str
    topic: str
    experiment: str
    source: str = ""


#: The topics in the order in which they build on each other.
_ORDER = (
    "two-proxies",
    "who-sees-what",
    "filtering",
    "caching",
    "load-balancing",
    "tls",
    "compression",
    "failures",
    "queues",
    "capacity",
)


def lesson_names() -> tuple[str, ...]:
    """The topics, in the order in which they build on each other."""
    return _ORDER


@cache
def lesson(name: str) -> Lesson:
    """The content of the topic *name*."""
    return Lesson.model_validate(_content(name))


@cache
def misconceptions() -> dict[str, Misconception]:
    """The misconceptions that lessons meet, by name."""
    found = _content("misconceptions")
    return {name: Misconception.model_validate(each) for name, each in found.items()}


def _content(name: str) -> Any:
    file = resources.files("proxysim.learn") / "content" / f"{name}.yaml"
    return yaml.safe_load(file.read_text("utf-8"))
