"""Heads of messages as text, line by line, as HTTP/1.1 writes them (RFC 9112, sections 2 to 5)."""

from __future__ import annotations

from http import HTTPStatus

from proxysim.messages import Headers, Request, Response

__all__ = ["request_head", "response_head"]


def request_head(request: Request, *, absolute: bool = False, less: str = "") -> str:
    """The head of *request*; *absolute*: with its whole address, as forward proxies are asked.

    The field *less* (lower case) is left out.
    """
    host = f"[{request.host}]" if ":" in request.host else request.host
    if request.method == "CONNECT":
        target = host = f"{host}:{request.port}"
    else:
        target = request.path
        if request.port != (443 if request.scheme == "https" else 80):
            host += f":{request.port}"
        if absolute:
            target = f"{request.scheme}://{host}{target}"
    lines = [f"{request.method} {target} HTTP/1.1"]
    fields = request.headers.fields
    if "host" not in fields:
        lines.append(f"host: {host}")
    length = request.body.length if request.body is not None else None
    if length is not None and "content-length" not in fields:
        lines.append(f"content-length: {length}")
    return _joined(lines, request.headers, less)


def response_head(response: Response) -> str:
    """The head of *response*."""
    try:
        reason = HTTPStatus(response.status).phrase
    except ValueError:
        reason = ""
    return _joined([f"HTTP/1.1 {response.status} {reason}".rstrip()], response.headers, "")


def _joined(lines: list[str], headers: Headers, less: str) -> str:
    lines += [f"{name}: {text}" for name, text in headers.pairs if name != less]
    return "\n".join(lines)
