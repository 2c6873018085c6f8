"""What a proxy can ask of its world, as values, and what the world answers.

A proxy is made of generators that yield these effects and are sent the replies. An effect says
*what* is wanted, never how long it takes. Failure is a reply too, not an exception. To cancel is
``generator.close()``, so no generator yields in a ``finally``.

| effect | reply |
|---|---|
| :class:`Fetch` | :class:`Head` at the first byte, or :class:`~proxysim.messages.Failure` |
| :class:`Send` | :class:`Sent` at the end |
| :class:`Drain` | :class:`Sent`, with no client |
| :class:`Discard` | None, at once |
| :class:`Encode` | the coded :class:`~proxysim.messages.Body`, while it may still be coming |
| :class:`Cut` | that part of a body, as a :class:`~proxysim.messages.Body` of its own |
| :class:`Connect` | :class:`~proxysim.messages.Connection` or ``Failure`` |
| :class:`Relay` | :class:`Closed` |
| :class:`Wait` | the signal's value, or :data:`TIMED_OUT` |
| :class:`Race` | :class:`Won` |
| :class:`Spawn` | :class:`Running`, at once |
| :class:`Work`, :class:`Sleep` | None, when done |
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from proxysim.messages import Body, Connection, Failure, Request, Response, value

if TYPE_CHECKING:
    from proxysim.policies.backend import Backend

__all__ = [
    "NO_DEADLINES",
    "TIMED_OUT",
    "Closed",
    "Connect",
    "Cut",
    "Deadlines",
    "Discard",
    "Drain",
    "Effect",
    "Encode",
    "Fetch",
    "Handling",
    "Head",
    "Opening",
    "Race",
    "Relay",
    "Reply",
    "Running",
    "Send",
    "Sent",
    "Signal",
    "Sleep",
    "Spawn",
    "Store",
    "Switched",
    "TimedOut",
    "Wait",
    "Won",
    "Work",
]


@value
class Deadlines:
    """How long a fetch may take, in seconds: to connect, and from then to the first byte.

    ``total`` is for all that is done for a request until an answer's head is here, or what whoever
    asked has said that it will wait, where that is less; servers are told how much is left. The
    proxy sees to that itself, by a race; worlds need not look at it. O(1).

    Source: nginx ``proxy_connect_timeout`` and ``proxy_read_timeout``; Envoy's route ``timeout``,
    and what it tells servers of it.
    """

    connect: float | None = None
    first_byte: float | None = None
    total: float | None = None


NO_DEADLINES = Deadlines()


class Store(Protocol):
    """A ticket to keep a copy of a body that passes; the world calls one of the two, once.

    ``commit`` may come only after the source was read to its end; anything else abandons. ``limit``
    is the most bytes worth copying: a body that proves longer is abandoned at once, by how many
    bytes it is known to have.
    """

    @property
    def limit(self) -> int: ...
    def commit(self, copy: Body) -> None: ...
    def abandon(self, size: int = 0) -> None: ...


class Signal:
    """Something that generators wait for: set once, with a value that every waiter is sent.

    The world binds itself to a signal by ``waiters``; setting the signal calls them, and each
    world resumes its generators on its next turn, never inside the call.
    """

    __slots__ = ("is_set", "value", "waiters")

    def __init__(self) -> None:
        self.is_set = False
        self.value: Any = None
        self.waiters: list[Callable[[Any], None]] = []

    def set(self, value: Any = None) -> None:
        """Set the signal; a second call changes nothing."""
        if self.is_set:
            return
        self.is_set, self.value = True, value
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            waiter(value)


# What a proxy asks.


@value
class Fetch:
    """Send *request* to *backend* and wait for the first byte of its answer."""

    backend: Backend
    request: Request
    deadlines: Deadlines = NO_DEADLINES


@value
class Send:
    """Answer the client: *response* and *body*, of which *store* keeps a copy.

    ``cache`` and ``blocked`` are for the log: what the proxy's cache made of the request (a name of
    :data:`~proxysim.results.columns.CACHE_STATES`), and whether a filter turned it away.
    """

    response: Response
    body: Body | None = None
    store: Store | None = None
    cache: str = "none"
    blocked: bool = False


@value
class Drain:
    """Read *body* to its end for *store* alone. Others may be sent the same body meanwhile."""

    body: Body | None
    store: Store | None = None


@value
class Discard:
    """Give up *body*, which nobody will be sent: its connection is closed, unless all is here."""

    body: Body


@value
class Encode:
    """Code *body* as *coding* (zstd, br, gzip), as hard as *level* says; None: as usual.

    A body coded once can be sent to many readers; that is why this is no part of ``Send``.
    """

    body: Body
    coding: str
    level: int | None = None


@value
class Cut:
    """Take bytes *first* to *last* of *body*, counted from 0, both included.

    The body's length is known, and *last* is less than it; mostly it is one that a cache keeps. The
    part is a body of ``last - first + 1`` bytes.
    """

    body: Body
    first: int
    last: int


@value
class Connect:
    """Open a transport connection to *backend*, for a tunnel; *deadline* in seconds.

    Where *backend* is a further proxy, *ask* is the CONNECT request to send it first.
    """

    backend: Backend
    deadline: float | None = None
    ask: Request | None = None


@value
class Relay:
    """Pass bytes both ways between the client and *connection* until either closes.

    With *response* the client is first sent that head (200 to a CONNECT, 101 to an upgrade).
    """

    connection: Connection
    response: Response | None = None


@value
class Wait:
    """Wait for *signal*, at most *deadline* seconds."""

    signal: Signal
    deadline: float | None = None


@value
class Race:
    """Run *first*; when it has not ended after *after* seconds, *second* beside it.

    The reply is :class:`Won`; the other generator is closed.
    """

    first: Generator[Any, Any, Any]
    after: float
    second: Callable[[], Generator[Any, Any, Any]]


@value
class Spawn:
    """Run *generator* beside this one. It outlives the request and is no arrival.

    The reply, at once, is :class:`Running`, by which the proxy can end it early.
    """

    generator: Generator[Any, Any, None]


@value
class Work:
    """Spend the processor time that *task* costs for *size* bytes or items."""

    task: str
    size: float = 1.0


@value
class Sleep:
    """Let *seconds* pass."""

    seconds: float


# What the world answers.


@value
class Head:
    """The first byte of an answer is here; *body* is still on its way."""

    response: Response
    body: Body | None = None


@value
class Switched:
    """The body of an answer 101: *connection* itself, which speaks something else from here on."""

    connection: Connection
    length: int | None = None
    replayable: bool = False


@value
class Sent:
    """A body has gone: how many *bytes* of it.

    ``source_complete``: the source was read to its end. ``client_gone``: the client left before.
    """

    bytes: int
    source_complete: bool = True
    client_gone: bool = False


@value
class Closed:
    """A relay has ended: bytes *up* (from the client) and *down*.

    ``by`` says who ended it: client, server or deadline.
    """

    up: int
    down: int
    by: str


@value
class Won:
    """Which generator of a race ended first (0 or 1), and what it returned."""

    who: int
    value: Any


class Running(Protocol):
    """A generator that runs beside the one that spawned it."""

    def close(self) -> None:
        """End it now, as the world ends a request whose client has gone."""
        ...


class TimedOut(Enum):
    """The reply to a :class:`Wait` whose deadline passed."""

    TIMED_OUT = "timed out"


TIMED_OUT = TimedOut.TIMED_OUT


class Opening(Enum):
    """What a proxy makes of a connection: the value that ``opened`` returns."""

    ACCEPT = "accept"  # requests will be read from it
    REFUSE = "refuse"  # close it
    RELAYED = "relayed"  # it was passed through, and is over


Effect = (
    Fetch
    | Send
    | Drain
    | Discard
    | Encode
    | Cut
    | Connect
    | Relay
    | Wait
    | Race
    | Spawn
    | Work
    | Sleep
)
Reply = Head | Sent | Body | Failure | Connection | Closed | Won | TimedOut | Running | None
Handling = Generator[Effect, Any, None]
