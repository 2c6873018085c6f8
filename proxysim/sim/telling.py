"""What a simulated run tells of itself: heads of messages, deeds of caches, news of backends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxysim.messages import Request, Response
from proxysim.policies.backend import Backend
from proxysim.policies.caching.invalidation import Target
from proxysim.proxies.reverse import ReverseProxy
from proxysim.proxies.telling import TellingCache
from proxysim.results.diary import Bout, Deed, Message
from proxysim.results.heads import request_head, response_head
from proxysim.sim.dialling import Dial

if TYPE_CHECKING:
    from proxysim.sim.channels import Channel
    from proxysim.sim.exchange import Exchange
    from proxysim.sim.proxies import ProxyNode
    from proxysim.sim.world import World

__all__ = ["Teller"]


class Teller:
    """Writes the diary of *world*'s run."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.recorder = world.recorder
        self.diary = world.recorder.diary
        self._names: tuple[str, ...] = ()

    def heard(self, exchange: Exchange, channel: Channel, message: Request | Response) -> None:
        """Note the head of *message*, just sent on *channel*."""
        number = exchange.call.id
        if not self.diary.wants(number):
            return
        asker = self._party(channel.segments[0][0] or channel.member)
        endpoint, secure, now = channel.endpoint, channel.secure, self.now
        if isinstance(message, Request):
            head = request_head(message, absolute=endpoint.forward and not secure)
            told = Message(number, now, asker, endpoint.name, "request", secure, head)
        else:
            head = response_head(message)
            told = Message(number, now, endpoint.name, asker, "response", secure, head)
        self.diary.message(told)

    def listen(self, node: ProxyNode) -> None:
        """Have all that the proxy of *node* decides told from now on."""
        _Ear(self, node)

    @property
    def now(self) -> float:
        """The time, as the tables have it."""
        return self.world.env.time + self.world.shift

    def _party(self, code: int) -> str:
        if code >= len(self._names):
            self._names = tuple(self.recorder.texts["node"])
        return self._names[code]


class _Ear:
    """Listens to one proxy."""

    def __init__(self, teller: Teller, node: ProxyNode) -> None:
        self.teller, self.name = teller, node.name
        proxy = node.proxy
        if isinstance(proxy, ReverseProxy):
            proxy.explain_to(self.chosen)
            proxy.fleet.tell_to(self.news, teller.world.env.time)
        if proxy.cache is not None:
            proxy.cache = TellingCache.of(proxy.cache, self.deed)

    def chosen(self, request: Request, backend: Backend, why: dict[str, Any]) -> None:
        """Why the proxy chose *backend* for *request*, or for a connection."""
        luggage = request.world
        call = luggage.call if isinstance(luggage, Dial) else luggage
        now = self.teller.world.env.time
        self.teller.recorder.choice(call.id, now, self.name, backend.name, why)

    def news(self, backend: str, what: str, at: float) -> None:
        """What has become of *backend*."""
        self.teller.diary.bout(Bout(at, self.name, backend, what))

    def deed(
        self,
        what: str,
        request: Request | None,
        where: Target,
        variant: str,
        said: Mapping[str, Any],
    ) -> None:
        """What its cache did."""
        number = -1 if request is None else request.world.id
        now = self.teller.now
        self.teller.diary.deed(
            Deed(now, self.name, what, where[1], where[3], variant, number, said)
        )
