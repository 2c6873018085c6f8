"""Where every request is at a moment: the same rule that the page follows, from the same data.

A request under way is drawn once for each span that it has at that moment: on a link by the share
of the crossing that is done, in a node where it is held. Where nothing is told of it, it rests
where it was last. Handshakes go there and back over their way while the request waits.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Leg", "Mark", "Motion"]


@dataclass(frozen=True, slots=True)
class Leg:
    """A span at its ``place``; ``kind`` is go, back, shake or hold, times are in seconds."""

    kind: str
    place: tuple[int, ...]
    step: str
    start: float
    end: float
    tail: float
    sealed: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A request ``share`` of the way along ``place``, or of its stay there.

    ``kind`` is a leg's, or rest. ``state``: plain, sealed (nobody on the way can read it), retried,
    left (the client has gone), or what the answer is: answer, hit, stale, miss, blocked, failed.
    """

    request: int
    kind: str
    place: tuple[int, ...]
    step: str
    share: float
    state: str


_FATES = {"blocked": "blocked", "rejected": "failed", "timed_out": "failed", "failed": "failed"}
_CACHED = {
    "hit": "hit",
    "stale": "stale",
    "miss": "miss",
    "revalidated": "miss",
    "coalesced": "miss",
}


class Motion:
    """The requests of *data*, as :func:`~proxysim.stage.trace.staged` made it, in motion."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        requests, hops = data["requests"], data["hops"]
        tick = data["tick"]
        self.ids: list[int] = requests["id"]
        self.at = [at * tick for at in requests["at"]]
        self.end = [
            float("inf") if end is None else at + end * tick
            for at, end in zip(self.at, requests["end"], strict=True)
        ]
        self.fates = [
            _FATES.get(data["outcomes"][outcome]) or _CACHED.get(data["caches"][cache], "answer")
            for outcome, cache in zip(requests["outcome"], requests["cache"], strict=True)
        ]
        self.clients = [_home(data, name) for name in requests["client_names"]]
        self._client = requests["client"]
        self.legs: list[list[Leg]] = []
        steps = [_kind(step) for step in data["steps"]]
        place = 0
        for number, count in enumerate(hops["count"]):
            legs = []
            for span in range(place, place + count):
                way = tuple(data["places"][hops["place"][span]])
                step = hops["step"][span]
                start = self.at[number] + hops["start"][span] * tick
                end = start + hops["length"][span] * tick
                tail = end + max(0, hops["tail"][span]) * tick
                kind = steps[step] if len(way) > 1 else "hold"
                legs.append(
                    Leg(
                        kind, way, data["steps"][step], start, end, tail, bool(hops["sealed"][span])
                    )
                )
            self.legs.append(legs)
            place += count
        self.last = [
            max([leg.tail for leg in legs] + ([end] if end < float("inf") else [at]))
            for legs, end, at in zip(self.legs, self.end, self.at, strict=True)
        ]
        self.retried = [
            _second_try(legs) if attempts > 1 else float("inf")
            for legs, attempts in zip(self.legs, requests["attempts"], strict=True)
        ]
        self._longest = max((b - a for a, b in zip(self.at, self.last, strict=True)), default=0.0)

    @property
    def until(self) -> float:
        """When the last mark has left the stage."""
        return max(self.last, default=0.0)

    def under_way(self, t: float) -> Iterator[int]:
        """The requests that have a mark at *t*, by number in the data; O(log n + those near)."""
        for number in range(bisect_right(self.at, t) - 1, -1, -1):
            if self.at[number] < t - self._longest:
                break
            if t < self.last[number]:
                yield number

    def marks(self, t: float) -> list[Mark]:
        """All marks at *t*, requests in order of arrival."""
        found = [mark for number in self.under_way(t) for mark in self.of(number, t)]
        return sorted(found, key=lambda mark: mark.request)

    def of(self, number: int, t: float) -> list[Mark]:
        """The marks of one request at *t*."""
        found: list[Mark] = []
        legs = self.legs[number]
        turned = False
        here: tuple[int, ...] = (self.clients[self._client[number]],)
        latest = float("-inf")
        for leg in legs:
            if leg.start > t:
                continue
            if leg.end <= t:
                if leg.kind != "shake" and leg.end >= latest:
                    latest, here = leg.end, leg.place[-1:]
                    turned = leg.kind == "back"
                continue
            share = (t - leg.start) / (leg.end - leg.start)
            if leg.kind == "shake":
                state = "sealed" if leg.step == "tls" else "plain"
                out = 2 * share if share < 0.5 else 2 - 2 * share
                found.append(Mark(number, "shake", leg.place, leg.step, out, state))
                continue
            state = self._state(number, t, leg.kind == "back", leg.sealed)
            found.append(Mark(number, leg.kind, leg.place, leg.step, share, state))
        if t < self.end[number] and all(mark.kind == "shake" for mark in found):
            for mark in found:
                here = mark.place[:1]
            found.append(Mark(number, "rest", here, "", 0.0, self._state(number, t, turned, False)))
        return found

    def _state(self, number: int, t: float, back: bool, sealed: bool) -> str:
        if t >= self.end[number]:
            return "left"
        if back:
            return self.fates[number]
        if t >= self.retried[number]:
            return "retried"
        return "sealed" if sealed else "plain"


def _kind(step: str) -> str:
    if step in ("connect", "tls"):
        return "shake"
    return "back" if step == "response" else "go"


def _second_try(legs: list[Leg]) -> float:
    """When a request sets out from the same proxy a second time."""
    before: set[int] = set()
    first = next((leg.place[0] for leg in legs if leg.kind == "go"), None)
    for leg in sorted(legs, key=lambda leg: leg.start):
        if leg.kind == "go":
            if leg.place[0] in before and leg.place[0] != first:
                return leg.start
            before.add(leg.place[0])
    return float("inf")


def _home(data: Mapping[str, Any], client: str) -> int:
    """The icon of *client*."""
    names = [node["name"] for node in data["nodes"]]
    group = client.rpartition("-")[0]
    for name in (client, group):
        if name in names:
            return names.index(name)
    return 0
