"""``python -m benchmarks.fuzz [--minutes M] [--seed N]``: the wire under requests that are no good.

The requests are those of ``tests/sockets/test_live_fuzz.py``: known ones, some of them malformed,
put together and changed at random, sent in pieces, by clients that leave in one way or another. A
server behind the proxy reads by another parser (h11) and tells what it could not read; after each
round a client asks properly, and must be answered; at the end nothing may be left. What fails is
told with its round, whose requests ``--seed`` and ``--first`` bring back.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from contextlib import suppress
from random import Random
from typing import Any

from proxysim.sockets.limits import DEFAULT_LIMITS, Limits
from tests.sockets.conftest import Stage, sockets
from tests.sockets.malformed import get
from tests.sockets.test_live_fuzz import mutated, sent
from tests.sockets.test_live_malformed import Recorder

AT_ONCE = 100
#: No round takes longer, unless something hangs.
SECONDS = 120
IMPATIENT = Limits(header_time=0.1, stall=0.1, idle=0.1)


async def fuzzed(options: Any) -> list[str]:
    """What was found wrong, until the time is over or something is."""
    wrong: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: wrong.append(f"a mistake of ours: {context}"))
    stage, recorder, before = Stage(), Recorder(), sockets()
    edge = await stage.reverse(await stage.raw(recorder))
    edge.proxy.upgrades = {"websocket"}
    until = time.monotonic() + options.minutes * 60
    number, told = options.first, time.monotonic()
    while not wrong and time.monotonic() < until:
        rng = Random(f"{options.seed} {number}")
        try:
            async with asyncio.timeout(SECONDS):
                await one_round(stage, edge, rng)
        except (TimeoutError, AssertionError) as error:
            wrong.append(f"{type(error).__name__}: {error}")
        wrong += [f"what reached the server cannot be read: {each}" for each in recorder.misread]
        if edge.tunnels or edge.proxy.in_flight() or edge.clients:
            left = f"{edge.tunnels} tunnels, {len(edge.clients)} clients"
            wrong.append(f"left: {left}, {edge.proxy.in_flight()} requests")
        if wrong:
            wrong = [f"round {number}: {each}" for each in wrong]
        number += 1
        recorder.raw = b""
        recorder.requests.clear()
        if time.monotonic() - told > 60:
            told = time.monotonic()
            sys.stderr.write(f"{number - options.first:,} rounds\n")
    await stage.stack.aclose()
    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            await stage.until(lambda: sockets() <= before)
    if sockets() > before:
        wrong.append(f"{sockets() - before} sockets are left")
    rounds = number - options.first
    sys.stdout.write(
        f"{rounds:,} rounds of {AT_ONCE}, the first {options.first}: {len(wrong)} wrong\n"
    )
    return wrong


async def one_round(stage: Stage, edge: Any, rng: Random) -> None:
    """Many bad requests at once, and a good one that must be answered."""
    edge.bound(IMPATIENT)
    requests = [mutated(rng) for _ in range(AT_ONCE)]
    streams = [Random(rng.random()) for _ in requests]
    await asyncio.gather(
        *(sent(stage, edge, data, own) for data, own in zip(requests, streams, strict=True))
    )
    edge.bound(DEFAULT_LIMITS)
    reader, writer = await stage.connect(edge, get(b"Connection: close"))
    answer = await reader.read()
    writer.close()
    if not answer.endswith(b"\r\n\r\n/page"):
        raise AssertionError(f"a good request was answered {answer!r}")
    await stage.until(lambda: not edge.proxy.in_flight() and not edge.clients)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the round to begin with (default 0)")
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # of clients that write to nobody
    wrong = asyncio.run(fuzzed(parser.parse_args()))
    for each in wrong:
        sys.stdout.write(f"  {each}\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
