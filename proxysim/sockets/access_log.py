"""The access log: a line for each answer, in the combined format, which ``replay`` reads back."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from proxysim.errors import ScenarioError
from proxysim.messages import Request

if TYPE_CHECKING:
    from proxysim.sockets.client import Client

__all__ = ["AccessLog"]

logger = logging.getLogger("proxysim.sockets")

#: Lines are written when this many wait, or when :meth:`AccessLog.flush` is called.
WAITING = 200


class AccessLog:
    """Writes to *path*, or to standard output for ``-``; call it with each client once answered.

    *user* tells who asked, where users log in. A forward proxy's targets are written as they came,
    absolute. O(1) a line. Raises ScenarioError for a file that cannot be opened; lines that cannot
    be written later, as to a full disk, are lost with a warning, and the proxy goes on.

    Source: Apache HTTP Server documentation, mod_log_config, "combined".
    """

    def __init__(
        self,
        path: Path,
        *,
        forward: bool = False,
        user: Callable[[Request], str | None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._forward = forward
        self._user = user
        self._clock = clock
        self._lines: list[str] = []
        self._failing = False
        self._file = self._opened()

    def __call__(self, client: Client) -> None:
        request = client.request
        if request is None:
            who, line, referrer, agent = "-", "-", "", ""
        else:
            who = (self._user(request) if self._user is not None else None) or "-"
            line = f"{request.method} {self._target(request)} HTTP/{client.version}"
            fields = request.headers.fields
            referrer, agent = fields.get("referer", ""), fields.get("user-agent", "")
        self._lines.append(
            f"{client.wire.peer or '-'} - {_escaped(who)} [{_moment(int(self._clock()))}] "
            f'"{_escaped(line)}" {client.status} {client.sent or "-"} '
            f'"{_escaped(referrer or "-")}" "{_escaped(agent or "-")}"\n'
        )
        if len(self._lines) >= WAITING:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._lines:
            lines, self._lines = self._lines, []
            try:
                self._file.write("".join(lines).encode("latin-1", "replace"))
                self._file.flush()
            except OSError as error:
                if not self._failing:
                    logger.warning("%s: the access log loses lines: %s", self.path, error.strerror)
                self._failing = True
            else:
                self._failing = False

    def close(self) -> None:
        """Write what waits, and nothing more."""
        self.flush()
        if str(self.path) != "-":
            self._file.close()

    def _opened(self) -> BinaryIO:
        if str(self.path) == "-":
            return sys.stdout.buffer
        try:
            return self.path.open("ab", buffering=0)
        except OSError as error:
            raise ScenarioError(
                f"the access log cannot be written: {error.strerror}",
                place=str(self.path),
                mend="Name a file in a directory that can be written to, or - for standard output.",
            ) from None

    def _target(self, request: Request) -> str:
        if request.method == "CONNECT":
            return f"{request.host}:{request.port}"
        return request.url if self._forward else request.path


@lru_cache(maxsize=4)
def _moment(second: int) -> str:
    """*second* since the epoch as logs write it; in English whatever the locale."""
    at = time.gmtime(second)
    month = "JanFebMarAprMayJunJulAugSepOctNovDec"[3 * at.tm_mon - 3 : 3 * at.tm_mon]
    return f"{at.tm_mday:02}/{month}/{at.tm_year}:{time.strftime('%H:%M:%S', at)} +0000"


def _escaped(text: str) -> str:
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return text
