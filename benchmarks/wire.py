"""``python -m benchmarks.wire [--json] [--rounds N] [--seconds S]``: the wire beside nginx.

Needs nginx and wrk; takes squid along where it is installed, and a reverse proxy of aiohttp and
proxy.py with the extra ``bench``. One nginx is the origin; another, with one worker and kept
connections to the origin, is what ours is held against: as a reverse proxy, and as a cache. Rounds
are interleaved, so that what else the machine does meets all alike; medians are told. Then: what
slow clients cost the others, what an idle connection costs, and how much the process grows while
1 GB passes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.peers import PEERS, command

CONNECTIONS = 16
IDLE = 1000
SLOW = 200
GIGABYTE = 1_000_000_000
#: Who is measured, in this order; ours of a kind beside theirs.
LANES = (
    "nginx proxy", "proxysim proxy", "squid proxy", "aiohttp proxy",
    "nginx cache", "proxysim cache", "proxy.py forward", "proxysim forward",
)  # fmt: skip
#: How many times as fast ours is to be, at least; elsewhere, as fast.
WANTED = {"nginx proxy": 0.35, "nginx cache": 0.6}
#: A port, whose process it is, and what else wrk is told.
Place = tuple[int, int, Path | None]
TICKS = os.sysconf("SC_CLK_TCK")

CONFIGURATION = """
daemon off; worker_processes 1; pid {place}/pid; error_log {place}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 100000000; default_type text/plain;
    client_body_temp_path {place}/a; fastcgi_temp_path {place}/c;
    uwsgi_temp_path {place}/d; scgi_temp_path {place}/e; proxy_temp_path {place}/b;
    {body}
}}
"""
ORIGIN = """
    server {{ listen 127.0.0.1:{origin}; root {www}; add_header Cache-Control max-age=3600; }}
"""
PROXIES = """
    proxy_cache_path {place}/cache keys_zone=all:10m;
    upstream origin {{ server 127.0.0.1:{origin}; keepalive 32; keepalive_requests 100000000; }}
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    server {{ listen 127.0.0.1:{plain}; location / {{ proxy_pass http://origin; }} }}
    server {{
        listen 127.0.0.1:{cached};
        location / {{ proxy_pass http://origin; proxy_cache all; }}
    }}
"""
SQUID = """
http_port 127.0.0.1:{squid} accel defaultsite=a.example
cache_peer 127.0.0.1 parent {origin} 0 no-query originserver
http_access allow all
cache deny all
access_log none
cache_log {place}/cache.log
pid_filename {place}/pid
coredump_dir {place}
shutdown_lifetime 1 seconds
"""


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return int(listening.getsockname()[1])


def listens(port: int, seconds: float = 60.0) -> None:
    """Wait until somebody listens on *port*."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)):
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody listens on {port}")
        time.sleep(0.05)


@contextmanager
def running(*command: object) -> Iterator[int]:
    """A program in the background; its process id."""
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def cpu(pid: int) -> float:
    """Seconds of processor time that *pid* and its children have spent."""
    found = 0.0
    for each in (pid, *children(pid)):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        found += (int(fields[11]) + int(fields[12])) / TICKS
    return found


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def memory(pid: int) -> int:
    """Bytes that *pid* has resident."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def load(place: Place, seconds: int) -> tuple[float, float]:
    """Requests per second at *place*, and microseconds of its processor time for each."""
    port, pid, script = place
    before = cpu(pid)
    asking = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"http://127.0.0.1:{port}/page"]
    printed = subprocess.run(
        asking if script is None else [*asking, "-s", str(script)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if "Non-2xx" in printed or "Socket errors" in printed:
        raise RuntimeError(printed)
    count = int(re.search(r"(\d+) requests in", printed)[1])  # type: ignore[index]
    if not count:
        raise RuntimeError(f"whoever serves {port} has answered nothing")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1])  # type: ignore[index]
    return rate, (cpu(pid) - before) / count * 1e6


def side_by_side(places: dict[str, Place], options: Any) -> dict[str, Any]:
    """Rates and processor time of each, and ours over theirs: medians of interleaved rounds."""
    rates: dict[str, list[float]] = {name: [] for name in places}
    costs: dict[str, list[float]] = {name: [] for name in places}
    for place in places.values():
        load(place, 1)  # warm
    for _ in range(options.rounds):
        for name, place in places.items():
            rate, cost = load(place, options.seconds)
            rates[name].append(rate)
            costs[name].append(cost)

    def over(name: str) -> float:
        ours = rates[f"proxysim {name.rpartition(' ')[2]}"]
        return median(us / them for us, them in zip(ours, rates[name], strict=True))

    return {
        "per_second": {name: median(found) for name, found in rates.items()},
        "microseconds": {name: median(found) for name, found in costs.items()},
        "over": {name: over(name) for name in places if not name.startswith("proxysim")},
    }


async def among_slow_clients(port: int, pid: int) -> dict[str, float]:
    """p99 of 800 clients, without and with 200 more that send a head byte by byte."""
    head = b"GET /page HTTP/1.1\r\nHost: shop.example\r\n\r\n"

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
        began = time.perf_counter()
        writer.write(head)
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(1000)
        return time.perf_counter() - began

    async def crawl(writer: asyncio.StreamWriter) -> None:
        while True:
            for at in range(len(head) - 4):
                writer.write(head[at : at + 1])
                await asyncio.sleep(0.05)
            writer.write(b"\r\nX: y")

    async def p99() -> float:
        found: list[float] = []
        for number in range(8000):
            found.append(await ask(*quick[number % len(quick)]))
        return quantiles(found, n=100)[98]

    before = memory(pid)
    quick = [await asyncio.open_connection("127.0.0.1", port) for _ in range(IDLE - SLOW)]
    each = (memory(pid) - before) / len(quick)
    alone = await p99()
    slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(SLOW)]
    tasks = [asyncio.create_task(crawl(writer)) for _, writer in slow]
    beside = await p99()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for _, writer in (*quick, *slow):
        writer.close()
    return {"alone": alone, "with_slow": beside, "bytes_each": each}


def gigabyte(port: int, pid: int) -> dict[str, float]:
    """The most that the process has resident while 1 GB passes."""
    most = memory(pid)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
        count, began = 0, time.perf_counter()
        while data := client.recv(1 << 20):
            count += len(data)
            if count % 50 < 5:
                most = max(most, memory(pid))
    if count < GIGABYTE:
        raise RuntimeError(f"only {count} bytes came")
    return {"peak_bytes": most, "per_second": count / (time.perf_counter() - began)}


def measured(options: Any) -> dict[str, Any]:
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        Path(directory).chmod(0o755)  # nginx's workers are somebody else
        www = Path(directory) / "www"
        www.mkdir()
        (www / "page").write_bytes(b"x" * 1000)
        with (www / "large").open("wb") as large:
            large.truncate(GIGABYTE)
        ports = {name: free_port() for name in ("origin", "plain", "cached")}
        served = {}
        for name, body in (("origin", ORIGIN), ("proxies", PROXIES)):
            place = Path(directory) / name
            place.mkdir()
            body = body.format(place=place, www=www, **ports)
            (place / "conf").write_text(CONFIGURATION.format(place=place, body=body))
            served[name] = stack.enter_context(running(nginx, "-c", place / "conf", "-p", place))
        backend = f"http://127.0.0.1:{ports['origin']}"
        found_squid = shutil.which("squid") or "/usr/sbin/squid"
        if Path(found_squid).exists():
            ports["squid proxy"] = free_port()
            place = Path(directory) / "squid"
            place.mkdir()
            place.chmod(0o777)
            text = SQUID.format(place=place, origin=ports["origin"], squid=ports["squid proxy"])
            (place / "conf").write_text(text)
            words = [found_squid, "-N", "-f", str(place / "conf"), "-n", f"wire{os.getpid()}"]
            served["squid proxy"] = stack.enter_context(running(*words))
        for name in PEERS:
            port = free_port()
            words = command(name, ports["origin"], port)
            if words is not None:
                ports[name], served[name] = port, stack.enter_context(running(*words))
        for name, words in {
            "proxysim proxy": ["reverse", "--backend", backend],
            "proxysim cache": ["reverse", "--backend", backend, "--cache", "100MB"],
            "proxysim forward": ["forward", "--allow", f"127.0.0.1:{ports['origin']}"],
        }.items():
            ports[name] = port = free_port()
            words = ["-m", "proxysim", *words, "--listen", f"127.0.0.1:{port}"]
            served[name] = stack.enter_context(running(sys.executable, *words))
        for port in ports.values():
            listens(port)
        whole = Path(directory) / "whole.lua"  # wrk names the whole address, as to a forward proxy
        whole.write_text(f'wrk.path = "{backend}/page"\n')
        ports["nginx proxy"], ports["nginx cache"] = ports["plain"], ports["cached"]
        served["nginx proxy"] = served["nginx cache"] = served["proxies"]
        places = {
            name: (ports[name], served[name], whole if name.endswith("forward") else None)
            for name in LANES
            if name in served
        }
        found = side_by_side(places, options)
        ours = ports["proxysim proxy"], served["proxysim proxy"]
        found["large"] = gigabyte(*ours)
        found["slow"] = asyncio.run(among_slow_clients(*ours))
        return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wire", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--seconds", type=int, default=3, help="of load each time (default 3)")
    found = measured(asked := parser.parse_args())
    if asked.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    rows = [
        (name, f"{rate:,.0f} /s", f"{found['microseconds'][name]:.0f} us of processor time each")
        for name, rate in found["per_second"].items()
    ]
    slow, large = found["slow"], found["large"]
    rows += [
        (f"ours over {name}", f"{ratio:.2f}", f">= {WANTED.get(name, 1):.2f}")
        for name, ratio in found["over"].items()
    ]
    rows += [
        ("p99 of 800 clients", f"{slow['alone'] * 1e3:.2f} ms", ""),
        ("  beside 200 slow ones", f"{slow['with_slow'] * 1e3:.2f} ms", "<= twice that"),
        ("an idle connection", f"{slow['bytes_each'] / 1e3:.1f} kB", ""),
        ("most memory while 1 GB passes", f"{large['peak_bytes'] / 1e6:.0f} MB", "< 100 MB"),
    ]
    for name in LANES:
        if name not in found["per_second"]:
            with_extra = "; pip install 'proxysim[bench]'" if name in PEERS else ""
            rows.append((name, "-", f"it is not installed{with_extra}"))
    for what, value, note in rows:
        sys.stdout.write(f"{what:<32}{value:>14}  {note}".rstrip() + "\n")


if __name__ == "__main__":
    main()
