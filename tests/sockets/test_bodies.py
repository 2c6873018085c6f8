"""Streams: every reader gets every byte, memory is bounded, a store is told once."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.messages import Content
from proxysim.sockets.bodies import WINDOW, BodyError, Stream, keep_copy, read_body
from proxysim.sockets.coding import CODERS, encoded


class Chunks:
    """A source of given chunks, one a turn; an exception among them is raised."""

    def __init__(self, chunks) -> None:
        self.left = list(chunks)
        self.aborted = 0

    async def read(self) -> bytes:
        await asyncio.sleep(0)
        chunk = self.left.pop(0) if self.left else b""
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    def abort(self) -> None:
        self.aborted += 1


class Store:
    """A ticket that remembers what it was told."""

    def __init__(self, limit: int = 10**9) -> None:
        self.limit = limit
        self.told: list[bytes | None] = []

    def commit(self, copy) -> None:
        self.told.append(copy.data)

    def abandon(self, size=0) -> None:
        self.told.append(None)


async def read_all(reader, pause=0):
    data = b""
    while chunk := await reader.read():
        data += chunk
        for _ in range(pause):
            await asyncio.sleep(0)
    reader.close()
    return data


def in_loop(play):
    def test(*args, **kwargs):
        return asyncio.run(asyncio.wait_for(play(*args, **kwargs), 60))

    test.__name__ = play.__name__
    return test


chunk_lists = st.lists(st.binary(min_size=1, max_size=20), max_size=12)


@given(chunk_lists, st.lists(st.integers(0, 5), min_size=1, max_size=4), st.booleans())
def test_every_reader_gets_every_byte_and_the_store_one_copy(chunks, paces, keep):
    async def play():
        stream, store, whole = Stream(Chunks(chunks)), Store(), b"".join(chunks)
        if keep:
            stream.keep(store)
        readers = [stream.reader() for _ in paces]
        read = await asyncio.gather(*map(read_all, readers, paces))
        assert read == [whole] * len(paces)
        assert stream.complete
        stream.abort()
        assert store.told == ([whole] if keep else [])

    asyncio.run(play())


@given(chunk_lists, st.integers(0, 12))
def test_a_body_that_breaks_off_is_abandoned_once(chunks, at):
    async def play():
        chunks.insert(at, BodyError("broken"))
        source, store = Chunks(chunks), Store()
        stream = Stream(source)
        stream.keep(store)
        readers = [stream.reader(), stream.reader()]
        read = await asyncio.gather(*map(read_all, readers), return_exceptions=True)
        assert all(isinstance(error, BodyError) for error in read)
        stream.abort()
        assert store.told == [None]
        assert source.aborted == 1

    asyncio.run(play())


@in_loop
async def test_a_copy_that_proves_too_long_is_abandoned_at_once_and_read_on():
    stream, store = Stream(Chunks([b"12345"] * 3)), Store(limit=9)
    stream.keep(store)
    reader = stream.reader()
    await reader.read()
    assert store.told == []
    await reader.read()
    assert store.told == [None]
    assert await read_all(reader) == b"12345"
    assert store.told == [None]


@in_loop
async def test_a_copy_whose_length_is_too_much_is_abandoned_beforehand():
    store = Store(limit=9)
    Stream(Chunks([]), length=10).keep(store)
    assert store.told == [None]


@in_loop
async def test_the_slowest_reader_bounds_what_is_held():
    chunk = bytes(WINDOW // 8)
    source = Chunks([chunk] * 40)
    stream = Stream(source)
    fast, slow = stream.reader(), stream.reader()
    reading = asyncio.create_task(read_all(fast))
    for _ in range(500):
        await asyncio.sleep(0)
    assert len(source.left) == 40 - 8
    assert len(await read_all(slow)) == len(await reading) == 40 * len(chunk)


@in_loop
async def test_a_reader_that_stops_no_longer_bounds():
    source = Chunks([bytes(WINDOW)] * 5)
    stream = Stream(source)
    fast, slow = stream.reader(), stream.reader()
    reading = asyncio.create_task(read_all(fast))
    await asyncio.sleep(0.01)
    slow.close()
    assert len(await reading) == 5 * WINDOW


@in_loop
async def test_when_the_reader_that_pulls_is_cancelled_another_goes_on():
    stream = Stream(Chunks([b"a", b"b", b"c"]))
    one, two = stream.reader(), stream.reader()
    puller = asyncio.create_task(read_all(one))
    waiter = asyncio.create_task(read_all(two))
    await asyncio.sleep(0)
    puller.cancel()
    one.close()
    assert await waiter == b"abc"


@in_loop
async def test_a_reader_is_told_of_what_another_pulls():
    stream = Stream(Chunks([b"a"]))
    pulling = asyncio.create_task(stream.advance())
    await asyncio.sleep(0)
    assert await stream.reader().read() == b"a"
    await pulling


@in_loop
async def test_one_who_comes_when_the_beginning_is_gone_is_told_so():
    stream = Stream(Chunks([b"a", b"b"]))
    reader = stream.reader()
    await reader.read()
    with pytest.raises(BodyError, match="beginning"):
        await stream.reader().read()
    late = Store()
    stream.keep(late)
    assert late.told == [None]


@pytest.mark.parametrize("data", [b"", b"x", bytes(200_000)])
def test_a_content_is_read_whole_and_kept_at_once(data):
    store, small = Store(), Store(limit=0)
    assert asyncio.run(read_all(read_body(Content(data)))) == data
    keep_copy(Content(data), store)
    keep_copy(Content(data), small)
    assert store.told == [data]
    assert small.told == [None if data else b""]


@pytest.mark.parametrize("coding", sorted(CODERS))
def test_a_coded_body_breaks_off_with_its_source(coding):
    async def play():
        source = Chunks([b"x" * 1000, BodyError("broken")])
        stream = Stream(source)
        coded = encoded(stream, coding)
        with pytest.raises(BodyError):
            await read_all(coded.reader())
        assert source.aborted == 1

    asyncio.run(play())


def test_a_body_of_another_world_is_refused():
    with pytest.raises(TypeError, match="another world"):
        read_body(object())
