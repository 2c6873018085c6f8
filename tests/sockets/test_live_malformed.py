"""What two readers might take differently is refused, or passed on so that they cannot."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import h11
import pytest

from proxysim.sockets.limits import DEFAULT_LIMITS, Limits
from proxysim.sockets.origin import Page
from tests.sockets.malformed import CASES, CLEAN, SMUGGLED, chunked, get, post

pytestmark = pytest.mark.live

OF_ONE_HOP = {
    b"connection", b"keep-alive", b"proxy", b"proxy-connection", b"te", b"upgrade", b"x-own",
}  # fmt: skip


class Recorder:
    """An origin that keeps what it is sent, by a reader of its own (h11): all bytes, all requests.

    Each request is answered with its path.
    """

    def __init__(self) -> None:
        self.raw = b""
        self.requests: list[tuple[h11.Request, bytes]] = []
        self.broken = 0
        self.misread: list[tuple[str, bytes]] = []

    async def __call__(self, reader, writer):
        http = h11.Connection(h11.SERVER)
        request, body = None, b""
        try:
            while True:
                event = http.next_event()
                if event is h11.NEED_DATA:
                    data = await reader.read(65536)
                    self.raw += data
                    http.receive_data(data)
                elif isinstance(event, h11.Request):
                    request, body = event, b""
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    self.requests.append((request, body))
                    answer = request.target
                    length = [("content-length", str(len(answer)))]
                    head = b"" if request.method == b"HEAD" else answer
                    writer.write(http.send(h11.Response(status_code=200, headers=length)))
                    writer.write(http.send(h11.Data(head)) + http.send(h11.EndOfMessage()))
                    if http.our_state is not h11.DONE:
                        break
                    http.start_next_cycle()
                else:
                    break
        except (h11.ProtocolError, ConnectionError) as error:
            self.broken += 1
            if "without sending complete message body" not in str(error) and not isinstance(
                error, ConnectionError
            ):
                self.misread.append((str(error), self.raw[-300:]))
        finally:
            writer.close()


async def behind(stage):
    recorder = Recorder()
    return recorder, await stage.reverse(await stage.raw(recorder))


async def exchange(stage, edge, data, *, end=True, pieces=False):
    """All that comes back for *data*, byte by byte where so wanted."""
    reader, writer = await stage.connect(edge)
    if pieces:
        for at in range(len(data)):
            writer.write(data[at : at + 1])
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    else:
        writer.write(data)
    if end:
        writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("pieces", [False, True], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("name", CASES)
async def test_it_is_refused_or_forwarded_clean(stage, name, pieces):
    data, wanted = CASES[name]
    recorder, edge = await behind(stage)
    answer = await exchange(stage, edge, data, end=wanted == CLEAN, pieces=pieces)
    assert b"smuggled" not in recorder.raw
    if wanted != CLEAN:
        assert int(answer.split()[1]) == wanted
        assert b"\nHTTP/1.1 " not in answer
        assert b"connection: close" in answer
        assert recorder.requests == []
        return
    assert answer.startswith(b"HTTP/1.1 200")
    assert recorder.broken == 0
    [(request, body)] = recorder.requests
    names = [found for found, _ in request.headers]
    assert request.target == b"/page"
    assert body == (b"" if request.method == b"GET" else b"hello")
    assert names.count(b"host") == 1
    assert dict(request.headers)[b"host"] == b"shop.example"
    assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
    assert not OF_ONE_HOP.intersection(names)
    assert b"192.0.2.66" not in recorder.raw


def test_the_corpus_is_large_enough():
    assert len(CASES) >= 60


async def test_a_bad_chunk_never_reaches_a_backend_as_a_whole_request(stage):
    """Its head and first chunk have gone when the second proves bad: the connection is reset."""
    recorder, edge = await behind(stage)
    reader, writer = await stage.connect(edge)
    writer.write(chunked(b"5\r\nhello\r\n"))
    await stage.until(lambda: recorder.raw.endswith(b"hello\r\n"))
    writer.write(b"zz\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    await stage.until(lambda: recorder.broken)
    assert recorder.requests == []
    assert edge.proxy.in_flight() == 0
    writer.close()


async def test_what_comes_whole_before_rubbish_is_answered_before_the_refusal(stage):
    recorder, edge = await behind(stage)
    answer = await exchange(stage, edge, get() + b"rubbish\r\n\r\n" + SMUGGLED, end=False)
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400"]
    assert len(recorder.requests) == 1


@pytest.mark.parametrize("bad", [b"rubbish\r\n\r\n", get(b"Host: other.example")])
async def test_nothing_is_read_after_what_is_refused(stage, bad):
    """However long an answer that comes before the refusal takes."""
    _, slow = await stage.origin(page=Page(b"page", delay=0.1))
    edge = await stage.reverse(slow)
    reader, writer = await stage.connect(edge, get() + bad)
    for _ in range(5):
        await asyncio.sleep(0.01)
        writer.write(SMUGGLED)
    answer = await reader.read()
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400"]
    writer.close()


async def test_pipelined_requests_are_answered_in_order(stage):
    recorder, edge = await behind(stage)
    asked = b"".join(get(line=b"GET /%d HTTP/1.1" % n) for n in range(50))
    answer = await exchange(stage, edge, asked)
    assert [part.rpartition(b"\r\n")[2] for part in answer.split(b"HTTP/1.1 200")[1:]] == [
        b"/%d" % n for n in range(50)
    ]
    assert len(recorder.requests) == 50


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (get(b"X: " + b"a" * 5000), 431),
        (get(b"X: " + b"a" * 200_000), 431),
        (get(*[b"X-%d: 1" % n for n in range(30)]), 431),
        (get(line=b"GET /" + b"a" * 3000 + b" HTTP/1.1"), 414),
        (post(b"Content-Length: 20000"), 413),
        (chunked(b"%x\r\n" % 20000 + bytes(20000) + b"\r\n0\r\n\r\n"), 413),
        (post(b"Content-Length: 5", body=b"hel"), 408),
        (chunked(b"5\r\nhel"), 408),
        (b"GET /page HTTP/1.1\r\nHo", 408),
    ],
    ids=[
        "long field",
        "very long field",
        "many fields",
        "long target",
        "long body",
        "long chunks",
        "slow body",
        "slow chunk",
        "slow head",
    ],
)
async def test_what_breaks_a_limit_is_refused(stage, data, wanted):
    sizes = {"target": 2000, "header_bytes": 4000, "headers": 20, "body": 10000}
    times = {"header_time": 0.1, "stall": 0.1} if wanted == 408 else {}
    recorder = Recorder()
    edge = await stage.reverse(await stage.raw(recorder), limits=Limits(**sizes, **times))
    answer = await exchange(stage, edge, data, end=False)
    edge.bound(DEFAULT_LIMITS)  # whoever asks next is not slow by this measure
    assert int(answer.split()[1]) == wanted
    assert recorder.requests == []
    assert b"proxysim" not in answer
    assert (await stage.ask(edge)).status == 200


async def test_a_connection_that_says_nothing_is_closed(stage):
    """At once or after an answer; which of the two it is, different limits say."""
    edge = await stage.reverse(await stage.nobody(), limits=Limits(header_time=0.05))
    reader, writer = await stage.connect(edge)
    assert await reader.read() == b""
    writer.close()
    edge = await stage.reverse(await stage.nobody(), limits=Limits(idle=0.05))
    reader, writer = await stage.get(edge)
    assert (await reader.read()).startswith(b"HTTP/1.1 502")
    writer.close()


async def test_empty_lines_are_no_sign_of_life(stage):
    """Else a connection could be held for ever by a client that never asks for anything."""
    edge = await stage.reverse(await stage.nobody(), limits=Limits(idle=0.2))
    reader, writer = await stage.get(edge)
    with suppress(ConnectionError):  # a line may come when it has just been closed
        while not reader.at_eof():
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await reader.read(1000)
            writer.write(b"\r\n")
    writer.close()


async def test_a_body_of_no_bytes_says_so(stage):
    """Some servers take no POST otherwise (411)."""
    recorder, edge = await behind(stage)
    for empty in (chunked(b"0\r\n\r\n"), post(b"Content-Length: 0")):
        await exchange(stage, edge, empty)
    await exchange(stage, edge, get())
    lengths = [dict(request.headers).get(b"content-length") for request, _ in recorder.requests]
    assert lengths == [b"0", b"0", None]


async def test_one_address_may_not_have_all_connections(stage):
    edge = await stage.reverse(await stage.nobody(), limits=Limits(connections=2))
    kept = [await stage.connect(edge) for _ in range(2)]
    reader, writer = await stage.connect(edge)
    assert (await reader.read()).startswith(b"HTTP/1.1 429")
    more = [await stage.connect(edge) for _ in range(2)]
    with pytest.raises(ConnectionError):  # one that goes on and on is not even answered
        await more[1][0].read()
    for _, told in [(reader, writer), *more]:
        told.close()
    await stage.until(lambda: len(edge.clients) == 2)
    kept[0][1].close()
    await stage.until(lambda: len(edge.clients) == 1)
    assert (await stage.ask(edge)).status == 502
    kept[1][1].close()
