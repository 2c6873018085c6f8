"""Cookies: those that a request carries, and those that a client keeps."""

from __future__ import annotations

from collections.abc import Mapping

from proxysim.messages import Headers, Request, Response
from proxysim.policies.memory import kept

__all__ = ["cookie", "remembered"]


def cookie(request: Request, name: str) -> str:
    """The value of the cookie *name*, empty where the request has none; of several the first.

    Source: RFC 6265, section 4.2.1.
    """
    text = request.headers.get("cookie")
    return _parsed(text).get(name, "") if text else ""


def remembered(headers: Headers, response: Response) -> Headers:
    """The fields *headers* of a client's requests, with the cookies that *response* sets.

    Attributes are not heeded: a cookie is sent with all that the client asks of the host.
    """
    held = dict(pair.split("=", 1) for pair in headers.get("cookie").split("; ") if pair)
    for line in response.headers.all("set-cookie"):
        name, _, rest = line.partition("=")
        held[name.strip()] = rest.partition(";")[0].strip()
    return headers.set("cookie", "; ".join(f"{name}={text}" for name, text in held.items()))


@kept(4096)
def _parsed(text: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for pair in text.replace(",", ";").split(";"):
        name, equals, value = pair.strip(" \t").partition("=")
        if equals:
            found.setdefault(name, value)
    return found
