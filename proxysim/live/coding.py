"""Content codings, in passing: gzip, br and zstd of a body that is still coming."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import brotli
import zstandard

from proxysim.live.bodies import Source, Stream, read_body
from proxysim.messages import Body

__all__ = ["CODERS", "encoded"]

GZIP_LEVEL = 5
BROTLI_QUALITY = 4
ZSTD_LEVEL = 3

Step = Callable[[bytes], bytes]
Last = Callable[[], bytes]


def _gzip() -> tuple[Step, Last]:
    coder = zlib.compressobj(GZIP_LEVEL, wbits=16 + zlib.MAX_WBITS)
    return coder.compress, coder.flush


def _brotli() -> tuple[Step, Last]:
    coder: Any = brotli.Compressor(quality=BROTLI_QUALITY)
    return coder.process, coder.finish


def _zstd() -> tuple[Step, Last]:
    coder = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()
    return coder.compress, coder.flush


#: Coding -> what codes a chunk, and what it has left at the end.
CODERS: dict[str, Callable[[], tuple[Step, Last]]] = {
    "gzip": _gzip,
    "br": _brotli,
    "zstd": _zstd,
}


class _Coder:
    """A source that codes what it reads from *body*."""

    def __init__(self, body: Body, coding: str) -> None:
        self._body = body
        self._reader = read_body(body)
        self._step, self._last = CODERS[coding]()
        self._ended = False

    async def read(self) -> bytes:
        while not self._ended:
            chunk = await self._reader.read()
            self._ended = not chunk
            if coded := self._step(chunk) if chunk else self._last():
                return coded
        return b""

    def abort(self) -> None:
        self._reader.close()
        if isinstance(self._body, Stream):
            self._body.abort()


def encoded(body: Body, coding: str) -> Stream:
    """*body* in *coding*, coded as it is read; its length is known when it has been."""
    source: Source = _Coder(body, coding)
    return Stream(source)
