"""Write blog-access.log: one made-up day of a small blog, in the combined log format.

Nothing in it is real: addresses are from the ranges kept for documentation (RFC 5737). Readers come
by the hour, open a few pages each, come back to what they have read (304), follow old addresses
(301), ask for what is not there (404), and hear parts of recordings (206). Always the same file.

    python scenarios/data/make_log.py
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random

SEED = 20250301
VISITS = 400
HOURS = (3, 2, 1, 1, 1, 2, 4, 7, 9, 10, 10, 11, 12, 10, 9, 9, 10, 10, 9, 9, 10, 9, 7, 5)
POSTS, RECORDINGS = 180, 6
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) Mobile/15E148",
    "examplebot/1.0 (+http://bot.example/)",
)
SHARED = (("/style.css", 9_412), ("/site.js", 21_730), ("/logo.svg", 3_208))


@dataclass(frozen=True)
class Visit:
    """One reader, from one address, come from somewhere."""

    address: str
    referrer: str
    agent: str

    def line(self, at: float, path: str, status: int, size: int) -> tuple[float, str]:
        """The second of the day *at*, and what the log says of one request."""
        clock = f"{int(at) // 3600:02d}:{int(at) % 3600 // 60:02d}:{int(at) % 60:02d}"
        length = "-" if status == 304 else size
        return at, (
            f'{self.address} - - [01/Mar/2025:{clock} +0000] "GET {path} HTTP/1.1"'
            f' {status} {length} "{self.referrer}" "{self.agent}"'
        )


def entries(rng: Random) -> Iterator[tuple[float, str]]:
    """The log's lines with the second of the day that each belongs to, visit by visit."""
    sizes = {f"/posts/{n}/": round(rng.lognormvariate(9.6, 0.6)) for n in range(1, POSTS + 1)}
    images = {f"/images/{n}.jpg": round(rng.lognormvariate(10.8, 0.7)) for n in range(1, POSTS + 1)}
    recordings = {f"/talks/{n}.mp3": rng.randrange(4, 9) * 10**6 for n in range(1, RECORDINGS + 1)}
    ranks = list(accumulate(1 / rank for rank in range(1, POSTS + 1)))
    seen: dict[str, set[str]] = {}
    for _ in range(VISITS):
        (hour,) = rng.choices(range(24), HOURS)
        at = hour * 3600 + rng.random() * 3600
        address = rng.choice(("192.0.2", "198.51.100", "203.0.113")) + f".{rng.randrange(1, 120)}"
        agent = AGENTS[hash_of(address) % len(AGENTS)]
        known = seen.setdefault(address, set())
        referrer = rng.choice(("-", "-", "https://search.example/", "https://links.example/new"))

        visit = Visit(address, referrer, agent)
        for _page in range(min(8, 1 + int(rng.expovariate(0.8)))):
            (post,) = rng.choices(range(1, POSTS + 1), cum_weights=ranks)
            page = f"/posts/{post}/"
            if rng.random() < 0.06:
                yield visit.line(at, page.rstrip("/"), 301, 178)
            for path, size in ((page, sizes[page]), *SHARED, (f"/images/{post}.jpg", 0)):
                at += rng.random() * 0.4
                if path in known:
                    if path == page or rng.random() < 0.15:
                        yield visit.line(at, path, 304, 0)
                    continue
                known.add(path)
                yield visit.line(at, path, 200, size or images[path])
            if rng.random() < 0.05:
                missing = rng.choice(("/favicon.ico", "/wp-login.php", "/posts/0/", "/robots.txt"))
                yield visit.line(at + 0.1, missing, 404, 146)
            if rng.random() < 0.04:
                recording = f"/talks/{rng.randrange(1, RECORDINGS + 1)}.mp3"
                for part in range(rng.randrange(1, 5)):
                    length = min(2**20, recordings[recording] - part * 2**20)
                    yield visit.line(at + 20 * part, recording, 206, length)
            at += 20 + rng.expovariate(1 / 60)


def hash_of(text: str) -> int:
    """A number for *text*, the same in every process."""
    return sum(index * ord(sign) for index, sign in enumerate(text, 1))


def log() -> str:
    """The whole file."""
    day = [(at, line) for at, line in entries(Random(SEED)) if at < 86400]
    return "".join(f"{line}\n" for _, line in sorted(day))


if __name__ == "__main__":
    target = pathlib.Path(__file__).with_name("blog-access.log")
    target.write_text(log(), encoding="ascii", newline="\n")
