"""The bytes of objects: text that compresses about as text of the web does, or noise."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from zlib import crc32

__all__ = ["content"]

#: Bodies are cut from two supplies of this many bytes, round and round.
SUPPLY = 1 << 20
#: A text of 64 kB coded as zstd-3 gets about 4.5 times smaller with so many words.
WORDS = 900


def content(path: str, size: int, *, text: bool) -> bytes:
    """The body of the object at *path*, *size* bytes long: always the same."""
    supply = _text() if text else _noise()
    start = crc32(path.encode()) % SUPPLY
    body = supply[start : start + size]
    while len(body) < size:
        body += supply[: size - len(body)]
    return body


@lru_cache(maxsize=1)
def _noise() -> bytes:
    return Random(20).randbytes(SUPPLY)


@lru_cache(maxsize=1)
def _text() -> bytes:
    rng = Random(20)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    weights = range(len(letters), 0, -1)
    words = ["".join(rng.choices(letters, weights, k=rng.randint(2, 10))) for _ in range(WORDS)]
    frequency = [1 / rank for rank in range(1, WORDS + 1)]
    parts: list[str] = []
    length = 0
    while length < SUPPLY:
        sentence = " ".join(rng.choices(words, frequency, k=rng.randint(8, 20)))
        piece = f'<p class="{words[rng.randrange(40)]}">{sentence}.</p>\n'
        parts.append(piece)
        length += len(piece)
    return "".join(parts).encode()[:SUPPLY]
