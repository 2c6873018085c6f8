"""Which formulas apply to a scenario, what they say of it, and why others do not."""

import math
from typing import Any

import numpy as np
import pytest

from proxysim.policies.balancers import BALANCERS
from proxysim.scenario import Scenario, load, shipped
from proxysim.scenario.nodes import Clients, Router
from proxysim.sim import simulate
from proxysim.theory import Prediction, Predictions, approximations, hashing, of, queues, sojourns

SITE = "app.example"
EXPONENTIAL = {"exponential": 1.0}


def scenario(nodes: dict[str, Any], site: dict[str, Any] | None = None, **rest: Any) -> Scenario:
    return Scenario.checked(
        {
            "proxysim": 1,
            "title": "What theory is asked of",
            "run": {"duration": 100.0},
            "sites": {SITE: {"objects": 10, **(site or {})}},
            "nodes": nodes,
            **rest,
        },
        name="theory",
    )


def direct(arrivals: Any = 0.8, clients: int = 1, **server: Any) -> Scenario:
    return scenario(
        {
            "users": {"kind": "clients", "count": clients, "arrivals": arrivals},
            "server": {"kind": "server", "sites": [SITE], "service": EXPONENTIAL, **server},
        }
    )


def behind(
    balancer: Any,
    arrivals: Any = 3.2,
    proxy: dict[str, Any] | None = None,
    site: dict[str, Any] | None = None,
    rest: dict[str, Any] | None = None,
    **server: Any,
) -> Scenario:
    nodes = {
        "users": {"kind": "clients", "arrivals": arrivals},
        "edge": {
            "kind": "reverse_proxy",
            "sites": [SITE],
            "backends": "server",
            "balancer": balancer,
            **(proxy or {}),
        },
        "server": {"kind": "server", "count": 4, "service": EXPONENTIAL, **server},
    }
    return scenario(nodes, site, **(rest or {}))


def only(found: Predictions, node: str = "server") -> Prediction:
    (made,) = found.of(node)
    assert made.assumptions
    return made


EXACT = [
    (direct(), "M/M/1", sojourns.mm1(0.8, 1.0)),
    (direct(3.2, workers=4), "M/M/4", sojourns.mmc(3.2, 1.0, 4)),
    (direct(1.6, speed=2.0), "M/M/1", sojourns.mm1(1.6, 0.5)),
    (direct({"even": 0.8}), "D/M/1", sojourns.dm1(0.8, 1.0)),
    (direct(1.6, clients=10, count=2), "M/M/1", sojourns.mm1(0.8, 1.0)),
    (behind("random"), "M/M/1", sojourns.mm1(0.8, 1.0)),
    (behind("random", workers=2, arrivals=6.4), "M/M/2", sojourns.mmc(1.6, 1.0, 2)),
    (behind("round_robin"), "E4/M/1", sojourns.round_robin(3.2, 1.0, 4)),
    (behind("round_robin", {"even": 3.2}), "D/M/1", sojourns.dm1(0.8, 1.0)),
    (
        behind("least_connections"),
        "join the shortest queue",
        sojourns.join_shortest_queue(3.2, 1.0, 4),
    ),
    (
        behind({"power_of_two": {"choices": 4}}),
        "join the shortest queue",
        sojourns.join_shortest_queue(3.2, 1.0, 4),
    ),
]


@pytest.mark.parametrize(("asked", "model", "exact"), EXACT, ids=[model for _, model, _ in EXACT])
def test_queues_that_are_known(asked, model, exact):
    found = only(of(asked))
    assert (found.model, found.grade) == (model, "exact")
    assert found.values["utilisation"] == pytest.approx(0.8)
    assert found.values["response"] == pytest.approx(exact.mean)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        assert found.values[name] == pytest.approx(exact.quantile(share))


def test_any_demand_at_one_worker():
    for service, variation in (
        ({"fixed": 1.0}, 0.0),
        ({"lognormal": {"mean": 1.0, "sigma": 1.0}}, math.expm1(1.0)),
    ):
        found = only(of(direct(service=service)))
        assert found.grade == "exact"
        assert found.values["response"] == pytest.approx(queues.mg1(0.8, 1.0, variation))
        assert found.values["p50"] < found.values["p95"] < found.values["p99"]


def test_room_that_is_bounded():
    found = only(of(direct(3.6, workers=3, queue=5)))
    exact = queues.mmck(3.6, 1.0, 3, 8)
    assert found.model == "M/M/3/8"
    assert found.values["blocked"] == pytest.approx(exact.blocked)
    assert found.values["response"] == pytest.approx(exact.response)
    lost = only(of(direct(3.6, workers=3, queue=0, service={"fixed": 1.0})))
    assert lost.values["blocked"] == pytest.approx(queues.erlang_b(3, 3.6))


def test_users_who_wait():
    asked = direct({"closed": {"think": {"fixed": 5.0}}}, clients=10)
    found, exact = only(of(asked)), queues.closed_loop(10, 5.0, 1.0)
    assert found.values["throughput"] == pytest.approx(exact.throughput)
    assert found.values["response"] == pytest.approx(exact.response)
    assert found.values["p95"] > found.values["response"]
    spread = only(of(behind("random", {"closed": {"think": {"fixed": 5.0}}})))
    assert spread.values["throughput"] == pytest.approx(1 / 6)


def test_what_is_only_near_says_so():
    many = only(of(behind("power_of_two", 80.0, count=100)))
    assert many.grade == "approximate"
    assert many.values["response"] == pytest.approx(queues.power_of_choices(80, 1.0, 100))
    turns = only(of(behind("round_robin", 6.4, workers=2)))
    assert turns.values["response"] == pytest.approx(
        approximations.allen_cunneen(1.6, 1.0, 2, 0.25, 1.0)
    )
    bound = only(of(behind("least_connections", 6.4, workers=2)))
    assert bound.grade == "bound"
    assert bound.values["response_at_least"] == pytest.approx(queues.mmc(6.4, 1.0, 8))


def test_wires_make_nothing_exact():
    wired = behind("random", rest={"links": [
        {"between": ["users", "edge"], "latency": 0.1}, {"between": ["edge", "server"]},
    ]})  # fmt: skip
    assert only(of(wired)).grade == "approximate"


def test_members_that_are_not_alike_are_told_apart():
    found = of(behind("round_robin", 2.0, speed=[1, 1, 1, 0.8]))
    slow = only(found, "server-4")
    assert slow.values["response"] == pytest.approx(queues.round_robin(2.0, 1.25, 4))
    assert slow.values["rate"] == pytest.approx(0.5)
    heavy = only(of(behind("weighted_random", 2.0, weight=[1, 1, 1, 2])), "server-4")
    assert heavy.values["rate"] == pytest.approx(0.8)
    assert heavy.values["response"] == pytest.approx(5.0)
    # Three clients and two servers: one has two thirds of the requests.
    shared = of(direct(0.9, clients=3, count=2))
    assert only(shared, "server-1").values["rate"] == pytest.approx(0.6)
    assert only(shared, "server-2").values["rate"] == pytest.approx(0.3)


def test_a_processor_is_a_queue_of_its_own():
    found = of(behind("random", 0.8, {"cores": 1}, rest={"costs": {"request": "500ms"}}))
    core = only(found, "edge")
    assert core.model == "M/D/1"
    assert core.values["response"] == pytest.approx(queues.mg1(0.8, 0.5, 0.0))
    assert only(found).grade == "approximate"


def test_behind_a_processor_that_never_settles_nothing_is_known():
    found = of(behind("random", 2.4, {"cores": 1}, rest={"costs": {"request": "500ms"}}))
    assert not found.made
    assert "grows for ever" in found.why_not("edge")[0]
    assert found.why_not("server") == ("what reaches it is not known",)


@pytest.mark.parametrize(("balancer", "peak"), [("ring", hashing.ring_peak(4)), ("maglev", None)])
def test_hashing_has_its_balance(balancer, peak):
    found = of(behind(balancer))
    assert only(found, "edge").values["peak"] == pytest.approx(peak or hashing.maglev_peak(4))
    assert found.why_not("edge")


DECLINED = [
    (direct(1.2), "server", "grows for ever"),
    (direct({"ramp": {"start": 0.1, "end": 0.5}}), "users", "ramp"),
    (direct(service={"pareto": {"mean": 1.0, "alpha": 1.5}}), "server", "vary without bound"),
    (direct(service={"per_byte": {"speed": "20kB/s"}}), "server", "sizes"),
    (direct(service={"fixed": 0.0}), "server", "no time"),
    (direct(0.8, queue=3, service={"fixed": 1.0}), "server", "bounded queue"),
    (behind("least_connections", service={"fixed": 1.0}), "server", "exponential"),
    (behind("least_connections", weight=[1, 1, 1, 2]), "edge", "unequal weights"),
    (behind("least_connections", speed=[1, 1, 1, 2]), "server", "not alike"),
    (behind("round_robin", queue=5), "server", "turn some away"),
    (behind("random", queue=5, proxy={"retry": {}}), "server", "comes again"),
    (behind("source_hash"), "edge", "source_hash"),
    (behind("random", proxy={"hedge": {"after": 1.0}}), "edge", "hedge"),
    (behind("random", proxy={"deadlines": {"first_byte": 1.0}}), "edge", "deadlines"),
    (behind("random", proxy={"health": {"active": {}}}), "edge", "probes"),
    (
        behind("random", rest={"events": [{"at": 5.0, "node": "server-2", "down_for": 5.0}]}),
        "edge",
        "server-2",
    ),
    (
        behind("random", proxy={"cache": {"capacity": "1MB"}}, site={"popularity": {
            "drifting": {"zipf": 1.0, "every": 5.0}}}),
        "edge",
        "drifts",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "node", "why"), DECLINED, ids=[why for _, _, why in DECLINED])
def test_what_is_not_known_is_declined_with_its_reason(asked, node, why):
    found = of(asked)
    assert any(why in reason for reason in found.why_not(node)), found.declined
    assert not found.of("server") or node == "server-4"


@pytest.mark.parametrize("name", shipped())
def test_every_node_of_a_shipped_scenario_is_accounted_for(name):
    asked = load(name)
    found = of(asked)
    told = {made.node for made in found.made} | {one.node for one in found.declined}
    silent = Clients | Router
    for node, said in asked.document.nodes.items():
        if isinstance(said, silent):
            continue
        members = {node, *asked.members(node)}
        passes = said.kind.endswith("proxy") and said.cache is None and node not in told
        assert members & told or passes, node


@pytest.mark.parametrize("balancer", [*BALANCERS])
@pytest.mark.parametrize(
    "weight", [1.0, [1, 2, 1, 1], [0, 1, 1, 1]], ids=["even", "uneven", "none"]
)
def test_whatever_the_balancer_something_is_said(balancer, weight):
    found = of(behind(balancer, weight=weight))
    assert found.made or found.declined
    for made in found.made:
        assert all(math.isfinite(value) for value in made.values.values())
    assert all(one.reason for one in found.declined)


def office(*filters: dict[str, Any], **rest: Any) -> Scenario:
    """Staff behind a gateway with *filters*, who ask two sites for pages and a third for TLS."""
    return Scenario.checked(
        {
            "proxysim": 1,
            "title": "What theory is asked of",
            "run": {"duration": 100.0, "warmup": 10.0},
            "sites": {
                "news.example": {"share": 0.5, "objects": 2000, "path": "/news/{n}"},
                "ads.example": {"share": 0.2, "objects": 50, "path": "/banner/{n}"},
                "wiki.example": {
                    "share": 0.2, "objects": 300, "methods": {"GET": 0.9, "POST": 0.1}},
                "mail.example": {"share": 0.1, "objects": 10, "tls": True},
            },
            "nodes": {
                "staff": {
                    "kind": "clients", "count": 40, "arrivals": 100.0, "through": "gateway",
                    **rest.get("staff", {})},
                "gateway": {
                    "kind": "forward_proxy", "filters": list(filters),
                    "cache": {"capacity": {"objects": 400}}},
                "web": {
                    "kind": "server", "workers": 4, "service": {"exponential": 0.005},
                    "sites": ["news.example", "ads.example", "wiki.example", "mail.example"]},
            },
        },
        name="office",
    )  # fmt: skip


ADS = {"deny": {"url": "*/banner/*"}}
POSTS = {"deny": {"domain": "wiki.example", "method": ["POST", "PUT"]}}


def test_what_filters_let_pass_goes_on():
    made = only(of(office(ADS, POSTS)), "gateway")
    # News, and nine in ten of what the wiki is asked; mail goes through tunnels.
    assert made.values["rate"] == pytest.approx(50 + 18)
    missed = 68 * (1 - made.values["hit_ratio"]) + 10
    assert only(of(office(ADS, POSTS)), "web").values["rate"] == pytest.approx(missed)
    closed = of(office(POSTS, {"deny": {"domain": ["mail.example", "ads.example"]}}))
    assert only(closed, "web").values["rate"] == pytest.approx(missed - 10)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"deny": {"client": "staff-1"}}, "filters by client"),
        ({"deny": {"schedule": "Mon-Fri 08:00-18:00", "domain": "ads.example"}}, "by schedule"),
        ({"deny": {"url": "*/news/1*"}}, "only some of news.example"),
        (ADS, "wiki.example is also asked by methods that make copies invalid"),
    ],
)
def test_filters_that_cannot_be_followed_are_named(rule, why):
    found = of(office(rule))
    assert any(why in reason for reason in found.why_not("gateway")), found.declined
    assert not found.made


def test_a_processor_that_answers_what_is_turned_away_has_two_kinds_of_jobs():
    plain = {"nodes.gateway.cache": None, "nodes.gateway.cores": 1, "sites.mail.example.tls": False}
    asked = office(ADS).set({**plain, "costs": {"request": 0.001}})
    assert only(of(asked), "gateway").values["utilisation"] == pytest.approx(0.08)
    found = of(asked.set({"costs": {"request": 0.001, "hit": 0.001}}))
    assert any("turned away" in reason for reason in found.why_not("gateway"))
    assert only(found, "web").values["rate"] == pytest.approx(80)


def test_all_that_is_in_tunnels_passes_a_cache():
    hosts = ["news.example", "ads.example", "wiki.example"]
    found = of(office({"deny": {"domain": hosts}}))
    assert any("through tunnels" in reason for reason in found.why_not("gateway"))
    assert only(found, "web").values["rate"] == pytest.approx(10)


@pytest.mark.parametrize("own", [{"patience": 5.0}, {"connections": 6}])
def test_clients_who_wait_or_give_up_leave_caches_as_they_are(own):
    found = of(office(ADS, POSTS, staff=own))
    plain = only(of(office(ADS, POSTS)), "gateway")
    assert only(found, "gateway").values["hit_ratio"] == plain.values["hit_ratio"]
    assert any("no known kind" in reason for reason in found.why_not("web"))


def test_what_a_proxy_compresses_takes_less_room():
    site = {"objects": 3000, "size": "10kB"}
    for capacity, declined in (("1MB", True), ("1GB", False)):
        proxy = {"cache": {"capacity": capacity}, "compression": ["gzip"]}
        found = of(behind("random", 200.0, proxy, site, service=0.0))
        assert declined == any("as compressed" in why for why in found.why_not("edge"))


# Beside the simulator.


def held(asked: Scenario, *nodes: str, seeds: int = 4) -> None:
    """The hit ratios within 3.5 standard errors of simulations, each of its own objects.

    Half a point more, for it is an approximation. Theory is asked anew for each.
    """
    off = []
    for seed in range(1, seeds + 1):
        drawn = asked.set("run.seed", seed)
        found, said = simulate(drawn, views=False, keep="none").summary(), of(drawn)
        told = [only(said, node).values["hit_ratio"] for node in nodes]
        off.append([found.hit_ratio[node] for node in nodes] - np.array(told))
    errors = np.std(off, axis=0, ddof=1) / math.sqrt(seeds)
    assert (np.abs(np.mean(off, axis=0)) <= 3.5 * errors + 0.005).all(), (off, errors)
    assert (errors < 0.008).all(), errors


def test_a_filtered_stream_beside_the_simulator():
    held(office(ADS, POSTS, staff={"connections": 6}), "gateway")


@pytest.mark.parametrize(
    ("cache", "ttl"),
    [({"capacity": {"objects": 400}}, 20.0), ({"capacity": "1GB"}, 20.0),
     ({"capacity": "4MB", "max_object": "20kB"}, 3600.0)],
    ids=["leaves and ages", "ages", "too large"],
)  # fmt: skip
def test_a_cache_that_begins_empty_beside_the_simulator(cache, ttl):
    size = {"lognormal": {"mean": "10kB", "sigma": 1.0}}
    asked = behind("random", 100.0, {"cache": cache}, {"objects": 2000, "ttl": ttl, "size": size})
    held(asked.set({"run.duration": 50.0, "run.warmup": 5.0, "nodes.server.service": 0.0}), "edge")


def test_a_few_that_another_cache_has_missed_beside_the_simulator():
    """Both ends: an office's gateway, and visitors who come straight to the same edge."""
    asked = behind(
        "random",
        100.0,
        {"cache": {"capacity": {"objects": 500}}},
        {"objects": 2000, "ttl": 3600.0},
        service=0.0,
    )
    tree = asked.to_dict()
    tree["nodes"] |= {
        "staff": {"kind": "clients", "arrivals": {"poisson": 30.0}, "through": "gateway"},
        "gateway": {"kind": "forward_proxy", "cache": {"capacity": {"objects": 200}}},
    }
    both = Scenario.checked(tree, name="both").set({"run.duration": 60.0, "run.warmup": 10.0})
    edge = only(of(both), "edge")
    assert any("other caches have missed" in told for told in edge.assumptions)
    held(both, "edge", "gateway")
    mostly = both.set("nodes.staff.arrivals.poisson", 300.0)
    assert "equal LRUs" in of(mostly).why_not("edge")[0]


def website(cache: dict[str, Any], **site: Any) -> Scenario:
    asked = behind("random", 200.0, {"cache": cache}, {"objects": 3000, **site}, service=0.0)
    return asked.set({"run.warmup": 20.0, "run.duration": 120.0})


@pytest.mark.parametrize(
    ("cache", "site"),
    [
        ({"capacity": {"objects": 300}}, {}),
        ({"capacity": "3MB"}, {"size": {"lognormal": {"mean": "10kB", "sigma": 1.0}}}),
        ({"capacity": {"objects": 300}}, {"ttl": 5.0}),
        ({"capacity": {"objects": 300}, "eviction": "fifo"}, {}),
        ({"capacity": {"objects": 300}, "eviction": "random"}, {}),
        ({"capacity": "1GB"}, {"cacheable": 0.7}),
    ],
    ids=["objects", "bytes", "ageing", "fifo", "random", "filling up"],
)
def test_hit_ratios_beside_the_simulator(cache, site):
    asked = website(cache, **site)
    run = simulate(asked, views=False).summary()
    found = only(of(asked), "edge")
    assert found.grade == "approximate"
    assert found.values["hit_ratio"] == pytest.approx(run.hit_ratio["edge"], abs=0.012)


def test_no_policy_is_better_than_its_bound():
    asked = website({"capacity": {"objects": 300}, "eviction": "s3fifo"})
    found = only(of(asked), "edge")
    ratio = simulate(asked, views=False).summary().hit_ratio["edge"]
    assert found.grade == "bound"
    assert ratio is not None
    assert 0.8 * found.values["hit_ratio_at_most"] < ratio < found.values["hit_ratio_at_most"]


def test_what_misses_goes_on():
    asked = website({"capacity": {"objects": 300}}).set("nodes.server.service", "5ms")
    found = of(asked)
    missed = 200 * (1 - only(found, "edge").values["hit_ratio"])
    server = only(found)
    assert server.grade == "approximate"
    assert server.values["rate"] == pytest.approx(missed)
    busy = simulate(asked, views=False).summary().utilisation
    assert server.values["utilisation"] == pytest.approx(busy["server-1"], abs=0.02)


@pytest.mark.oracle
def test_a_cache_behind_caches_beside_the_simulator():
    """Three offices and their parent, by a shipped scenario that runs until both are full."""
    asked = load("cache-tiers").set({"run.warmup": 400.0, "run.duration": 900.0})
    run = simulate(asked, views=False, keep="none").summary()
    found = of(asked)
    for node in ("north-cache", "parent"):
        ratio = only(found, node).values["hit_ratio"]
        assert ratio == pytest.approx(run.hit_ratio[node], abs=0.012)
    assert only(found, "parent").values["overall_hit_ratio"] > 0.65


def test_tiers_are_known_behind_caches_that_are_alike():
    asked = load("cache-tiers")
    assert only(of(asked), "parent").values["hit_ratio"] > 0.4
    unlike = of(asked.set("nodes.north-cache.cache.capacity", "10MB"))
    assert "equal LRUs" in unlike.why_not("parent")[0]
