"""What a live run tells of itself is what the simulated one tells of the same requests."""

from __future__ import annotations

from typing import Any

import pytest

import proxysim as ps
from proxysim.results.run import Run

#: What frames a body is the world's own affair; the order of fields and their case mean nothing.
FRAMING = ("content-length:", "transfer-encoding:", "connection:", "keep-alive:", "date:")


@pytest.fixture(scope="module")
def runs() -> tuple[Run, Run]:
    changes = {"run.duration": "1s", "run.warmup": 0, "run.drain": "60s"}
    scenario = ps.load("both-ends").set(changes)
    options: dict[str, Any] = {"sequential": True, "hops": "all", "explain": True}
    return ps.live(scenario, **options), ps.simulate(scenario, **options)


def heads(run: Run, request: int) -> list[tuple[str, str, str, bool, str, tuple[str, ...]]]:
    """Its messages, each with the fields that both worlds have."""
    found = []
    for told in run.messages(request):
        line, *fields = told.head.lower().split("\n")
        kept = tuple(sorted(field for field in fields if not field.startswith(FRAMING)))
        found.append((told.step, told.sender, told.receiver, told.sealed, line, kept))
    return sorted(found)


def test_the_same_heads_are_sent_in_both_worlds(runs: tuple[Run, Run]) -> None:
    live, simulated = runs
    ids = live.column("id").tolist()
    assert len(ids) > 10
    for request in ids:
        assert heads(live, request) == heads(simulated, request)
    assert not any("proxysim-request" in told.head for told in live.diary.messages)


def test_the_same_is_kept_in_both_worlds(runs: tuple[Run, Run]) -> None:
    live, simulated = (
        [
            (deed.node, deed.what, deed.host, deed.path, deed.request)
            for deed in run.diary.deeds
            if deed.what in ("looked", "stored", "refused")
        ]
        for run in runs
    )
    assert live
    assert sorted(live) == sorted(simulated)


def test_probes_have_spans_on_sockets_too() -> None:
    changes = {
        "run.duration": "1s",
        "run.warmup": 0,
        "nodes.visitors.arrivals": 5,
        "nodes.edge.health": {"active": {"interval": "200ms"}},
    }
    run = ps.live(ps.load("website-reverse-proxy").set(changes), hops="all", explain=True)
    probes = run.hops[run.hops.request < 0]
    for step in ("request", "service", "response"):
        assert len(probes[probes.step == step]) >= 4
    assert set(probes[probes.step == "request"].node) <= {f"edge>shop-{n}" for n in range(1, 5)}
    assert {bout.what for bout in run.diary.bouts} >= {"well"}
