"""Real programs between origins and a client; one that is missing is skipped, or missed in CI."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Origin(ThreadingHTTPServer):
    """Answers with its name and the path, after *pause* seconds; keeps what it was asked.

    *fails*: statuses by path; *most*: how many requests were under way at once.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        self.asked = []
        self.peers = []
        self.open = set()
        self.fails = {}
        self.pause = 0.0
        self.under_way = self.most = 0
        self.counting = threading.Lock()
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    @property
    def port(self):
        return self.server_address[1]

    def paths(self):
        return [path for path, _ in self.asked]

    def process_request(self, request, client_address):
        self.open.add(request)
        super().process_request(request, client_address)

    def work(self):
        """Take the time that an answer takes."""
        with self.counting:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        time.sleep(self.pause)
        with self.counting:
            self.under_way -= 1

    def leave(self):
        """Listen no more, and break off every connection."""
        self.shutdown()
        self.server_close()
        for connection in self.open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        """Whoever goes away goes away."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self):
        told = {name.lower(): ", ".join(self.headers.get_all(name)) for name in self.headers}
        self.server.peers.append(self.client_address[0])
        self.server.asked.append((self.path, told))
        self.server.work()
        body = f"{self.server.name} {self.path} {'text ' * 500}".encode()
        self.send_response(self.server.fails.get(self.path, 200))
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store" if "private" in self.path else "max-age=600")
        self.send_header("X-Powered-By", "the tests")
        if "moved" in self.path:
            self.send_header("Location", "http://shop:8000/new?page=2")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def origin():
    """Makes origins, which end with the test."""
    with ExitStack() as stack:

        def made(name, tls=None):
            found = stack.enter_context(Origin(name, tls))
            thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            stack.callback(thread.join)
            stack.callback(found.shutdown)
            return found

        yield made


class Client:
    """One connection to a proxy, kept from request to request."""

    def __init__(self, place, host, tls, source):
        self.host = host
        self.connection = http.client.HTTPConnection(*place, timeout=60, source_address=source)
        if tls is not None:
            self.connection.connect()
            self.connection.sock = tls.wrap_socket(self.connection.sock, server_hostname=host)

    def get(self, path, **headers):
        self.connection.request("GET", path, headers={"Host": self.host, **headers})
        answer = self.connection.getresponse()
        body = answer.read()
        return answer.status, {name.lower(): text for name, text in answer.getheaders()}, body


@pytest.fixture
def client():
    """Makes clients of a place, for a host."""
    with ExitStack() as stack:

        def made(place, host="shop.example", tls=None, source=None):
            found = Client(place, host, tls, None if source is None else (source, 0))
            stack.callback(found.connection.close)
            return found

        yield made


@pytest.fixture
def trusting():
    """A client's TLS that trusts an authority (PEM)."""

    def made(authority):
        return ssl.create_default_context(cadata=authority.decode())

    return made
