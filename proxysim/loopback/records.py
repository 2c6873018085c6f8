"""What the parts of a live run have to tell of requests, each of its own; times in seconds."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Asked", "Dialled", "Fetched", "Handled", "Heard", "Served"]

#: A fetch: of whom, by which attempt, when it was asked for, and when its head was there.
Fetched = tuple[str, int, float, float]
#: A step of a connection that a proxy opened: for which request (-1: it could not know), from which
#: port, to whom, which step, and its two ends.
Dialled = tuple[int, int, str, str, float, float]


class Asked(NamedTuple):
    """What a client has to tell of a request; times in seconds from the run's start.

    ``at`` is when it was wanted, ``taken`` when the generator got round to it, ``sent`` when it was
    sent, ``waited`` how long it waited for a connection.
    ``front`` was asked, from ``place``. ``failure`` says why no answer came: patience, timeout,
    reset, or empty for none; ``over`` is False where the run ended first.
    """

    id: int
    member: int
    site: int
    object: int
    method: str
    at: float
    taken: float
    sent: float
    first_byte: float
    end: float
    status: int
    length: int
    uploaded: int
    coding: str
    secure: bool
    waited: float
    front: str
    place: tuple[str, int]
    failure: str
    over: bool
    chain: str


class Handled(NamedTuple):
    """What a proxy has to tell of a request; times in seconds from the run's start.

    ``child`` is the backend that was asked last, ``child_attempt`` with which attempt; empty where
    none was; ``heard``: it answered. The head of the answer went at ``head_sent``. ``shared`` says
    who was asked for an answer that another request had fetched, by which request and attempt.
    """

    id: int
    attempt: int
    peer: tuple[str, int]
    secure: bool
    chain: str
    host: str
    method: str
    began: float
    head_sent: float
    ended: float
    status: int
    cache: str
    blocked: bool
    attempts: int
    child: str
    child_attempt: int
    heard: bool
    fetches: tuple[Fetched, ...]
    shared: tuple[str, int, int]
    wait: float
    cpu: float
    sent: int


class Served(NamedTuple):
    """What a server has to tell of a request; times in seconds from the run's start.

    ``peer`` is the address and port that it came from, ``chain`` whom it says that it came from,
    ``sent`` the bytes of the answer's body.
    """

    id: int
    attempt: int
    peer: tuple[str, int]
    secure: bool
    chain: str
    host: str
    arrived: float
    began: float
    ended: float
    sent: int


class Heard(NamedTuple):
    """The head of a message that has come to *node*, ``step`` request or response, at ``at``.

    ``sender`` is empty where only the connection it came on tells who that was.
    """

    id: int
    attempt: int
    at: float
    node: str
    sender: str
    step: str
    secure: bool
    head: str
