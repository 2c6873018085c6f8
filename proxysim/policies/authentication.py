"""Authentication: who may use a proxy at all, by user name and password."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import pbkdf2_hmac, sha256
from hmac import compare_digest

from proxysim.errors import ScenarioError
from proxysim.messages import Content, Headers, Request, Response
from proxysim.policies.memory import kept

__all__ = ["Authentication", "User", "credentials", "hashed"]

ITERATIONS = 600_000
_MOST_ITERATIONS = 10_000_000
_REMEMBERED = 4096
_HASHED = re.compile(r"pbkdf2_sha256\$(\d{1,8})\$([^$]*)\$([A-Za-z0-9+/=]+)\Z", re.ASCII)
_SCHEME = re.compile(r"basic +([A-Za-z0-9+/]+={0,2}) *\Z", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class User:
    """A user's *password*, plain or as :func:`hashed` gives it, and the *groups* that they are in.

    Raises ScenarioError for a hash that is none.
    """

    password: str
    groups: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.password.startswith("pbkdf2_sha256$"):
            found = _HASHED.match(self.password)
            if not found or not 1 <= int(found[1]) <= _MOST_ITERATIONS or not _decoded(found[3]):
                raise ScenarioError(
                    "found a broken hash as a password",
                    mend="Write it pbkdf2_sha256$ITERATIONS$SALT$HASH, the hash in base64.",
                )

    def has(self, password: str) -> bool:
        """Whether *password* is theirs, found out in a time that does not tell how nearly."""
        found = _HASHED.match(self.password)
        if found is None:
            return compare_digest(_digest(password), _digest(self.password))
        made = pbkdf2_hmac("sha256", password.encode(), found[2].encode(), int(found[1]))
        return compare_digest(made, _decoded(found[3]))


def hashed(password: str, salt: str, iterations: int = ITERATIONS) -> str:
    """*password* as a scenario may hold it: ``pbkdf2_sha256$ITERATIONS$SALT$HASH``.

    Every user wants a random *salt* of their own, without ``$``.

    Source: RFC 8018, section 5.2 (PBKDF2), in the form that Django and others write; the iterations
    are what OWASP's Password Storage Cheat Sheet asks for.
    """
    made = pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations)
    return f"pbkdf2_sha256${iterations}${salt}${b64encode(made).decode()}"


def credentials(user: str, password: str) -> str:
    """What *user* writes into ``Proxy-Authorization``."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


class Authentication:
    """Lets nobody pass who does not give a user's name and password: Basic, in UTF-8.

    The others are told so by 407. The field is the proxy's alone: no identity passes it on. Neither
    a wrong name nor a wrong password is told from the other, by the answer or by the time that it
    takes. O(1) for one of the last 4096 values of the field; one hash of the password for others.

    Source: RFC 7617; RFC 9110, sections 11.7.1 and 15.5.8.
    """

    def __init__(self, users: Mapping[str, User], realm: str = "proxysim") -> None:
        for name in users:
            if ":" in name or not name.isprintable():
                raise ScenarioError(
                    f"found the user name {name!r}", mend="Leave out colons and control characters."
                )
        if '"' in realm or "\\" in realm or not realm.isascii() or not realm.isprintable():
            raise ScenarioError(f"found the realm {realm!r}", mend="Give plain ASCII text.")
        self.users = dict(users)
        # Compared with when nobody has the name, so that this takes as long.
        stranger = next(iter(self.users.values()), User(""))
        self._known = kept(_REMEMBERED)(partial(_check, self.users, stranger))
        page = Content(b"407 Log in to use this proxy.\n")
        headers = (
            ("proxy-authenticate", f'Basic realm="{realm}", charset="UTF-8"'),
            ("content-type", "text/plain; charset=utf-8"),
            ("content-length", str(page.length)),
        )
        self.challenge = (Response(407, Headers(headers)), page)

    def user_of(self, request: Request) -> str | None:
        """The user who *request* comes from; None where it does not prove to be a user's."""
        field = request.headers.fields.get("proxy-authorization")
        return None if field is None else self._known(field)


def _check(users: Mapping[str, User], stranger: User, field: str) -> str | None:
    """The user who *field* proves to come from; with *stranger* it takes as long where none is."""
    name, colon, password = _read(field)
    user = users.get(name)
    right = (user or stranger).has(password)
    return name if user is not None and right and colon else None


def _read(field: str) -> tuple[str, str, str]:
    found = _SCHEME.match(field)
    try:
        return _decoded(found[1]).decode().partition(":") if found else ("", "", "")
    except UnicodeDecodeError:
        return "", "", ""


def _decoded(text: str) -> bytes:
    """The bytes of base64; none where it is broken."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
