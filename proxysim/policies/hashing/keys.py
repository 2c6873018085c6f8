"""Keys: what of a request is hashed, so that requests that share it meet the same backend."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter

from proxysim.errors import ScenarioError
from proxysim.messages import Request
from proxysim.policies.cookies import cookie
from proxysim.policies.forwarded import client_of
from proxysim.policies.parameters import Reader, Stated, whole

__all__ = ["KEY_PARAMETERS", "Key", "key_of"]

#: Takes the key from a request; empty where the request has none.
Key = Callable[[Request], str]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_ACCEPTS = "client, uri, host, header:NAME or cookie:NAME"


def key_of(what: str, trusted_hops: int = 0) -> Key:
    """How to take the key *what* from a request.

    ``client`` is the peer, or with *trusted_hops* what X-Forwarded-For says of it, counted from the
    right; ``uri`` the path with its query, as nginx's ``$request_uri``; ``host``;
    ``header:NAME``; ``cookie:NAME``.
    """
    kind, _, name = what.partition(":")
    if trusted_hops and kind != "client":
        raise ScenarioError(
            f"found trusted_hops with key: {what}", mend="Trusted hops are for key: client."
        )
    if kind == "client":
        return partial(client_of, trusted=trusted_hops) if trusted_hops else attrgetter("peer")
    if kind == "header":
        return partial(_header, name=name.lower())
    if kind == "cookie":
        return partial(cookie, name=name)
    return attrgetter("path" if kind == "uri" else "host")


def _header(request: Request, name: str) -> str:
    return request.headers.get(name)


def _read(found: object) -> str:
    if isinstance(found, str):
        kind, colon, name = found.partition(":")
        if (kind in ("client", "uri", "host") and not colon) or (
            kind in ("header", "cookie") and _TOKEN.match(name)
        ):
            return found
    raise ScenarioError(f"found {found!r}", mend=f"Give {_ACCEPTS}.")


#: What a scenario may set of every strategy that hashes a key of its choice.
KEY_PARAMETERS: Mapping[str, Reader] = {
    "key": Stated(_ACCEPTS, _read),
    "trusted_hops": whole(0, 100),
}
