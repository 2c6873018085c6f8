"""What the scenarios about tunnels, identity, TLS and compression tell people to watch for."""

import pytest

from proxysim import load
from tests.scenarios.staged import counted, play

seeds = pytest.mark.parametrize("seed", [None, 1])


@seeds
def test_nothing_in_a_tunnel_is_a_hit(seed):
    tunnelled = play("https-defeats-cache", seed=seed)
    plain = play("https-defeats-cache", {"sites.news.example.tls": False}, seed=seed)
    assert set(counted(tunnelled)["cache"]) == {"none"}
    summary = tunnelled.summary()
    assert summary.load["web"] == summary.requests["ok"]
    assert plain.summary().hit_ratio["gateway"] == pytest.approx(0.8, abs=0.04)
    assert plain.summary().latency["p50"] < 0.002
    assert plain.summary().bytes["web>gateway"] < 0.3 * summary.bytes["web>gateway"]

    for run, readable in ((tunnelled, False), (plain, True)):
        on_the_way = run.views[run.views["observer"].isin(["gateway", "gateway>web"])]
        assert set(on_the_way["url"]) == set(on_the_way["body"]) == {readable}
        assert on_the_way["host"].all()


@seeds
def test_a_rule_about_pages_sees_none_in_a_tunnel(seed):
    forbidden = [f"/clip/{number}" for number in (1, 2, 3)]

    def blocked(changes=None):
        requests = counted(play("blocked-tunnel", changes, seed=seed))
        denied = requests[requests["outcome"] == "blocked"]
        return requests.query("site == 'tube.example'"), denied

    watched, denied = blocked()
    assert denied.empty
    assert watched["path"].isin(forbidden).sum() > 200

    watched, denied = blocked({"sites.tube.example.tls": False})
    assert set(denied["path"]) == set(forbidden)
    assert len(denied) == watched["path"].isin(forbidden).sum()

    watched, denied = blocked({"nodes.gateway.filters.0.deny": {"domain": "tube.example"}})
    assert len(denied) == len(watched) > 5 * watched["path"].isin(forbidden).sum()
    assert set(denied["site"]) == {"tube.example"}


@seeds
def test_only_what_trusted_proxies_have_written_is_believed(seed):
    robots = load("spoofed-forwarded-for").document.nodes["robots"]

    def turned_away(changes=None):
        run = play("spoofed-forwarded-for", changes, seed=seed)
        assert run.fact("partner-1") is not None
        requests = counted(run)
        group = requests["client"].astype(str).str.partition("-")[0]
        return (requests["outcome"] == "rejected").groupby(group).mean(), run

    shares, run = turned_away()
    assert shares["partner"] == shares["visitors"] == 0
    assert 0.55 < shares["robots"] < 0.75  # three of them, each with 10/s of about 30/s
    # The forged entry is the partner's address; the views name whom an address belongs to.
    seen = run.views[(run.views["observer"] == "edge") & (run.views["client"] == "robots-1")]
    assert set(seen["forwarded_for"]) == {"partner-1, robots-1"}
    assert robots.fields == {"x-forwarded-for": "127.1.0.1"}

    shares, _ = turned_away({"nodes.edge.trusted.hops": 2})
    assert shares["partner"] > 0.8
    assert shares["robots"] > 0.8
    assert shares["visitors"] == 0

    shares, _ = turned_away({"nodes.edge.trusted": None})
    assert min(shares) > 0.8


@seeds
def test_tls_at_the_edge_saves_long_round_trips(seed):
    short_way, long_way = 2 * 0.010, 2 * 0.060

    def at_edge(field, value):
        run = play("tls-at-edge", {f"nodes.edge.{field}": value}, seed=seed)
        on_tls = sum(run.fact(server)["tls_cpu"] for server in ("bank-1", "bank-2"))
        return run.summary().latency["p50"], on_tls

    ended, nothing = at_edge("tls", "terminate")
    passed, all_of_it = at_edge("tls", "passthrough")
    anew, hardly_any = at_edge("tls", "reencrypt")
    early, _ = at_edge("early_data", True)
    assert passed - ended == pytest.approx(2 * long_way, abs=0.005)
    assert anew == pytest.approx(ended, abs=0.001)
    assert ended - early == pytest.approx(short_way, abs=0.003)
    assert nothing == 0
    assert 0 < hardly_any < 0.1 * all_of_it


@seeds
def test_compression_saves_seconds_on_a_slow_link(seed):
    small = play("compression-slow-link", seed=seed).summary()
    whole = play("compression-slow-link", {"nodes.edge.compression": []}, seed=seed).summary()
    assert small.latency["p50"] == pytest.approx(0.43, abs=0.02)
    assert whole.latency["p50"] == pytest.approx(1.7, abs=0.05)
    assert small.bytes_down == pytest.approx(whole.bytes_down / 5.1, rel=0.01)


@seeds
def test_compression_costs_more_than_it_saves_on_a_fast_link(seed):
    def mean(codings):
        run = play("compression-fast-link", {"nodes.edge.compression": codings}, seed=seed)
        return run.summary().latency["mean"], run.summary().utilisation["edge"]

    gzipped, busy = mean(["gzip"])
    whole, idle = mean([])
    light, _ = mean(["zstd"])
    assert gzipped > 1.8 * whole
    assert busy == pytest.approx(0.75, abs=0.04)
    assert idle < 0.01
    assert light < whole
