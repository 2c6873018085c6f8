"""TLS ended, begun anew and passed by; PROXY lines before it."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

import pytest
import trustme

from proxysim.errors import ScenarioError
from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.identity import ReverseIdentity
from proxysim.proxies.reverse import ReverseProxy
from proxysim.sockets.driver import Driver
from proxysim.sockets.origin import Page
from proxysim.sockets.proxy_protocol import read_line
from proxysim.sockets.serve import Server
from proxysim.sockets.tls import Certificates, client_context, server_context, succeed
from proxysim.sockets.upstream import Upstreams
from tests.sockets.malformed import get

pytestmark = pytest.mark.live

HERE = "shop.example"


def over(backend, **options):
    clock = asyncio.get_running_loop().time
    return ReverseProxy("edge", clock, ReverseIdentity(), RoundRobin(), [backend], **options)


async def ask(server, context, name=HERE, session=None, data=None):
    """The whole answer to a request over TLS for *name*, and the connection it came on."""
    reader, writer = await asyncio.open_connection(
        server.host, server.port, ssl=context, server_hostname=name
    )
    writer.write(data or get(b"Connection: close"))
    answer = await reader.read()
    tls = writer.get_extra_info("ssl_object")
    writer.close()
    return answer, tls


@pytest.fixture(scope="module")
def made():
    return Certificates([HERE, "bank.example"])


async def test_tls_ends_at_the_proxy(stage, made):
    origin, at = await stage.origin(page=Page(b"page"))
    edge = await stage.reverse(at, tls=made.server_context())
    answer, tls = await ask(edge, made.client_context())
    assert answer.endswith(b"page")
    assert tls.version() in ("TLSv1.2", "TLSv1.3")
    assert origin.requests[0].headers.get("x-forwarded-proto") == "https"


async def test_only_http_1_1_is_agreed_on(stage, made):
    _, at = await stage.origin(page=Page(b"page"))
    edge = await stage.reverse(at, tls=made.server_context())
    context = made.client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    assert (await ask(edge, context))[1].selected_alpn_protocol() == "http/1.1"


async def test_a_client_that_was_here_before_resumes(stage, made):
    _, at = await stage.origin(page=Page(b"page"))
    edge = await stage.reverse(at, tls=made.server_context())
    context = made.client_context()

    def twice():
        import socket

        session, resumed = None, []
        for _ in range(2):
            with socket.create_connection((edge.host, edge.port)) as plain:
                with context.wrap_socket(plain, server_hostname=HERE, session=session) as tls:
                    tls.sendall(get(b"Connection: close"))
                    while tls.recv(1000):
                        pass
                    session = tls.session
                    resumed.append(tls.session_reused)
        return resumed

    assert await asyncio.to_thread(twice) == [False, True]


async def test_the_name_that_is_asked_for_chooses_the_certificate(stage, tmp_path):
    authority = trustme.CA()
    pairs = []
    for name in ("one.example", "*.two.example"):
        leaf, stem = authority.issue_cert(name), name.strip("*.")
        certificate, key = tmp_path / f"{stem}.pem", tmp_path / f"{stem}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        key.write_bytes(leaf.private_key_pem.bytes())
        pairs.append((certificate, key))
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    _, at = await stage.origin(page=Page(b"page"))
    edge = await stage.reverse(at, tls=server_context(pairs))
    context = client_context(tmp_path / "ca.pem")
    for name in ("one.example", "www.two.example"):
        answer, _ = await ask(edge, context, name)
        assert answer.endswith(b"page")
    with pytest.raises(ssl.SSLCertVerificationError):
        await ask(edge, context, "three.example")


async def test_certificates_can_be_changed_while_it_serves(stage, made):
    _, at = await stage.origin(page=Page(b"page"))
    context, later = made.server_context(), Certificates([HERE])
    edge = await stage.reverse(at, tls=context)
    assert (await ask(edge, made.client_context()))[0].endswith(b"page")
    succeed(context, later.server_context())
    answer, _ = await ask(edge, later.client_context())
    assert answer.endswith(b"page")
    with pytest.raises(ssl.SSLCertVerificationError):
        await ask(edge, made.client_context())


def test_a_certificate_that_cannot_be_used_is_named(tmp_path):
    certificate, key = tmp_path / "no.pem", tmp_path / "no.key"
    with pytest.raises(ScenarioError, match="cannot be used") as missing:
        server_context([(certificate, key)])
    assert "no.pem" in str(missing.value)
    certificate.write_text("nonsense")
    key.write_text("nonsense")
    with pytest.raises(ScenarioError, match="cannot be used"):
        server_context([(certificate, key)])
    with pytest.raises(ScenarioError, match="cannot be used"):
        client_context(tmp_path / "none.pem")


async def test_tls_begins_anew_behind_the_proxy_and_is_checked(stage, made):
    origin, at = await stage.origin(page=Page(b"page"))
    inner = await stage.reverse(at, tls=made.server_context())
    at.host, at.port = at.host, at.port
    behind = await stage.nobody()
    behind.host, behind.port = inner.host, inner.port
    for authority, wanted in ((made, 200), (Certificates(["other.example"]), 502)):
        upstreams = Upstreams(tls=authority.client_context(), secure=[behind.name])
        edge = await stage.serve(over(behind), upstreams)
        assert (await stage.ask(edge)).status == wanted
    assert len(origin.requests) == 1


async def test_a_client_that_breaks_off_under_tls_cancels(stage, made):
    """There, an end is no half-close."""
    _, slow = await stage.origin(page=Page(b"late", delay=60.0))
    edge = await stage.reverse(slow, tls=made.server_context())
    _, writer = await asyncio.open_connection(
        edge.host, edge.port, ssl=made.client_context(), server_hostname=HERE
    )
    writer.write(get())
    await stage.until(lambda: slow.in_flight == 1)
    writer.close()
    await stage.until(lambda: slow.in_flight == 0)


async def test_what_is_no_tls_gets_no_answer(stage, made):
    _, at = await stage.origin(page=Page(b"page"))
    edge = await stage.reverse(at, tls=made.server_context())
    reader, writer = await stage.connect(edge, get())
    with suppress(ConnectionError):
        assert b"HTTP" not in await reader.read()
    writer.close()
    assert (await ask(edge, made.client_context()))[0].endswith(b"page")


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_proxy_line_tells_who_the_client_is(stage, made, encrypted):
    origin, at = await stage.origin(page=Page(b"page"))
    tls = made.server_context() if encrypted else None
    edge = Server(over(at), Driver(Upstreams()), tls=tls)
    await stage.stack.enter_async_context(edge)
    await edge.start("127.0.0.1", 0, proxy_protocol=True)
    reader, writer = await asyncio.open_connection(edge.host, edge.port)
    writer.write(b"PROXY TCP4 192.0.2.7 192.0.2.1 ")
    await writer.drain()
    await asyncio.sleep(0.02)
    writer.write(b"56324 443\r\n")
    if encrypted:
        await writer.start_tls(made.client_context(), server_hostname=HERE)
    writer.write(get(b"Connection: close"))
    assert (await reader.read()).endswith(b"page")
    writer.close()
    assert origin.requests[0].headers.get("x-forwarded-for") == "192.0.2.7"
    for lie in (get(), b"PROXY TCP4 192.0.2.7\r\n" + get(), b"PROXY " + b"a" * 200):
        reader, writer = await stage.connect(edge, lie)
        try:
            assert await reader.read() == b""
        except ConnectionError:
            pass
        writer.close()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\nGET /", ("192.0.2.7", 56324)),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n", ("2001:db8::7", 1)),
        (b"PROXY UNKNOWN\r\n", ("", 0)),
        (b"PROXY UNKNOWN ffff:f...f 65535\r\n", ("", 0)),
        (b"PRO", None),
        (b"PROXY TCP4 192.0.2.7", None),
    ],
)
def test_the_line_is_read(data, found):
    assert read_line(data) == found


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"PROXY\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 1 70000\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 +1 2\r\n",
        b"PROXY TCP4 nonsense 192.0.2.1 1 2\r\n",
        b"PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n",
        b"PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 " + b"1" * 200,
    ],
)
def test_what_is_no_line_is_refused(data):
    with pytest.raises(ValueError):
        read_line(data)
