"""What a request line or a URL asks for."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

__all__ = ["METHOD", "split_target"]

#: RFC 9110 allows any token; methods in use are capital letters and hyphens.
METHOD = re.compile(r"[A-Z][A-Z-]{1,19}")
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]+\]")


def split_target(method: str, target: str) -> tuple[str, str, bool]:
    """Host, path with query, and whether it is encrypted, of a request's *target*.

    Targets are paths, absolute URLs, ``host:port`` for CONNECT, or ``*``. ValueError says why one
    is none of these.
    """
    if not METHOD.fullmatch(method):
        raise ValueError(f"{_short(method)} is no method")
    if any(character <= " " or character == "\x7f" for character in target):
        raise ValueError(f"{_short(target)} holds control characters")
    if method == "CONNECT":
        host, colon, port = target.rpartition(":")
        if not colon or not port.isdecimal() or not _HOST.fullmatch(host):
            raise ValueError(f"CONNECT to {_short(target)}, which is no host:port")
        return host.lower(), "/", True
    if target.startswith("/"):
        return "", target, False
    if target == "*":
        return "", "*", False
    try:
        url = urlsplit(target)
        host = url.hostname or ""
    except ValueError:
        host, url = "", urlsplit("")
    if url.scheme not in ("http", "https", "ftp") or not host:
        raise ValueError(f"{_short(target)} is neither a path nor a URL")
    path = url.path or "/"
    return host, f"{path}?{url.query}" if url.query else path, url.scheme == "https"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
