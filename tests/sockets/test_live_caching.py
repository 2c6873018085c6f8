"""Caching on real sockets: what the tests by hand say of the proxy holds of its bytes too."""

from __future__ import annotations

import time

import pytest

from proxysim.messages import Headers
from proxysim.policies.compression import Compression
from proxysim.sockets.origin import Page

pytestmark = pytest.mark.live

KEPT = Headers([("cache-control", "max-age=60"), ("content-type", "text/plain"), ("etag", '"1"')])
WORDS = bytes(range(256)) * 1000


@pytest.mark.parametrize(
    ("wanted", "status", "part", "where"),
    [
        ("bytes=0-0", 206, slice(0, 1), "bytes 0-0/256000"),
        ("bytes=100000-199999", 206, slice(100_000, 200_000), "bytes 100000-199999/256000"),
        ("bytes=-5", 206, slice(-5, None), "bytes 255995-255999/256000"),
        ("bytes=256000-", 416, slice(0, 0), "bytes */256000"),
        ("bytes=1-2,5-6", 200, slice(None), None),
    ],
)
async def test_a_part_is_cut_from_what_is_stored(stage, wanted, status, part, where):
    origin, at = await stage.origin(page=Page(WORDS, KEPT))
    edge = await stage.reverse(at, cache=stage.cache())
    await stage.ask(edge)
    answer = await stage.ask(edge, headers={"Range": wanted}, count=2)
    assert (answer.status, answer.body) == (status, WORDS[part])
    assert answer.headers.get("content-range") == where
    assert len(origin.requests) == 1


async def test_a_client_that_has_it_is_told_so(stage):
    origin, at = await stage.origin(page=Page(WORDS, KEPT))
    edge = await stage.reverse(at, cache=stage.cache())
    await stage.ask(edge)
    answer = await stage.ask(edge, headers={"If-None-Match": '"0", W/"1"'}, count=2)
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", '"1"')
    assert len(origin.requests) == 1


async def test_variants_are_told_apart(stage):
    varied = Headers([*KEPT.pairs, ("vary", "Accept-Language, User-Agent")])
    origin, at = await stage.origin(page=Page(WORDS, varied))
    edge = await stage.reverse(at, cache=stage.cache())
    for language in ("en, de", "fr", "DE,en", "fr"):
        await stage.ask(edge, headers={"Accept-Language": language})
    assert [request.headers.get("accept-language") for request in origin.requests] == [
        "en, de",
        "fr",
    ]


async def test_a_stale_answer_stands_in_for_an_origin_that_is_gone(stage):
    brief = Headers([("cache-control", "max-age=0, stale-if-error=60")])
    broken = []

    async def once(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        if not broken:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n")
            writer.write(f"Cache-Control: {brief.get('cache-control')}\r\n\r\nok".encode())
            broken.append(True)
        writer.close()

    edge = await stage.reverse(await stage.raw(once), cache=stage.cache())
    first, second = await stage.ask(edge), await stage.ask(edge)
    assert (first.status, first.body) == (second.status, second.body) == (200, b"ok")


async def test_dates_are_held_against_the_clock(stage):
    old = Headers([("cache-control", "max-age=60"), ("date", "Sun, 06 Nov 1994 08:49:37 GMT")])
    origin, at = await stage.origin(page=Page(b"old", old))
    epoch = time.time() - time.monotonic()
    for given, asked in ((None, 1), (epoch, 3)):
        edge = await stage.reverse(at, cache=stage.cache(epoch=given))
        await stage.ask(edge, count=2)
        assert len(origin.requests) == asked


async def test_what_is_coded_here_is_coded_once(stage):
    words = b"What a proxy does, it does for somebody. " * 2000
    origin, at = await stage.origin(page=Page(words, KEPT))
    edge = await stage.reverse(at, cache=stage.cache(), compression=Compression(("br", "gzip")))
    tags = set()
    for coding in ("gzip", "br", "gzip", "br"):
        answer = await stage.ask(edge, headers={"Accept-Encoding": coding})
        assert answer.headers["content-encoding"] == coding
        tags.add(answer.headers["etag"])
    assert len(origin.requests) == 2
    assert '"1"' not in tags
