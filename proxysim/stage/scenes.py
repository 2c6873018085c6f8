"""Ladders of scenes: a scenario taken apart, one new thing at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["LADDERS", "Prediction", "Scene", "scenes_of"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is asked before a scene plays, and what is said afterwards."""

    question: str
    choices: tuple[str, ...]
    answer: int
    because: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A setting of a scenario, what to look at in it, and perhaps a run beside it."""

    title: str
    text: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    versus: tuple[str, ...] = ()
    predict: Prediction | None = None


_ONLY_NEWS = {
    "sites.wiki.example.share": 0,
    "sites.mail.example.share": 0,
    "sites.ads.example.share": 0,
    "sites.casino.example.share": 0,
}
_QUIET = {"nodes.staff.arrivals": 16, "run.duration": 10}
_ALIKE = {"nodes.shop.speed": 1, "events": [], "run.duration": 8}
_UNCACHED = {"nodes.edge.cache": None, "nodes.edge.compression": None}
_PRESSED: dict[str, Any] = {**_UNCACHED, "events": [], "nodes.visitors.arrivals": 330}
_IN_TURN = {"nodes.edge.balancer": "round_robin"}

LADDERS: dict[str, tuple[Scene, ...]] = {
    "office-forward-proxy": (
        Scene(
            "In the client's place",
            "Nothing but a proxy. Somebody of the staff asks the gateway; the gateway asks the web"
            " in their place, and hands the answer back. Click a mark, and see who saw what: the"
            " web never learns who asked.",
            {**_ONLY_NEWS, **_QUIET, "nodes.gateway.cache": None, "nodes.gateway.filters": []},
        ),
        Scene(
            "The second time",
            "Now the gateway keeps what came through it: each square is a page. A page that it has"
            " answered with again is filled.",
            {
                **_ONLY_NEWS,
                **_QUIET,
                "sites.news.example.objects": 60,
                "nodes.gateway.filters": [],
            },
            predict=Prediction(
                "Somebody opens an article that a colleague has just read. How far does the request"
                " travel?",
                ("All the way to the web", "To the gateway and no further", "Nowhere at all"),
                1,
                "The gateway kept the article when it first came by, and answers at once: the green"
                " diamonds turn round at the gateway, in about a hundredth of the time.",
            ),
        ),
        Scene(
            "What is not allowed",
            "The gateway has rules. Watch for the red octagons.",
            {**_QUIET, "sites.mail.example.share": 0, "sites.casino.example.share": 0.4},
            predict=Prediction(
                "Somebody asks for casino.example, which is forbidden. What does it notice?",
                ("A request without a sender", "A request that breaks off", "Nothing at all"),
                2,
                "The gateway reads the name, finds the rule, and answers 403 itself. No request for"
                " the casino ever crosses the line to the web.",
            ),
        ),
        Scene(
            "What cannot be seen",
            "Mail goes over TLS. The client has the gateway open a tunnel (CONNECT), and shakes"
            " hands with the far end through it: hexagons are sealed. The gateway knows the name"
            " of the site and no more, so it can never answer from its cache.",
            {**_QUIET, "sites.mail.example.share": 2},
        ),
        Scene(
            "With and without",
            "The same requests at the same moments, beside a world without the gateway.",
            {"nodes.staff.arrivals": 30, "run.duration": 20},
            versus=("without gateway",),
            predict=Prediction(
                "Without the gateway, half of all answers take …",
                ("less time: one stop fewer", "about as long", "much longer"),
                2,
                "A hit comes from half a millisecond away, the web is forty. The detour costs each"
                " miss a millisecond, and saves each hit eighty.",
            ),
        ),
        Scene("The whole office", "Everything at once, as it is in the scenario."),
    ),
    "website-reverse-proxy": (
        Scene(
            "One front door",
            "Visitors know one address, the edge. It ends their encryption, picks a server in turn"
            " (round robin), and hands the answer back. Nobody outside sees the servers.",
            {**_ALIKE, **_UNCACHED, **_IN_TURN, "nodes.visitors.arrivals": 60},
        ),
        Scene(
            "One slow server",
            "shop-4 is now half as fast as the others, and there is more to do.",
            {**_PRESSED, **_IN_TURN},
            predict=Prediction(
                "Round robin gives each of the four the same number of requests. What becomes of"
                " shop-4?",
                ("It answers later, that is all", "A line grows before it, and goes on growing",
                 "The edge notices, and sends it less"),
                1,
                "Equal numbers are not equal work. shop-4 can do some 67 requests a second and gets"
                " 82: the rest stands in line, longer and longer, while the others have room.",
            ),
        ),
        Scene(
            "Ask the one with the least to do",
            "The same requests, the same servers. On the left the edge looks at how many requests"
            " each server has not answered yet; on the right it goes round.",
            _PRESSED,
            versus=("nodes.edge.balancer=round_robin",),
            predict=Prediction(
                "Which way of choosing leaves the slowest answers?",
                ("Least connections", "Round robin", "Both the same: the servers are the same"),
                1,
                "Least connections knows nothing of speeds. A slow server holds its requests"
                " longer, so it has more of them, so it is asked less. Round robin never looks.",
            ),
        ),
        Scene(
            "Why this server?",
            "Click the edge, or a request: you see what the balancer saw at that moment, and how"
            " each server scored.",
            {**_UNCACHED, "events": [], "nodes.visitors.arrivals": 200},
        ),
        Scene(
            "A cache at the edge",
            "What the edge has kept never reaches the servers at all: the same requests with a"
            " cache and without.",
            {"events": [], "nodes.visitors.arrivals": 330},
            versus=("nodes.edge.cache=null",),
        ),
        Scene(
            "A server goes down",
            "shop-2 refuses everything between 1.5 s and 3 s. Watch for requests that are tried"
            " again, and for how soon the edge stops asking it.",
            {"events": [{"at": 1.5, "node": "shop-2", "down_for": 1.5}], "nodes.edge.cache": None,
             "nodes.visitors.arrivals": 300},
            predict=Prediction(
                "How many visitors will see an error?",
                ("A quarter of those who come meanwhile", "A few", "Hardly anybody"),
                2,
                "What shop-2 refuses is asked again of another server. After three failures in a"
                " row the edge leaves it alone for a while.",
            ),
        ),
        Scene("The whole shop", "Everything at once, as it is in the scenario."),
    ),
}  # fmt: skip


def scenes_of(name: str) -> list[dict[str, Any]]:
    """The ladder of the scenario *name* as plain data; empty where it has none."""
    return [asdict(scene) for scene in LADDERS.get(name, ())]
