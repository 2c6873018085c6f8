"""Exercises of the notebooks: an answer is checked, and a wrong one is told what it shows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Self

import yaml
from pydantic import Field, model_validator

from proxysim.errors import ResultError, ScenarioError, UnitError, did_you_mean
from proxysim.learn.arithmetic import value_of
from proxysim.learn.experiments import found_at, told
from proxysim.learn.figures import Figures, Part, Stock, unit_of
from proxysim.learn.progress import Progress
from proxysim.learn.quantities import read, written

if TYPE_CHECKING:
    from proxysim.scenario import Scenario

__all__ = ["Checked", "Exercise", "check", "exercises"]


class Wrong(Part):
    """What an answer shows that is ``when``; the first that holds is said."""

    when: str
    say: str


class Demand(Part):
    """What a scenario that is an answer, or its run, has to keep to."""

    that: str
    otherwise: str = Field(alias="else")


class Exercise(Part):
    """One exercise. Its answer is a number, a word, or a scenario, by which of these is given.

    A number: ``is`` an expression of figures, in ``unit``, ``within`` a share of it. A word:
    ``word``, one ``of`` several. A scenario: ``scenario`` varied by ``set``, of which the learner
    ``may_change`` some paths and no more, so that all ``demands`` hold, over ``reads`` (from what
    its run tells) and ``values`` (from the scenario itself).
    """

    ask: str
    right: str
    wrong: tuple[Wrong, ...] = ()
    solution: str = ""
    seed: int = 7
    is_: str = Field("", alias="is")
    unit: str = ""
    within: float = 0.02
    word: str = ""
    of: tuple[str, ...] = ()
    scenario: str = ""
    set: tuple[str, ...] = ()
    may_change: tuple[str, ...] = ()
    reads: dict[str, str] = Field(default_factory=dict)
    values: dict[str, str] = Field(default_factory=dict)
    demands: tuple[Demand, ...] = ()

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if bool(self.is_) + bool(self.word) + bool(self.scenario) != 1:
            raise ValueError("an exercise has one of is, word and scenario")
        if self.word and self.word not in self.of:
            raise ValueError("the right word is not among those to choose from")
        return self


class Exercises(Stock):
    """The file of exercises."""

    exercises: dict[str, Exercise]


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether an answer is right, and what is to be said of it; true where it is right."""

    exercise: str
    right: bool
    text: str

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        return f"{'Right' if self.right else 'Not yet'}. {self.text}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return f"{'✓ **Right.**' if self.right else '≠ **Not yet.**'} {self.text}"


@cache
def exercises() -> Exercises:
    """All exercises, by id in ``exercises``."""
    text = (resources.files("proxysim.learn") / "content" / "exercises.yaml").read_text("utf-8")
    return Exercises.model_validate(yaml.safe_load(text))


def check(
    exercise: str,
    answer: object,
    *,
    progress: Progress | str | os.PathLike[str] | None = None,
) -> Checked:
    """Check *answer* to an exercise: a number (also as ``"30%"``), a word, or a scenario.

    >>> check("first-whose-side", "reverse")
    Not yet. A reverse proxy stands before servers, and sees only what is asked of those. ...

    What is said of a wrong answer is what that answer shows; the solution is not given away. Tries
    are kept in the progress file. Raises ResultError for an unknown exercise, UnitError or
    ScenarioError for an answer that is of another kind than the one asked for.
    """
    stock = exercises()
    asked = stock.exercises.get(exercise)
    if asked is None:
        raise ResultError(
            f"there is no exercise {exercise!r}", mend=f"{did_you_mean(exercise, stock.exercises)}."
        )
    figures = stock.at(asked.seed)
    if asked.is_:
        found = _number(exercise, asked, answer, figures)
    elif asked.word:
        found = _word(exercise, asked, answer, figures)
    else:
        found = _scenario(exercise, asked, answer)
    shelf = progress if isinstance(progress, Progress) else Progress(progress)
    shelf.exercise(exercise, found.right)
    return found


def _number(exercise: str, asked: Exercise, answer: object, figures: Figures) -> Checked:
    try:
        number = read(answer, asked.unit)
    except UnitError as error:
        error.place = f"your answer to {exercise!r}"
        raise
    expected = float(value_of(asked.is_, figures))
    if abs(number - expected) <= asked.within * abs(expected):
        return Checked(exercise, True, figures.fill(asked.right))
    names = {**{name: figures[name] for name in _used(asked, figures)}, "answer": number}
    for wrong in asked.wrong:
        if value_of(wrong.when, names):
            return Checked(exercise, False, figures.fill(wrong.say))
    way = "less" if number > expected else "more"
    return Checked(exercise, False, f"It is {way} than {written(number, asked.unit)}.")


def _used(asked: Exercise, figures: Figures) -> list[str]:
    from proxysim.learn.arithmetic import names_in

    return sorted({name for wrong in asked.wrong for name in names_in(wrong.when)} & set(figures))


def _word(exercise: str, asked: Exercise, answer: object, figures: Figures) -> Checked:
    word = str(answer).strip().lower()
    words = {each.lower(): each for each in asked.of}
    if word not in words:
        raise ResultError(
            f"found {answer!r}",
            place=f"your answer to {exercise!r}",
            mend=f"Give one of: {', '.join(asked.of)}.",
        )
    if words[word] == asked.word:
        return Checked(exercise, True, figures.fill(asked.right))
    said = [wrong.say for wrong in asked.wrong if wrong.when.lower() == word]
    return Checked(exercise, False, figures.fill(said[0]) if said else f"It is not {answer}.")


def _scenario(exercise: str, asked: Exercise, answer: object) -> Checked:
    import proxysim
    from proxysim.learn.experiments import scenario
    from proxysim.scenario import Scenario

    if not isinstance(answer, Scenario):
        raise ScenarioError(
            f"found {type(answer).__name__} where a scenario should be",
            place=f"your answer to {exercise!r}",
            mend=f"Give proxysim.load({asked.scenario!r}).set(...).",
        )
    given = scenario((asked.scenario, asked.set, ()))
    if elsewhere := _changed_elsewhere(given, answer, asked.may_change):
        return Checked(exercise, False, elsewhere)
    run = told(proxysim.simulate(answer, seed=asked.seed))
    names = {name: found_at(run, path) for name, path in asked.reads.items()}
    tree = answer.document.model_dump(mode="json", by_alias=True)
    names |= {name: found_at(tree, path) for name, path in asked.values.items()}
    texts = {
        name: written(value, unit_of(asked.reads.get(name, ""))) for name, value in names.items()
    }
    for demand in asked.demands:
        if not value_of(demand.that, names):
            return Checked(exercise, False, demand.otherwise.format(**texts))
    return Checked(exercise, True, asked.right.format(**texts))


def _changed_elsewhere(given: Scenario, answer: Scenario, may_change: tuple[str, ...]) -> str:
    """What to say where *answer* differs from *given* in more than it *may_change*."""
    tree = answer.to_dict()
    allowed: dict[str, Any] = {}
    for path in may_change:
        here: Any = tree
        for step in path.split("."):
            here = here.get(step) if isinstance(here, dict) else None
        if here is not None:
            allowed[path] = here
    try:
        same = given.set(allowed) if allowed else given
    except ScenarioError:
        same = given
    if same == answer:
        return ""
    return f"Change nothing but {', '.join(may_change)}; begin from the scenario that is given."
