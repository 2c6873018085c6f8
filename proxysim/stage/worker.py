"""A process of its own that performs runs, so that one that takes too long can be ended."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any

from proxysim.errors import ProxysimError, RunError
from proxysim.stage.rehearsal import Asked, filmed, performed

__all__ = ["Worker"]

#: Seconds that a page waits for a run.
PATIENCE = 30.0


class Worker:
    """Performs one run at a time, in a fresh process after one that was ended.

    ``perform`` may be called from any thread.
    """

    def __init__(
        self, library: Mapping[str, str | os.PathLike[str]], patience: float = PATIENCE
    ) -> None:
        self.patience = patience
        self._library = {name: os.fspath(path) for name, path in library.items()}
        self._lock = Lock()
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def perform(self, asked: Asked) -> bytes:
        """What :func:`performed` gives, as JSON; RunError where it cannot be, or not in time."""
        return self._have(asked)

    def film(self, asked: Asked, since: float, until: float, seconds: float) -> bytes:
        """What :func:`filmed` gives; RunError where it cannot be, or not in time."""
        return self._have(asked, since, until, seconds)

    def _have(self, *wanted: Any) -> bytes:
        with self._lock:
            if not self._process.is_alive():
                self._start()
            try:
                self._line.send(wanted)
                answered = self._line.poll(self.patience)
                fine, found = self._line.recv() if answered else (False, b"")
            except (EOFError, OSError):
                self._end()
                raise RunError("the run broke off", mend="Ask again.") from None
            if not answered:
                self._end()
                raise RunError(
                    f"the run took longer than {self.patience:g} s and was ended",
                    mend="Ask for less: fewer requests, a lower rate, fewer servers.",
                )
        if not fine:
            raise RunError(found.decode())
        return bytes(found)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _start(self) -> None:
        self._line, far = self._context.Pipe()
        self._process = self._context.Process(
            target=_serve, args=(far, self._library), daemon=True, name="proxysim play"
        )
        self._process.start()
        far.close()

    def _end(self) -> None:
        self._line.close()
        self._process.kill()
        self._process.join()


def _serve(line: Connection, library: Mapping[str, str]) -> None:
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            asked, *film = line.recv()
            try:
                if film:
                    said = (True, filmed(library, asked, *film))
                else:
                    found = performed(library, asked)
                    said = (True, json.dumps(found, separators=(",", ":")).encode())
            except ProxysimError as error:
                said = (False, str(error).encode())
            line.send(said)
