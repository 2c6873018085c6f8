"""What the scenarios about trouble and its remedies tell people to watch for does happen."""

import pytest

from tests.scenarios.staged import counted, play

seeds = pytest.mark.parametrize("seed", [None, 2])


def served(requests):
    """The share that was answered."""
    return (requests["outcome"] == "ok").mean()


def failed(requests):
    return (requests["outcome"] == "failed").sum()


@seeds
def test_a_retry_storm_outlives_its_cause(seed):
    storm = play("retry-storm", seed=seed)
    assert served(counted(storm, 10, 18)) > 0.99
    since = counted(storm, 20)
    assert served(since) == 0
    assert (since["attempts"] == 4).all()
    assert (
        min(storm.nodes.query("node.str.startswith('shop') and start >= 30")["utilisation"]) > 0.99
    )


@seeds
@pytest.mark.parametrize("remedy", [{"nodes.edge.retry": None}, {"nodes.edge.retry.budget": "20%"}])
def test_without_retries_or_within_a_budget_the_storm_blows_over(remedy, seed):
    calm = play("retry-storm", remedy, seed=seed)
    assert served(counted(calm, 20, 24)) < 0.2
    assert served(counted(calm, 34)) > 0.99


def test_a_pause_before_each_retry_does_not_end_the_storm():
    paused = play("retry-storm", {"nodes.edge.retry.backoff": {"base": "250ms"}})
    assert served(counted(paused, 20)) == 0


@seeds
def test_hedges_spare_visitors_the_slowest_answers(seed):
    plain = play("hedging", {"nodes.edge.hedge": None}, seed=seed)
    hedged = play("hedging", seed=seed)
    assert counted(hedged)["attempts"].mean() - 1 == pytest.approx(0.05, abs=0.01)
    before, after = (
        counted(run)["latency"].quantile([0.5, 0.99, 0.999]) for run in (plain, hedged)
    )
    assert after[0.99] < 0.55 * before[0.99]
    assert after[0.999] < 0.55 * before[0.999]
    assert after[0.5] == pytest.approx(before[0.5], rel=0.05)


@seeds
def test_probes_do_not_see_a_gray_failure_and_the_success_rate_does(seed):
    unseen = counted(play("gray-failure", seed=seed), 20)
    assert failed(unseen) == pytest.approx(len(unseen) / 60, rel=0.25)
    keeps = (unseen["backend"] == "shop-3").mean()
    assert keeps == pytest.approx(1 / 6, abs=0.03)

    rates = {"nodes.edge.health.outliers.success_rate": {}}
    seen = counted(play("gray-failure", rates, seed=seed), 20)
    assert failed(seen) < 0.45 * failed(unseen)
    assert (seen["backend"] == "shop-3").mean() < 0.08


@seeds
def test_who_turns_some_away_serves_more(seed):
    crowd = play("flash-crowd", seed=seed)
    assert served(counted(crowd, 10, 28)) > 0.99
    assert served(counted(crowd, 30, 55)) < 0.2
    assert served(counted(crowd, 55)) == 0

    shed = play("flash-crowd", {"nodes.edge.shedding": {"in_flight": 40}}, seed=seed)
    meanwhile = counted(shed, 30, 55)
    assert served(meanwhile) == pytest.approx(0.5, abs=0.05)
    assert set(meanwhile["outcome"]) == {"ok", "rejected"}
    ok = meanwhile["outcome"] == "ok"
    assert meanwhile["latency"][ok].quantile(0.99) < 1
    assert meanwhile["latency"][~ok].max() < 0.5  # at once, but for the network
    assert served(counted(shed, 56)) > 0.99


@seeds
def test_a_cold_server_is_swamped_unless_it_may_start_slowly(seed):
    def slow_answers(changes=None):
        run = play("slow-start", changes, seed=seed)
        assert (counted(run, 10, 20)["latency"] > 1).mean() < 0.005
        back = counted(run, 25, 35)
        slow = back[back["latency"] > 1]
        assert (slow["backend"] == "shop-2").mean() > 0.9
        return len(slow), len(back)

    swamped, back = slow_answers()
    assert swamped > back / 20
    eased, _ = slow_answers({"nodes.edge.health.slow_start": "30s"})
    assert eased < swamped / 2


@seeds
def test_probes_behind_load_close_a_healthy_site(seed):
    closed = play("probes-behind-load", seed=seed)
    assert not closed.events
    outcomes = counted(closed)["outcome"].value_counts()
    assert outcomes["rejected"] > 300
    assert served(counted(closed, 10, 30)) == 1

    open_ = play("probes-behind-load", {"nodes.edge.health.panic": "50%"}, seed=seed)
    everybody = counted(open_)
    assert served(everybody) == 1
    assert everybody["latency"].max() < 7
