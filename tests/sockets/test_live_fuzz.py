"""Mutated requests: nothing breaks or hangs, and the origin can read whatever reaches it."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from proxysim.sockets.limits import DEFAULT_LIMITS, Limits
from tests.sockets.malformed import CASES, SMUGGLED, chunked, get, post
from tests.sockets.test_live_malformed import Recorder

pytestmark = pytest.mark.live

SECONDS = 180
ROUNDS, AT_ONCE = 15, 20

WHOLE = [
    get(),
    post(b"Content-Length: 5", body=b"hello"),
    chunked(b"5\r\nhello\r\n0\r\n\r\n"),
    get(b"Connection: upgrade", b"Upgrade: websocket"),
    *(data for data, _ in CASES.values()),
]
PIECES = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b";", b"\xff", b"0\r\n\r\n",
    b"5\r\nhello\r\n", b"chunked", b"close", b"HTTP/1.0", b"HTTP/1.1", b"HEAD ",
    b"Connection: ", b"Content-Length: ", b"Expect: 100-continue\r\n", b"Host: a\r\n",
    b"TE: trailers\r\n", b"Transfer-Encoding: ", b"Upgrade: websocket\r\n",
    b"99999999999999999999", SMUGGLED,
]  # fmt: skip


def mutated(rng):
    """A few requests in a row, with a few changes."""
    data = bytearray(b"".join(rng.choices(WHOLE, k=rng.choice([1, 1, 2, 3]))))
    for _ in range(rng.choice([0, 1, 1, 2, 3, 6])):
        at = rng.randrange(len(data) + 1)
        piece = rng.choice(PIECES)
        match rng.randrange(5):
            case 0:
                del data[at : at + rng.choice([1, 1, 2, 8])]
            case 1:
                data[at:at] = piece
            case 2:
                data[at : at + len(piece)] = piece
            case 3:
                data[at:at] = bytes([rng.randrange(256)])
            case 4:
                other = rng.randrange(len(data) + 1)
                data[at:at] = data[other : other + rng.choice([1, 5, 30])]
    return bytes(data)


async def sent(stage, edge, data, rng):
    """Send *data* in pieces, and end in one way or another; the connection must come to its end."""
    reader, writer = await stage.connect(edge)
    try:
        cuts = sorted(
            rng.sample(range(len(data) + 1), min(len(data), rng.choice([0, 0, 1, 3, 20])))
        )
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            writer.write(data[start:end])
            await asyncio.sleep(0)
        match rng.randrange(4):
            case 0:
                writer.write_eof()
            case 1:
                stage.reset(writer)
        await reader.read()
    except OSError:  # it was refused while it was being sent
        pass
    finally:
        writer.close()


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_comes_the_proxy_lives_on(stage, seed):
    rng, recorder = Random(seed), Recorder()
    impatient = Limits(header_time=0.1, stall=0.1, idle=0.1)
    edge = await stage.reverse(await stage.raw(recorder))
    edge.proxy.upgrades = {"websocket"}
    for _ in range(ROUNDS):
        edge.bound(impatient)
        requests = [mutated(rng) for _ in range(AT_ONCE)]
        await asyncio.gather(*(sent(stage, edge, data, rng) for data in requests))
        edge.bound(DEFAULT_LIMITS)
        assert (await stage.ask(edge)).body == b"/page"
    await stage.until(lambda: edge.proxy.in_flight() == 0 and not edge.clients)
    assert recorder.misread == []
    assert recorder.requests
    assert edge.tunnels == 0
