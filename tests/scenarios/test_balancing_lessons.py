"""What the scenarios about sharing out work tell people to watch for does happen."""

import pytest

from tests.scenarios.staged import counted, play

seeds = pytest.mark.parametrize("seed", [None, 2])


def share_of(backend, requests):
    return (requests["backend"] == backend).mean()


def failed(requests):
    return (requests["outcome"] == "failed").sum()


@seeds
def test_equal_counts_are_not_equal_work(seed):
    in_turn = play("unequal-servers", seed=seed).summary()
    assert max(in_turn.load.values()) - min(in_turn.load.values()) < 10
    busy = [in_turn.utilisation[f"shop-{number}"] for number in (1, 2, 3, 4)]
    assert busy[:2] == pytest.approx([0.45, 0.45], abs=0.03)
    assert busy[2:] == pytest.approx([0.90, 0.90], abs=0.06)

    least = play(
        "unequal-servers", {"nodes.edge.balancer": "least_connections"}, seed=seed
    ).summary()
    assert max(least.load["shop-3"], least.load["shop-4"]) < 0.7 * least.load["shop-1"]
    assert max(least.utilisation[f"shop-{number}"] for number in (1, 2, 3, 4)) < 0.72
    assert least.latency["p99"] < 0.75 * in_turn.latency["p99"]


@seeds
def test_who_fails_fast_becomes_a_sink(seed):
    def broken(changes=None):
        return counted(play("fast-failing-backend", changes, seed=seed), 20, 40)

    assert share_of("shop-2", broken()) == pytest.approx(0.8, abs=0.06)
    assert share_of("shop-2", broken({"nodes.edge.balancer": "round_robin"})) == pytest.approx(
        0.25, abs=0.005
    )
    mended = broken({"nodes.edge.health.passive": {"failures": 3, "for": "10s"}})
    # Three in a row, and one more whenever its ten seconds are over.
    assert failed(mended) <= 10
    assert (mended["outcome"] == "ok").sum() == len(mended) - failed(mended)


@seeds
def test_a_memory_that_does_not_fade_starves_a_server(seed):
    def last_half_minute(changes=None):
        return share_of("shop-1", counted(play("starved-server", changes, seed=seed), 60))

    assert share_of("shop-1", counted(play("starved-server", seed=seed), 10, 15)) > 0.15
    assert last_half_minute() == 0
    assert 0.15 < last_half_minute({"nodes.edge.balancer": "peak_ewma"}) < 0.4


@seeds
def test_a_canary_hurts_few_and_so_is_long_in_being_seen(seed):
    def tenth_failure_and_all(changes=None):
        run = play("canary", changes, seed=seed)
        requests = counted(run)
        bad = requests[requests["outcome"] == "failed"]
        assert set(bad["backend"]) == {"canary"}
        return bad["at"].iloc[9], len(bad) / len(requests)

    # The tenth of events at random every 2 s: 20 s, a standard deviation of 6.
    seen, hurt = tenth_failure_and_all()
    assert 8 < seen < 35
    assert hurt == pytest.approx(1 / 200, abs=0.002)
    sooner, more = tenth_failure_and_all({"nodes.canary.weight": 95})
    assert 0.5 < sooner < 4.5
    assert 6 * hurt < more < 15 * hurt


@seeds
def test_stickiness_shares_out_clients_and_not_work(seed):
    sticky = play("sticky-sessions", seed=seed).summary()
    busy = sorted(sticky.utilisation[f"shop-{number}"] for number in (1, 2, 3, 4))
    assert busy[:2] == pytest.approx([0.45, 0.45], abs=0.06)
    assert busy[2:] == pytest.approx([0.87, 0.87], abs=0.06)

    free = play(
        "sticky-sessions", {"nodes.edge.balancer": "least_connections"}, seed=seed
    ).summary()
    assert [free.utilisation[f"shop-{number}"] for number in (1, 2, 3, 4)] == pytest.approx(
        [0.65] * 4, abs=0.03
    )
    assert free.latency["p99"] < 0.8 * sticky.latency["p99"]
