"""Where a learner stands: what was done of each topic, what is due, predictions and outcomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from proxysim.learn.predictions import Gap
from proxysim.learn.progress import Progress
from proxysim.learn.quantities import written
from proxysim.learn.repetition import due
from proxysim.learn.topics import Topic, topics
from proxysim.learn.ways import WAYS

__all__ = ["reported", "standing"]


def standing(progress: Progress, now: datetime | None = None) -> dict[str, Any]:
    """The map of topics as plain data: of each, what was done; what is due; what comes next."""
    again = due(progress, now or datetime.now(UTC))
    found = [_of(topic, progress, again) for topic in topics().values()]
    following = [each["topic"] for each in found if len(each["done"]) < len(WAYS)]
    return {
        "topics": found,
        "due": sum(each["cards"]["due"] for each in found),
        "next": following[0] if following else None,
        "progress": str(progress.path),
    }


def _of(topic: Topic, progress: Progress, again: list[str]) -> dict[str, Any]:
    answers = progress.answers(topic.name, "quiz")
    mine = [f"{topic.name}/{card.id}" for card in topic.lesson.cards.cards]
    seen = progress.cards()
    asked = [answers[each.id] for each in topic.lesson.quiz if each.id in answers]
    return {
        "topic": topic.name,
        "title": topic.title,
        "about": topic.lesson.about,
        "minutes": topic.lesson.minutes,
        "done": [mode for mode in WAYS if mode in progress.done(topic.name)],
        "quiz": {
            "questions": len(topic.lesson.quiz),
            "answered": len(asked),
            "right": sum(bool(each.get("right")) for each in asked),
        },
        "cards": {
            "all": len(mine),
            "seen": sum(card in seen for card in mine),
            "due": sum(card in again for card in mine),
        },
    }


def reported(progress: Progress) -> dict[str, Any]:
    """Predictions beside their outcomes, and exercises, as plain data."""
    return {
        "predictions": [_prediction(key, kept) for key, kept in progress.predictions().items()],
        "exercises": [
            {"exercise": name, "right": bool(kept.get("right")), "tries": kept.get("tries", 0)}
            for name, kept in progress.exercises().items()
        ],
    }


def _prediction(key: str, kept: dict[str, Any]) -> dict[str, Any]:
    unit, answer, outcome = str(kept.get("unit", "")), kept.get("answer"), kept.get("outcome")
    return {
        "key": key,
        "question": str(kept.get("question", "")),
        "unit": unit,
        "answer": answer,
        "outcome": outcome,
        "predicted": written(answer, unit),
        "found": written(outcome, unit),
        "close": None if answer is None or outcome is None else Gap(answer, outcome, unit).close,
    }
