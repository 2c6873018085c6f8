"""Who did what when, for whom: spans of requests, from what every process noted."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING

from proxysim.loopback.records import Asked, Handled, Served

if TYPE_CHECKING:
    from proxysim.loopback.joining import Joint

__all__ = ["Spans", "mirrored"]


class Spans:
    """The spans of a *joint* run, for its recorder."""

    def __init__(self, joint: Joint) -> None:
        self._joint = joint
        self._recorder = joint.recorder

    def write(self) -> None:
        """Give all of them to the recorder."""
        joint = self._joint
        fronts: dict[int, tuple[str, str]] = {}
        for log in joint.clients["asked"].values():
            for asked in log:
                node = joint.end_of(asked) or asked.front
                fronts[asked.id] = (asked.front, node)
                self._asked(asked, node)
        for request, step, start, end in joint.clients["handshakes"]:
            if request in fronts:
                front, node = fronts[request]
                self._span(request, node if step == "tls" else front, step, start, end)
        carried = self._carried()
        for parts in joint.proxies.values():
            for request, port, node, step, start, end in parts["dialled"]:
                number = carried.get((node, port), request) if request == -1 else request
                self._span(number, node, step, start, end)
            for number, node, began, head in parts["probed"]:
                self._passage(number, node, began, joint.stories.told(node, number, 0), head)
        for told in joint.stories.received.values():
            for node, found in told:
                self._received(node, found)

    def _carried(self) -> dict[tuple[str, int], int]:
        """The first request that came by each connection: by who received it, and from which port.

        A proxy that passes connections on unread does not know what for.
        """
        first: dict[tuple[str, int], tuple[float, int]] = {}
        for told in self._joint.stories.received.values():
            for node, found in told:
                came = found.arrived if isinstance(found, Served) else found.began
                key = (node, found.peer[1])
                first[key] = min(first.get(key, (came, found.id)), (came, found.id))
        return {key: request for key, (_, request) in first.items()}

    def _span(self, request: int, node: str, step: str, start: float, end: float) -> None:
        recorder = self._recorder
        if recorder.wants_hops(request) and end >= start:
            codes = recorder.texts["client"][node], recorder.texts["step"][step]
            recorder.hop(request, *codes, start, end)

    def _asked(self, asked: Asked, node: str) -> None:
        told = self._joint.stories.told(node, asked.id, 1)
        self._passage(asked.id, node, asked.sent, told, asked.first_byte)
        if told is not None and not isnan(asked.first_byte):
            for wire in mirrored(self._joint.crossed(told.peer, node)):
                self._span(asked.id, wire, "transfer", asked.first_byte, asked.end)

    def _received(self, node: str, told: Handled | Served) -> None:
        if isinstance(told, Served):
            if told.began > told.arrived:
                self._span(told.id, node, "queue", told.arrived, told.began)
            self._span(told.id, node, "service", told.began, told.ended)
            return
        self._span(told.id, node, "cpu", told.began, told.began + told.cpu)
        for child, attempt, began, head in told.fetches:
            further = self._joint.stories.told(child, told.id, attempt)
            self._passage(told.id, child, began, further, head)

    def _passage(
        self, request: int, node: str, sent: float, told: Handled | Served | None, head: float
    ) -> None:
        """The request's way to *node*, and its answer's way back, wire by wire."""
        if told is None or isnan(sent):
            return
        got, left = (
            (told.arrived, told.ended) if isinstance(told, Served) else (told.began, told.head_sent)
        )
        wires = self._joint.crossed(told.peer, node)
        for wire in wires:
            self._span(request, wire, "request", sent, got)
        if not isnan(head):
            for wire in mirrored(wires):
                self._span(request, wire, "response", left, head)


def mirrored(wires: Sequence[str]) -> list[str]:
    """The same wires the other way."""
    ends = [wire.split(">") for wire in reversed(wires)]
    return [f"{end}>{start}" for start, end in ends]
