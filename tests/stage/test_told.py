"""What a page is given of a run's diary: nothing that it needs is left out, and no more."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import proxysim as ps
from proxysim.results.diary import Deed
from proxysim.stage import told
from proxysim.stage.trace import TICK, staged
from tests.stage.conftest import scenario

KINDS = ("stored", "dropped", "flushed")


def held(changes, t):
    """What each node's cache holds at *t*."""
    found = set()
    for deed in changes:
        if deed.at > t:
            break
        key = (deed.node, deed.path)
        if deed.what == "stored":
            found.add(key)
        elif deed.what == "dropped":
            found.discard(key)
        else:
            found = {other for other in found if other[0] != deed.node}
    return found


deeds = st.lists(
    st.tuples(
        st.integers(0, 400), st.sampled_from("ab"), st.sampled_from(KINDS), st.sampled_from("xyz")
    ),
    max_size=60,
).map(
    lambda rows: [
        Deed(at / 10, node, what, "h", "" if what == "flushed" else path, "", 0, {})
        for at, node, what, path in sorted(rows, key=lambda row: row[0])
    ]
)


@given(deeds, st.integers(0, 20), st.integers(20, 40))
def test_a_stretch_begins_with_what_is_held_and_misses_nothing_within(changes, start, end):
    stretches = [(0.0, 5.0), (5.0 + start / 2, 5.0 + start / 2 + 3.0), (float(end), end + 2.0)]
    shown = list(told._shown(changes, stretches))
    assert [deed.at for deed in shown] == sorted(deed.at for deed in shown)
    for since, until in stretches:
        for t in (since, (since + until) / 2, until):
            assert held(shown, t) == held(changes, t)


def test_every_look_of_a_cache_finds_what_the_row_says(played):
    run = played("website-reverse-proxy")
    data = staged(run)
    states = [data["caches"][code] for code in data["requests"]["cache"]]
    words = {look[0]: look[2] for look in data["caching"]["looks"]}
    for n, state in enumerate(states):
        if state == "hit":
            assert words[n] == "fresh"
        elif state == "miss":
            assert words[n] in ("nothing", "other", "old", "unwanted")
    kept = [look for look in data["caching"]["looks"] if look[2] == "fresh"]
    for _, _, _, age, lifetime, _, before, _ in kept:
        assert 0 <= age < lifetime
        assert before[0] in ("stored", "renewed")
    refused = [look for look in data["caching"]["looks"] if look[-1]]
    assert refused
    assert all("RFC 9111" in look[-1] or "changed" in look[-1] for look in refused)
    json.dumps(data, allow_nan=False)


def test_a_page_that_was_pushed_out_is_missed_for_that():
    small = {"nodes.gateway.cache.capacity": "300kB", "run.duration": "8s"}
    run = ps.simulate(scenario("office-forward-proxy", **small), hops="all", explain=True)
    before = [look[6] for look in staged(run)["caching"]["looks"] if look[2] == "nothing"]
    assert None in before
    assert any(told and told[0] == "dropped" and told[3] == "evicted" for told in before)


def test_what_is_too_much_for_a_page_is_said(played, monkeypatch):
    monkeypatch.setattr(told, "MOST", 10)
    data = staged(played("website-reverse-proxy"))
    assert len(data["caching"]["changes"]) == 10
    assert not data["caching"]["whole"]


def test_a_run_that_does_not_explain_itself_has_nothing_to_tell():
    run = ps.simulate(scenario("one-server", **{"run.duration": "2s"}), hops="all")
    data = staged(run)
    assert data["messages"] is None
    assert data["caching"] is None
    assert data["health"] == {"probes": [], "bouts": [], "unwell": []}


def test_messages_can_be_put_together_again(played):
    run = played("both-ends")
    data = staged(run)
    messages = data["messages"]
    place = 0
    for number, count in zip(data["requests"]["id"], messages["count"], strict=True):
        for said in run.messages(number):
            lines = messages["sets"][messages["fields"][place]]
            head = [
                messages["lines"][messages["first"][place]],
                *(messages["lines"][line] for line in lines),
            ]
            assert "\n".join(head) == said.head
            assert messages["names"][messages["sender"][place]] == said.sender
            assert messages["kind"][place] == (said.step == "response") + 2 * said.sealed
            place += 1
        assert count > 0
    assert place == len(run.diary.messages)


def test_times_are_in_ticks(played):
    run = played("website-reverse-proxy")
    first = next(deed for deed in run.diary.deeds if deed.what == "stored")
    at, *_ = staged(run)["caching"]["changes"][0]
    assert at * TICK == pytest.approx(first.at, abs=TICK)
