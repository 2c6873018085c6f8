"""A reverse proxy on real sockets, asked by the standard library's own client."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import zlib

import brotli
import pytest
import zstandard

from proxysim.messages import Headers
from proxysim.policies.compression import Compression
from proxysim.policies.retry import Retry
from proxysim.proxies.effects import Deadlines, Fetch, Opening, Race, Send
from proxysim.sockets.origin import Page

pytestmark = pytest.mark.live

KEPT = Headers([("cache-control", "max-age=60"), ("content-type", "text/plain")])
WORDS = b"What a proxy does, it does for somebody. " * 2000


async def test_round_robin_over_two_origins(stage):
    one, at_one = await stage.origin(page=Page(b"one"))
    _, at_two = await stage.origin(page=Page(b"two"))
    edge = await stage.reverse(at_one, at_two)
    answers = [await stage.ask(edge) for _ in range(4)]
    assert [answer.body for answer in answers] == [b"one", b"two", b"one", b"two"]
    assert {answer.status for answer in answers} == {200}
    assert one.requests[0].headers.get("x-forwarded-for") == "127.0.0.1"
    assert at_one.in_flight == at_two.in_flight == 0


async def test_a_second_request_is_answered_from_the_cache(stage):
    origin, at = await stage.origin(page=Page(WORDS, KEPT))
    edge = await stage.reverse(at, cache=stage.cache())
    first, second = await stage.ask(edge), await stage.ask(edge)
    assert first.body == second.body == WORDS
    assert "age" not in first.headers
    assert int(second.headers["age"]) < 60
    assert len(origin.requests) == 1


@pytest.mark.parametrize(
    ("coding", "decode"),
    [
        ("gzip", gzip.decompress),
        ("br", brotli.decompress),
        ("zstd", lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
    ],
)
async def test_a_coded_answer_is_the_original(stage, coding, decode):
    """Also when it comes from the cache, which keeps the coded form."""
    origin, at = await stage.origin(page=Page(WORDS, KEPT))
    edge = await stage.reverse(
        at, cache=stage.cache(), compression=Compression(("zstd", "br", "gzip"))
    )
    for _ in range(2):
        answer = await stage.ask(edge, headers={"Accept-Encoding": coding})
        assert answer.headers["content-encoding"] == coding
        assert len(answer.body) < len(WORDS) / 10
        assert decode(answer.body) == WORDS
    assert len(origin.requests) == 1
    assert (await stage.ask(edge)).body == WORDS


async def test_a_dead_backend_is_502_and_with_retry_the_living_answers(stage):
    _, living = await stage.origin(page=Page(b"alive"))
    dead = await stage.nobody()
    assert (await stage.ask(await stage.reverse(dead))).status == 502
    retrying = await stage.reverse(dead, living, retry=Retry(attempts=2))
    assert [(await stage.ask(retrying)).body for _ in range(2)] == [b"alive", b"alive"]
    assert dead.in_flight == living.in_flight == 0


async def test_a_backend_that_is_too_slow_is_504(stage):
    _, slow = await stage.origin(page=Page(b"late", delay=60.0))
    edge = await stage.reverse(slow, deadlines=Deadlines(first_byte=0.05))
    assert (await stage.ask(edge)).status == 504
    assert slow.in_flight == 0


async def test_a_backend_that_breaks_off_before_its_head_is_502(stage):
    async def hang_up(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    raw = await stage.raw(hang_up)
    edge = await stage.reverse(raw)
    assert (await stage.ask(edge)).status == 502


async def test_an_answer_that_breaks_off_is_neither_whole_nor_stored(stage):
    async def half(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 9\r\n\r\nhalf"
        )
        await writer.drain()
        writer.close()

    raw = await stage.raw(half)
    cache = stage.cache()
    edge = await stage.reverse(raw, cache=cache)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        await stage.ask(edge)
    assert len(cache) == 0


async def test_concurrent_misses_make_one_request_to_the_origin(stage):
    origin, at = await stage.origin(page=Page(WORDS, KEPT, delay=0.1))
    edge = await stage.reverse(at, cache=stage.cache(collapse=True))
    answers = await asyncio.gather(*(stage.ask(edge) for _ in range(8)))
    assert {answer.body for answer in answers} == {WORDS}
    assert len(origin.requests) == 1
    assert int((await stage.ask(edge)).headers["age"]) < 60
    assert at.in_flight == 0


async def test_concurrent_misses_of_what_is_private_each_get_their_own(stage):
    private = Headers([("cache-control", "private")])
    origin, at = await stage.origin(page=Page(WORDS, private, delay=0.1))
    edge = await stage.reverse(at, cache=stage.cache(collapse=True))
    answers = await asyncio.gather(*(stage.ask(edge) for _ in range(4)))
    assert {answer.body for answer in answers} == {WORDS}
    assert len(origin.requests) == 4
    await stage.until(lambda: at.in_flight == 0)


async def test_stale_while_revalidate_refreshes_beside(stage):
    stale = Headers([("cache-control", "max-age=0, stale-while-revalidate=60")])
    origin, at = await stage.origin(page=Page(b"old", stale))
    edge = await stage.reverse(at, cache=stage.cache())
    assert (await stage.ask(edge)).body == b"old"
    origin.pages["/page"] = Page(b"new", KEPT)
    assert (await stage.ask(edge)).body == b"old"
    await stage.until(lambda: len(origin.requests) == 2 and at.in_flight == 0)
    assert (await stage.ask(edge)).body == b"new"
    assert len(origin.requests) == 2


class Hedging:
    """Asks *first* and, when no head has come after a moment, *second* beside it."""

    def __init__(self, first, second) -> None:
        self.first, self.second = first, second

    def opened(self, connection):
        return Opening.ACCEPT
        yield

    def handle(self, request):
        won = yield Race(
            self.ask(self.first, request), 0.02, lambda: self.ask(self.second, request)
        )
        yield Send(won.value.response, won.value.body)

    def ask(self, backend, request):
        with backend:
            return (yield Fetch(backend, request))

    def residents(self):
        return ()


async def test_the_winner_of_a_race_keeps_its_body_and_the_loser_is_broken_off(stage):
    _, slow = await stage.origin(page=Page(b"late", delay=60.0))
    _, fast = await stage.origin(page=Page(WORDS))
    edge = await stage.serve(Hedging(slow, fast))
    assert (await stage.ask(edge)).body == WORDS
    assert slow.in_flight == fast.in_flight == 0


async def test_a_stalled_reader_does_not_hold_up_those_who_share_its_body(stage):
    """A shared body is paced by its fastest reader while a copy is kept."""
    large = bytes(9_000_000)
    origin, at = await stage.origin(page=Page(large, KEPT, delay=0.05))
    edge = await stage.reverse(at, cache=stage.cache(collapse=True))
    reader, writer = await stage.get(edge)
    answers = await asyncio.gather(stage.ask(edge), stage.ask(edge))
    assert {len(answer.body) for answer in answers} == {len(large)}
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(len(large))
    writer.close()
    assert len(origin.requests) == 1


async def test_a_shared_body_too_large_to_keep_reaches_all_its_readers(stage):
    large = bytes(3_000_000)
    _, at = await stage.origin(page=Page(large, KEPT, delay=0.1))
    cache = stage.cache(collapse=True, max_object=100_000)
    edge = await stage.reverse(at, cache=cache)
    answers = await asyncio.gather(stage.ask(edge), stage.ask(edge), stage.ask(edge))
    assert {len(answer.body) for answer in answers} == {len(large)}
    assert len(cache) == 0
    await stage.until(lambda: at.in_flight == 0)


def test_a_deflated_stream_is_no_gzip():
    """The decoder above can tell: it refuses what is not in its coding."""
    with pytest.raises(OSError):
        gzip.decompress(zlib.compress(WORDS))
