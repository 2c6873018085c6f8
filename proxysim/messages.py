"""What passes between the parties: requests, responses, failures, bodies. Values, nothing else.

These are made once per request in every world, so they are plain slotted classes. The type checker
holds them frozen; nothing at run time pays for that. To change one is to make another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, dataclass_transform

__all__ = [
    "NO_HEADERS",
    "Body",
    "Connection",
    "Content",
    "Failure",
    "Headers",
    "Request",
    "Response",
    "value",
]

T = TypeVar("T")
_new = object.__new__


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """A class whose instances are compared by content and never changed once made."""
    return dataclass(slots=True, unsafe_hash=True)(cls)


class Headers:
    """The fields of a message, in order; names are lower case, values as they stood.

    Immutable: every change gives a new value. ``fields`` maps a name to its value; a name that
    occurs more than once reads as one list (RFC 9110, section 5.3), except ``set-cookie``, which
    :meth:`all` gives line by line. ``notes`` is where others keep what they have worked out of them
    (:func:`~proxysim.policies.memory.noted`); it is no part of the value.
    """

    __slots__ = ("_hash", "fields", "notes", "pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple((name.lower(), text) for name, text in pairs)
        fields: dict[str, str] = {}
        for name, text in self.pairs:
            fields[name] = f"{fields[name]}, {text}" if name in fields else text
        self.fields = fields
        self.notes: dict[object, Any] | None = None
        self._hash: int | None = None

    def get(self, name: str, default: str = "") -> str:
        """The value of the field *name* (lower case), all its lines joined by commas."""
        return self.fields.get(name, default)

    def all(self, name: str) -> list[str]:
        """Every line of the field *name* (lower case), in order."""
        return [text for found, text in self.pairs if found == name]

    def set(self, name: str, text: str) -> Headers:
        """These fields with *name* (lower case) replaced by the one line *text*, at the end."""
        pairs = self.pairs
        if name in self.fields:
            pairs = tuple([pair for pair in pairs if pair[0] != name])
        return _made((*pairs, (name, text)), {**self.fields, name: text})

    def add(self, name: str, text: str) -> Headers:
        """These fields with a further line *name* (lower case): *text*."""
        before = self.fields.get(name)
        whole = text if before is None else f"{before}, {text}"
        return _made((*self.pairs, (name, text)), {**self.fields, name: whole})

    def append(self, name: str, text: str) -> Headers:
        """These fields with *text* as the last member of the list *name*."""
        before = self.fields.get(name)
        return self.set(name, f"{before}, {text}" if before else text)

    def change(self, less: Iterable[str], more: Iterable[tuple[str, str]]) -> Headers:
        """These fields less all lines of any of *less*, and with *more* in place of any before.

        All names are lower case, those in *more* all different. One step in place of many.
        """
        more = tuple(more)
        gone = {name for name, _ in more}
        gone.update(less)
        pairs = [pair for pair in self.pairs if pair[0] not in gone]
        fields = {name: text for name, text in self.fields.items() if name not in gone}
        fields.update(more)
        return _made((*pairs, *more), fields)

    def plus(self, pairs: tuple[tuple[str, str], ...]) -> Headers:
        """These fields and *pairs*, of names (lower case) that are not among them, each once."""
        return _made((*self.pairs, *pairs), {**self.fields, **dict(pairs)})

    def without(self, names: Iterable[str]) -> Headers:
        """These fields less all lines of any of *names* (lower case)."""
        gone = self.fields.keys() & names
        if not gone:
            return self
        fields = self.fields.copy()
        for name in gone:
            del fields[name]
        return _made(tuple([pair for pair in self.pairs if pair[0] not in gone]), fields)

    def __contains__(self, name: object) -> bool:
        return name in self.fields

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.pairs == other.pairs

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(self.pairs)
        return self._hash

    def __repr__(self) -> str:
        return f"Headers({list(self.pairs)!r})"


def _made(pairs: tuple[tuple[str, str], ...], fields: dict[str, str]) -> Headers:
    """Headers of *pairs* whose *fields* are known."""
    headers = _new(Headers)
    headers.pairs, headers.fields = pairs, fields
    headers.notes = headers._hash = None
    return headers


NO_HEADERS = Headers()


class Body(Protocol):
    """The content of a message, as a handle: only the world that made it can pump its bytes.

    ``length`` is in bytes, None where it is not known beforehand. ``replayable`` says whether the
    content can be sent a second time, which a retry needs.
    """

    @property
    def length(self) -> int | None: ...
    @property
    def replayable(self) -> bool: ...


@value
class Content:
    """A body that is known whole, such as an error page; every world can send it."""

    data: bytes
    replayable: bool = True

    @property
    def length(self) -> int:
        return len(self.data)


@value
class Request:
    """A request as its receiver sees it.

    ``peer`` is the address at the other end of the connection it came on; where proxies before are
    believed, it is the client's, and ``hop`` the other end's. ``path`` is the target
    in origin form, with its query; for CONNECT it is empty and ``host`` and ``port`` say where to.
    ``world`` is the world's own luggage, handed on untouched and never looked into.
    """

    method: str
    scheme: str
    host: str
    port: int
    path: str
    headers: Headers = NO_HEADERS
    peer: str = ""
    body: Body | None = None
    world: Any = None
    hop: str = ""

    def with_headers(self, headers: Headers) -> Request:
        """This request with the fields *headers*."""
        return Request(
            self.method,
            self.scheme,
            self.host,
            self.port,
            self.path,
            headers,
            self.peer,
            self.body,
            self.world,
            self.hop,
        )

    def with_peer(self, peer: str, hop: str = "") -> Request:
        """This request as having come from *peer*; see ``hop``."""
        return Request(
            self.method,
            self.scheme,
            self.host,
            self.port,
            self.path,
            self.headers,
            peer,
            self.body,
            self.world,
            hop,
        )

    @property
    def url(self) -> str:
        default = 443 if self.scheme == "https" else 80
        where = f"[{self.host}]" if ":" in self.host else self.host
        if self.port != default:
            where += f":{self.port}"
        return f"{self.scheme}://{where}{self.path}"


@value
class Response:
    """The head of an answer; its body travels beside it, as a handle."""

    status: int
    headers: Headers = NO_HEADERS


@value
class Failure:
    """No answer came, and why.

    ``kind`` is one of ``refused`` (nobody listens, or reset on connecting), ``reset`` (broken off
    under way), ``timeout`` (a deadline passed), ``unresolved`` (no such name), ``tls`` (no
    handshake), ``overload`` (no room to ask), ``denied`` (a proxy further on forbids it). ``sent``
    says whether any of the request left; ``retry_safe`` whether the other side can be trusted not
    to have acted on it. ``wait`` is in how many seconds it may be otherwise, 0 where that is not
    known.
    """

    kind: str
    sent: bool = False
    retry_safe: bool = True
    wait: float = 0.0


@value
class Connection:
    """A transport connection as one end of it sees the other.

    ``sni`` is the server name in the TLS hello, empty without TLS. ``world`` is the world's own.
    """

    peer: str
    sni: str = ""
    world: Any = None
