"""The rules of caching, walked on the wire: the very tests that play the world by hand, on sockets.

Each rule of ``docs/http-caching.md`` has its tests in ``tests/proxies/test_caching_*.py``, where a
:class:`~tests.proxies.origin.Site` plays client, origin and clock by hand. Here the same tests are
given a site whose client and origin speak HTTP over sockets, byte by byte of their own, with the
proxy served between them. Only the clock is still the test's.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import zlib
from contextlib import suppress

import brotli
import pytest

from proxysim.messages import Failure, Headers, Request
from proxysim.sockets.driver import Driver
from proxysim.sockets.serve import Server
from proxysim.sockets.upstream import Upstreams
from tests.proxies import (
    origin,
    test_caching_freshness,
    test_caching_parts,
    test_caching_storing,
    test_caching_validation,
    test_caching_variants,
)

pytestmark = pytest.mark.live

MODULES = (
    test_caching_freshness,
    test_caching_parts,
    test_caching_storing,
    test_caching_validation,
    test_caching_variants,
)
SECONDS = 60
#: What only a world played by hand can show, and why.
BY_HAND = {
    "test_no_answer_is_told_and_not_kept": "its time-out is the world's word",
    "test_an_answer_may_take_all_the_room_there_is": "to the byte, of a head that is never sent",
    "test_heads_count_so_that_empty_answers_cannot_fill_it_without_end": "nothing of the wire's",
    "test_stale_if_error": "it looks at what the world was told to discard",
    # Several requests at a time, step by step; on sockets: test_live_reverse.py.
    "test_what_was_evicted_while_it_was_asked_about_is_still_confirmed": "step by step",
    "test_what_was_asked_for_before_a_change_is_not_kept_after_it": "step by step",
    "test_nor_for_an_older_one_that_proves_too_large": "step by step",
    "test_what_has_been_replaced_meanwhile_is_not_forgotten_for_the_older_one": "step by step",
    "test_cache_status_knows_a_fetch_that_was_another_s": "step by step",
    "test_a_fetch_is_shared_by_those_whom_its_answer_is_for": "step by step",
    "test_what_is_for_the_first_alone_is_not_shared_with_the_second": "step by step",
    "test_what_has_gone_stale_is_asked_about_once_for_all": "step by step",
    "test_a_confirmation_of_something_else_leaves_each_to_ask_alone": "step by step",
    "test_an_error_in_place_of_a_confirmation_is_stood_in_for_once_for_all": "step by step",
    "test_what_stands_in_for_an_error_is_shared_only_by_those_whom_it_is_for": "step by step",
    "test_who_comes_when_the_copy_has_been_given_up_does_not_join": "step by step",
    "test_who_asks_after_a_change_does_not_join_a_fetch_from_before_it": "step by step",
}
DECODERS = {"gzip": lambda data: zlib.decompress(data, 31), "br": brotli.decompress}


class Stand:
    """An origin and a proxy on a loop of their own; ``site`` says what they do."""

    def __init__(self) -> None:
        self.site: WireSite | None = None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.do(self._begin())

    def do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(SECONDS)

    async def _begin(self):
        self.origin = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.edge = None
        self.asked = []

    async def take(self, site):
        """Serve *site*'s proxy from now on."""
        site.server.host, site.server.port = self.origin.sockets[0].getsockname()
        self.site = site
        if self.edge is None:
            self.edge = Server(site.proxy, Driver(Upstreams()), answered=self._answered)
            self.edge.dated = False  # by a clock that is not the site's
            await self.edge.start("127.0.0.1", 0)
        else:
            self.edge.replace(site.proxy)

    def _answered(self, client):
        self.site.cached = client.cache

    async def _answer(self, reader, writer):
        """One request, one answer, and the end."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *lines = head.split("\r\n")[:-2]
            method, path, _ = line.split(" ")
            fields = Headers([tuple(text.split(": ", 1)) for text in lines])
            self.asked.append(Request(method, "http", fields.get("host"), 80, path, fields))
            answer = self.site.answer()
            if isinstance(answer, Failure):
                writer.transport.abort()
                return
            writer.write(written(method, answer))
        writer.close()

    async def settled(self):
        """Wait until nothing is under way, beside requests neither; what the origin was asked."""
        edge, server = self.edge, self.site.server
        while not edge.driver.resting or server.in_flight or edge.clients:  # noqa: ASYNC110
            await asyncio.sleep(0.0005)
        asked, self.asked = self.asked, []
        return asked

    async def _end(self):
        self.origin.close()
        await self.origin.wait_closed()
        if self.edge is not None:
            await self.edge.close()

    def end(self):
        self.do(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(SECONDS)
        self.loop.close()


def written(method, answer):
    """*answer* as the origin sends it to a request of that *method*."""
    response, body = answer.response, b"" if answer.body is None else answer.body.data
    pairs = [pair for pair in response.headers if pair[0] != "content-length"]
    bare = method == "HEAD" or response.status in (204, 304)
    length = response.headers.get("content-length") if bare else str(len(body))
    if length and response.status != 204:
        pairs.append(("content-length", length))
    lines = "".join(f"{name}: {text}\r\n" for name, text in [*pairs, ("connection", "close")])
    head = f"HTTP/1.1 {response.status} As said\r\n{lines}\r\n".encode("latin-1")
    return head if bare else head + body


class WireSite(origin.Site):
    """A site whose client and origin are at the ends of connections."""

    stand: Stand

    def __init__(self, *script, **options) -> None:
        super().__init__(*script, **options)
        self.cached = "none"
        self.stand.do(self.stand.take(self))

    def answer(self):
        """What the origin says now."""
        self.now += self.delay
        return self.script.pop(0) if self.script else Failure("refused")

    def ask(self, request=None, /, **fields):
        request = request if request is not None else origin.get(**fields)
        edge = self.stand.edge
        host = request.host if request.port == 80 else f"{request.host}:{request.port}"
        lines = "".join(f"{name}: {text}\r\n" for name, text in request.headers)
        head = f"{request.method} {request.path} HTTP/1.1\r\nhost: {host}\r\n{lines}"
        whole = b""
        with socket.create_connection((edge.host, edge.port), timeout=SECONDS) as client:
            client.sendall(f"{head}connection: close\r\n\r\n".encode("latin-1"))
            while piece := client.recv(65536):
                whole += piece
        got = self._read(whole)
        got.asked = self.stand.do(self.stand.settled())
        got.cache = self.cached
        return got

    def _read(self, whole):
        head, _, body = whole.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        pairs = [tuple(text.split(": ", 1)) for text in lines]
        fields = Headers([pair for pair in pairs if pair[0] != "connection"])
        if fields.get("transfer-encoding") == "chunked":
            body = joined(body)
        coding = fields.get("content-encoding")
        if coding in DECODERS and body not in (b"", b"coded", b"0123456789"):
            body = b"<%b>%b" % (coding.encode(), DECODERS[coding](body))
        return origin.Got(int(line.split(" ")[1]), fields, body, "")


def joined(data):
    """A body that came in chunks."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        if not int(size, 16):
            return body
        body, data = body + data[: int(size, 16)], data[int(size, 16) + 2 :]


@pytest.fixture(scope="module")
def stand():
    found = Stand()
    yield found
    found.end()


@pytest.fixture(autouse=True)
def on_the_wire(monkeypatch, stand):
    """Whoever asks for a site gets one on the wire."""
    monkeypatch.setattr(WireSite, "stand", stand, raising=False)
    for module in (origin, *MODULES):
        monkeypatch.setattr(module, "Site", WireSite)


TESTS = {
    name: test
    for module in MODULES
    for name, test in vars(module).items()
    if name.startswith("test_")
}
globals().update({name: test for name, test in TESTS.items() if name not in BY_HAND})


def test_what_is_left_to_the_hand_is_there():
    assert set(BY_HAND) - set(TESTS) == set()
