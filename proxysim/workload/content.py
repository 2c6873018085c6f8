"""What the origin servers hold: every object with the answers that it can give."""

from __future__ import annotations

from zlib import crc32

from proxysim.messages import NO_HEADERS, Headers, Request, Response
from proxysim.workload.catalogue import Catalogue
from proxysim.workload.draws import Recorded

__all__ = ["Asset", "Library"]

#: Statuses other than 200 and 206 that a cache may keep (RFC 9110, section 15.1).
KEPT = frozenset({203, 204, 300, 301, 308, 404, 405, 410, 414, 501})

TEXT = Headers((("server", "origin"), ("content-type", "text/html; charset=utf-8")))
PICTURE = Headers((("server", "origin"), ("content-type", "image/jpeg")))


class Asset:
    """One object of a site, as a server answers for it."""

    __slots__ = (
        "_kept",
        "_unmodified",
        "etag",
        "host",
        "path",
        "path_code",
        "response",
        "site_code",
        "size",
        "text",
    )

    def __init__(
        self, host: str, path: str, size: int, codes: tuple[int, int], text: bool, control: str
    ) -> None:
        self.host = host
        self.path = path
        self.size = size
        self.site_code, self.path_code = codes
        self.text = text
        self.etag = f'"{size:x}-{crc32(path.encode()):08x}"'
        self._kept = (("etag", self.etag), ("cache-control", control))
        self.response = Response(200, self._fields(size, self._kept))
        self._unmodified: Response | None = None

    @property
    def unmodified(self) -> Response:
        """What says that the object is still the same; made when first asked for."""
        if self._unmodified is None:
            self._unmodified = Response(304, NO_HEADERS.plus(self._kept))
        return self._unmodified

    def _fields(self, size: int, more: tuple[tuple[str, str], ...]) -> Headers:
        return (TEXT if self.text else PICTURE).plus((("content-length", str(size)), *more))

    def answer(self, request: Request, record: Recorded | None) -> tuple[Response, int]:
        """The answer to *request*: its head, and the length of its body; *record* is a log's.

        Entity tags are compared weakly: RFC 9110, section 13.1.2.
        """
        tag = request.headers.fields.get("if-none-match")
        if tag and (record is None or record.status in (200, 304)):
            if tag.removeprefix("W/") == self.etag:
                return self.unmodified, 0
            response, length = self.response, self.size
        elif record is not None:
            response, length = self.recorded(record)
        else:
            response, length = self.response, self.size
        return response, 0 if request.method == "HEAD" else length

    def asked(self, headers: Headers, record: Recorded) -> Headers:
        """*headers* of a request that a log tells of, with the condition or range that it had."""
        if record.conditional:
            return headers.set("if-none-match", self.etag)
        if record.ranged:
            return headers.set("range", f"bytes=0-{max(0, record.size - 1)}")
        return headers

    def recorded(self, record: Recorded) -> tuple[Response, int]:
        """The answer that a log says was given: its head, and the length of its body."""
        if record.status == 200 and record.size == self.size:
            return self.response, self.size
        if record.status == 304:
            return self.unmodified, 0
        tag, control = self._kept
        more: tuple[tuple[str, str], ...]
        if record.status == 200:
            more = (tag, control)
        elif record.status == 206:
            last = max(0, record.size - 1)
            part = f"bytes 0-{last}/{max(self.size, record.size)}"
            more = (tag, control, ("content-range", part))
        else:
            # The tag is the object's: a redirection or an error is not confirmed by it.
            more = (control if record.status in KEPT else ("cache-control", "no-store"),)
        return Response(record.status, self._fields(record.size, more)), record.size


class Library(dict[int, Asset]):
    """The objects of one site by number, made as they are first asked for."""

    def __init__(self, catalogue: Catalogue, site_code: int, paths: dict[str, int]) -> None:
        super().__init__()
        self.catalogue = catalogue
        self.site_code = site_code
        self._paths = paths
        self._control = ("no-store", f"max-age={catalogue.site.ttl:.0f}")

    def __missing__(self, index: int) -> Asset:
        catalogue = self.catalogue
        path = catalogue.path(index)
        asset = self[index] = Asset(
            catalogue.name,
            path,
            catalogue.size(index),
            (self.site_code, self._paths[path]),
            catalogue.text(index),
            self._control[catalogue.cacheable(index)],
        )
        return asset
