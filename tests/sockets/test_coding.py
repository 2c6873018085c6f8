"""Codings on the wire: a body comes out as it went in, and a level does what it says."""

from __future__ import annotations

import asyncio
import zlib

import brotli
import pytest
import zstandard

from proxysim.messages import Content
from proxysim.sockets.bodies import read_body
from proxysim.sockets.coding import AT_ONCE, CODERS, encoded

DECODERS = {
    "gzip": lambda data: zlib.decompress(data, wbits=16 + zlib.MAX_WBITS),
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}
TEXT = b"".join(
    b"<li>item %d of the shop, at %d euro</li>\n" % (n, n * n % 97) for n in range(9000)
)
HARD = {"gzip": (1, 9), "br": (1, 9), "zstd": (1, 19)}


async def _coded(data: bytes, coding: str, level: int | None) -> bytes:
    reader = read_body(encoded(Content(data), coding, level))
    pieces = []
    while piece := await reader.read():
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("coding", CODERS)
@pytest.mark.parametrize("data", [b"", b"short", TEXT], ids=["none", "short", "long"])
def test_levels_differ_in_length_and_not_in_content(coding: str, data: bytes) -> None:
    assert len(TEXT) > AT_ONCE
    sizes = []
    for level in (*HARD[coding], None):
        coded = asyncio.run(_coded(data, coding, level))
        assert DECODERS[coding](coded) == data
        sizes.append(len(coded))
    if data is TEXT:
        assert len(set(sizes)) == 3  # each level does something else
