"""A site's objects: how large each is, whether it may be cached, whether it is text, its path.

These belong to the object, not to the request: whoever asks gets the same. They are drawn once,
in blocks, when first asked for, so a site of ten million objects costs only what is used of it.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from proxysim.errors import ScenarioError
from proxysim.workload.distributions import Distribution
from proxysim.workload.popularity import Popularity
from proxysim.workload.streams import seed_of

__all__ = ["Catalogue", "Site"]

_SHIFT = 13
_BLOCK = 1 << _SHIFT
_WITHIN = _BLOCK - 1

# What suffixes say of a recorded object's content.
_TEXT = {"atom", "css", "csv", "htm", "html", "js", "json", "md", "mjs", "rss", "svg", "txt", "xml"}
_BINARY = {
    "7z", "avi", "avif", "bz2", "deb", "exe", "flac", "gif", "gz", "ico", "iso", "jar", "jpeg",
    "jpg", "mkv", "mov", "mp3", "mp4", "mpeg", "ogg", "pdf", "png", "rar", "rpm", "tgz", "webm",
    "webp", "woff", "woff2", "xz", "zip", "zst",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Site:
    """What a scenario says of a site, in base units.

    ``share`` is relative to the other sites; ``cacheable`` and ``compressible`` are shares of the
    objects; ``methods`` maps method to relative weight; ``upload`` is the length of the body of
    POST, PUT and PATCH; in ``path``, ``{n}`` is the object's number, from 1.
    """

    name: str
    popularity: Popularity
    size: Distribution
    share: float = 1.0
    ttl: float = 3600.0
    cacheable: float = 1.0
    compressible: float = 0.6
    tls: bool = False
    methods: Mapping[str, float] = field(default_factory=lambda: {"GET": 1.0})
    upload: int = 0
    path: str = "/{n}"

    @property
    def objects(self) -> int:
        """How many objects it has, numbered from 0."""
        return self.popularity.n

    def __post_init__(self) -> None:
        place = f"sites.{self.name}"
        if not self.path.startswith("/") or self.path.count("{n}") > 1:
            raise ScenarioError(
                f"found {self.path!r}",
                place=f"{place}.path",
                mend="Begin with / and name the object's number {n} once, as in /pages/{n}.html.",
            )
        if "{n}" not in self.path and self.objects > 1:
            raise ScenarioError(
                f"{self.path!r} is one path for {self.objects} objects",
                place=f"{place}.path",
                mend="Name the object's number in it, as in /pages/{n}.html, or give objects: 1.",
            )
        if not sum(self.methods.values()) > 0:
            raise ScenarioError(
                "no method has a weight above zero",
                place=f"{place}.methods",
                mend="Give at least one, as in {GET: 95%, POST: 5%}.",
            )


@dataclass(frozen=True, slots=True)
class _Block:
    sizes: Sequence[int]
    cacheable: bytes
    text: bytes


class Catalogue:
    """The objects of one *site*: drawn ones from 0, then those that logs have recorded.

    Sizes, cacheability and text have a stream each, so changing one share changes nothing else.
    The first question about a block of 8192 objects draws it; after that an answer is two look-ups.
    """

    def __init__(self, site: Site, seed: int, replication: int = 0) -> None:
        self.site = site
        self._drawn = site.objects
        self._seeds = [
            seed_of(seed, f"site:{site.name}/{purpose}", replication)
            for purpose in ("size", "cacheable", "text")
        ]
        self._blocks: dict[int, _Block] = {}
        self._before, _, self._after = site.path.partition("{n}")
        self._numbered = "{n}" in site.path
        self._paths: list[str] = []
        self._sizes: list[int] = []
        self._recorded: dict[str, int] = {}

    def __len__(self) -> int:
        return self._drawn + len(self._paths)

    @property
    def name(self) -> str:
        """The site's host name."""
        return self.site.name

    def size(self, obj: int) -> int:
        """Bytes of its body, at least 1 unless the site's sizes are zero."""
        if obj >= self._drawn:
            return self._sizes[obj - self._drawn]
        block = self._blocks.get(obj >> _SHIFT) or self._draw(obj >> _SHIFT)
        return block.sizes[obj & _WITHIN]

    def cacheable(self, obj: int) -> bool:
        """Whether a shared cache may keep it, for the site's ttl."""
        block = self._blocks.get(obj >> _SHIFT) or self._draw(obj >> _SHIFT)
        return bool(block.cacheable[obj & _WITHIN])

    def text(self, obj: int) -> bool:
        """Whether compression is worth while; a recorded path's suffix decides where it can."""
        if obj >= self._drawn:
            last = self._paths[obj - self._drawn].partition("?")[0].rpartition("/")[2]
            suffix = last.rpartition(".")[2].lower()
            if suffix in _TEXT or suffix in _BINARY:
                return suffix in _TEXT
        block = self._blocks.get(obj >> _SHIFT) or self._draw(obj >> _SHIFT)
        return bool(block.text[obj & _WITHIN])

    def path(self, obj: int) -> str:
        """Its path, with a query where the log had one."""
        if obj >= self._drawn:
            return self._paths[obj - self._drawn]
        return f"{self._before}{obj + 1}{self._after}" if self._numbered else self._before

    def find(self, path: str) -> int | None:
        """The object at *path*, None if there is none; the inverse of :meth:`path`."""
        recorded = self._recorded.get(path)
        if recorded is not None:
            return recorded
        if not self._numbered:
            return 0 if path == self._before else None
        if not (path.startswith(self._before) and path.endswith(self._after)):
            return None
        number = path[len(self._before) : len(path) - len(self._after)]
        if not (number.isascii() and number.isdigit()) or number[0] == "0" or len(number) > 9:
            return None
        return int(number) - 1 if int(number) <= self._drawn else None

    def record(self, path: str, size: int) -> int:
        """The number of the object that a log saw at *path*; the largest *size* told counts."""
        obj = self._recorded.get(path)
        if obj is None:
            obj = self._recorded[path] = len(self)
            self._paths.append(path)
            self._sizes.append(size)
        else:
            at = obj - self._drawn
            self._sizes[at] = max(self._sizes[at], size)
        return obj

    def sizes(self) -> np.ndarray:
        """All sizes, int64; draws what is not drawn yet."""
        return np.fromiter((self.size(obj) for obj in range(len(self))), np.int64, len(self))

    def _draw(self, number: int) -> _Block:
        sizes, cacheable, text = (self._uniforms(seed, number) for seed in self._seeds)
        site = self.site
        whole = np.rint(np.minimum(site.size.of_many(sizes), 2.0**62)).astype(np.int64)
        if site.size.mean > 0:
            whole = np.maximum(whole, 1)
        block = self._blocks[number] = _Block(
            array("q", whole.tobytes()),
            (cacheable < site.cacheable).tobytes(),
            (text < site.compressible).tobytes(),
        )
        return block

    @staticmethod
    def _uniforms(seed: int, number: int) -> np.ndarray:
        bits = np.random.PCG64(seed)
        # One step of the generator a number, so any block can be drawn without those before it.
        bits.advance(number * _BLOCK)
        return np.random.Generator(bits).random(_BLOCK)
