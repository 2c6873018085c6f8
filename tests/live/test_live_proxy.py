"""The same proxies on real sockets of the loopback, asked by the standard library's own client."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import zlib
from contextlib import AsyncExitStack
from pathlib import Path

import brotli
import pytest
import zstandard

from proxysim.errors import ScenarioError
from proxysim.live.origin import Origin, Page
from proxysim.live.serve import serve
from proxysim.live.upstream import Upstreams
from proxysim.messages import Headers
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.compression import Compression
from proxysim.policies.eviction.lru import Lru
from proxysim.policies.filters import build_filters
from proxysim.policies.identity import Anonymous, ReverseIdentity
from proxysim.policies.retry import Retry
from proxysim.proxies.cache import Cache
from proxysim.proxies.effects import Deadlines, Fetch, Opening, Race, Send
from proxysim.proxies.forward import ForwardProxy
from proxysim.proxies.proxy import Lease
from proxysim.proxies.reverse import ReverseProxy

pytestmark = pytest.mark.live

TEXT = ("content-type", "text/plain")
KEPT = Headers([("cache-control", "max-age=60"), TEXT])
WORDS = b"What a proxy does, it does for somebody. " * 2000


class Stage:
    """Servers that stop together; nothing of them may be left."""

    def __init__(self) -> None:
        self.stack = AsyncExitStack()
        self.mistakes: list[dict] = []

    async def serve(self, proxy, upstreams=None):
        return await self.stack.enter_async_context(await serve(proxy, upstreams=upstreams))

    async def origin(self, **pages):
        """An origin with *pages*, by their paths less the slash, and its backend."""
        origin = Origin({f"/{path}": page for path, page in pages.items()})
        server = await self.serve(origin)
        return origin, Backend(f"origin-{server.port}", server.host, server.port)

    async def reverse(self, *servers, **options):
        clock = asyncio.get_running_loop().time
        return await self.serve(
            ReverseProxy("edge", clock, ReverseIdentity(), RoundRobin(), servers, **options)
        )

    async def forward(self, names=None, **options):
        clock = asyncio.get_running_loop().time
        proxy = ForwardProxy("gateway", clock, Anonymous(), **options)
        return await self.serve(proxy, Upstreams(names))

    def cache(self, **options):
        return Cache(Lru(10_000_000), asyncio.get_running_loop().time, **options)


def sockets():
    """How many sockets this process has open, where the system tells."""
    descriptors = Path("/proc/self/fd")
    found = 0
    for descriptor in descriptors.iterdir() if descriptors.exists() else ():
        try:
            found += descriptor.readlink().name.startswith("socket:")
        except FileNotFoundError:  # the one that listed the others
            pass
    return found


def live(play):
    """Run the coroutine *play* with a stage, of which no task, socket or mistake may be left."""

    def test():
        async def whole():
            stage, before = Stage(), sockets()
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, context: stage.mistakes.append(context))
            try:
                async with asyncio.timeout(5):
                    await play(stage)
            finally:
                await stage.stack.aclose()
            await asyncio.sleep(0)
            assert stage.mistakes == []
            assert sockets() == before
            assert asyncio.all_tasks() == {asyncio.current_task()}

        asyncio.run(whole())

    test.__name__ = play.__name__
    return test


class Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = {name.lower(): text for name, text in answer.getheaders()}
        self.body = answer.read()


def exchange(connection, path, method="GET", body=None, headers=None, **options):
    connection.request(method, path, body=body, headers=headers or {}, **options)
    return Answer(connection.getresponse())


async def ask(server, path="/page", **options):
    """One request on a connection of its own."""

    def blocking():
        connection = http.client.HTTPConnection(server.host, server.port, timeout=4)
        try:
            return exchange(connection, path, **options)
        finally:
            connection.close()

    return await asyncio.to_thread(blocking)


async def until(condition):
    """Let the loop turn until *condition* holds; the stage's deadline bounds it."""
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.001)


async def dead_backend():
    """A backend on whose port nobody listens."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    server.close()
    await server.wait_closed()
    return Backend("dead", host, port)


# The reverse proxy.


@live
async def test_round_robin_over_two_origins(stage):
    one, at_one = await stage.origin(page=Page(b"one"))
    _, at_two = await stage.origin(page=Page(b"two"))
    edge = await stage.reverse(at_one, at_two)
    answers = [await ask(edge) for _ in range(4)]
    assert [answer.body for answer in answers] == [b"one", b"two", b"one", b"two"]
    assert {answer.status for answer in answers} == {200}
    assert one.requests[0].headers.get("x-forwarded-for") == "127.0.0.1"
    assert at_one.in_flight == at_two.in_flight == 0


@live
async def test_a_second_request_is_answered_from_the_cache(stage):
    origin, at = await stage.origin(page=Page(WORDS, KEPT))
    edge = await stage.reverse(at, cache=stage.cache())
    first, second = await ask(edge), await ask(edge)
    assert first.body == second.body == WORDS
    assert "age" not in first.headers
    assert second.headers["age"] == "0"
    assert len(origin.requests) == 1


@pytest.mark.parametrize(
    ("coding", "decode"),
    [
        ("gzip", gzip.decompress),
        ("br", brotli.decompress),
        ("zstd", lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
    ],
)
def test_a_coded_answer_is_the_original(coding, decode):
    """Also when it comes from the cache, which keeps the coded form."""

    async def play(stage):
        origin, at = await stage.origin(page=Page(WORDS, KEPT))
        edge = await stage.reverse(
            at, cache=stage.cache(), compression=Compression(("zstd", "br", "gzip"))
        )
        for _ in range(2):
            answer = await ask(edge, headers={"Accept-Encoding": coding})
            assert answer.headers["content-encoding"] == coding
            assert len(answer.body) < len(WORDS) / 10
            assert decode(answer.body) == WORDS
        assert len(origin.requests) == 1
        assert (await ask(edge)).body == WORDS

    live(play)()


@live
async def test_a_dead_backend_is_502_and_with_retry_the_living_answers(stage):
    _, living = await stage.origin(page=Page(b"alive"))
    dead = await dead_backend()
    assert (await ask(await stage.reverse(dead))).status == 502
    retrying = await stage.reverse(dead, living, retry=Retry(attempts=2))
    assert [(await ask(retrying)).body for _ in range(2)] == [b"alive", b"alive"]
    assert dead.in_flight == living.in_flight == 0


@live
async def test_a_backend_that_is_too_slow_is_504(stage):
    _, slow = await stage.origin(page=Page(b"late", delay=60.0))
    edge = await stage.reverse(slow, deadlines=Deadlines(first_byte=0.05))
    assert (await ask(edge)).status == 504
    assert slow.in_flight == 0


@live
async def test_a_backend_that_breaks_off_before_its_head_is_502(stage):
    async def hang_up(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    rude = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with rude:
        edge = await stage.reverse(Backend("rude", *rude.sockets[0].getsockname()))
        assert (await ask(edge)).status == 502


@live
async def test_an_answer_that_breaks_off_is_neither_whole_nor_stored(stage):
    async def half(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 9\r\n\r\nhalf"
        )
        await writer.drain()
        writer.close()

    rude = await asyncio.start_server(half, "127.0.0.1", 0)
    async with rude:
        cache = stage.cache()
        edge = await stage.reverse(Backend("rude", *rude.sockets[0].getsockname()), cache=cache)
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            await ask(edge)
        assert len(cache) == 0


@live
async def test_a_request_body_reaches_the_backend(stage):
    """With a length and in chunks; the answer echoes it."""

    async def echo(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" in head:
            body = b""
            while size := int(await reader.readline(), 16):
                body += await reader.readexactly(size)
                await reader.readline()
        else:
            size = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await reader.readexactly(size)
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + body)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        at = Backend("echo", *server.sockets[0].getsockname())
        edge = await stage.reverse(at)
        sent = await ask(edge, method="POST", body=WORDS)
        assert sent.body == WORDS
        chunks = [WORDS[:1000], WORDS[1000:5000]]
        chunked = await ask(
            edge,
            method="POST",
            body=iter(chunks),
            encode_chunked=True,
            headers={"Transfer-Encoding": "chunked"},
        )
        assert chunked.body == WORDS[:5000]
        assert at.in_flight == 0


@live
async def test_a_request_body_that_nobody_read_does_not_end_the_connection(stage):
    """A client that asked leave to send it, and was not given it, starts afresh."""
    gateway = await stage.forward(filters=build_filters([{"deny": {"method": "POST"}}]))
    reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
    head = b"POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n"
    for _ in range(2):
        writer.write(head + b"\r\nunwelcome")
        answer = await reader.readuntil(b"</html>\n")
        assert answer.startswith(b"HTTP/1.1 403")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proxysim.live.http.LINGER_SECONDS", 60.0)
        writer.write(head + b"Expect: 100-continue\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 403")
    writer.close()


@live
async def test_a_client_that_asks_leave_to_send_is_given_it(stage):
    _, at = await stage.origin(page=Page(b"thanks"))
    edge = await stage.reverse(at)
    reader, writer = await asyncio.open_connection(edge.host, edge.port)
    writer.write(
        b"POST /page HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 7\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    writer.write(b"welcome")
    assert (await reader.readuntil(b"thanks")).startswith(b"HTTP/1.1 200")
    writer.close()


@live
async def test_head_and_304_carry_no_body(stage):
    tagged = KEPT.add("etag", '"v1"')
    origin, at = await stage.origin(page=Page(WORDS, tagged))
    edge = await stage.reverse(at, cache=stage.cache())
    await ask(edge)
    head = await ask(edge, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    unchanged = await ask(edge, headers={"If-None-Match": '"v1"'})
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert len(origin.requests) == 1


@live
async def test_connections_are_kept_and_used_again(stage):
    _, at = await stage.origin(page=Page(b"page"))
    edge = await stage.reverse(at)

    def ten_on_one_connection():
        connection = http.client.HTTPConnection(edge.host, edge.port, timeout=4)
        exchange(connection, "/page")
        socket = connection.sock
        answers = [exchange(connection, "/page") for _ in range(9)]
        assert connection.sock is socket is not None
        connection.close()
        return answers

    answers = await asyncio.to_thread(ten_on_one_connection)
    assert {answer.body for answer in answers} == {b"page"}
    assert edge.driver.upstreams.opened == 1


@live
async def test_a_backend_that_closes_a_kept_connection_is_connected_to_again(stage):
    async def once(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    async with server:
        edge = await stage.reverse(Backend("once", *server.sockets[0].getsockname()))
        for _ in range(3):
            assert (await ask(edge)).status == 200
            await asyncio.sleep(0.01)
        assert edge.driver.upstreams.opened == 3


@live
async def test_concurrent_misses_make_one_request_to_the_origin(stage):
    origin, at = await stage.origin(page=Page(WORDS, KEPT, delay=0.1))
    edge = await stage.reverse(at, cache=stage.cache(collapse=True))
    answers = await asyncio.gather(*(ask(edge) for _ in range(8)))
    assert {answer.body for answer in answers} == {WORDS}
    assert len(origin.requests) == 1
    assert (await ask(edge)).headers["age"] == "0"
    assert at.in_flight == 0


@live
async def test_concurrent_misses_of_what_is_private_each_get_their_own(stage):
    private = Headers([("cache-control", "private")])
    origin, at = await stage.origin(page=Page(WORDS, private, delay=0.1))
    edge = await stage.reverse(at, cache=stage.cache(collapse=True))
    answers = await asyncio.gather(*(ask(edge) for _ in range(4)))
    assert {answer.body for answer in answers} == {WORDS}
    assert len(origin.requests) == 4
    await until(lambda: at.in_flight == 0)


@live
async def test_stale_while_revalidate_refreshes_beside(stage):
    stale = Headers([("cache-control", "max-age=0, stale-while-revalidate=60")])
    origin, at = await stage.origin(page=Page(b"old", stale))
    edge = await stage.reverse(at, cache=stage.cache())
    assert (await ask(edge)).body == b"old"
    origin.pages["/page"] = Page(b"new", KEPT)
    assert (await ask(edge)).body == b"old"
    await until(lambda: len(origin.requests) == 2 and at.in_flight == 0)
    assert (await ask(edge)).body == b"new"
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
        with Lease(backend):
            return (yield Fetch(backend, request))

    def residents(self):
        return ()


@live
async def test_the_winner_of_a_race_keeps_its_body_and_the_loser_is_broken_off(stage):
    _, slow = await stage.origin(page=Page(b"late", delay=60.0))
    _, fast = await stage.origin(page=Page(WORDS))
    edge = await stage.serve(Hedging(slow, fast))
    assert (await ask(edge)).body == WORDS
    assert slow.in_flight == fast.in_flight == 0


# Clients that leave.


async def hello(server, path="/page"):
    reader, writer = await asyncio.open_connection(server.host, server.port)
    host = f"{server.host}:{server.port}"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return reader, writer


@live
async def test_a_client_that_leaves_while_it_waits_frees_the_backend(stage):
    _, slow = await stage.origin(page=Page(b"late", delay=60.0))
    edge = await stage.reverse(slow)
    _, writer = await hello(edge)
    await until(lambda: slow.in_flight == 1)
    writer.close()
    await until(lambda: slow.in_flight == 0)


@live
async def test_a_client_that_leaves_in_the_middle_of_a_body_frees_the_backend(stage):
    """It does not read, so back-pressure holds the server up; then it goes, and both know."""
    broken_off = asyncio.Event()

    async def pour(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\n\r\n")
        try:
            while True:
                writer.write(bytes(100_000))
                await writer.drain()
        except ConnectionError:
            broken_off.set()

    server = await asyncio.start_server(pour, "127.0.0.1", 0)
    async with server:
        at, cache = Backend("pour", *server.sockets[0].getsockname()), stage.cache()
        edge = await stage.reverse(at, cache=cache)
        reader, writer = await hello(edge)
        await reader.readexactly(1000)
        assert at.in_flight == 1
        writer.transport.abort()
        await broken_off.wait()
        assert at.in_flight == 0
        assert len(cache) == 0


@live
async def test_the_last_of_those_who_share_a_fetch_ends_it(stage):
    origin, slow = await stage.origin(page=Page(b"late", KEPT, delay=60.0))
    edge = await stage.reverse(slow, cache=stage.cache(collapse=True))
    writers = [(await hello(edge))[1] for _ in range(3)]
    await until(lambda: slow.in_flight == 1)
    for writer in writers[:2]:
        writer.close()
    await asyncio.sleep(0.05)
    assert slow.in_flight == 1
    writers[2].close()
    await until(lambda: slow.in_flight == 0)
    assert len(origin.requests) == 1


@live
async def test_a_stalled_reader_does_not_hold_up_those_who_share_its_body(stage):
    """A shared body is paced by its fastest reader while a copy is kept."""
    large = bytes(9_000_000)
    origin, at = await stage.origin(page=Page(large, KEPT, delay=0.05))
    edge = await stage.reverse(at, cache=stage.cache(collapse=True))
    reader, writer = await hello(edge)
    answers = await asyncio.gather(ask(edge), ask(edge))
    assert {len(answer.body) for answer in answers} == {len(large)}
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(len(large))
    writer.close()
    assert len(origin.requests) == 1


@live
async def test_a_shared_body_too_large_to_keep_reaches_all_its_readers(stage):
    large = bytes(3_000_000)
    _, at = await stage.origin(page=Page(large, KEPT, delay=0.1))
    cache = stage.cache(collapse=True, max_object=100_000)
    edge = await stage.reverse(at, cache=cache)
    answers = await asyncio.gather(ask(edge), ask(edge), ask(edge))
    assert {len(answer.body) for answer in answers} == {len(large)}
    assert len(cache) == 0
    await until(lambda: at.in_flight == 0)


# The forward proxy.


@live
async def test_a_forward_proxy_takes_absolute_targets_and_resolves_names(stage):
    origin, at = await stage.origin(page=Page(b"news"))
    gateway = await stage.forward({"news.example": (at.host, at.port)})
    assert (await ask(gateway, "http://news.example/page?today")).body == b"news"
    seen = origin.requests[0]
    assert (seen.host, seen.path) == ("news.example", "/page?today")
    assert "x-forwarded-for" not in seen.headers
    assert (await ask(gateway, "http://nowhere.example/")).status == 502


@live
async def test_a_forward_proxy_blocks_what_its_filters_deny(stage):
    rules = build_filters([{"deny": {"domain": "casino.example"}, "because": "gambling"}])
    gateway = await stage.forward(filters=rules)
    answer = await ask(gateway, "http://casino.example/")
    assert answer.status == 403
    assert b"gambling" in answer.body


@live
async def test_a_tunnel_carries_bytes_both_ways(stage):
    async def echo(reader, writer):
        while data := await reader.read(1000):
            writer.write(data)
        writer.write(b" goodbye")
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        address = server.sockets[0].getsockname()
        gateway = await stage.forward({"bank.example": address})
        reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
        writer.write(b"CONNECT bank.example:443 HTTP/1.1\r\nHost: bank.example:443\r\n\r\nearly ")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.write(b"and late")
        assert await reader.readexactly(14) == b"early and late"
        writer.write_eof()  # half closed: what is still under way comes back
        assert await reader.read() == b" goodbye"
        await until(lambda: gateway.proxy.in_flight() == 0)
        writer.close()


@live
async def test_a_tunnel_through_a_parent(stage):
    async def greet(reader, writer):
        writer.write(b"welcome")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        names = {"bank.example": server.sockets[0].getsockname()}
        parent = await stage.forward(names)
        child = await stage.forward(parent=Backend("parent", parent.host, parent.port))
        reader, writer = await asyncio.open_connection(child.host, child.port)
        writer.write(b"CONNECT bank.example:443 HTTP/1.1\r\nHost: bank.example:443\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert await reader.read() == b"welcome"
        writer.close()


@live
async def test_a_parent_is_told_the_whole_target_and_may_speak_at_once(stage):
    told = []

    async def play_parent(reader, writer):
        told.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nat once")
        writer.close()

    server = await asyncio.start_server(play_parent, "127.0.0.1", 0)
    async with server:
        child = await stage.serve(
            ForwardProxy(
                "child",
                asyncio.get_running_loop().time,
                Anonymous(),
                parent=Backend("parent", *server.sockets[0].getsockname()),
            ),
            Upstreams(proxies=["parent"]),
        )
        assert (await ask(child, "http://news.example/page")).body == b"at once"
        reader, writer = await asyncio.open_connection(child.host, child.port)
        writer.write(b"CONNECT bank.example:443 HTTP/1.1\r\nHost: bank.example:443\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\nat once")
        writer.close()
    assert told == [
        b"GET http://news.example/page HTTP/1.1",
        b"CONNECT bank.example:443 HTTP/1.1",
    ]


@live
async def test_a_tunnel_to_nobody_is_502(stage):
    dead = await dead_backend()
    gateway = await stage.forward({"bank.example": (dead.host, dead.port)})
    reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
    writer.write(b"CONNECT bank.example:443 HTTP/1.1\r\nHost: bank.example:443\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 502")
    writer.close()


# The wire.


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x00\x01\x02 nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"CONNECT a.example HTTP/1.1\r\nHost: a.example\r\n\r\n",  # no port
        b"GET http://a.example:99999/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    ],
)
def test_what_is_no_http_is_refused(rubbish):
    async def play(stage):
        gateway = await stage.forward()
        reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
        writer.write(rubbish)
        assert (await reader.read()).startswith(b"HTTP/1.1 400")
        writer.close()

    live(play)()


@live
async def test_passthrough_sends_tls_on_unopened_by_its_server_name(stage):
    heard = asyncio.get_running_loop().create_future()

    async def listen(reader, writer):
        heard.set_result(await reader.readexactly(len(CLIENT_HELLO)))
        writer.write(b"sealed")
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        at = Backend("shop-1", *server.sockets[0].getsockname())
        edge = await stage.reverse(at, sites=["shop.example"], passthrough=True)
        reader, writer = await asyncio.open_connection(edge.host, edge.port)
        writer.write(CLIENT_HELLO[:40])
        await writer.drain()
        writer.write(CLIENT_HELLO[40:])
        assert await heard == CLIENT_HELLO
        assert await reader.read() == b"sealed"
        writer.close()
        other = await stage.reverse(at, sites=["other.example"], passthrough=True)
        reader, writer = await asyncio.open_connection(other.host, other.port)
        writer.write(CLIENT_HELLO)
        assert await reader.read() == b""
        writer.close()


def _client_hello():
    """What the standard library says first to shop.example."""
    import ssl

    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="shop.example")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


CLIENT_HELLO = _client_hello()


@live
async def test_only_the_loopback_is_served_and_asked(stage):
    with pytest.raises(ScenarioError, match="loopback"):
        await serve(Origin({}), "0.0.0.0")
    edge = await stage.reverse(Backend("far", "192.0.2.1", 80))
    assert (await ask(edge)).status == 502


@live
async def test_a_server_that_stops_leaves_nothing(stage):
    """Requests under way, kept connections, spawned fetches: all gone when close returns."""
    _, slow = await stage.origin(
        late=Page(b"late", KEPT, delay=60.0), page=Page(b"page"), large=Page(bytes(50_000_000))
    )
    before = sockets()
    edge = await stage.reverse(slow, cache=stage.cache(collapse=True))
    idle = await hello(edge, "/page")
    await idle[0].readuntil(b"page")
    waiting = await hello(edge, "/late")
    stalled = await hello(edge, "/large")
    await stalled[0].readexactly(1000)
    await until(lambda: slow.in_flight == 2)
    await asyncio.sleep(0.3)  # all buffers on the way to the stalled client are full by then
    await edge.close()
    assert slow.in_flight == 0
    await until(lambda: sockets() in (0, before + 3))  # the clients' own
    stalled[1].close()
    for reader, writer in (idle, waiting):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)
        writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(edge.host, edge.port)


def test_a_deflated_stream_is_no_gzip():
    """The decoder above can tell: it refuses what is not in its coding."""
    with pytest.raises(OSError):
        gzip.decompress(zlib.compress(WORDS))
