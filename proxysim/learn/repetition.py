"""When a card comes back: spaced repetition, by fsrs.

Source: the Free Spaced Repetition Scheduler, https://github.com/open-spaced-repetition.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

from proxysim.errors import ResultError
from proxysim.learn.progress import Progress

__all__ = ["RATINGS", "due", "is_due", "needed", "number", "rating", "reviewed"]

#: How well a card was known: what to press, and what it means.
RATINGS = (
    ("a", "again: no"),
    ("h", "hard: just about"),
    ("g", "good: yes"),
    ("e", "easy: at once"),
)
_VALUES = {"again": 1, "hard": 2, "good": 3, "easy": 4}


def needed(module: str = "fsrs") -> None:
    """Raise ResultError, with the command that brings it, where *module* is not installed."""
    if find_spec(module) is None:
        raise ResultError(
            f"this needs {module}, which is not installed", mend="pip install 'proxysim[learn]'"
        )


def number(name: str, bits: int = 62) -> int:
    """A number for *name* that is always the same, for those who know cards by numbers."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> (64 - bits)


def rating(answer: str) -> int | None:
    """1 to 4 for again, hard, good, easy, their beginnings, or the number itself; else None."""
    word = answer.strip().lower()
    if word in {"1", "2", "3", "4"}:
        return int(word)
    found = [value for name, value in _VALUES.items() if word and name.startswith(word)]
    return found[0] if len(found) == 1 else None


def is_due(progress: Progress, card: str, now: datetime) -> bool:
    """Whether *card* is to be asked: never seen, or due."""
    return _due(progress.cards().get(card), now)


def due(progress: Progress, now: datetime) -> list[str]:
    """The cards that were seen before and are due again."""
    return [card for card, state in progress.cards().items() if _due(state, now)]


def _due(state: Mapping[str, Any] | None, now: datetime) -> bool:
    try:
        when = datetime.fromisoformat(str(state["due"])) if state else now
    except (KeyError, ValueError):
        return True
    return (when if when.tzinfo else when.replace(tzinfo=UTC)) <= now


def reviewed(
    state: Mapping[str, Any] | None, card: str, rated: int, now: datetime
) -> dict[str, Any]:
    """What fsrs knows of *card* after it was *rated*; without its fuzz, so as to be repeatable."""
    from fsrs import Card, Rating, Scheduler

    try:
        known = Card.from_dict(dict(state)) if state else None  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError):
        known = None
    scheduler = Scheduler(enable_fuzzing=False)
    new, _ = scheduler.review_card(known or Card(card_id=number(card)), Rating(rated), now)
    return dict(new.to_dict())
