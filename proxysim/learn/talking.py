"""What a lesson says and asks, as values: a terminal, a notebook or a test carries them out.

A way through a topic is a generator. It yields what is to be shown, and is sent what the learner
answers to an :class:`Ask`; to anything else None. Closing it at any point loses nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Literal

from proxysim.errors import UnitError
from proxysim.learn.experiments import command
from proxysim.learn.figures import Figures
from proxysim.learn.lessons import Chart, Misconception, Option, Question
from proxysim.learn.predictions import Gap, predict
from proxysim.learn.progress import Progress
from proxysim.learn.quantities import UNITS, read, written

__all__ = [
    "Ask",
    "Draw",
    "Given",
    "Say",
    "Show",
    "Step",
    "Talk",
    "Teller",
    "Try",
    "letters",
    "sentence",
]


@dataclass(frozen=True, slots=True)
class Say:
    """A paragraph or more, in Markdown; *tone* says what it is."""

    text: str
    tone: Literal["title", "plain", "right", "wrong", "note"] = "plain"


@dataclass(frozen=True, slots=True)
class Draw:
    """A picture made of characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Try:
    """An experiment: what to type to repeat it, and what came of it."""

    command: str
    found: str


@dataclass(frozen=True, slots=True)
class Show:
    """A chart, for where there is room for one."""

    chart: Chart
    seed: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A question. ``options`` are letters and texts; none where a quantity in *unit* is asked for.

    ``example`` is an answer that would be understood.
    """

    id: str
    text: str
    options: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    example: str = ""


Step = Say | Draw | Try | Show | Ask
Talk = Generator[Step, str | None, None]
Asked = Generator[Step, str | None, "Given"]


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that was understood: the *option* chosen, or a number's *gap*; whether *right*."""

    right: bool
    text: str
    because: str
    belief: Misconception | None
    experiment: str
    option: Option | None = None
    gap: Gap | None = None


def sentence(answer: str) -> str:
    """*answer* in bold, ended like a sentence."""
    return f"**{answer.rstrip('.')}.**"


def letters(count: int) -> str:
    """a, b, c ..., as many as there are options."""
    return "abcdefghijklmnopqrstuvwxyz"[:count]


@dataclass(frozen=True, slots=True)
class Teller:
    """Asks and explains with the figures of one lesson, and keeps what was answered."""

    topic: str
    mode: str
    figures: Figures
    beliefs: Mapping[str, Misconception]
    progress: Progress

    def fill(self, template: str) -> str:
        """*template* with its figures, on lines that flow."""
        return self.figures.fill(template).strip()

    def tried(self, experiment: str) -> Try:
        """The experiment of that name."""
        found = self.figures.experiments[experiment]
        return Try(command(found.setting, self.figures.seed), self.fill(found.found))

    def ask(self, question: Question, without: frozenset[str] = frozenset()) -> Asked:
        """Ask until the answer is understood; options in *without* are no longer offered."""
        options = [option for option in question.shuffled if option.say not in without]
        keys = letters(len(options))
        asked = Ask(
            question.id,
            self.fill(question.ask),
            tuple((key, self.fill(o.say)) for key, o in zip(keys, options, strict=True)),
            self.unit(question),
            self.example(question),
        )
        while True:
            answer = yield asked
            given = self.understood(question, options, answer or "")
            if given is not None:
                self.progress.answer(self.topic, self.mode, question.id, given.right)
                return given
            said = f"“{answer}” is no answer here" if (answer or "").strip() else "Just guess"
            yield Say(f"{said}. Write, for example, **{asked.example}**.", "note")

    def understood(self, question: Question, options: list[Option], answer: str) -> Given | None:
        """What *answer* means: a letter, the beginning of one option only, or a quantity."""
        if question.number:
            try:
                return self._number(question, read(answer, self.unit(question)))
            except UnitError:
                return None
        word = answer.strip().rstrip(".)").lower()
        if not word:
            return None
        chosen = dict(zip(letters(len(options)), options, strict=True)).get(word)
        begins = [o for o in options if self.fill(o.say).lower().startswith(word)]
        if chosen is None and len(begins) == 1:
            chosen = begins[0]
        return self.chosen(question, chosen) if chosen else None

    def chosen(self, question: Question, option: Option) -> Given:
        """What is to be said of *option*."""
        return Given(
            option.right,
            self.fill(option.say),
            self.fill(option.because),
            self.beliefs.get(option.belief),
            option.experiment or question.experiment,
            option=option,
        )

    def _number(self, question: Question, number: float) -> Given:
        unit = self.unit(question)
        # Kept before the runs, in which somebody may lose patience.
        made = predict(
            f"{self.topic}/{question.id}",
            self.fill(question.ask),
            number,
            unit=unit,
            progress=self.progress,
        )
        found = self.figures[question.number]
        because, belief = self.fill(question.because), ""
        right = abs(number - found) <= question.within * abs(found)
        if not right:
            for mistake in question.mistaken:
                value = self.mistake(mistake.is_)
                if abs(number - value) <= 0.1 * abs(value):
                    because = f"{self.fill(mistake.because)} {because}"
                    belief = mistake.belief
                    break
        return Given(
            right,
            written(number, unit),
            because,
            self.beliefs.get(belief),
            question.experiment,
            gap=made.outcome(found),
        )

    def mistake(self, expression: str) -> float:
        """The number that a mistaken thought leads to."""
        from proxysim.learn.arithmetic import value_of

        return float(value_of(expression, self.figures))

    def unit(self, question: Question) -> str:
        """The unit of the quantity that is asked for."""
        return self.figures.figures[question.number].unit if question.number else ""

    def example(self, question: Question) -> str:
        """An answer to *question* that would be understood."""
        if not question.number:
            return "a"
        unit = self.unit(question)
        return UNITS[unit].example if unit in UNITS else f"12 {unit}"

    def corrected(self, given: Given) -> Talk:
        """What a wrong answer shows, and the experiment that shows it otherwise."""
        if given.belief is not None:
            yield Say(f"Many believe: *{given.belief.believed}* {given.because}", "wrong")
        else:
            yield Say(given.because, "wrong")
        yield self.tried(given.experiment)

    def settled(self, question: Question) -> Talk:
        """Ask until the answer is right; each wrong one leads to an experiment, and back."""
        struck: set[str] = set()
        while True:
            given = yield from self.ask(question, frozenset(struck))
            if given.right:
                yield Say(given.because, "right")
                return
            yield from self.corrected(given)
            if given.option is None:
                return  # the explanation has told the number
            struck.add(given.option.say)
            left = [option for option in question.options if option.say not in struck]
            if len(left) == 1:
                last = self.chosen(question, left[0])
                yield Say(f"What remains: {sentence(last.text)} {last.because}", "right")
                return
            yield Say("Now that you have seen it, once more.", "note")
