"""Where marks are is where the spans say, and what a page is given is what the run recorded."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import proxysim as ps
from proxysim.stage.marks import Motion
from proxysim.stage.page import script
from proxysim.stage.trace import TICK, _last_byte, staged
from tests.stage.conftest import SHORT, scenario

NAMES = sorted(SHORT)
SLACK = 3 * TICK


@pytest.fixture(scope="session")
def motions(played):
    """Each run in motion, beside its data and its crossings of links as the hops table has them."""
    made = {}

    def motion(name):
        if name not in made:
            run = played(name)
            data = staged(run)
            hops = run.hops
            heads = hops[hops.step.isin(["request", "response"]) & (hops.request >= 0)]
            made[name] = Motion(data), data, heads
        return made[name]

    return motion


def crossings(data, heads, t):
    """What the hops table says of links at *t*: the share of each crossing, by request and ends."""
    icons = {node["name"] for node in data["nodes"]}
    found = {}
    for row in heads[(heads.start <= t) & (t < heads.end)].itertuples():
        ends = row.node.split(">")
        a, b = (end if end in icons else end.rpartition("-")[0] for end in ends)
        found[row.request, a, b] = (t - row.start) / (row.end - row.start)
    return found


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(share=st.floats(0.01, 0.9))
def test_a_mark_on_a_link_is_where_its_span_says(motions, name, share):
    motion, data, heads = motions(name)
    t = share * motion.until
    said = crossings(data, heads, t)
    names = [node["name"] for node in data["nodes"]]
    shown = {
        (motion.ids[mark.request], *(names[icon] for icon in mark.place)): mark.share
        for mark in motion.marks(t)
        if mark.kind in ("go", "back")
    }
    # What begins or ends within a tick of t may be on either side of it.
    edge = {key for key, share in (said | shown).items() if min(share, 1 - share) < 0.01}
    assert said.keys() ^ shown.keys() <= edge
    for key in said.keys() & shown.keys():
        assert shown[key] == pytest.approx(said[key], abs=0.002)


def test_there_is_something_on_the_links(motions):
    for name in NAMES:
        motion, data, heads = motions(name)
        assert (
            sum(
                len(crossings(data, heads, share * motion.until))
                for share in (0.2, 0.3, 0.4, 0.5, 0.6)
            )
            > 3
        )


@pytest.mark.parametrize("name", NAMES)
def test_whoever_is_under_way_has_a_mark_and_nobody_else(played, motions, name):
    run = played(name)
    motion, _, _ = motions(name)
    at, end = run.column("at"), run.column("end")
    for t in np.linspace(0.0, motion.until, 60):
        marked = {motion.ids[mark.request] for mark in motion.marks(t) if mark.state != "left"}
        late = np.abs(end - t) < SLACK
        under_way = set(run.column("id")[(at <= t) & (t < end)].tolist())
        unsure = set(run.column("id")[late | (np.abs(at - t) < SLACK)].tolist())
        assert marked ^ under_way <= unsure


def test_states_tell_what_became_of_each(played, motions):
    motion, data, _ = motions("office-forward-proxy")
    requests = played("office-forward-proxy").requests.set_index("id")
    seen = Counter()
    for t in np.arange(0.0, motion.until, 0.0013):
        for mark in motion.marks(t):
            if mark.kind == "back":
                seen[mark.state] += 1
                row = requests.loc[motion.ids[mark.request]]
                if mark.state == "blocked":
                    assert row.outcome == "blocked"
                    assert data["nodes"][mark.place[0]]["name"] == "gateway"
                elif mark.state in ("hit", "miss"):
                    assert row.cache == mark.state
            if mark.state == "sealed" and mark.kind == "go":
                assert requests.loc[motion.ids[mark.request]].encrypted
    assert {"hit", "miss", "blocked", "answer"} <= set(seen)


def test_nothing_that_was_blocked_or_hit_is_ever_beyond_the_gateway(motions):
    motion, data, _ = motions("office-forward-proxy")
    web = [node["name"] for node in data["nodes"]].index("web")
    for legs, fate in zip(motion.legs, motion.fates, strict=True):
        if fate in ("blocked", "hit"):
            assert not any(web in leg.place for leg in legs)


def test_a_hedged_request_has_two_marks_at_once(motions):
    motion, _, _ = motions("hedging")
    twice = [n for n, again in enumerate(motion.retried) if again < float("inf")]
    assert twice
    n = twice[0]
    t = motion.retried[n] + 2e-5
    assert len({mark.place for mark in motion.of(n, t)}) >= 2


def test_the_page_is_given_what_the_tables_say(played):
    run = played("website-reverse-proxy")
    data = json.loads(json.dumps(staged(run)))
    requests = data["requests"]
    assert requests["id"] == run.column("id").tolist()
    assert data["total"] == len(run.requests)
    for column in ("client", "path", "served_by", "backend", "coding"):
        names = requests[f"{column}_names"]
        assert [names[code] for code in requests[column]] == run.requests[column].tolist()
    assert np.allclose(np.array(requests["at"]) * TICK, run.column("at"), atol=TICK)
    assert sum(data["hops"]["count"]) == (run.hops[run.hops.request >= 0].step != "transfer").sum()
    told = {row[0] for row in data["choices"]["told"]}
    assert len(data["choices"]["told"]) == len(run.choices)
    assert {requests["id"][n] for n in told} == {choice["request"] for choice in run.choices}


def test_why_a_cache_had_it(played):
    run = played("office-forward-proxy")
    data = staged(run)
    rows = run.requests
    for n, (state, ident, ago) in enumerate(
        zip(rows.cache, data["fetched"]["id"], data["fetched"]["ago"], strict=True)
    ):
        if state == "hit":
            before = rows[rows.id == ident].iloc[0]
            assert (before.site, before.path) == (rows.site[n], rows.path[n])
            assert ago == pytest.approx((rows["at"][n] - before.end) * 1e6, abs=1)


def test_longer_runs_are_cut_to_whole_stretches_around_their_events():
    changes = {
        "run.duration": "12s",
        "events": [{"at": "6s", "node": "shop-2", "down_for": "1s"}],
        "nodes.visitors.arrivals": 50,
    }
    run = ps.simulate(scenario("website-reverse-proxy", **changes), hops="all")
    data = staged(run, most=200)
    ids = np.array(data["requests"]["id"])
    assert len(ids) <= 200 < data["total"]
    assert (np.diff(ids) > 1).sum() == 1
    at = np.array(data["requests"]["at"]) * TICK
    assert at[0] < 0.2
    assert ((at > 5.5) & (at < 7)).sum() > 40
    assert data["complete"]


def test_a_stretch_of_ones_own(played):
    data = staged(played("office-forward-proxy"), since=1.0, until=2.0)
    at = np.array(data["requests"]["at"]) * TICK
    assert at.min() >= 1.0
    assert at.max() < 2.0
    with pytest.raises(ps.ResultError, match="no request arrived in that time"):
        staged(played("office-forward-proxy"), since=1e6)
    with pytest.raises(ps.ResultError, match="at least one"):
        staged(played("office-forward-proxy"), most=0)


def test_a_run_without_spans_cannot_be_played():
    run = ps.simulate(scenario("one-server", **{"run.duration": "2s"}))
    with pytest.raises(ps.ResultError, match=r"no spans to play.*hops"):
        run.play()


def test_a_sample_of_spans_plays_and_says_so():
    run = ps.simulate(scenario("one-server", **{"run.duration": "5s"}), hops=5)
    data = staged(run)
    assert not data["complete"]
    server = [node["name"] for node in data["nodes"]].index("server")
    shares = data["windows"]["utilisation"][str(server)]
    rows = run.nodes[run.nodes.node == "server"]
    assert shares == pytest.approx(rows.utilisation.tolist(), abs=1e-3)
    assert data["windows"]["start"] == rows.start.tolist()
    assert all(number % 5 == 0 for number in data["requests"]["id"])


def test_the_same_run_is_the_same_page(played):
    run = played("both-ends")
    assert run.play().page == run.play().page


def test_a_notebook_is_given_a_frame_that_can_reach_nothing(played):
    shown = played("both-ends").play()._repr_html_()
    assert shown.startswith('<iframe sandbox="allow-scripts" srcdoc="')
    assert "<script" not in shown
    assert "allow-same-origin" not in shown


def test_a_body_may_be_told_with_its_head_or_after_it():
    assert _last_byte([(1.0, 3.0)], 1.0, 2.0) == 3.0
    assert _last_byte([(2.0, 3.0)], 1.0, 2.0) == 3.0
    assert _last_byte([(0.2, 0.5)], 1.0, 2.0) == 2.0
    assert _last_byte([], 1.0, 2.0) == 2.0


def test_the_player_is_one_module_without_imports():
    for host in ("still", "live"):
        lines = script(host).splitlines()
        assert not [line for line in lines if line.startswith(("import ", "export "))]
        assert "http" not in script(host).replace("http://${trace.site(n)}", "").replace(
            "HTTP/1.1", ""
        )
