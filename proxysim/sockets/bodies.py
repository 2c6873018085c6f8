"""Bodies on their way: read once from a source, by as many readers as want them, in bounded memory.

A :class:`Stream` is pulled, never pushed: the fastest reader takes the next chunk off the source,
and so back-pressure reaches the sender by itself. While a store wants a copy, all chunks are kept
and slower readers follow at their own pace; otherwise the slowest reader bounds what is held.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from proxysim.messages import Body, Content
from proxysim.proxies.effects import Sent, Store

__all__ = ["BodyError", "Reader", "Source", "Stream", "keep_copy", "part_of", "read_body"]

CHUNK = 64 * 1024
WINDOW = 4 * CHUNK


class BodyError(Exception):
    """A body broke off before its end, or its beginning is no longer there to be read."""


class Source(Protocol):
    """Where a stream's bytes come from.

    A cancelled ``read`` must have lost nothing: the next one goes on where it stopped.
    """

    async def read(self) -> bytes:
        """The next chunk, empty at the end; raises :class:`BodyError`."""
        ...

    def abort(self) -> None:
        """Nobody wants the rest."""
        ...

    @property
    def trailers(self) -> tuple[tuple[str, str], ...]:
        """The fields that came behind the body, once it is whole."""
        ...


class Reader(Protocol):
    """One reading of a body, from its first byte."""

    async def read(self) -> bytes:
        """The next chunk, empty at the end; raises :class:`BodyError`."""
        ...

    def close(self) -> None:
        """Stop reading, wherever it stands."""
        ...


class Stream:
    """A body that is still coming; *length* in bytes, None where the sender did not say."""

    replayable = False

    def __init__(self, source: Source, length: int | None = None) -> None:
        self.length = length
        self.complete = False
        self._source = source
        self._aborted = False
        self._chunks: deque[bytes] = deque()
        self._first = 0  # the number of the oldest chunk that is still held
        self._held = 0
        self._size = 0
        self._pulling = False
        self._readers: set[_StreamReader] = set()
        self._stores: list[Store] = []
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def trailers(self) -> tuple[tuple[str, str], ...]:
        """The fields that came behind the body, once it is complete."""
        return self._source.trailers

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.complete or self._aborted

    @property
    def being_read(self) -> bool:
        """Whether anybody reads it now."""
        return bool(self._readers)

    @property
    def size(self) -> int:
        """How many bytes have come."""
        return self._size

    def reader(self) -> Reader:
        """A new reading from the start; it counts for the pace from now on."""
        return _StreamReader(self)

    def keep(self, store: Store) -> None:
        """Copy everything for *store*, which is told once how that ended."""
        size = max(self.length or 0, self._size)
        if self._aborted or self._first or size > store.limit:
            store.abandon(size)
        elif self.complete:
            store.commit(Content(b"".join(self._chunks)))
        else:
            self._stores.append(store)

    def keeps(self, store: Store) -> bool:
        """Whether *store* still waits for its copy."""
        return store in self._stores

    def abort(self) -> None:
        """Nobody wants the rest. What has come whole stays readable."""
        if self.over:
            return
        self._aborted = True
        self._source.abort()
        self._settle()

    async def advance(self) -> None:
        """Pull one chunk, or wait until somebody else has, or has made room for one."""
        full = self._held >= WINDOW and not self._stores and self._readers
        if self._pulling or full:
            await self.changed()
            return
        self._pulling = True
        try:
            chunk = await self._source.read()
        except BodyError:
            self.abort()
            raise
        finally:
            self._pulling = False
            self._notify()
        if self._aborted:
            return
        if chunk:
            self._take(chunk)
        else:
            self.complete = True
            self._settle()

    async def changed(self) -> None:
        """Wait until a chunk has come, room has been made, or a reader has gone."""
        news = asyncio.get_running_loop().create_future()
        self._waiting.append(news)
        await news

    def _take(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._held += len(chunk)
        self._size += len(chunk)
        for store in [store for store in self._stores if self._size > store.limit]:
            self._stores.remove(store)
            store.abandon(self._size)

    def _settle(self) -> None:
        """The stream is over: tell each store, once."""
        stores, self._stores = self._stores, []
        copy = Content(b"".join(self._chunks)) if self.complete and stores else None
        for store in stores:
            if copy is not None:
                store.commit(copy)
            else:
                store.abandon()
        self._notify()

    def _trim(self) -> None:
        """Let go of what every reader has passed, unless a store wants it."""
        if self._stores or not self._readers:
            return
        slowest = min(reader.at for reader in self._readers)
        while self._first < slowest and self._chunks:
            self._held -= len(self._chunks.popleft())
            self._first += 1

    def _notify(self) -> None:
        waiting, self._waiting = self._waiting, []
        for news in waiting:
            if not news.done():
                news.set_result(None)


class _StreamReader:
    """One reading of a stream; ``at`` is the number of the chunk that it wants next."""

    def __init__(self, stream: Stream) -> None:
        self.at = 0
        self._stream = stream
        stream._readers.add(self)

    async def read(self) -> bytes:
        stream = self._stream
        while True:
            place = self.at - stream._first
            if place < 0:
                raise BodyError("the beginning of this body is gone")
            if place < len(stream._chunks):
                break
            if stream.complete:
                return b""
            if stream._aborted:
                raise BodyError("the body broke off")
            await stream.advance()
        chunk = stream._chunks[place]
        self.at += 1
        stream._trim()
        stream._notify()
        return chunk

    def close(self) -> None:
        self._stream._readers.discard(self)
        self._stream._trim()
        self._stream._notify()


class _ContentReader:
    """A reading of bytes that are all here."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    async def read(self) -> bytes:
        chunk, self._data = bytes(self._data[:CHUNK]), self._data[CHUNK:]
        return chunk

    def close(self) -> None:
        pass


async def drained(body: Stream, store: Store | None) -> Sent:
    """Be the reader of last resort: pull only while nobody else reads.

    A copy that was given up and has no readers left is not worth reading to its end.
    """
    # Those who were told of this body in the same step become its readers within two turns;
    # until then its beginning is held for them.
    beginning = body.reader()
    try:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    finally:
        beginning.close()
    while not body.over and (body.being_read or store is None or body.keeps(store)):
        try:
            await (body.changed() if body.being_read else body.advance())
        except BodyError:
            break
    return Sent(body.size, body.complete)


def read_body(body: Body | None) -> Reader:
    """A reading of *body*, whichever kind of handle it is."""
    if isinstance(body, Stream):
        return body.reader()
    return _ContentReader(_data(body))


def keep_copy(body: Body | None, store: Store) -> None:
    """Give *store* its copy of *body*: now where it is whole, else when it has come."""
    if isinstance(body, Stream):
        body.keep(store)
    elif (size := len(data := _data(body))) > store.limit:
        store.abandon(size)
    else:
        store.commit(body if isinstance(body, Content) else Content(data))


def part_of(body: Body, first: int, last: int) -> Content:
    """Bytes *first* to *last*, both included, of a *body* that is all here."""
    return Content(_data(body)[first : last + 1])


def _data(body: Body | None) -> bytes:
    if body is None:
        return b""
    if not isinstance(body, Content):
        raise TypeError(f"{body!r} is a body of another world")
    return body.data
