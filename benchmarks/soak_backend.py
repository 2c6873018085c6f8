"""``python -m benchmarks.soak_backend PORT FILE``: a server whose answers the soak can check.

``/object/N`` always has the same bytes, of a length and with fields that depend on *N*. What is
posted is answered with its checksum, and the path noted in *FILE*, which outlives a kill.
"""

from __future__ import annotations

import asyncio
import os
import sys
from functools import lru_cache
from random import Random
from zlib import crc32

__all__ = ["OBJECTS", "body_of"]

OBJECTS = 2000
LENGTHS = [200, 1000, 1000, 1000, 1000, 3000, 3000, 10_000, 30_000, 200_000]
KEPT = [
    "max-age=60",
    "max-age=1, stale-while-revalidate=5",
    "no-store",
    "max-age=2, stale-if-error=60",
    "private",
]


@lru_cache(maxsize=OBJECTS)
def body_of(number: int) -> bytes:
    """The bytes of an object."""
    return Random(number).randbytes(LENGTHS[number % len(LENGTHS)] + number)


def answer_to(number: int) -> bytes:
    body = body_of(number)
    fields = f"cache-control: {KEPT[number // 7 % len(KEPT)]}\r\n"
    if number % 2:
        fields += f'etag: "{number}"\r\n'
    if number % 3:
        return f"HTTP/1.1 200 OK\r\n{fields}content-length: {len(body)}\r\n\r\n".encode() + body
    half = len(body) // 2
    return b"HTTP/1.1 200 OK\r\n%btransfer-encoding: chunked\r\n\r\n%b%b0\r\n\r\n" % (
        fields.encode(),
        b"%x\r\n%b\r\n" % (half, body[:half]),
        b"%x\r\n%b\r\n" % (len(body) - half, body[half:]),
    )


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, noted: int) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path, _ = head.split(" ", 2)
            if method == "GET":
                number = int(path.rpartition("/")[2])
                if number % 2 and f'if-none-match: "{number}"' in head:
                    kept = KEPT[number // 7 % len(KEPT)]
                    lines = f'etag: "{number}"\r\ncache-control: {kept}\r\n\r\n'
                    writer.write(f"HTTP/1.1 304 Not Modified\r\n{lines}".encode())
                else:
                    writer.write(answer_to(number))
            else:
                length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
                os.write(noted, f"{path}\n".encode())
                said = b"%08x" % crc32(await reader.readexactly(length))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n" + said)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    noted = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    server = await asyncio.start_server(
        lambda reader, writer: converse(reader, writer, noted), "127.0.0.1", int(sys.argv[1])
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
