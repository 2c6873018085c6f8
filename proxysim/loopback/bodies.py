"""The bytes of objects: text that compresses about as text of the web does, or noise."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from zlib import crc32

__all__ = ["content"]

#: Bodies are cut from two supplies of this many bytes, round and round.
SUPPLY = 1 << 20
#: So many words and phrases make a text that codes about as text of the web does: 64 kB of it get
#: 4.7 times smaller by zstd-3, 4.6 by br-4, 5.0 by gzip-6 (see ``costs.TYPICAL``).
WORDS, PHRASES = 2000, 3000


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
    by_rank = [1 / rank for rank in range(1, PHRASES + 1)]
    phrases = [
        " ".join(rng.choices(words, by_rank[:WORDS], k=rng.randint(2, 5))) for _ in range(PHRASES)
    ]
    parts: list[str] = []
    length = 0
    while length < SUPPLY:
        sentence = " ".join(rng.choices(phrases, by_rank, k=rng.randint(3, 7)))
        piece = f'<p class="{words[rng.randrange(40)]}">{sentence}.</p>\n'
        parts.append(piece)
        length += len(piece)
    return "".join(parts).encode()[:SUPPLY]
