"""One question and its answer on one connection, and the account of where the time went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from proxysim.messages import Failure, Request, Response
from proxysim.sim.bodies import Body

if TYPE_CHECKING:
    from proxysim.sim.channels import Channel
    from proxysim.workload.content import Asset
    from proxysim.workload.draws import Recorded

__all__ = ["Account", "Asker", "Call", "Exchange"]


class Call:
    """What a client wanted: the luggage that a request carries through all proxies.

    ``client`` and ``site`` are codes of the results tables, ``u`` and ``recorded`` those of the
    :class:`~proxysim.workload.draws.Draw`; ``then`` is what the client does next.
    """

    __slots__ = ("asset", "at", "client", "id", "method", "recorded", "site", "then", "u")

    def __init__(
        self,
        number: int,
        at: float,
        client: int,
        asset: Asset,
        method: str,
        u: float,
        recorded: Recorded | None,
        then: Any,
    ) -> None:
        self.id = number
        self.at = at
        self.client = client
        self.site = asset.site_code
        self.asset = asset
        self.method = method
        self.u = u
        self.recorded = recorded
        self.then = then


class Account:
    """Where time went, and who did what, on the way that won. Times in seconds."""

    __slots__ = ("attempts", "backend", "cache", "coding", "cpu", "served_by", "service", "wait")

    def __init__(self) -> None:
        self.wait = 0.0
        self.service = 0.0
        self.cpu = 0.0
        self.attempts = 0
        self.cache = 0
        self.coding = 0
        self.backend = 0
        self.served_by = 0

    def add_times(self, other: Account) -> None:
        """Take over the times of an exchange that was part of this one."""
        self.wait += other.wait
        self.service += other.service
        self.cpu += other.cpu


class Asker(Protocol):
    """Who asks, and is told.

    With ``wants_whole`` it is told of an answer that takes time to arrive when all of it has come;
    the exchange's ``first_byte`` then says when it began.
    """

    wants_whole: bool

    def on_head(self, exchange: Exchange, response: Response, body: Body) -> None:
        """The first byte of the answer is here; *body* may still be coming."""
        ...

    def on_failure(self, exchange: Exchange, failure: Failure) -> None:
        """No answer will come."""
        ...


class Exchange(Account):
    """A request on its way over one connection, and its answer back.

    ``attempt`` counts from 1. ``held`` is what the endpoint keeps with it while it works.
    """

    __slots__ = (
        "arriving",
        "asker",
        "attempt",
        "began",
        "blocked",
        "call",
        "channel",
        "deadline",
        "first_byte",
        "held",
        "over",
        "request",
        "response",
    )

    def __init__(
        self, call: Call, request: Request, asker: Asker, attempt: int, began: float
    ) -> None:
        # The account's fields are set here, not by its own __init__: one call less a request.
        self.wait = 0.0
        self.service = 0.0
        self.cpu = 0.0
        self.attempts = 0
        self.cache = 0
        self.coding = 0
        self.backend = 0
        self.served_by = 0
        self.call = call
        self.request = request
        self.asker = asker
        self.attempt = attempt
        self.began = began
        self.channel: Channel | None = None
        self.held: Any = None
        self.deadline: Any = None
        self.first_byte: float | None = None
        self.arriving: Body | None = None  # the answer's body, while it is on its way
        self.response: Response | None = None  # the answer's head, where the whole is waited for
        self.over = False
        self.blocked = False

    def fail(self, failure: Failure) -> None:
        """Tell the asker that no answer comes, unless it is over already."""
        if not self.over:
            self.over = True
            self._give_up()
            self.asker.on_failure(self, failure)

    def cancel(self) -> None:
        """The asker has lost interest: the connection is closed, the endpoint told."""
        if not self.over:
            self.over = True
            self._give_up()
            if self.channel is not None:
                self.channel.endpoint.cancelled(self)

    def _give_up(self) -> None:
        if self.deadline is not None:
            self.deadline.meet()
        if self.channel is not None:
            self.channel.close()
        if self.arriving is not None:
            self.arriving.break_off()
