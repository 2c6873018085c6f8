"""With and without a proxy: the differences are those of the tables."""

import pytest

from proxysim.errors import ResultError
from proxysim.results.columns import Outcome
from proxysim.results.comparison import Difference, compare
from proxysim.results.recorder import Recorder

FACTS = {
    "staff": {"kind": "clients", "group": "staff"},
    "gateway": {"kind": "forward_proxy"},
    "web": {"kind": "server", "tls_cpu": 0.5},
}
ZONES = {"inside": ["staff", "gateway"], "outside": ["web"]}


def recorded(proxied, *, seed=7, blocked=3, facts=FACTS, keep="all"):
    """Ten requests; with the proxy the first few are blocked and each second one is a hit."""
    recorder = Recorder(10.0, seed and 0.0, keep=keep)
    party = recorder.texts["node"]
    for number in range(10):
        client = party[f"staff-{number % 2 + 1}"]
        stopped = proxied and number < blocked
        local = stopped or (proxied and number % 2 == 0)
        server = party["gateway" if local else "web"]
        latency = 0.001 if local else 0.1
        outcome = Outcome.BLOCKED if stopped else Outcome.OK
        at = float(number)
        row = (number, client, 0, 0, 0, at, at + latency, at + latency, at + latency - at, 200)
        recorder.add((*row, outcome, server, 0, 0, 1, False, 0, 0, 9, 0.0, 0.0, 0.0, 0.0))
        if not local:
            peer = party["gateway"] if proxied else client
            recorder.view((party["web"], client, 0, peer, 0, True, True, True))
        near = party["gateway" if proxied else "web"]
        recorder.view((client, client, 0, near, 0, True, True, True))
    for link in ("gateway>web", "staff>gateway") if proxied else ("staff-1>web", "staff-2>web"):
        recorder.node_window((party[link], 0.0, 10.0, float("nan"), 0, 0, 1.0, 0, 0, 0, 0, 300))
    rate, carried = (0.3, 300) if proxied else (1.0, 1000)
    recorder.node_window((party["web"], 0.0, 10.0, 0.1, 0, 0, rate, 0, 0, 0, 0, carried))
    return recorder.finish(
        world="sim",
        scenario="x",
        scenario_hash="",
        seed=seed,
        facts=facts,
        topology={"zones": ZONES if proxied else {"moved": ["gateway"]}},
    )


def found(**options):
    rows = compare(recorded(True, **options), recorded(False, **options))
    return {(row.section, row.label): (row.with_proxy, row.without) for row in rows}


def test_the_rows_are_those_of_the_tables():
    rows = found()
    assert rows["latency", "p99"] == pytest.approx((0.1, 0.1))
    assert rows["requests", "ok"] == (7, 10)
    assert rows["requests", "blocked"] == (3, 0)
    assert rows["servers", "requests received"] == (3, 10)
    assert rows["servers", "bytes sent"] == (300, 1000)
    assert rows["servers", "processor time for TLS"] == (0.5, 0.5)
    assert rows["servers", "unwanted requests"] == (0, 3)


def test_links_of_a_group_are_one_and_the_border_is_the_sum():
    rows = found()
    assert rows["bytes carried", "staff > web"] == (None, 600)
    assert rows["bytes carried", "gateway > web"] == (300, None)
    assert rows["bytes carried", "across the border"] == (300, 600)


def test_who_knows_what_lists_only_what_changes():
    rows = found()
    assert rows["who knows what", "web: the client's address"] == (0.0, 1.0)
    assert rows["who knows what", "staff: the server's address"] == (0.0, 1.0)
    assert ("who knows what", "web: the site") not in rows


def test_a_run_compared_with_itself_differs_in_nothing():
    run = recorded(True)
    assert {row.difference for row in compare(run, run)} == {0}


def test_where_rows_were_not_kept_the_unwanted_are_unknown():
    assert ("servers", "unwanted requests") not in found(keep="none")


def test_without_facts_there_are_still_figures():
    rows = found(facts={})
    assert rows["requests", "ok"] == (7, 10)
    assert rows["servers", "processor time for TLS"] == (None, None)


def test_runs_of_different_requests_are_refused():
    with pytest.raises(ResultError, match="seed 1 and 2"):
        compare(recorded(True, seed=1), recorded(False, seed=2))


@pytest.mark.parametrize(
    ("row", "texts"),
    [
        (Difference("", "a", 0.01, 0.02, "s"), ("a", "10.0 ms", "20.0 ms", "-10.0 ms")),
        (Difference("", "a", 2000, 1000, "B"), ("a", "2.00 kB", "1.00 kB", "+1.00 kB")),
        (Difference("", "a", 0.5, 0.5, "share"), ("a", "50.0%", "50.0%", "±0.0%")),
        (Difference("", "a", None, 4), ("a", "-", "4", "-")),
    ],
)
def test_texts_carry_units_and_signs(row, texts):
    assert row.texts() == texts
