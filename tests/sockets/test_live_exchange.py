"""One exchange after another: versions, bodies, trailers, half-closed clients, broken backends."""

from __future__ import annotations

import asyncio
import hashlib
import threading

import pytest

from proxysim.messages import Headers
from proxysim.sockets.limits import Limits
from proxysim.sockets.origin import Page
from tests.sockets.malformed import get, post

pytestmark = pytest.mark.live

WORDS = b"What a proxy does, it does for somebody. " * 100


def saying(answer, *, end=False):
    """A backend that says *answer* to every head."""

    async def say(reader, writer):
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
                if end:
                    break
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    return say


async def whole(stage, edge, data, *, end=False):
    reader, writer = await stage.connect(edge, data)
    if end:
        writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_client_of_1_0_gets_its_answer_and_the_end(stage):
    _, at = await stage.origin(page=Page(WORDS))
    edge = await stage.reverse(at)
    answer = await whole(stage, edge, get(line=b"GET /page HTTP/1.0"))
    assert answer.endswith(WORDS)
    assert b"connection: close" in answer


async def test_a_client_of_1_0_may_keep_its_connection(stage):
    _, at = await stage.origin(page=Page(b"page"))
    edge = await stage.reverse(at)
    kept = get(b"Connection: keep-alive", line=b"GET /page HTTP/1.0")
    answer = await whole(stage, edge, kept + get(line=b"GET /page HTTP/1.0"))
    assert answer.count(b"\r\n\r\npage") == 2
    assert answer.count(b"connection: keep-alive") == 1


async def test_to_a_client_of_1_0_a_body_of_unknown_length_ends_with_the_connection(stage):
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    raw = await stage.raw(saying(chunks + b"0\r\n\r\n"))
    edge = await stage.reverse(raw)
    kept = get(b"Connection: keep-alive", line=b"GET /page HTTP/1.0")
    assert (await whole(stage, edge, kept, end=True)).endswith(b"\r\n\r\nhello")


async def test_a_body_that_ends_with_its_connection_is_whole(stage):
    raw = await stage.raw(saying(b"HTTP/1.0 200 OK\r\n\r\nhello", end=True))
    edge = await stage.reverse(raw)
    assert (await stage.ask(edge)).body == b"hello"
    assert (await stage.ask(edge)).body == b"hello"


async def test_a_half_closed_client_still_gets_its_answer(stage):
    _, at = await stage.origin(page=Page(WORDS, delay=0.05))
    edge = await stage.reverse(at)
    assert (await whole(stage, edge, get() + get(), end=True)).count(WORDS) == 2


async def test_a_request_that_ends_in_the_middle_is_not_answered(stage):
    _, at = await stage.origin(page=Page(b"page"))
    edge = await stage.reverse(at)
    for half in (get()[:-5], post(b"Content-Length: 9", body=b"half")):
        assert await whole(stage, edge, half, end=True) == b""
    # What came whole before it is answered all the same.
    half = post(b"Content-Length: 9", body=b"half")
    assert (await whole(stage, edge, get() + half, end=True)).endswith(b"page")
    await stage.until(lambda: at.in_flight == 0)


async def test_trailers_reach_the_backend_and_a_client_that_takes_them(stage):
    heard = asyncio.get_running_loop().create_future()

    async def listen(reader, writer):
        data = b""
        while b"x-sum: 1\r\n" not in data:
            data += await reader.read(1000)
        heard.set_result(data)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n")
        await asyncio.sleep(0.02)
        writer.write(b"X-Sum: 2\r\nContent-Type: text/html\r\n\r\n")

    edge = await stage.reverse(await stage.raw(listen))
    head = post(b"Transfer-Encoding: chunked", b"TE: trailers", b"Connection: close, TE")
    reader, writer = await stage.connect(edge, head + b"5\r\nhello\r\n")
    await asyncio.sleep(0.02)
    writer.write(b"0\r\nX-Sum: 1\r\nHost: other.example\r\n\r\n")
    assert b"other.example" not in await heard
    answer = await reader.read()
    writer.close()
    assert answer.endswith(b"5\r\nhello\r\n0\r\nx-sum: 2\r\n\r\n")


async def test_what_no_head_may_pass_on_does_not_come_behind_a_body_either(stage):
    heard = asyncio.get_running_loop().create_future()
    answered = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: X-Inner\r\n\r\n"
    hidden = b"X-Inner: 1\r\nServer: apache\r\nVia: 1.1 inner\r\nX-Sum: 2\r\n\r\n"

    async def listen(reader, writer):
        heard.set_result(await reader.readuntil(b"x-sum: 1\r\n\r\n"))
        writer.write(answered + b"5\r\nhello\r\n0\r\n" + hidden)

    edge = await stage.reverse(await stage.raw(listen))
    head = post(b"Transfer-Encoding: chunked", b"TE: trailers", b"Connection: close, TE, X-Mine")
    forged = (b"X-Mine", b"X-Forwarded-For", b"Forwarded", b"X_Forwarded_For", b"Proxy", b"Via")
    lines = b"".join(name + b": forged\r\n" for name in forged)
    answer = await whole(stage, edge, head + b"5\r\nhello\r\n0\r\n" + lines + b"X-Sum: 1\r\n\r\n")
    assert (await heard).partition(b"\r\n0\r\n")[2] == b"x-sum: 1\r\n\r\n"
    assert answer.endswith(b"\r\n0\r\nx-sum: 2\r\n\r\n")


async def test_trailers_are_for_those_who_take_them(stage):
    said = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 2\r\n\r\n"
    )
    edge = await stage.reverse(await stage.raw(saying(said)))
    answer = await whole(stage, edge, get(b"Connection: close"))
    assert answer.endswith(b"\r\n5\r\nhello\r\n0\r\n\r\n")


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nServer: x\r\nConnection: y\r\nY: 1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HINTED = b"HTTP/1.1 100 Continue\r\n\r\n" + HINTS + OK


async def test_interim_answers_are_not_taken_for_the_answer(stage):
    edge = await stage.reverse(await stage.raw(saying(HINTED)))
    answer = await whole(stage, edge, get() + get(b"Connection: close"))
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"103", b"200"] * 2
    assert answer.count(b"\r\n\r\nok") == 2


@pytest.mark.parametrize(("count", "wanted"), [(100, 200), (101, 502)])
async def test_interim_answers_come_to_an_end(stage, count, wanted):
    said = b"HTTP/1.1 102 Processing\r\n\r\n" * count + OK
    edge = await stage.reverse(await stage.raw(saying(said)))
    answer = await whole(stage, edge, get(b"Connection: close"))
    assert answer.count(b"HTTP/1.1 102 ") == 100
    assert b"HTTP/1.1 %d " % wanted in answer


async def test_hints_are_passed_on_at_once_less_what_concerns_one_hop(stage):
    said = asyncio.Event()

    async def hint(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HINTED.removesuffix(OK))
        await said.wait()
        writer.write(OK)
        await reader.read()
        writer.close()

    edge = await stage.reverse(await stage.raw(hint))
    reader, writer = await stage.get(edge)
    told = await reader.readuntil(b"\r\n\r\n")
    assert told == b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n"
    said.set()
    assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()


@pytest.mark.parametrize("collapse", [False, True])
async def test_who_cannot_understand_hints_or_shares_a_fetch_gets_none(stage, collapse):
    edge = await stage.reverse(
        await stage.raw(saying(HINTED)), cache=stage.cache(collapse=collapse)
    )
    line = b"GET /page HTTP/1.1" if collapse else b"GET /page HTTP/1.0"
    answer = await whole(stage, edge, get(b"Connection: close", line=line))
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    ],
)
async def test_an_answer_that_is_in_doubt_is_502(stage, answer):
    edge = await stage.reverse(await stage.raw(saying(answer)))
    assert (await stage.ask(edge)).status == 502
    assert edge.proxy.in_flight() == 0


async def test_what_follows_an_answer_is_never_taken_for_the_next(stage):
    """Neither at once nor later, when the connection rests."""
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    edge = await stage.reverse(await stage.raw(saying(first + forged)))
    assert (await stage.ask(edge, count=3)).body == b"ok"
    assert edge.driver.upstreams.opened == 3

    async def late(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(first)
        await asyncio.sleep(0.02)
        if not writer.is_closing():
            writer.write(forged)
        await reader.read()
        writer.close()

    edge = await stage.reverse(await stage.raw(late))
    assert (await stage.ask(edge)).body == b"ok"
    await stage.until(lambda: not edge.driver.upstreams.in_use)
    assert (await stage.ask(edge)).body == b"ok"


async def test_head_leaves_the_connection_to_the_backend_in_step(stage):
    async def converse(reader, writer):
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
            writer.write(b"" if head.startswith(b"HEAD") else b"hello")
        writer.close()

    edge = await stage.reverse(await stage.raw(converse))
    for _ in range(3):
        head = await stage.ask(edge, method="HEAD")
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "5")
        assert (await stage.ask(edge)).body == b"hello"
    assert edge.driver.upstreams.opened == 1


async def test_bodies_pass_in_bounded_memory(stage):
    """20 MB up and down: what is held for a reader who is slow stays small."""
    received = hashlib.sha256()

    async def echo_size(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        left = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while left:
            data = await reader.read(65536)
            received.update(data)
            left -= len(data)
            await asyncio.sleep(0)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.read()
        writer.close()

    edge = await stage.reverse(await stage.raw(echo_size))
    body = bytes(range(256)) * 80_000
    reader, writer = await stage.connect(edge, post(b"Content-Length: %d" % len(body)))
    most = 0
    for at in range(0, len(body), 1 << 20):
        writer.write(body[at : at + (1 << 20)])
        await writer.drain()
        most = max(most, *(client.held for client in edge.clients.values()))
    assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
    writer.close()
    assert received.digest() == hashlib.sha256(body).digest()
    assert most < 1 << 20


async def test_an_answer_may_come_before_the_request_is_whole(stage):
    """It is passed on; the connection to the backend, whose state is in doubt, is not kept."""

    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        await reader.read()
        writer.close()

    edge = await stage.reverse(await stage.raw(refuse))
    reader, writer = await stage.connect(edge, post(b"Content-Length: 100000", body=b"some"))
    assert (await reader.readuntil(b"no")).startswith(b"HTTP/1.1 413")
    writer.write(bytes(99996) + get(b"Connection: close"))
    assert (await reader.read()).startswith(b"HTTP/1.1 413")
    writer.close()
    assert edge.driver.upstreams.opened == 2


async def test_the_target_outranks_host_towards_the_origin(stage):
    origin, at = await stage.origin(page=Page(b"news"))
    gateway = await stage.forward({"news.example": at})
    line = b"GET http://news.example/page HTTP/1.1"
    asked = get(b"Host: other.example", b"Connection: close", line=line, host=False)
    assert (await whole(stage, gateway, asked)).endswith(b"news")
    assert origin.requests[0].headers.all("host") == ["news.example"]


async def test_a_forward_proxy_wants_whole_addresses_and_a_reverse_proxy_takes_them(stage):
    _, at = await stage.origin(page=Page(b"page"))
    gateway = await stage.forward({"shop.example": at})
    assert (await whole(stage, gateway, get())).startswith(b"HTTP/1.1 400")
    edge = await stage.reverse(at)
    absolute = get(b"Connection: close", line=b"GET http://shop.example/page HTTP/1.1")
    assert (await whole(stage, edge, absolute)).startswith(b"HTTP/1.1 200")


async def test_tunnels_are_counted_and_bounded(stage):
    async def greet(reader, writer):
        writer.write(b"welcome")
        await reader.read()
        writer.close()

    gateway = await stage.forward({"bank.example": await stage.raw(greet)})
    gateway.bound(Limits(tunnels=1, idle=1.0))
    ask = b"CONNECT bank.example:443 HTTP/1.1\r\nHost: bank.example:443\r\n\r\n"
    reader, writer = await stage.connect(gateway, ask)
    await reader.readuntil(b"welcome")
    assert await reader.read() == b""  # nobody says anything, and that for too long
    writer.close()
    await stage.until(lambda: gateway.tunnels == 0)
    gateway.bound(Limits(tunnels=1))
    reader, writer = await stage.connect(gateway, ask)
    await reader.readuntil(b"welcome")
    assert (await whole(stage, gateway, ask)).startswith(b"HTTP/1.1 503")
    writer.close()
    await stage.until(lambda: gateway.tunnels == 0)


async def test_a_long_body_is_coded_off_the_loop_and_whole(stage):
    import gzip

    from proxysim.policies.compression import Compression

    long = WORDS * 200
    _, at = await stage.origin(page=Page(long, Headers([("content-type", "text/plain")])))
    edge = await stage.reverse(at, compression=Compression(("gzip",)))
    answer = await stage.ask(edge, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(answer.body) == long
    assert any(thread.name.startswith("proxysim-coding") for thread in threading.enumerate())
