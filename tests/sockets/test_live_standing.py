"""The stand-alone commands: a process of their own, told by options and signals."""

from __future__ import annotations

import asyncio
import http.client
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from proxysim.cli import app
from proxysim.messages import Request
from proxysim.policies.reach import Allowed, Reach
from proxysim.sockets.limits import Limits
from proxysim.sockets.metrics import Admin, Metrics
from proxysim.sockets.origin import Origin, Page
from proxysim.sockets.standing import Setup, _Standing
from proxysim.sockets.upstream import Upstreams
from proxysim.workload.traces import combined

pytestmark = pytest.mark.live

SECONDS = 120  # what takes longer hangs


class Standing:
    """A command under way; ``places`` are the addresses that it says it is at."""

    def __init__(self, process) -> None:
        self.process = process
        self.said = ""
        self.places: list[tuple[str, int]] = []

    def hear(self, what, count=1):
        """Read what it says until *what* was said *count* times."""
        while self.said.count(what) < count:
            line = self.process.stderr.readline()
            assert line, f"it has ended: {self.said}"
            self.said += line
        return self.said

    def end(self, number=signal.SIGTERM):
        """Tell it to stop; its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(SECONDS)
        self.said += self.process.stderr.read()
        return status


@contextmanager
def standing(*arguments, ready="proxy on "):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "proxysim", *map(str, arguments)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    found = Standing(process)
    hanging = threading.Timer(SECONDS, process.kill)
    hanging.start()
    try:
        found.hear(ready)
        place = re.search(r"on https?://([0-9.]+):(\d+)", found.said)
        assert place is not None
        found.places.append((place[1], int(place[2])))
        yield found
    finally:
        hanging.cancel()
        if process.poll() is None:
            process.kill()
        process.wait(SECONDS)
        process.stderr.close()


@contextmanager
def origin(name, seconds=0.0):
    """A server that answers with *name* after *seconds*, and keeps whom it was asked by."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked.append((self.client_address[0], self.headers))
            time.sleep(seconds)
            self.send_response(200)
            self.send_header("Content-Length", str(len(name)))
            self.send_header("Cache-Control", "max-age=60")
            self.end_headers()
            self.wfile.write(name)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # all are waited for: none is left to the tests that follow
        request_queue_size = 128

    asked: list = []
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        server.server_close()


def get(place, target="/page", headers=None):
    with closing(http.client.HTTPConnection(*place, timeout=SECONDS)) as connection:
        connection.request("GET", target, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def said_of(*arguments):
    """What a command that cannot begin says, and its exit status."""
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stderr


def test_reverse_serves_logs_counts_reloads_and_drains(tmp_path):
    log = tmp_path / "access.log"
    with origin(b"one") as (one, asked), origin(b"two") as (two, _):
        with standing(
            "reverse", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0", f"--access-log={log}",
            f"--backend=http://127.0.0.1:{one}", f"--backend=127.0.0.1:{two}", "--cache=1MB",
            "--site=shop.example", "--site=127.0.0.1", "--check=/well", "--compress",
            ready="server-2 is",
        ) as edge:  # fmt: skip
            place = edge.places[0]
            admin = re.search(r"metrics on http://127\.0\.0\.1:(\d+)/", edge.said)
            assert admin is not None
            counted = ("127.0.0.1", int(admin[1]))
            assert {get(place, f"/{n}")[1] for n in range(4)} == {b"one", b"two"}
            assert get(place, "/0")[0] == 200
            text = get(counted, "/metrics")[1].decode()
            assert 'proxysim_answers_total{status="200",cache="hit"} 1' in text
            assert 'proxysim_answers_total{status="200",cache="miss"} 4' in text
            assert get(counted, "/healthz") == (200, b"ok\n")
            assert get(counted, "/other")[0] == 404
            edge.hear("server-2 is")
            log.rename(tmp_path / "moved.log")
            edge.process.send_signal(signal.SIGHUP)
            edge.hear("reloaded")
            assert get(place, "/0")[0] == 200  # and the cache is still there
            assert 'cache="hit"} 2' in get(counted, "/metrics")[1].decode()
            assert edge.end() == 0
    assert asked[0][1]["X-Forwarded-For"] == "127.0.0.1"
    before = (tmp_path / "moved.log").read_text().splitlines()
    after = log.read_text().splitlines()
    entries = [combined.parse(line) for line in before + after]
    assert [entry.path for entry in entries] == ["/0", "/1", "/2", "/3", "/0", "/0"]
    assert {(entry.client, entry.status, entry.size) for entry in entries} == {
        ("127.0.0.1", 200, 3)
    }


def test_forward_reaches_what_it_is_allowed_and_blocks_what_it_is_told(tmp_path):
    block_list = tmp_path / "ads.txt"
    block_list.write_text("0.0.0.0 ads.example\n")
    log = tmp_path / "access.log"
    with origin(b"news") as (port, asked), origin(b"secret") as (other, _):
        with standing(
            "forward", "--listen=127.0.0.1:0", f"--access-log={log}", "--identity=anonymous",
            f"--allow=127.0.0.1:{port}", f"--resolve=news.example=127.0.0.1:{port}",
            f"--resolve=intranet.example=127.0.0.1:{other}", "--deny=casino.example",
            f"--block-list={block_list}", "--user=ann:secret",
        ) as gateway:  # fmt: skip
            place = gateway.places[0]
            assert get(place, "http://news.example/page")[0] == 407
            ann = {"Proxy-Authorization": "Basic YW5uOnNlY3JldA=="}
            assert get(place, "http://news.example/page", ann) == (200, b"news")
            for denied in (
                "http://www.casino.example/",
                "http://ads.example/",
                "http://intranet.example/",
                f"http://127.0.0.1:{other}/",
                f"http://[::ffff:127.0.0.1]:{other}/",
                f"http://localhost:{other}/",
                f"http://127.0.0.1:{place[1]}/",
            ):
                assert get(place, denied, ann)[0] == 403, denied
            assert get(place, "http://nowhere.invalid/", ann)[0] == 502
            block_list.write_text("0.0.0.0 news.example\n")
            gateway.process.send_signal(signal.SIGHUP)
            gateway.hear("reloaded")
            assert get(place, "http://news.example/page", ann)[0] == 403
            block_list.unlink()
            gateway.process.send_signal(signal.SIGHUP)
            gateway.hear(f"not reloaded: --block-list {block_list}: the list cannot be read")
            assert get(place, "http://news.example/page", ann)[0] == 403
            assert gateway.end() == 0
    assert len(asked) == 1
    assert "Proxy-Authorization" not in asked[0][1]
    assert "X-Forwarded-For" not in asked[0][1]
    assert "does not resolve" in gateway.said
    entries = [combined.parse(line) for line in log.read_text().splitlines()]
    assert (entries[1].host, entries[1].path) == ("news.example", "/page")
    assert " - ann [" in log.read_text()


def test_signals_under_load_lose_no_request():
    """Clients that keep asking while it is reloaded, and told to stop, get whole answers."""
    wrong: list[object] = []
    right = [0]
    stop = threading.Event()

    def ask(place):
        try:
            with closing(http.client.HTTPConnection(*place, timeout=SECONDS)) as connection:
                while not stop.is_set():
                    connection.request("GET", "/page")
                    answer = connection.getresponse()
                    if (answer.status, answer.read()) != (200, b"slow"):
                        wrong.append(answer.status)
                    right[0] += 1
                    if answer.getheader("connection") == "close":
                        return
        except (http.client.BadStatusLine, ConnectionError) as error:
            # Between two requests the connection may be closed; within one it may not.
            if not stopping.is_set():
                wrong.append(error)

    stopping = threading.Event()
    with origin(b"slow", 0.02) as (port, _):
        with standing("reverse", "--listen=127.0.0.1:0", f"--backend=127.0.0.1:{port}") as edge:
            clients = [threading.Thread(target=ask, args=edge.places) for _ in range(8)]
            for client in clients:
                client.start()
            while right[0] < 16:
                assert not wrong
                time.sleep(0.01)
            for count in range(1, 4):
                edge.process.send_signal(signal.SIGHUP)
                edge.hear("reloaded", count)
            stopping.set()
            assert edge.end() == 0
            stop.set()
            for client in clients:
                client.join(SECONDS)
    assert wrong == []


def test_what_cannot_be_listened_on_says_so():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        status, said = said_of("forward", f"--listen=127.0.0.1:{port}")
        assert status == 2
        assert f"--listen 127.0.0.1:{port}: it cannot be listened on: Address already" in said
        status, said = said_of("forward", "--listen=127.0.0.1:0", f"--admin=127.0.0.1:{port}")
        assert status == 2
        assert f"--admin 127.0.0.1:{port}: it cannot be listened on" in said


BOTH = [
    ("--listen=nonsense", "Give an address and a port"),
    ("--listen=localhost", "Give an address and a port"),
    ("--listen=127.0.0.1:70000", "Give an address and a port"),
    ("--listen=a b:80", "Give an address and a port"),
    ("--listen=0.0.0.0:3128", "Give an address on the loopback, such as 127.0.0.1:3128"),
    ("--admin=x", "Give an address and a port"),
    ("--admin=0.0.0.0:0", "Give an address on the loopback"),
    ("--cache=lots", "Expected a size"),
    ("--max-body=huge", "Expected a size"),
    ("--header-time=soon", "Expected a time"),
    ("--header-time=0", "above zero"),
    ("--idle=-1s", "Expected a time"),
    ("--idle=0s", "above zero"),
    ("--drain=x", "Expected a time"),
    ("--connections=0", "greater than or equal to 1"),
    ("--upgrade=a b", "Give a protocol"),
    ("--scenario=gohst", "there is no scenario 'gohst'"),
    ("--scenario=one-server", "one-server has no"),
    ("--node=gateway", "Give --scenario too"),
    ("--access-log=/nope/x", "cannot be written"),
]
OF_FORWARD = [
    ("--identity=ghost", "Known: anonymous, elite, transparent"),
    ("--deny=a b", "Give a host"),
    ("--deny=", "Give a text"),
    ("--deny=http://casino.example/", "Give a host"),
    ("--allow=a b", "Give a host"),
    ("--allow=a/b", "Give an address, a network"),
    ("--allow=10.0.0.0/99", "Give an address, a network"),
    ("--allow=10.0.0.1:99999", "Give an address, a network"),
    ("--allow=10.0.0.1:0", "Give an address, a network"),
    ("--block-list=/nope", "cannot be read"),
    ("--user=ann", "Give NAME:PASSWORD"),
    ("--user=ann:", "Give NAME:PASSWORD"),
    ("--user=:secret", "Give NAME:PASSWORD"),
    ("--user=ann:a --user=ann:b", "'ann' is given twice"),
    ("--tunnel-port=0", "greater than or equal to 1"),
    ("--tunnel-port=65536", "less than or equal to 65535"),
    ("--resolve=a", "Give HOST=ADDRESS:PORT"),
    ("--resolve=a=b", "Give an address and a port"),
    ("--resolve=a=b:0", "Give an address and a port"),
    ("--resolve=a=b c:80", "Give an address and a port"),
    ("--resolve=a b=127.0.0.1:80", "Give HOST=ADDRESS:PORT"),
]
OF_REVERSE = [
    ("--balancer=fairest", "Known: bounded_load"),
    ("--site=a b", "A site's name"),
    ("--check=well", "Give a path that begins with /"),
    ("--retry=0", "greater than or equal to 1"),
    ("--certificate=/no.pem --key=/no.key", "the certificate cannot be used"),
    ("--certificate=/no.pem", "Give a --key for each"),
    ("--write-ca=/nope/ca.pem --tls", "cannot be written"),
    ("--write-ca=ca.pem", "no authority is made up"),
    ("--backend-ca=/no.pem", "no server speaks TLS"),
    ("--backend-ca=/no.pem --backend=https://a.example", "cannot be used"),
    ("--tls --passthrough", "give one of the two"),
    ("--cache=1MB --passthrough", "give one of the two"),
    ("--backend=http://localhost:91 --listen=127.0.0.1:91", "where this proxy itself listens"),
    ("--backend=127.8.9.1:91 --listen=0.0.0.0:91 --beyond-loopback", "this proxy itself"),
    ("--backend=ftp://a", "Give a scheme"),
    ("--backend=http://a/path", "Give a scheme"),
    ("--backend=http://a:0", "Give a scheme"),
    ("--backend=http://a:99999", "Give a scheme"),
    ("--backend=http://a b", "Give a scheme"),
    ("--backend=http://u@a", "Give a scheme"),
    ("--backend=http://a --scenario=website-reverse-proxy", "Give one for each of shop-1"),
    ("--site=ghost.example --scenario=website-reverse-proxy", "Known: shop.example"),
]


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [("forward", *case) for case in [*BOTH, *OF_FORWARD]]
    + [("reverse", *case) for case in [*BOTH, *OF_REVERSE]],
)
def test_a_bad_option_is_named_and_how_to_mend_it(monkeypatch, command, options, words):
    async def began(_):
        raise AssertionError("it has begun to serve")

    monkeypatch.setattr("proxysim.sockets.standing._Standing.begin", began)
    given = options.split(" --")
    given = [given[0], *(f"--{more}" for more in given[1:])]
    named = given[0].partition("=")[0]
    if command == "reverse" and "--backend=" not in options:
        given.append("--backend=127.0.0.1:1")
    status, said = said_of(command, *given)
    assert status == 2
    assert named in said
    assert words in said
    assert said.count("\n") == 1 or "Usage: " in said


def test_a_password_is_not_repeated():
    _, said = said_of("forward", "--user=:secret")
    assert "secret" not in said


def test_a_reverse_proxy_needs_a_server():
    status, said = said_of("reverse")
    assert status == 2
    assert "--backend: there are no servers" in said


def test_what_is_not_installed_is_named(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "proxysim.cli.standing.find_spec", lambda name: None if name == "brotli" else found(name)
    )
    for command in ("forward", "reverse"):
        status, said = said_of(command)
        assert status == 2
        assert "brotli cannot be found" in said
        assert "proxysim[live]" in said


def setup_of(page, **changes):
    """A setup for a proxy that answers *page* to everything, as far as :class:`Setup` cares."""
    proxy = Origin({"/": Page(page)})
    proxy.cache = None
    return Setup(proxy, ("127.0.0.1", 0), Upstreams(), **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"listen": ("127.0.0.1", 9)}, "found http://127.0.0.1:9 where it was http://127.0.0.1:0"),
        ({"admin": ("127.0.0.1", 9)}, "and 127.0.0.1:9 where"),
        ({"proxy_protocol": True}, "with PROXY lines where"),
        ({"tls": "some"}, "found https://"),
        ({"access_log": Path("/nope/log")}, "/nope/log: the access log cannot be written"),
    ],
)
async def test_what_cannot_be_reloaded_leaves_all_as_it_was(changes, words):
    said, setups = [], [setup_of(b"new"), setup_of(b"new"), setup_of(b"old")]
    setups[1] = replace(setups[1], **changes)
    standing = _Standing(setups.pop, said.append)
    await standing.begin()
    server = standing._server
    for wanted in (b"old", b"new"):
        standing._reload()
        answer = await asyncio.to_thread(get, (server.host, server.port), "/")
        assert answer == (200, wanted)
    assert said[-2].startswith("not reloaded: ")
    assert words in said[-2]
    assert said[-1] == "reloaded"
    await standing.end()


async def test_its_own_listeners_stay_out_of_reach_after_a_reload():
    reaches = [Reach([Allowed("127.0.0.0/8")]) for _ in range(2)]
    setups = [replace(setup_of(b"page", admin=("127.0.0.1", 0)), reach=reach) for reach in reaches]
    standing = _Standing(iter(setups).__next__, lambda line: None)
    await standing.begin()
    standing._reload()
    for server in (standing._server, standing._admin):
        assert [reach.permits(server.host, server.port) for reach in reaches] == [False, False]
    assert reaches[1].permits("127.0.0.1", 1)
    await standing.end()


async def test_clients_are_held_to_the_limits_that_were_read_last():
    setups = [setup_of(b"page"), setup_of(b"page", limits=Limits(connections=7))]
    standing = _Standing(iter(setups).__next__, lambda line: None)
    await standing.begin()
    standing._reload()
    assert standing._server.limits.connections == 7
    await standing.end()


@pytest.mark.parametrize(
    ("method", "path", "draining", "status"),
    [
        ("GET", "/healthz", False, 200),
        ("GET", "/healthz", True, 503),
        ("HEAD", "/healthz?now", False, 200),
        ("POST", "/healthz", False, 405),
        ("DELETE", "/metrics", False, 405),
        ("GET", "/other", False, 404),
    ],
)
def test_the_admin_port_tells_and_takes_nothing(method, path, draining, status):
    admin = Admin(SimpleNamespace(draining=draining), Metrics(lambda: 0.0))
    told = next(admin.handle(Request(method, "http", "127.0.0.1", 9, path)))
    assert told.response.status == status


async def test_a_second_signal_ends_it_at_once_and_what_stops_is_not_reloaded():
    said, setup = [], setup_of(b"page")
    setup.proxy.pages["/"] = Page(b"page", delay=60.0)
    standing = _Standing(lambda: setup, said.append)
    await standing.begin()
    server = standing._server
    _, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    while all(client.idle for client in server.clients.values()):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    standing._stop()
    standing._reload()
    assert said[-1] == "stopping; 1 requests under way"
    assert not standing.stopped.is_set()
    standing._stop()
    assert standing.stopped.is_set()
    await standing.end()
    writer.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_loses_lines_of_the_log_and_no_request():
    with origin(b"page") as (port, _):
        with standing(
            "reverse", "--listen=127.0.0.1:0", f"--backend=127.0.0.1:{port}",
            "--access-log=/dev/full",
        ) as edge:  # fmt: skip
            assert {get(edge.places[0])[0] for _ in range(300)} == {200}
            edge.hear("/dev/full: the access log loses lines: No space left on device")
            assert edge.end() == 0
    assert edge.said.count("loses lines") == 1


def test_a_cache_outlives_a_reload_unless_its_settings_change(tmp_path):
    scenario = tmp_path / "shop.yaml"
    text = """
proxysim: 1
title: a shop
sites: {127.0.0.1: {}}
nodes:
  users: {kind: clients, arrivals: {even: 1/s}}
  edge: {kind: reverse_proxy, sites: [127.0.0.1], backends: shop, cache: {capacity: 1MB}}
  shop: {kind: server}
"""
    scenario.write_text(text)
    with origin(b"page") as (port, asked):
        with standing(
            "reverse", "--listen=127.0.0.1:0", f"--backend=127.0.0.1:{port}",
            f"--scenario={scenario}",
        ) as edge:  # fmt: skip
            for count, capacity in enumerate(("1MB", "1MB", "2MB"), start=1):
                scenario.write_text(text.replace("1MB", capacity))
                edge.process.send_signal(signal.SIGHUP)
                edge.hear("reloaded", count)
                assert get(edge.places[0])[0] == 200
            assert edge.end() == 0
    assert len(asked) == 2


def test_a_scenarios_proxy_serves_with_its_filters():
    with standing("forward", "--listen=127.0.0.1:0", "--scenario=office-forward-proxy") as gateway:
        status, page = get(gateway.places[0], "http://casino.example/")
        assert status == 403
        assert b"gambling" in page
        assert gateway.end(signal.SIGINT) == 0
