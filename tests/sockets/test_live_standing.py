"""The stand-alone commands: a process of their own, told by options and signals."""

from __future__ import annotations

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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from proxysim.cli import app
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


def test_what_cannot_begin_says_why(tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        status, said = said_of("forward", f"--listen=127.0.0.1:{port}")
        assert status == 2
        assert f"127.0.0.1:{port}: it cannot be listened on: " in said
    for arguments, words in {
        ("forward", "--listen=0.0.0.0:3128"): "Only the loopback",
        ("forward", "--listen=nonsense"): "Give an address and a port",
        ("forward", "--allow=a/b"): "to be allowed",
        ("forward", f"--block-list={tmp_path / 'none'}"): "cannot be read",
        ("reverse",): "there are no servers",
        ("reverse", "--backend=ftp://a"): "Give a scheme",
        ("reverse", "--backend=127.0.0.1:1", "--balancer=fairest"): "fairest",
        (
            "reverse",
            "--backend=127.0.0.1:1",
            f"--certificate={tmp_path / 'no.pem'}",
            f"--key={tmp_path / 'no.key'}",
        ): "the certificate cannot be used",
        ("reverse", "--backend=127.0.0.1:1", "--scenario=website-reverse-proxy"): "found 1 server",
    }.items():
        status, said = said_of(*arguments)
        assert status == 2, said
        assert words in said


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


def test_a_scenarios_proxy_serves_with_its_filters():
    with standing("forward", "--listen=127.0.0.1:0", "--scenario=office-forward-proxy") as gateway:
        status, page = get(gateway.places[0], "http://casino.example/")
        assert status == 403
        assert b"gambling" in page
        assert gateway.end(signal.SIGINT) == 0
