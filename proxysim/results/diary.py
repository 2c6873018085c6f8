"""What a run tells of itself beside its tables, where it is to explain itself.

Heads of messages, what caches did, and what was thought of backends. All of it is bounded: where a
part is full, nothing more is noted in it, and ``cut`` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Bout", "Deed", "Diary", "Message"]

#: Requests whose messages are kept, the first to be heard of; a head takes some 300 bytes.
MOST_REQUESTS = 10_000
#: Deeds of caches, and news of backends.
MOST_DEEDS = 300_000


class Message(NamedTuple):
    """The head of one message, ``step`` request or response, and when it was heard of.

    *sender* and *receiver* are the ends of the connection: what crosses a tunnel is between those
    beyond it. ``sealed``: it went over TLS.
    """

    request: int
    at: float
    sender: str
    receiver: str
    step: str
    sealed: bool
    head: str


class Deed(NamedTuple):
    """What the cache of *node* did.

    ``what`` is one of

    * ``looked``: whether it could answer a request; ``said`` has ``found`` (the word for what was
      found), and ``age``, ``lifetime`` and ``window`` of what was, in seconds;
    * ``stored``: an answer, of so many bytes (``size``), fresh for so long (``lifetime``);
    * ``renewed``: an answer that the origin has confirmed;
    * ``dropped``, ``refused``: no longer, or not at all, for the reason ``why``;
    * ``flushed``: everything.

    ``host``, ``path`` and ``variant`` name the answer, ``request`` whose it was (-1: nobody's).
    """

    at: float
    node: str
    what: str
    host: str
    path: str
    variant: str
    request: int
    said: Mapping[str, Any]


class Bout(NamedTuple):
    """News of a *backend* at the proxy *node*.

    ``what``: a probe found it ``well`` or ``unwell``; nothing is sent to it since it is
    ``drained``, ``down`` or ``ejected``; it is ``back``.
    """

    at: float
    node: str
    backend: str
    what: str


class Diary:
    """Notes of one run; requests whose number *every* does not divide are left out (0: all are)."""

    def __init__(self, every: int = 0) -> None:
        self.every = every
        self.messages: list[Message] = []
        self.deeds: list[Deed] = []
        self.bouts: list[Bout] = []
        self.cut: set[str] = set()
        self._requests: set[int] = set()
        self._texts: dict[str, str] = {}

    def wants(self, request: int) -> bool:
        """Whether messages of *request* are still kept."""
        if request in self._requests:
            return True
        if request < 0 or not self.every or request % self.every:
            return False
        if len(self._requests) >= MOST_REQUESTS:
            self.cut.add("messages")
            return False
        self._requests.add(request)
        return True

    def message(self, message: Message) -> None:
        """Note a *message* of a request that is wanted."""
        head = self._texts.setdefault(message.head, message.head)
        self.messages.append(message._replace(head=head))

    def deed(self, deed: Deed) -> None:
        """Note what a cache did."""
        if len(self.deeds) < MOST_DEEDS:
            self.deeds.append(deed)
        else:
            self.cut.add("deeds")

    def bout(self, bout: Bout) -> None:
        """Note news of a backend."""
        if len(self.bouts) < MOST_DEEDS:
            self.bouts.append(bout)
        else:
            self.cut.add("bouts")
