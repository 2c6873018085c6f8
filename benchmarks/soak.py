"""``python -m benchmarks.soak [--requests N] [--seed N] [--only cache|plain] [--json]``.

A reverse proxy in front of three servers that are killed, begun anew and stopped for a while, at
random, while it is reloaded now and then; its clients check every byte, and some of them leave in
the middle. Once without a cache and once with one that is full early. Told: what became of every
request, wrong bodies, answers that nobody asked for, posts that reached a server twice, descriptors
before and after, and memory after a tenth of the requests, half of them, and all. Every request's
head is different here, so what is remembered of heads has its full number after some 80,000: of
200,000 and more, growth behind the half is a leak. The exit status is 1 where something was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import httptools

from benchmarks.soak_backend import OBJECTS, body_of
from benchmarks.wire import free_port, listens, memory

SERVERS = 3
CLIENTS = 24
CACHE = "4MB"  # less than the objects have together
PATIENCE = 120.0
POSTS, LEAVERS = 0.05, 0.02
#: Growth behind the half that is still no leak: the allocator's own ups and downs.
MOST_GROWTH = 6_000_000
ENOUGH = 200_000


class Asker(asyncio.Protocol):
    """One kept connection: a request goes, its answer comes."""

    def __init__(self) -> None:
        self.unasked = 0
        self._answered: asyncio.Future[tuple[int, int]] | None = None
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._sum = 0
        self.keep = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        if self._answered is None or self._answered.done():
            self.unasked += 1
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self._answered.done():
                self._answered.set_exception(ValueError(f"an answer that cannot be read: {error}"))

    def on_body(self, data: bytes) -> None:
        self._sum = crc32(data, self._sum)

    def on_message_complete(self) -> None:
        if self._answered is None or self._answered.done():
            self.unasked += 1
            return
        self.keep = self._parser.should_keep_alive()
        self._answered.set_result((self._parser.get_status_code(), self._sum))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(ConnectionResetError("broken off"))

    async def ask(self, data: bytes) -> tuple[int, int]:
        """Status, and checksum of the body."""
        self._begin()
        self._answered = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return await asyncio.wait_for(self._answered, PATIENCE)


class Soak:
    """One soak: *directory* is for its files, *options* are the command's."""

    def __init__(self, directory: Path, options: Any, *, cached: bool) -> None:
        self.directory = directory
        self.options = options
        self.cached = cached
        self.rng = Random(options.seed)
        self.became: Counter[str] = Counter()
        self.wrong = self.unasked = self.begun = 0
        self.kills = self.stops = self.reloads = 0

    async def run(self) -> dict[str, Any]:
        options, posted = self.options, self.directory / "posted"
        ports = [free_port() for _ in range(SERVERS)]
        self.port = free_port()
        with ExitStack() as stack:
            self.servers = [await self._server(port, posted) for port in ports]
            stack.callback(lambda: [_kill(server) for server in self.servers])
            proxy = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "proxysim", "reverse", "--listen", f"127.0.0.1:{self.port}",
                *[f"--backend=http://127.0.0.1:{port}" for port in ports],
                *(["--cache", CACHE] if self.cached else []),
                "--balancer=least_connections", f"--access-log={self.directory / 'log'}",
                stderr=(self.directory / "said").open("wb"),
            )  # fmt: skip
            stack.callback(_kill, proxy)
            for port in (*ports, self.port):
                await asyncio.to_thread(listens, port)
            before = descriptors(proxy.pid)
            began = time.monotonic()
            memories = []
            for part in (0.1, 0.5, 1):
                await self._clients(round(part * options.requests), ports, posted, proxy)
                memories.append(await settled(proxy.pid, before))
            after, seconds = descriptors(proxy.pid), time.monotonic() - began
            proxy.terminate()
            status = await asyncio.wait_for(proxy.wait(), PATIENCE)
            for server in self.servers:
                _kill(server)
                await server.wait()
        paths = posted.read_text().split() if posted.exists() else []
        return {
            "requests": options.requests,
            "seconds": seconds,
            "became": dict(sorted(self.became.items())),
            "accounted": sum(self.became.values()) - self.became["unanswered"],
            "logged": (self.directory / "log").read_bytes().count(b"\n"),
            "wrong": self.wrong,
            "unasked": self.unasked,
            "posted_twice": len(paths) - len(set(paths)),
            "torments": {"kills": self.kills, "stops": self.stops, "reloads": self.reloads},
            "descriptors": [before, after],
            "memory": memories,
            "exit_status": status,
        }

    async def _clients(
        self, until: int, ports: list[int], posted: Path, proxy: asyncio.subprocess.Process
    ) -> None:
        tormenting = asyncio.create_task(self._torment(ports, posted, proxy))
        streams = [Random(self.rng.random()) for _ in range(CLIENTS)]
        await asyncio.gather(*(self._client(until, rng) for rng in streams))
        tormenting.cancel()
        await asyncio.gather(tormenting, return_exceptions=True)
        for number, port in enumerate(ports):  # whoever was under torment is well again
            if self.servers[number].returncode is not None:
                self.servers[number] = await self._server(port, posted)
            self.servers[number].send_signal(signal.SIGCONT)

    async def _client(self, until: int, rng: Random) -> None:
        asker = None
        while self.begun < until:
            self.begun += 1
            number = self.begun
            if asker is None or not asker.keep or asker.transport.is_closing():
                asker = await self._connected(asker)
            data, wanted = self._request(number, rng)
            if rng.random() < LEAVERS:
                await self._leave(asker, data, rng)
                self.became["the client left"] += 1
                asker = None
                continue
            try:
                status, found = await asker.ask(data)
            except ConnectionError:
                self.became["broken off"] += 1
                asker = None
            except TimeoutError:
                self.became["unanswered"] += 1
                asker = None
            else:
                self.became[str(status)] += 1
                self.wrong += status == 200 and found != wanted
        if asker is not None:
            asker.transport.close()
            self.unasked += asker.unasked

    async def _connected(self, last: Asker | None) -> Asker:
        if last is not None:
            last.transport.close()
            self.unasked += last.unasked
        loop = asyncio.get_running_loop()
        _, asker = await loop.create_connection(Asker, "127.0.0.1", self.port)
        return asker

    def _request(self, number: int, rng: Random) -> tuple[bytes, int]:
        """What is asked, and the checksum of its answer."""
        fields = f"Host: shop.example\r\nSoak: {number}\r\n"
        if rng.random() < POSTS:
            body = rng.randbytes(rng.choice([0, 10, 1000, 100_000]))
            line = f"POST /post/{number} HTTP/1.1\r\nContent-Length: {len(body)}\r\n{fields}\r\n"
            return line.encode() + body, crc32(b"%08x" % crc32(body))
        asked = int(OBJECTS * rng.random() ** 3)  # some far oftener than others
        return f"GET /object/{asked} HTTP/1.1\r\n{fields}\r\n".encode(), sum_of(asked)

    async def _leave(self, asker: Asker, data: bytes, rng: Random) -> None:
        asker.transport.write(data[: rng.randrange(1, len(data) + 1)])
        await asyncio.sleep(rng.choice([0, 0, 0.001, 0.02]))
        asker.transport.abort()

    async def _torment(
        self, ports: list[int], posted: Path, proxy: asyncio.subprocess.Process
    ) -> None:
        rng = Random(self.rng.random())
        while True:
            await asyncio.sleep(rng.uniform(0.2, 1.5))
            number = rng.randrange(SERVERS)
            server, deed = self.servers[number], rng.random()
            if deed < 0.3:
                self.kills += 1
                server.kill()
                await server.wait()
                await asyncio.sleep(rng.uniform(0, 0.5))
                self.servers[number] = await self._server(ports[number], posted)
            elif deed < 0.8:
                self.stops += 1
                server.send_signal(signal.SIGSTOP)
                await asyncio.sleep(rng.uniform(0.05, 0.8))
                server.send_signal(signal.SIGCONT)
            else:
                self.reloads += 1
                proxy.send_signal(signal.SIGHUP)

    async def _server(self, port: int, posted: Path) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.soak_backend", str(port), str(posted)
        )


def sum_of(number: int, known: dict[int, int] = {}) -> int:  # noqa: B006 - it is a memory
    if number not in known:
        known[number] = crc32(body_of(number))
    return known[number]


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def settled(pid: int, before: int) -> int:
    """Bytes resident, once nothing is under way and kept connections have been given up."""
    for _ in range(200):
        if descriptors(pid) <= before:
            break
        await asyncio.sleep(0.1)
    return memory(pid)


def faults(found: dict[str, Any]) -> list[str]:
    """What is not as it should be."""
    told = [
        f"{name.replace('_', ' ')}: {found[name]}"
        for name in ("wrong", "unasked", "posted_twice", "exit_status")
        if found[name]
    ]
    if found["accounted"] != found["requests"]:
        told.append(f"not answered: {found['requests'] - found['accounted']}")
    if found["descriptors"][1] > found["descriptors"][0]:
        told.append("descriptors are left")
    enough = found["requests"] >= ENOUGH
    if enough and found["memory"][2] - found["memory"][1] > MOST_GROWTH:
        told.append("memory has grown")
    return told


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["plain", "cache"])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    told: dict[str, Any] = {}
    for name in ("plain", "cache") if options.only is None else (options.only,):
        with tempfile.TemporaryDirectory() as directory:
            soak = Soak(Path(directory), options, cached=name == "cache")
            told[name] = found = asyncio.run(soak.run())
        found["faults"] = faults(found)
        if options.json:
            continue
        memories = " ".join(f"{each / 1e6:.1f}" for each in found["memory"])
        many = found["requests"]
        rows = {
            "requests": f"{many:,} in {found['seconds']:.0f} s; in the log {found['logged']:,}",
            "accounted for": f"{found['accounted']:,}: "
            + ", ".join(f"{count:,} {what}" for what, count in found["became"].items()),
            "wrong bodies": found["wrong"],
            "answers that nobody asked for": found["unasked"],
            "posts that came twice": found["posted_twice"],
            "servers": ", ".join(f"{count} {what}" for what, count in found["torments"].items()),
            "descriptors before and after": "{} {}".format(*found["descriptors"]),
            "memory after 10%, 50%, 100%": f"{memories} MB",
            "faults": ", ".join(found["faults"]) or "none",
        }
        sys.stdout.write(f"{'without' if name == 'plain' else 'with'} a cache\n")
        for what, value in rows.items():
            sys.stdout.write(f"  {what:<40}{value}\n")
        sys.stdout.flush()
    if options.json:
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    return int(any(found["faults"] for found in told.values()))


if __name__ == "__main__":
    sys.exit(main())
