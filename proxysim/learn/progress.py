"""What a learner has done so far, kept in one small file between sittings."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from proxysim.errors import ResultError

__all__ = ["VARIABLE", "Progress", "usual_place"]

#: Names another file than the usual one.
VARIABLE = "PROXYSIM_PROGRESS"
_VERSION = 1
#: What the file holds, each a mapping: from topic to mode to question; from key; from card.
_PARTS = ("answers", "done", "predictions", "exercises", "cards")


def usual_place() -> Path:
    """Where progress is kept: ``$PROXYSIM_PROGRESS``, or a file in the user's data folder.

    Source: XDG Base Directory Specification; on Windows the folder is ``%LOCALAPPDATA%``.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser()
    windows = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None
    xdg = os.environ.get("XDG_DATA_HOME", "")
    # The specification has a relative path ignored.
    home = Path(xdg) if Path(xdg).is_absolute() else Path.home() / ".local" / "share"
    return (Path(windows) if windows else home) / "proxysim" / "progress.json"


class Progress:
    """A learner's answers, predictions, exercises and cards, in the file at *path*.

    Every change is written at once, to a new file that then takes the old one's place, so that
    whatever ends the program loses nothing. A file that cannot be read is set aside under another
    name, never overwritten; ``notes`` tells of it. Raises ResultError where nothing can be written.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = usual_place() if path is None else Path(path)
        self.notes: list[str] = []
        self._read()

    # What is told.

    def answer(self, topic: str, mode: str, question: str, right: bool) -> None:
        """Keep whether *question* was answered rightly, and how often it was tried."""
        with self._change() as found:
            _count(found["answers"].setdefault(topic, {}).setdefault(mode, {}), question, right)

    def finish(self, topic: str, mode: str) -> None:
        """Keep that a way through a topic was gone to its end."""
        with self._change() as found:
            modes = found["done"].setdefault(topic, [])
            if mode not in modes:
                modes.append(mode)

    def predict(self, key: str, prediction: Mapping[str, Any]) -> None:
        """Keep a prediction, or what came of it; the last one of a *key* counts."""
        with self._change() as found:
            found["predictions"][key] = dict(prediction)

    def exercise(self, exercise: str, right: bool) -> None:
        """Keep whether *exercise* was solved, and how often it was tried."""
        with self._change() as found:
            _count(found["exercises"], exercise, right)

    def card(self, card: str, state: Mapping[str, Any]) -> None:
        """Keep when *card* is due again, as fsrs says it."""
        with self._change() as found:
            found["cards"][card] = dict(state)

    # What is asked.

    def answers(self, topic: str, mode: str) -> dict[str, dict[str, Any]]:
        """By question: ``right``, of the last try, and ``tries``."""
        found: dict[str, dict[str, Any]] = self._read()["answers"].get(topic, {}).get(mode, {})
        return found

    def done(self, topic: str) -> list[str]:
        """The ways through *topic* that were gone to the end."""
        found: list[str] = self._read()["done"].get(topic, [])
        return found

    def predictions(self) -> dict[str, dict[str, Any]]:
        """By key, in the order in which they were first made."""
        found: dict[str, dict[str, Any]] = self._read()["predictions"]
        return found

    def exercises(self) -> dict[str, dict[str, Any]]:
        """By exercise: ``right``, of the last try, and ``tries``."""
        found: dict[str, dict[str, Any]] = self._read()["exercises"]
        return found

    def cards(self) -> dict[str, dict[str, Any]]:
        """By card, what fsrs knows of it; ``due`` is a time in ISO 8601."""
        found: dict[str, dict[str, Any]] = self._read()["cards"]
        return found

    # The file.

    @contextmanager
    def _change(self) -> Iterator[dict[str, Any]]:
        """What is kept, to be changed, and then written; read anew, as others may write too."""
        found = self._read()
        yield found
        self._write(found)

    def _read(self) -> dict[str, Any]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return _empty()
        except (OSError, ValueError) as error:
            if isinstance(error, OSError):
                raise self._trouble("read", error) from None
            return self._set_aside()
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return self._set_aside()
        return _empty() | found if _sound(found) else self._set_aside()

    def _set_aside(self) -> dict[str, Any]:
        places = (self.path.with_name(f"{self.path.name}.damaged-{n}") for n in count(1))
        aside = next(place for place in places if not place.exists())
        try:
            self.path.rename(aside)
        except OSError as error:
            raise self._trouble("set aside", error) from None
        self.notes.append(
            f"{self.path} could not be understood. It is kept as {aside.name}, beside it,"
            " and your progress begins anew."
        )
        return _empty()

    def _write(self, found: Mapping[str, Any]) -> None:
        text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(f"{text}\n", encoding="utf-8")
            fresh.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink()
            raise self._trouble("written", error) from None

    def _trouble(self, what: str, error: OSError) -> ResultError:
        return ResultError(
            f"your progress cannot be {what}: {error.strerror}",
            place=str(self.path),
            mend=f"Name a file that can be, in the environment variable {VARIABLE}.",
        )


def _empty() -> dict[str, Any]:
    return {"version": _VERSION, **{part: {} for part in _PARTS}}


def _sound(found: Any) -> bool:
    """Whether a file's content has the shape that is written here, as deep as it is relied on."""
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        return False
    parts = {part: found.get(part, {}) for part in _PARTS}
    if not all(isinstance(part, dict) for part in parts.values()):
        return False
    entries = [
        *parts["predictions"].values(),
        *parts["exercises"].values(),
        *parts["cards"].values(),
    ]
    for modes in parts["answers"].values():
        if not isinstance(modes, dict):
            return False
        for answers in modes.values():
            entries += answers.values() if isinstance(answers, dict) else [None]
    lists = parts["done"].values()
    return all(isinstance(each, dict) for each in entries) and all(
        isinstance(each, list) for each in lists
    )


def _count(where: dict[str, Any], name: str, right: bool) -> None:
    tries = where.get(name, {}).get("tries", 0)
    where[name] = {"right": right, "tries": (tries if isinstance(tries, int) else 0) + 1}
