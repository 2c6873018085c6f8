"""Lessons for other programs: Anki decks, questions and cards for Jupyter books."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proxysim.errors import ResultError
from proxysim.learn import repetition
from proxysim.learn.topics import SEED, Topic, topics
from proxysim.learn.topics import topic as named

__all__ = ["anki", "jupytercards", "jupyterquiz", "write"]


def write(
    form: str, file: str | os.PathLike[str], topic: str | None = None, seed: int = SEED
) -> str:
    """Write *topic*, default all, as anki, jupyterquiz or jupytercards; says what was written.

    Raises ResultError where it cannot be written, or something that it takes is not installed.
    """
    chosen = list(topics().values()) if topic is None else [named(topic)]
    path = Path(file)
    try:
        return _FORMATS[form](chosen, path, seed)
    except OSError as error:
        raise ResultError(
            f"cannot be written: {error.strerror}", place=str(path), mend="Name another file."
        ) from None


def anki(chosen: list[Topic], path: Path, seed: int = SEED) -> str:
    """An Anki package, a deck a topic. Ids come from names, so that a later one updates cards."""
    repetition.needed("genanki")
    import genanki

    model = genanki.Model(
        repetition.number("proxysim", 40),
        "proxysim",
        fields=[{"name": "Front"}, {"name": "Back"}, {"name": "Topic"}],
        templates=[
            {
                "name": "Card",
                "qfmt": "{{Front}}",
                "afmt": '{{FrontSide}}<hr id="answer">{{Back}}<p><small>{{Topic}}</small>',
            }
        ],
        css=".card { font-family: sans-serif; font-size: 20px; text-align: center; }",
    )
    decks, count = [], 0
    for topic in chosen:
        deck = genanki.Deck(
            repetition.number(f"proxysim/{topic.name}", 40), f"proxysim::{topic.title}"
        )
        for card in topic.cards(seed).to_dict()["cards"]:
            fields = [_html(card["front"]), _html(card["back"]), _html(topic.title)]
            guid = genanki.guid_for("proxysim", card["id"])
            deck.add_note(genanki.Note(model=model, fields=fields, guid=guid, tags=[topic.name]))
            count += 1
        decks.append(deck)
    genanki.Package(decks).write_to_file(str(path))
    return f"{count} cards in {'one deck' if len(decks) == 1 else f'{len(decks)} decks'}"


def jupytercards(chosen: list[Topic], path: Path, seed: int = SEED) -> str:
    """Cards as the package jupytercards shows them: a list of ``front`` and ``back``."""
    cards = [
        {"front": card["front"], "back": card["back"]}
        for topic in chosen
        for card in topic.cards(seed).to_dict()["cards"]
    ]
    _write_json(path, cards)
    return f"{len(cards)} cards"


def jupyterquiz(chosen: list[Topic], path: Path, seed: int = SEED) -> str:
    """Questions as the package jupyterquiz asks them: multiple choice and numeric."""
    questions = [
        _numeric(each) if "number" in each else _choice(each)
        for topic in chosen
        for each in topic.quiz(seed).to_dict()["questions"]
    ]
    _write_json(path, questions)
    return f"{len(questions)} questions"


_FORMATS: dict[str, Callable[[list[Topic], Path, int], str]] = {
    "anki": anki,
    "jupyterquiz": jupyterquiz,
    "jupytercards": jupytercards,
}
#: By how much a quantity in base units is multiplied, and what it is then in.
_ASKED_IN = {"share": (100, "in %"), "s": (1000, "in ms"), "B": (1e-6, "in MB")}


def _choice(question: dict[str, Any]) -> dict[str, Any]:
    return {
        "question": question["ask"],
        "type": "multiple_choice",
        "answers": [
            {"answer": option["say"], "correct": option["right"], "feedback": _told(option)}
            for option in question["options"]
        ],
    }


def _told(option: dict[str, Any]) -> str:
    because = str(option["because"])
    return because if option["right"] else f"{because} Try: {option['experiment']['command']}"


def _numeric(question: dict[str, Any]) -> dict[str, Any]:
    factor, unit = _ASKED_IN.get(question["unit"], (1, ""))
    number = factor * question["number"]
    spread = question["within"] * abs(number)
    low, high = (float(f"{number + way * spread:.4g}") for way in (-1, 1))
    command = question["experiment"]["command"]
    return {
        "question": f"{question['ask']} ({unit})" if unit else question["ask"],
        "type": "numeric",
        "answers": [
            {"range": [low, high], "correct": True, "feedback": question["because"]},
            {"type": "default", "feedback": f"Not so. See for yourself: {command}"},
        ],
    }


def _write_json(path: Path, value: Any) -> None:
    path.write_text(f"{json.dumps(value, indent=2, ensure_ascii=False)}\n", encoding="utf-8")


def _html(markdown: str) -> str:
    """The little Markdown that cards use, as HTML."""
    escaped = markdown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _tagged(escaped)


def _tagged(text: str) -> str:
    for mark, tag in (("**", "b"), ("`", "code"), ("*", "i")):
        parts = text.split(mark)
        if len(parts) % 2:
            text = "".join(
                f"<{tag}>{part}</{tag}>" if place % 2 else part for place, part in enumerate(parts)
            )
    return text
