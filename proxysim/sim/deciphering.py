"""Answers that reach a proxy over TLS: deciphered on its cores before they go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxysim.messages import Failure, Response
from proxysim.sim.bodies import Body
from proxysim.sim.exchange import Exchange

if TYPE_CHECKING:
    from proxysim.sim.tasks import Task

__all__ = ["Deciphering"]


class Deciphering:
    """Hears the answer in the place of *task*, whose proxy must decipher it first."""

    wants_whole = False
    __slots__ = ("task",)

    def __init__(self, task: Task) -> None:
        self.task = task

    def on_head(self, exchange: Exchange, response: Response, body: Body) -> None:
        """The first byte from upstream; the whole body is charged with it."""
        node, channel = self.task.node, exchange.channel
        seconds = node.costs.decrypt * body.length if channel and channel.secure else 0.0
        if seconds:
            node.cores.run(seconds, self._deciphered, (exchange, response, body))
        else:
            self.task.on_head(exchange, response, body)

    def _deciphered(
        self, answer: tuple[Exchange, Response, Body], waited: float, took: float
    ) -> None:
        exchange, response, body = answer
        self.task.node.tls_seconds += took
        exchange.cpu += took
        exchange.wait += waited
        self.task.on_head(exchange, response, body)

    def on_failure(self, exchange: Exchange, failure: Failure) -> None:
        """No answer from upstream."""
        self.task.on_failure(exchange, failure)
