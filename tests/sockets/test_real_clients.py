"""Programs that we did not write, in front of the proxies and behind them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from contextlib import suppress

import pytest

from proxysim.messages import Headers
from proxysim.policies.backend import Backend
from proxysim.policies.compression import Compression
from proxysim.sockets.origin import Page
from proxysim.sockets.tls import Certificates
from tests.sockets.programs import ENVIRONMENT, free_port, program

pytestmark = pytest.mark.live

SECONDS = 240
TEXT = Headers([("content-type", "text/html"), ("cache-control", "max-age=60")])
WORDS = b"<h1>What a proxy does, it does for somebody.</h1>\n" * 2000


async def run(*arguments):
    """What a program prints; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    try:
        printed, said = await process.communicate()
    finally:
        with suppress(ProcessLookupError):  # all have ended, as they should
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    assert process.returncode == 0, said.decode()
    return printed


async def secured(stage, backend, made, **options):
    """A reverse proxy that ends TLS for shop.example."""
    return await stage.reverse(backend, tls=made.server_context(), **options)


@pytest.fixture
def trusted(tmp_path):
    made = Certificates(["shop.example"])
    authority = tmp_path / "ca.pem"
    authority.write_bytes(made.authority)
    return made, authority


async def test_curl_asks_through_the_forward_proxy(stage):
    curl = program("curl")
    origin, at = await stage.origin(page=Page(WORDS, TEXT))
    gateway = await stage.forward({"news.example": at}, cache=stage.cache())
    asked = [curl, "-q", "-sS", "--proxy", f"http://{gateway.host}:{gateway.port}"]
    for _ in range(2):
        assert await run(*asked, "http://news.example/page") == WORDS
    assert len(origin.requests) == 1


async def test_curl_asks_through_a_tunnel_for_a_site_behind_the_reverse_proxy(stage, trusted):
    curl, (made, authority) = program("curl"), trusted
    origin, at = await stage.origin(page=Page(WORDS, TEXT))
    edge = await secured(stage, at, made)
    front = Backend("edge", edge.host, edge.port)
    gateway = await stage.forward({"shop.example": front})
    printed = await run(
        curl, "-q", "-sS", "--http1.1", "--cacert", authority,
        "--proxy", f"http://{gateway.host}:{gateway.port}", "https://shop.example/page",
    )  # fmt: skip
    assert printed == WORDS
    assert origin.requests[0].headers.get("x-forwarded-for") == "127.0.0.1"


async def test_curl_takes_a_coded_answer_over_tls(stage, trusted):
    curl, (made, authority) = program("curl"), trusted
    _, at = await stage.origin(page=Page(WORDS, TEXT))
    edge = await secured(stage, at, made, compression=Compression(("gzip",)))
    asked = [
        curl, "-q", "-sS", "--cacert", authority,
        "--resolve", f"shop.example:{edge.port}:{edge.host}",
        f"https://shop.example:{edge.port}/page",
    ]  # fmt: skip
    assert await run(*asked, "--compressed") == WORDS
    size = await run(*asked, "--compressed", "-o", os.devnull, "-w", "%{size_download}")
    assert int(size) < len(WORDS) / 10


async def test_curl_uploads_100_mb_in_bounded_memory(stage, tmp_path):
    """Chunked and with a length; the origin counts and sums what comes."""
    curl = program("curl")
    length = 100_000_000
    sums = []

    async def count(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        summed = hashlib.sha256()
        if b"chunked" in head:
            while size := int(await reader.readline(), 16):
                summed.update(await reader.readexactly(size))
                await reader.readexactly(2)
        else:
            left = length
            while left:
                data = await reader.read(1 << 18)
                summed.update(data)
                left -= len(data)
        sums.append(summed.hexdigest())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()

    file = tmp_path / "upload"
    with file.open("wb") as written:
        for number in range(100):
            written.write(number.to_bytes(8) * 125_000)
    edge = await stage.reverse(await stage.raw(count))
    url = f"http://{edge.host}:{edge.port}/upload"
    most = [0]

    async def watch():
        while True:
            most[0] = max(most[0], *(client.held for client in edge.clients.values()), 0)
            await asyncio.sleep(0.005)

    watching = asyncio.create_task(watch())
    assert await run(curl, "-q", "-sS", "-T", file, url) == b"ok"
    chunked = [curl, "-q", "-sS", "-H", "Transfer-Encoding: chunked", "-T", file, url]
    assert await run(*chunked) == b"ok"
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert sums == [hashlib.sha256(file.read_bytes()).hexdigest()] * 2
    assert most[0] < 4_000_000


@pytest.fixture
def nginx_configuration(tmp_path):
    """For nginx as an origin, in a directory of its own."""

    def write(port):
        (tmp_path / "www").mkdir()
        (tmp_path / "www" / "page").write_bytes(WORDS)
        file = tmp_path / "nginx.conf"
        file.write_text(
            f"""
            daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;
            events {{ worker_connections 512; }}
            http {{
                access_log off; default_type text/plain;
                client_body_temp_path {tmp_path}/a; proxy_temp_path {tmp_path}/b;
                fastcgi_temp_path {tmp_path}/c; uwsgi_temp_path {tmp_path}/d;
                scgi_temp_path {tmp_path}/e;
                server {{ listen 127.0.0.1:{port}; root {tmp_path}/www; }}
            }}
            """
        )
        return file

    return write


async def nginx(stage, write):
    """nginx, serving; its backend."""
    found, port = program("nginx", "/usr/sbin/nginx"), free_port()
    configuration = write(port)
    process = await asyncio.create_subprocess_exec(
        found, "-c", str(configuration), "-p", str(configuration.parent),
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip

    async def stop():
        process.terminate()
        await process.wait()

    stage.stack.push_async_callback(stop)
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            assert process.returncode is None
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return Backend("nginx", "127.0.0.1", port)


async def test_curl_asks_nginx_for_a_range_through_both_proxies(stage, nginx_configuration):
    curl, at = program("curl"), await nginx(stage, nginx_configuration)
    edge = await stage.reverse(at, cache=stage.cache())
    gateway = await stage.forward({"shop.example": Backend("edge", edge.host, edge.port)})
    asked = [curl, "-q", "-sS", "--proxy", f"http://{gateway.host}:{gateway.port}"]
    url = "http://shop.example/page"
    assert await run(*asked, "-r", "10-19", url) == WORDS[10:20]
    assert await run(*asked, url) == WORDS
    assert await run(*asked, "-r", "10-19", url) == WORDS[10:20]
    assert await run(*asked, "-o", os.devnull, "-w", "%{http_code}", url + "?none") == b"200"
    assert (await run(*asked, "-I", url)).startswith(b"HTTP/1.1 200")


async def test_wrk_finds_no_fault(stage, nginx_configuration):
    wrk, at = program("wrk"), await nginx(stage, nginx_configuration)
    edge = await stage.reverse(at)
    printed = await run(wrk, "-t1", "-c8", "-d1s", f"http://{edge.host}:{edge.port}/page")
    assert b"requests in" in printed
    assert b"Non-2xx" not in printed
    assert b"Socket errors" not in printed
    await stage.until(lambda: edge.proxy.in_flight() == 0)


async def test_httpx_asks_through_the_forward_proxy(stage):
    import httpx

    _, at = await stage.origin(page=Page(WORDS, TEXT))
    gateway = await stage.forward({"news.example": at})
    through = f"http://{gateway.host}:{gateway.port}"
    async with httpx.AsyncClient(proxy=through, trust_env=False) as client:
        answers = await asyncio.gather(*(client.get("http://news.example/page") for _ in range(20)))
        sent = await client.post("http://news.example/page", content=WORDS)
    assert {answer.content for answer in answers} == {WORDS}
    assert sent.status_code == 200


async def test_chromium_shows_a_tls_site_behind_the_reverse_proxy(stage, trusted, tmp_path):
    """Through the forward proxy, by a tunnel; what it loads by script has come too."""
    chromium, (made, _) = program("chromium", "chromium-browser", "google-chrome"), trusted
    page = b"<script src='/script'></script><p>loaded</p>"
    script = b"document.title = 'seen ' + (6 * 7)"
    origin, at = await stage.origin(
        page=Page(page, TEXT),
        script=Page(script, Headers([("content-type", "text/javascript")])),
    )
    edge = await secured(stage, at, made, cache=stage.cache())
    gateway = await stage.forward({"shop.example": Backend("edge", edge.host, edge.port)})
    printed = await run(
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={tmp_path / 'profile'}", "--ignore-certificate-errors", "--no-first-run",
        "--disable-background-networking", "--disable-sync", "--disable-component-update",
        f"--proxy-server=http://{gateway.host}:{gateway.port}",
        "--virtual-time-budget=5000", "--dump-dom", "https://shop.example/page",
    )  # fmt: skip
    assert b"<title>seen 42</title>" in printed
    assert b"loaded" in printed
    assert {request.path for request in origin.requests} >= {"/page", "/script"}
    assert {request.scheme for request in origin.requests} == {"http"}
