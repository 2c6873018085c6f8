"""The server name in a TLS ClientHello, read without ending the TLS."""

from __future__ import annotations

__all__ = ["is_hello", "record_length", "server_name"]

HANDSHAKE = 0x16
CLIENT_HELLO = 0x01
SERVER_NAME = 0
HOST_NAME = 0
RECORD_HEADER = 5


def is_hello(data: bytes) -> bool:
    """Whether a connection whose first bytes are *data* begins with TLS."""
    return data[:1] == bytes([HANDSHAKE])


def record_length(data: bytes) -> int | None:
    """How many bytes the first TLS record has, its header with it; None while that is not known."""
    if len(data) < RECORD_HEADER:
        return None
    return RECORD_HEADER + int.from_bytes(data[3:5])


def server_name(record: bytes) -> str:
    """The host in the ClientHello that *record* is; empty where it names none or is no hello.

    Source: RFC 8446, section 4.1.2; RFC 6066, section 3.
    """
    try:
        return _server_name(_Cursor(record[RECORD_HEADER:]))
    except (IndexError, UnicodeDecodeError):
        return ""


def _server_name(hello: _Cursor) -> str:
    if hello.number(1) != CLIENT_HELLO:
        return ""
    hello = hello.vector(3)
    hello.take(2 + 32)  # legacy version, random
    for width in (1, 2, 1):  # session id, cipher suites, compression methods
        hello.vector(width)
    extensions = hello.vector(2)
    while extensions.left:
        kind, content = extensions.number(2), extensions.vector(2)
        if kind == SERVER_NAME:
            names = content.vector(2)
            if names.number(1) == HOST_NAME:
                return names.vector(2).rest().decode("ascii").lower()
    return ""


class _Cursor:
    """A place in *data*; raises IndexError past its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        if self._at > len(self._data):
            raise IndexError("past the end of the hello")
        return self._data[start : self._at]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width))

    def vector(self, width: int) -> _Cursor:
        """What stands behind its own length of *width* bytes."""
        return _Cursor(self.take(self.number(width)))

    def rest(self) -> bytes:
        return self._data[self._at :]
