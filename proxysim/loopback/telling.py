"""What the processes of a live run tell of themselves, and one diary made of it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from proxysim.loopback.records import Heard
from proxysim.loopback.tags import FIELD, Tag
from proxysim.messages import Request, Response
from proxysim.policies.caching.invalidation import Target
from proxysim.proxies.forward import ForwardProxy
from proxysim.proxies.reverse import ReverseProxy
from proxysim.proxies.telling import TellingCache
from proxysim.results.diary import Bout, Deed, Diary, Message
from proxysim.results.heads import request_head, response_head

if TYPE_CHECKING:
    from proxysim.loopback.joining import Joint

__all__ = ["Teller", "write_diary"]


class Teller:
    """Takes notes at one process; *clock* gives the run's seconds.

    ``heard`` are heads as they were read, less the run's own tag, of as many requests as a diary
    keeps.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.heard: list[Heard] = []
        self.diary = Diary(1)

    def request(self, node: str, tag: Tag | None, request: Request, *, forward: bool) -> None:
        """*request* has come to *node*, which is a *forward* proxy or not."""
        if tag is not None and self.diary.wants(tag.id):
            secure = request.scheme == "https" and request.method != "CONNECT"
            head = request_head(request, absolute=forward and not secure, less=FIELD)
            told = Heard(tag.id, tag.attempt, self.clock(), node, "", "request", secure, head)
            self.heard.append(told)

    def response(
        self, node: str, number: int, attempt: int, sender: str, response: Response, *, secure: bool
    ) -> None:
        """*response* to an attempt of the request *number* has come to *node* from *sender*."""
        if self.diary.wants(number):
            head = response_head(response)
            told = Heard(number, attempt, self.clock(), node, sender, "response", secure, head)
            self.heard.append(told)

    def listen(self, name: str, proxy: ForwardProxy | ReverseProxy) -> None:
        """Have the deeds of *proxy*'s cache told from now on, and the news of its backends."""

        def deed(
            what: str,
            request: Request | None,
            where: Target,
            variant: str,
            said: Mapping[str, Any],
        ) -> None:
            tag = getattr(None if request is None else request.world, "tag", None)
            number = -1 if tag is None else tag.id
            now = self.clock()
            self.diary.deed(Deed(now, name, what, where[1], where[3], variant, number, said))

        if isinstance(proxy, ReverseProxy):
            tell = self.diary.bout
            proxy.fleet.tell_to(lambda *news: tell(Bout(news[2], name, *news[:2])), self.clock())
        if proxy.cache is not None:
            proxy.cache = TellingCache.of(proxy.cache, deed)

    def parts(self) -> dict[str, Any]:
        """What there is to tell at the end."""
        return {"heard": self.heard, "deeds": self.diary.deeds, "bouts": self.diary.bouts}


def write_diary(joint: Joint) -> None:
    """Write what all processes tell of themselves, in order of time."""
    diary = joint.recorder.diary
    reports = [report.told for report in joint.reports if report.told]
    if not reports:
        return
    ends = {
        asked.id: joint.end_of(asked) or asked.front
        for log in joint.clients["asked"].values()
        for asked in log
    }
    names = list(joint.parties)
    heard: list[Heard] = [found for told in reports for found in told["heard"]]
    for found in sorted(heard, key=lambda found: found.at):
        if found.id in ends and diary.wants(found.id):
            sender = found.sender
            if not sender:
                request = found.step == "request"
                sender = names[_opener(joint, found)] if request else ends[found.id]
            diary.message(
                Message(
                    found.id, found.at, sender, found.node, found.step, found.secure, found.head
                )
            )
    for deed in sorted((deed for told in reports for deed in told["deeds"]), key=_when):
        diary.deed(deed)
    for bout in sorted((bout for told in reports for bout in told["bouts"]), key=_when):
        diary.bout(bout)


def _opener(joint: Joint, heard: Heard) -> int:
    """Who has sent a request that was heard, through tunnels too: a code."""
    told = joint.stories.told(heard.node, heard.id, heard.attempt)
    told = told or joint.stories.tunnels.get((heard.node, heard.id))
    segments = () if told is None else joint.segments(told.peer, heard.node)
    opener = segments[0][0] if segments else 0
    return opener or joint.asked.get(heard.id, (0, 0))[0]


def _when(noted: Deed | Bout) -> float:
    return noted.at
