"""Content codings, in passing: gzip, br and zstd of a body that is still coming."""

from __future__ import annotations

import asyncio
import functools
import os
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import brotli
import zstandard

from proxysim.messages import Body, Content
from proxysim.sockets.bodies import Stream, read_body

__all__ = ["CODERS", "LEVELS", "encoded"]

#: How hard a coding tries unless it is told: the levels that the costs of codings are known for.
LEVELS = {"gzip": 6, "br": 4, "zstd": 3}
#: Coding this many bytes holds nobody else up; beyond them it is done in a thread.
AT_ONCE = 64 * 1024

Step = Callable[[bytes], bytes]
Last = Callable[[], bytes]


def _gzip(level: int) -> tuple[Step, Last]:
    coder = zlib.compressobj(level, wbits=16 + zlib.MAX_WBITS)
    return coder.compress, coder.flush


def _brotli(level: int) -> tuple[Step, Last]:
    coder: Any = brotli.Compressor(quality=level)
    return coder.process, coder.finish


def _zstd(level: int) -> tuple[Step, Last]:
    coder = zstandard.ZstdCompressor(level=level).compressobj()
    return coder.compress, coder.flush


#: Coding -> of a level, what codes a chunk, and what it has left at the end.
CODERS: dict[str, Callable[[int], tuple[Step, Last]]] = {
    "gzip": _gzip,
    "br": _brotli,
    "zstd": _zstd,
}


@cache
def _threads() -> ThreadPoolExecutor:
    """Threads of their own: where names are slow to resolve, coding does not wait for them."""
    return ThreadPoolExecutor(os.cpu_count(), "proxysim-coding")


class _Coder:
    """A source that codes what it reads from *body*, off the event loop once that takes long."""

    trailers = ()

    def __init__(self, body: Body, coding: str, level: int) -> None:
        self._body = body
        self._reader = read_body(body)
        self._step, self._last = CODERS[coding](level)
        self._read = 0
        self._ended = False
        self._under_way: asyncio.Future[bytes] | None = None

    async def read(self) -> bytes:
        while not self._ended or self._under_way is not None:
            if self._under_way is None:
                piece = await self._reader.read()
                self._read += len(piece)
                self._ended = not piece
                work = functools.partial(self._step, piece) if piece else self._last
                if self._read <= AT_ONCE:
                    coded = work()
                    if coded:
                        return coded
                    continue
                self._under_way = asyncio.get_running_loop().run_in_executor(_threads(), work)
            # Shielded: what a cancelled reading has begun, the next one takes.
            coded = await asyncio.shield(self._under_way)
            self._under_way = None
            if coded:
                return coded
        return b""

    def abort(self) -> None:
        self._reader.close()
        if isinstance(self._body, Stream):
            self._body.abort()


def encoded(body: Body, coding: str, level: int | None = None) -> Body:
    """*body* in *coding*: at once where it is here and short, else coded as it is read.

    As hard as *level* says; None: as usual, by :data:`LEVELS`.
    """
    if level is None:
        level = LEVELS[coding]
    if isinstance(body, Content) and body.length <= AT_ONCE:
        step, last = CODERS[coding](level)
        return Content(step(body.data) + last())
    return Stream(_Coder(body, coding, level))
