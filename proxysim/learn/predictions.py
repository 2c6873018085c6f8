"""Predict first: what a learner expects of a run, and how far off it was.

Who only watches a demonstration learns little more than who has not seen it; who first predicts
what will come learns (Crouch et al., "Classroom demonstrations: Learning tools or entertainment?",
American Journal of Physics 72(6), 2004).
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from proxysim.errors import ResultError, UnitError
from proxysim.learn.progress import Progress
from proxysim.learn.quantities import read, written

__all__ = ["Gap", "Prediction", "predict"]

#: A prediction within this share of the outcome is called good.
CLOSE = 0.15


@dataclass(frozen=True, slots=True)
class Gap:
    """What was predicted beside what came; numbers in base units, or text."""

    predicted: float | str
    found: float | str
    unit: str

    @property
    def close(self) -> bool:
        """Whether the prediction was good: the same text, or a number within 15 %."""
        if isinstance(self.predicted, str) or isinstance(self.found, str):
            return str(self.predicted).strip().lower() == str(self.found).strip().lower()
        return abs(self.predicted - self.found) <= CLOSE * abs(self.found)

    @property
    def text(self) -> str:
        """The gap in a sentence."""
        said = (
            f"You predicted {written(self.predicted, self.unit)};"
            f" it is {written(self.found, self.unit)}"
        )
        return f"{said}: {self._how_far()}."

    def _how_far(self) -> str:
        if self.close:
            return "well predicted"
        if isinstance(self.predicted, str) or isinstance(self.found, str):
            return "not what you expected"
        if self.unit == "share":
            points = 100 * (self.found - self.predicted)
            return f"{abs(points):.0f} percentage points {'more' if points > 0 else 'less'}"
        if not self.predicted or not self.found:
            return "more than you expected" if self.found > self.predicted else "less than that"
        factor = self.found / self.predicted
        if factor >= 1:
            return f"{written(factor, 'times')} times as much"
        return f"you expected {written(1 / factor, 'times')} times as much"

    def __str__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return f"{'✓' if self.close else '≠'} **{self.text}**"


@dataclass(frozen=True, slots=True)
class Prediction:
    """A prediction that was made; :meth:`outcome` tells what came, and gives the gap."""

    key: str
    question: str
    answer: float | str
    unit: str
    progress: Progress

    def outcome(self, value: float | str) -> Gap:
        """Keep what came, in the base unit (seconds, bytes, a share of 1), and give the gap."""
        found = value if isinstance(value, str) else float(value)
        if not isinstance(found, str) and not math.isfinite(found):
            raise ResultError(
                f"found {value!r}",
                place=f"the outcome of {self.key!r}",
                mend="Give a finite number, as the run's summary has it.",
            )
        self.progress.predict(self.key, self._kept() | {"outcome": found})
        return Gap(self.answer, found, self.unit)

    def _kept(self) -> dict[str, float | str]:
        return {"question": self.question, "answer": self.answer, "unit": self.unit}

    def __str__(self) -> str:
        return f"{self.question} You predict {written(self.answer, self.unit)}."

    def _repr_markdown_(self) -> str:
        return f"*{self.question}* You predict **{written(self.answer, self.unit)}**."


def predict(
    key: str,
    question: str,
    answer: float | str,
    *,
    unit: str = "",
    progress: Progress | str | os.PathLike[str] | None = None,
) -> Prediction:
    """Record what you expect before a run shows it; ``.outcome(value)`` then shows the gap.

    >>> hits = predict("01-hits", "What share comes from the cache?", "30%", unit="share")
    >>> hits.outcome(run.summary().hit_ratio["gateway"])
    You predicted 30 %; it is 67 %: 37 percentage points more.

    *unit* says what *answer* is: ``"s"`` (``"200ms"``), ``"share"`` (``"30%"``, or 0.3), ``"B"``
    (``"3MB"``), ``"1/s"`` (``"40/s"``), ``"times"``, ``""`` for a bare number, or a word of your
    own such as ``"servers"``; ``"text"`` for one of several words, compared as it stands.
    ``outcome`` takes the base unit: seconds, bytes, a share of 1. Both are kept under *key* in the
    progress file (*progress*, default: the user's), for ``proxysim learn --report``. A key that is
    predicted anew replaces what was there. Raises UnitError for an answer that is no such quantity.
    """
    try:
        kept = str(answer) if unit == "text" else read(answer, unit)
    except UnitError as error:
        error.place = f"your answer to {key!r}"
        raise
    shelf = progress if isinstance(progress, Progress) else Progress(progress)
    made = Prediction(key, question, kept, unit, shelf)
    shelf.predict(key, made._kept())
    return made
