"""How one value is tried: how often, for how long, with whom down, and what is concluded."""

from types import SimpleNamespace

import numpy as np
import pytest

import proxysim as ps
from proxysim.errors import ResultError
from proxysim.studies import trials
from proxysim.studies.evidence import ANSWERED, estimated
from proxysim.studies.limits import busiest
from proxysim.studies.metrics import metric
from proxysim.studies.objectives import objectives
from proxysim.studies.outages import outages, unwatched
from proxysim.studies.running import Job, run_all
from proxysim.studies.search import Verdict
from proxysim.studies.trials import Bench, looks_at
from tests.studies.small import SHOP

OK = {"arrived": 5000, "ok": 5000, "rejected": 0, "timed_out": 0, "failed": 0, "in_flight": 0}


@pytest.fixture
def made_up(monkeypatch):
    """A bench for ``mean < 100ms`` whose runs come to whatever *values* says."""

    def bench(values, asked="mean < 100ms", **options):
        def runs(jobs, metrics, **_):
            summary = SimpleNamespace(
                requests=OK, utilisation={}, bytes={}, manifest={"proxysim": "0"}
            )
            found = [
                {one.name: None for one in metrics} | {"mean": values(job.replication)}
                for job in jobs
            ]
            return [SimpleNamespace(summary=summary, values=each) for each in found]

        monkeypatch.setattr(trials, "run_all", runs)
        return Bench(objectives(asked), seed=1, **options)

    return bench


# When to stop.


def test_one_looks_after_ever_twice_as_many():
    assert looks_at(48) == [4, 8, 16, 32, 48]
    assert looks_at(20) == [4, 8, 16, 20]
    assert looks_at(4) == [4]


def test_what_is_clear_takes_few_replications(made_up):
    quick = made_up(lambda n: 0.05 + 0.001 * n).trial(1, SHOP)
    slow = made_up(lambda n: 0.5 + 0.001 * n).trial(1, SHOP)
    assert (quick.verdict, quick.replications) == (Verdict.MEETS, 4)
    assert (slow.verdict, slow.replications) == (Verdict.MISSES, 4)


def test_what_is_near_takes_more_until_it_can_be_told(made_up):
    found = made_up(lambda n: 0.094 + (0.003 if n % 2 else -0.003)).trial(1, SHOP)
    assert found.verdict is Verdict.MEETS
    assert 4 < found.replications <= 48


def test_what_is_too_near_is_not_pursued(made_up):
    found = made_up(lambda n: 0.1 + (1e-5 if n % 2 else -1e-5)).trial(1, SHOP)
    assert (found.verdict, found.replications) == (Verdict.UNSURE, 4)


def test_what_would_take_far_too_many_is_given_up_and_told(made_up):
    found = made_up(lambda n: 0.102 + (0.1 if n % 2 else -0.1)).trial(1, SHOP)
    assert (found.verdict, found.replications) == (Verdict.UNSURE, 8)
    (mean,) = found.measured
    width = (mean.found.high - mean.found.low) / 2
    assert found.would_take == pytest.approx(8 * (width / 0.002) ** 2, rel=0.01)
    clear = made_up(lambda n: 0.05 + 0.001 * n).trial(1, SHOP)
    assert clear.would_take is None


def test_verdicts_on_what_lies_at_the_bound_are_seldom_wrong(made_up):
    """Whatever is told of a mean that is the bound itself is wrong: at most 5 % may be told."""
    rng = np.random.default_rng(11)
    told = 0
    for _ in range(400):
        draws = rng.normal(0.1, 0.02, 24)
        bench = made_up(lambda n, draws=draws: float(draws[n]), most=24)
        told += bench.trial(1, SHOP).verdict is not Verdict.UNSURE
    assert told <= 400 * 0.05 + 3 * (400 * 0.05 * 0.95) ** 0.5


def test_a_share_that_was_never_seen_may_still_be_there():
    found = estimated([0.0, 0.0, 0.0], metric("error_rate"), 1000, 0.95)
    assert (found.low, found.value) == (0.0, 0.0)
    assert found.high == pytest.approx(3.69 / 1000, rel=0.01)
    whole = estimated([1.0, 1.0], metric("hit_ratio"), 1000, 0.95)
    assert whole.low == pytest.approx(1 - 3.69 / 1000, rel=0.01)
    assert whole.high == 1.0


def test_intervals_keep_to_what_there_can_be():
    assert estimated([0.0, 0.01, 0.03], metric("error_rate"), 10, 0.95).low == 0.0
    assert estimated([0.9, 1.0, 1.0], metric("hit_ratio"), 10, 0.95).high == 1.0


def test_a_rare_failure_takes_as_many_requests_as_it_takes(made_up):
    bench = made_up(lambda n: 0.05, "mean < 100ms", most=12)
    rare = objectives("error rate < 0.01%")[0]
    seen = estimated([0.0] * 3, rare.metric, 15_000, bench.within)
    assert rare.judge(seen) is Verdict.UNSURE
    assert rare.judge(estimated([0.0] * 12, rare.metric, 60_000, bench.within)) is Verdict.MEETS


# How long a run must be.


def test_a_percentile_lengthens_runs_until_they_support_it():
    found = Bench(objectives("p99 < 10s"), seed=1, most=3).trial(1, SHOP.set("run.duration", "5s"))
    assert found.verdict is Verdict.MEETS
    assert 10.0 < found.duration < 30.0  # 1000 answers at 100/s, and some more


@pytest.mark.parametrize(
    ("objective", "changes", "why"),
    [
        ("p99.99 < 1s", {}, "more than 20 times"),
        ("p99 < 1s", {"run.duration": "5s", "events": [{"at": 3, "node": "shop-1", "slow": 2,
          "for": "1s"}]}, "its events would be a smaller part"),
        ("p99 < 1s", {"run.duration": "5s", "nodes.visitors.arrivals":
          {"ramp": {"start": "50/s", "end": "60/s"}}}, "not the same at all times"),
    ],
)  # fmt: skip
def test_a_percentile_out_of_reach_is_refused_with_what_it_takes(objective, changes, why):
    with pytest.raises(ResultError, match=why) as caught:
        Bench(objectives(objective), seed=1).trial(1, SHOP.set(changes) if changes else SHOP)
    wanted = "100,000" if "99.99" in objective else "1,000"
    assert f"({wanted} answers a run)" in str(caught.value)
    assert "Set run.duration yourself" in str(caught.value)


def test_what_is_surely_missed_needs_no_percentile():
    asked = (*objectives("p99.99 < 1s"), ANSWERED)
    lost = SHOP.set("nodes.shop.queue", 0).set("nodes.shop.service", "1s")
    found = Bench(asked, seed=1).trial(1, lost)
    assert found.verdict is Verdict.MISSES
    assert found.tightest.objective is ANSWERED


# Who is down.


def test_alike_servers_are_tried_once():
    cases = outages(SHOP, 1)
    assert [case.down for case in cases] == [("shop-1",), ()]
    assert cases[0].scenario.document.events[-1].down_for == 72.0
    assert [case.down for case in outages(SHOP, 0)] == [()]


def test_unlike_servers_are_tried_each():
    unlike = SHOP.set({"nodes.shop.count": 4, "nodes.shop.speed": [1, 1, 2, 3]})
    assert {case.down for case in outages(unlike, 1)} == {("shop-1",), ("shop-3",), ("shop-4",), ()}
    assert {case.down for case in outages(unlike, 2)} == {
        ("shop-1", "shop-2"), ("shop-1", "shop-3"), ("shop-1", "shop-4"), ("shop-3", "shop-4"), (),
    }  # fmt: skip
    troubled = SHOP.set("events", [{"at": 1, "node": "shop-2", "slow": 2, "for": "1s"}])
    assert {case.down for case in outages(troubled, 1)} == {("shop-1",), ("shop-2",), ()}
    hashed = SHOP.set("nodes.edge.balancer", "uri_hash")
    assert {case.down for case in outages(hashed, 1)} == {("shop-1",), ("shop-2",), ()}


@pytest.mark.parametrize("survive", [-1, True, 1.5, "one"])
def test_so_many_cannot_be_down(survive):
    with pytest.raises(ResultError, match="survive"):
        outages(SHOP, survive)


def test_who_has_no_backends_cannot_lose_one():
    with pytest.raises(ResultError, match="no server stands behind"):
        outages(ps.load("office-forward-proxy"), 1)


def test_too_many_ways_are_refused():
    unlike = SHOP.set({"nodes.shop.count": 40, "nodes.shop.speed": [1 + n for n in range(40)]})
    with pytest.raises(ResultError, match="too many ways"):
        outages(unlike, 2)


def test_the_worst_loss_decides():
    """Half as fast as the other: to be left with it alone is worse."""
    unlike = SHOP.set({"nodes.shop.speed": [1, 0.5], "nodes.visitors.arrivals": {"poisson": 40}})
    found = Bench(objectives("mean < 30ms"), seed=1, survive=1).trial(1, unlike)
    assert found.verdict is Verdict.MISSES
    assert found.case == "shop-1 down"
    alone = Bench(objectives("mean < 30ms"), seed=1).trial(1, unlike)
    assert (alone.verdict, alone.case) == (Verdict.MEETS, "")


def test_a_proxy_that_looks_after_nobody_is_named():
    assert unwatched(SHOP) == []
    bare = SHOP.set({"nodes.edge.retry": None, "nodes.edge.health": {}})
    assert unwatched(bare) == ["edge"]


# What is short.


def test_a_wire_s_share_is_of_its_busier_direction():
    narrow = SHOP.set("links.edge-shop.bandwidth", "1200kbps")
    (found,) = run_all([Job(narrow, 1)], [metric("bytes.shop>edge")], workers=1)
    busy = busiest(narrow, [found.summary])
    carried = max(count for name, count in found.summary.bytes.items() if name.endswith(">edge"))
    assert busy.name in ("edge-shop-1", "edge-shop-2")
    assert busy.share == pytest.approx(carried / (10 * 150_000), rel=0.05)
    assert busy.text.startswith("the link edge-shop-")
    both = narrow.set({"links.edge-shop.shared": True, "links.edge-shop.bandwidth": "2400kbps"})
    shared = busiest(both, [found.summary])
    assert shared.name == "edge-shop"
    assert shared.share == pytest.approx(busy.share, rel=0.1)
    full = busiest(narrow.set("links.edge-shop.bandwidth", "100kbps"), [found.summary])
    assert (full.share, full.link) == (1.0, True)


def test_of_clients_lines_the_mean_counts():
    lines = SHOP.set("links.visitors-edge.bandwidth", "100kbps")
    (found,) = run_all([Job(lines, 1)], workers=1)
    busy = busiest(lines, [found.summary])
    assert busy.name == "visitors-edge"
    down = found.summary.bytes["edge>visitors"] / (20 * 10 * 12_500)
    assert busy.share == pytest.approx(down)
