"""The four ways into a topic: picture, Socratic dialogue, quiz, cards."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from proxysim.learn import repetition
from proxysim.learn.experiments import command, runs
from proxysim.learn.figures import Figures
from proxysim.learn.lessons import (
    Card,
    Chart,
    Lesson,
    Question,
    lesson,
    lesson_names,
    misconceptions,
)
from proxysim.learn.progress import Progress
from proxysim.learn.talking import Ask, Draw, Given, Say, Show, Talk, Teller, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["WAYS", "CardsWay", "PictureWay", "QuizWay", "SocraticWay", "Way", "drawn", "review"]


@dataclass(frozen=True, slots=True)
class Way(ABC):
    """One way into the topic *name*, with the figures of one seed."""

    name: str
    lesson: Lesson
    figures: Figures
    mode: ClassVar[str] = ""

    @abstractmethod
    def walk(self, progress: Progress | None = None) -> Talk:
        """Go through it, one question at a time; see :mod:`proxysim.learn.talking`."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, figures written out."""

    @abstractmethod
    def markdown(self) -> str:
        """What can be read of it without answering."""

    def widget(self, progress: Progress | None = None) -> Any:
        """The same walk, with buttons, for a notebook."""
        from proxysim.learn.widgets import widget

        return widget(self, progress)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def teller(self, progress: Progress | None) -> Teller:
        """Who asks and explains here."""
        return Teller(self.name, self.mode, self.figures, misconceptions(), progress or Progress())

    def excused(self) -> Talk:
        """Say so where, at an unusual seed, what was said of the figures does not hold."""
        if self.figures.broken(self.lesson.claims):
            yield Say(
                f"Chance has its say: with seed {self.figures.seed} the runs are an exception, and"
                " not all that was said fits its numbers. Try another seed.",
                "note",
            )

    def plain(self, question: Question) -> dict[str, Any]:
        """*question* as plain data."""
        fill = self.figures.fill
        said: dict[str, Any] = {"id": question.id, "ask": fill(question.ask).strip()}
        if question.number:
            figure = self.figures.figures[question.number]
            said |= {
                "number": self.figures[question.number],
                "unit": figure.unit,
                "text": self.figures.text(question.number),
                "within": question.within,
                "because": fill(question.because).strip(),
            }
        else:
            said["options"] = [
                {
                    "say": fill(option.say).strip(),
                    "right": option.right,
                    "because": fill(option.because).strip(),
                    "belief": option.belief or None,
                    "experiment": self.experiment(option.experiment or question.experiment),
                }
                for option in question.shuffled
            ]
        return said | {"experiment": self.experiment(question.experiment)}

    def experiment(self, name: str) -> dict[str, str]:
        """The command of an experiment, and what came of it."""
        found = self.figures.experiments[name]
        return {
            "command": command(found.setting, self.figures.seed),
            "found": self.figures.fill(found.found).strip(),
        }


class PictureWay(Way):
    """An analogy, a diagram, a prediction, the worked example that settles it, and a check."""

    mode = "picture"
    __slots__ = ()

    def walk(self, progress: Progress | None = None) -> Talk:
        teller, picture = self.teller(progress), self.lesson.picture
        yield Say(f"{self.lesson.title}: the picture", "title")
        yield Say(teller.fill(picture.analogy))
        yield Draw(picture.diagram.rstrip())
        if self.lesson.words:
            yield Say("\n".join(_words(self.lesson, teller)))
        yield Say("**Before you see it happen, predict.**")
        given = yield from teller.ask(picture.predict)
        yield from _predicted(teller, given)
        yield teller.tried(picture.predict.experiment)
        yield Say(teller.fill(picture.example))
        yield Show(picture.chart, self.figures.seed)
        yield Say("**Is the picture clear?**")
        yield from teller.settled(picture.check)
        yield from self.excused()
        yield from _founded(self.lesson)
        teller.progress.finish(self.name, self.mode)

    def chart(self) -> Axes:
        """The chart that goes with it, drawn from the run; a notebook shows it."""
        return drawn(self.figures, self.lesson.picture.chart)

    def to_dict(self) -> dict[str, Any]:
        picture, fill = self.lesson.picture, self.figures.fill
        return {
            "analogy": fill(picture.analogy).strip(),
            "diagram": picture.diagram.rstrip(),
            "words": {word: fill(told) for word, told in self.lesson.words.items()},
            "predict": self.plain(picture.predict),
            "example": fill(picture.example).strip(),
            "check": self.plain(picture.check),
        }

    def markdown(self) -> str:
        said = self.to_dict()
        tried = said["predict"]["experiment"]
        return "\n\n".join(
            [
                f"### {self.lesson.title}",
                said["analogy"],
                f"```text\n{said['diagram']}\n```",
                said["example"],
                f"```sh\n{tried['command']}\n```",
                tried["found"],
                f"*{said['check']['ask']}* (`.widget()` asks it.)",
            ]
        )


class SocraticWay(Way):
    """Questions, one at a time; what is believed wrongly is tried out, and the way goes on."""

    mode = "socratic"
    __slots__ = ()

    def walk(self, progress: Progress | None = None) -> Talk:
        teller, dialogue = self.teller(progress), self.lesson.socratic
        yield Say(f"{self.lesson.title}: a dialogue", "title")
        yield Say(teller.fill(dialogue.opening))
        for step in dialogue.steps:
            yield from teller.settled(step)
        yield Say(teller.fill(dialogue.closing))
        yield from self.excused()
        yield from _founded(self.lesson)
        teller.progress.finish(self.name, self.mode)

    def to_dict(self) -> dict[str, Any]:
        dialogue = self.lesson.socratic
        return {
            "opening": self.figures.fill(dialogue.opening).strip(),
            "steps": [self.plain(step) for step in dialogue.steps],
            "closing": self.figures.fill(dialogue.closing).strip(),
        }

    def markdown(self) -> str:
        said = self.to_dict()
        steps = "\n".join(f"{n}. {step['ask']}" for n, step in enumerate(said["steps"], 1))
        return f"### {self.lesson.title}: a dialogue\n\n{said['opening']}\n\n{steps}"


class QuizWay(Way):
    """Five questions, easy to tricky; what was wrong is explained at the end, with its run."""

    mode = "quiz"
    __slots__ = ()

    def walk(self, progress: Progress | None = None) -> Talk:
        teller, questions = self.teller(progress), self.lesson.quiz
        yield Say(f"{self.lesson.title}: a quiz of {len(questions)}", "title")
        wrong: list[tuple[Question, Given]] = []
        for question in questions:
            given = yield from teller.ask(question)
            if question.number:
                yield from _predicted(teller, given)
            elif given.right:
                yield Say(f"Right. {given.because}", "right")
            else:
                yield Say("Not so. More of it at the end.", "wrong")
            if not given.right:
                wrong.append((question, given))
        yield Say(f"**{len(questions) - len(wrong)} of {len(questions)} right.**")
        for question, given in wrong:
            yield Say(f"*{teller.fill(question.ask)}* You answered: {given.text}.")
            yield from teller.corrected(given)
            right = [option for option in question.options if option.right]
            if right:
                last = teller.chosen(question, right[0])
                yield Say(f"So: {sentence(last.text)} {last.because}", "right")
        yield from self.excused()
        teller.progress.finish(self.name, self.mode)

    def to_dict(self) -> dict[str, Any]:
        return {"questions": [self.plain(question) for question in self.lesson.quiz]}

    def markdown(self) -> str:
        asked = "\n".join(
            f"{n}. {each['ask']}" for n, each in enumerate(self.to_dict()["questions"], 1)
        )
        return f"### {self.lesson.title}: a quiz\n\n{asked}"


class CardsWay(Way):
    """What to keep of it; cards that come back when they are about to be forgotten."""

    mode = "cards"
    __slots__ = ()

    def walk(self, progress: Progress | None = None) -> Talk:
        shelf = progress or Progress()
        cards, fill = self.lesson.cards, self.figures.fill
        repetition.needed()
        yield Say(f"{self.lesson.title}: what to keep", "title")
        yield Say(f"**{fill(cards.intuition).strip()}**")
        yield Say(f"*To hold on to:* {fill(cards.hook).strip()}")
        yield Say(f"*For example:* {fill(cards.example).strip()}")
        due = [card for card in cards.cards if repetition.is_due(shelf, self.key(card), _now())]
        for card in due:
            yield from self.turn(card, shelf)
        if not due:
            yield Say("No card is due: you know them still. They come back in time.", "note")
        shelf.finish(self.name, self.mode)

    def turn(self, card: Card, shelf: Progress) -> Talk:
        """Show one card, turn it, and ask how well it was known."""
        fill = self.figures.fill
        key = self.key(card)
        yield Ask(key, fill(card.front).strip(), (("", "turn the card"),), example="Enter")
        yield Say(fill(card.back).strip())
        while True:
            answer = yield Ask(key, "Did you know it?", repetition.RATINGS, example="good")
            rating = repetition.rating(answer or "")
            if rating:
                shelf.card(key, repetition.reviewed(shelf.cards().get(key), key, rating, _now()))
                return
            yield Say("Write, for example, **good**, or its letter.", "note")

    def key(self, card: Card) -> str:
        """Under which name a card is kept; it does not change when its text does."""
        return f"{self.name}/{card.id}"

    def to_dict(self) -> dict[str, Any]:
        cards, fill = self.lesson.cards, self.figures.fill
        return {
            "intuition": fill(cards.intuition).strip(),
            "hook": fill(cards.hook).strip(),
            "example": fill(cards.example).strip(),
            "cards": [
                {
                    "id": self.key(card),
                    "front": fill(card.front).strip(),
                    "back": fill(card.back).strip(),
                }
                for card in cards.cards
            ],
        }

    def markdown(self) -> str:
        said = self.to_dict()
        cards = "\n".join(
            f"<details><summary>{card['front']}</summary>\n\n{card['back']}\n\n</details>\n"
            for card in said["cards"]
        )
        return (
            f"### {self.lesson.title}: what to keep\n\n**{said['intuition']}**\n\n{said['hook']}"
            f"\n\n{said['example']}\n\n{cards}"
        )


WAYS: dict[str, type[Way]] = {way.mode: way for way in (PictureWay, SocraticWay, QuizWay, CardsWay)}


def review(seed: int, progress: Progress) -> Talk:
    """Turn the cards that are due again, of all topics."""
    repetition.needed()
    again = set(repetition.due(progress, _now()))
    asked = 0
    for name in lesson_names():
        content = lesson(name)
        way = CardsWay(name, content, content.at(seed))
        for card in content.cards.cards:
            if way.key(card) in again:
                asked += 1
                yield from way.turn(card, progress)
    if asked:
        yield Say(f"Cards seen again: {asked}. They come back when you are about to forget them.")
    else:
        yield Say("No card is due. `proxysim learn TOPIC --mode cards` brings new ones.", "note")


def drawn(figures: Figures, chart: Chart) -> Axes:
    """The *chart*, drawn from runs with the seed of *figures*."""
    run, other = runs(figures.experiments[chart.experiment].setting, figures.seed)
    if chart.beside:
        other, _ = runs(figures.experiments[chart.beside].setting, figures.seed)
    draw = getattr(run.plot, chart.plot)
    paired = chart.plot.startswith("with_without")
    axes: Axes = draw(other, labels=chart.labels) if paired else draw()
    return axes


def _words(lesson: Lesson, teller: Teller) -> Iterator[str]:
    yield "Words for it:\n"
    for word, told in lesson.words.items():
        yield f"- **{word}**: {teller.fill(told)}"


def _founded(lesson: Lesson) -> Talk:
    """What is contested, or so in some products only, and what it all rests on."""
    if lesson.contested:
        listed = "\n".join(f"- {each.strip()}" for each in lesson.contested)
        yield Say(f"Contested, or so in some products only:\n\n{listed}", "note")
    if lesson.sources:
        listed = "\n".join(f"- {each.strip()}" for each in lesson.sources)
        yield Say(f"Sources:\n\n{listed}", "note")


def _predicted(teller: Teller, given: Given) -> Talk:
    """Show the gap between what was predicted and what came."""
    if given.gap is None:
        yield Say(given.because, "right" if given.right else "wrong")
        return
    yield Say(given.gap.text, "right" if given.right else "wrong")
    if given.right or teller.mode != "quiz":  # whose mistakes are explained at its end
        yield Say(given.because)


def _now() -> datetime:
    return datetime.now(UTC)
