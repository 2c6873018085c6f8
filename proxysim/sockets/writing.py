"""Heads as bytes, and how the bodies behind them are framed."""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from proxysim.messages import Headers, Request
from proxysim.policies.memory import kept

__all__ = [
    "bodiless",
    "chunk",
    "date_line",
    "field_lines",
    "last_chunk",
    "request_line",
    "status_line",
]

_KEPT_FIELDS = 40


def field_lines(headers: Headers, *, sized: bool) -> bytes:
    """*headers* as they are sent, less those that frame the body.

    *sized*: Content-Length is kept, for where there is no body that says for itself.
    """
    if len(headers) > _KEPT_FIELDS:
        return _lines(headers, sized)
    return _kept_lines(headers, sized)


def _lines(headers: Headers, sized: bool) -> bytes:
    text = "".join(
        [
            f"{name}: {value}\r\n"
            for name, value in headers.pairs
            if name != "transfer-encoding" and (sized or name != "content-length")
        ]
    )
    return text.encode("latin-1", "replace")


_kept_lines = kept(2048)(_lines)


@lru_cache(maxsize=1024)
def status_line(status: int) -> bytes:
    """The first line of an answer."""
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = ""
    return f"HTTP/1.1 {status} {reason}\r\n".encode()


@lru_cache(maxsize=4)
def date_line(second: int) -> bytes:
    """When an answer came that did not say (RFC 9110, section 6.6.1); *second* since the epoch."""
    return f"date: {formatdate(second, usegmt=True)}\r\n".encode()


def request_line(request: Request, target: str) -> bytes:
    """The first line of *request*, and Host where its fields do not have it."""
    line = f"{request.method} {target} HTTP/1.1\r\n"
    if "host" not in request.headers.fields:
        line += f"host: {host_field(request)}\r\n"
    return line.encode("latin-1")


def host_field(request: Request) -> str:
    """Host as *request* means it, its port where that is not the scheme's own."""
    default = 443 if request.scheme == "https" else 80
    name = f"[{request.host}]" if ":" in request.host else request.host
    return name if request.port == default else f"{name}:{request.port}"


def chunk(data: bytes) -> bytes:
    """A piece of a body of unknown length."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def last_chunk(trailers: tuple[tuple[str, str], ...] = ()) -> bytes:
    """The end of a body of unknown length."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in trailers])
    return b"0\r\n%b\r\n" % lines.encode("latin-1", "replace")


def bodiless(method: str, status: int) -> bool:
    """Whether an answer has no body whatever its fields say (RFC 9112, section 6.3)."""
    return (
        method == "HEAD"
        or status < 200
        or status == 204
        or status == 304
        or (method == "CONNECT" and status < 300)
    )
