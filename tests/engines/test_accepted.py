"""The real programs have nothing against what is exported: shipped scenarios, and odd settings."""

from __future__ import annotations

from random import Random

import pytest

from proxysim.engines import ENGINES, export, places_of, proxies
from proxysim.engines.running import accepts
from proxysim.errors import ScenarioError
from proxysim.policies.balancers import BALANCERS
from proxysim.scenario import from_dict, load, shipped
from proxysim.sockets.tls import Certificates
from tests.engines.test_exports import BESIDE, OF_REVERSE, TOGETHER, put

pytestmark = pytest.mark.live

#: What some balancers need, or take besides.
PARAMETERS = {
    "ring": {"key": "cookie:user", "points": 80},
    "bounded_load": {"key": "header:X-User", "factor": 1.5},
    "maglev": {"key": "host"},
    "rendezvous": {"key": "uri"},
    "power_of_two": {"choices": 3},
    "source_hash": {"trusted_hops": 1},
    "sticky": {"cookie": "shop", "within": "least_connections"},
    "priority": {"tiers": [["shop-1", "shop-2"], ["shop-3"], ["shop-4", "spare"]]},
}
#: Settings by the handful, so that every line that an engine may be given is read by it once.
ODD = {
    "much": {
        "cores": 2,
        "balancer": {"priority": {"within": "least_connections"}},
        "cache": {
            "capacity": "30MB", "max_object": "1MB", "collapse": True, "admission": "second_hit",
            "stale_while_revalidate": "30s", "stale_if_error": "1min", "negative_ttl": "1500ms",
            "status": True,
        },
        "compression": {"codings": ["zstd", "gzip"], "level": {"gzip": 1}, "types": ["text/*"]},
        "forwarded": "both",
        "trusted": {"addresses": ["users", "10.0.0.0/8", "fd00::/8"]},
        "deadlines": {"connect": "250ms", "first_byte": "10s", "total": "20s"},
        "limits": {"backend": {"in_flight": 8, "queue": 4, "timeout": "2s"}},
        "rate_limit": {"rate": "2.5/s", "burst": 10},
        "shedding": {"in_flight": 100},
        "health": {"passive": {"failures": 3, "for": "7s"}, "active": {"path": "/up?a=1"},
                   "slow_start": "20s"},
        "retry": {"attempts": 3, "on": ["connect", "reset", "timeout", "5xx"]},
        "hide": ["x-secret"],
    },
    "little": {"hide": False, "forwarded": "none", "cache": {"capacity": {"objects": 1000}}},
    "other": {
        "trusted": {"hops": 1},
        "forwarded": "forwarded",
        "rate_limit": {"rate": "10/min", "by": "all"},
        "cache": {"capacity": "0B"},
        "tls_version": 1.2,
    },
    "old": {"tls": "reencrypt", "early_data": True, "balancer": "least_connections"},
    "strange": {
        "balancer": {"maglev": {"key": "header:X$#'y"}},
        "hide": ["x$y'z"],
        "health": {"active": {"path": "/up?a=1#'\"${x}\\"}},
    },
    "sticky": {"balancer": {"sticky": {"cookie": "a#b'"}}},
    "passed": {"tls": "passthrough", "balancer": {"ring": {"key": "host"}},
               "health": {"passive": {}}},
}  # fmt: skip
FILTERS = [
    {"deny": {"domain": ["a.example", "*.b.example", "x.b.example", "192.0.2.7"]}},
    {"deny": {"category": "bad"}, "because": "it is on the list"},
    {"redirect": {"url": ["http://*.example/ads/*?x=[1]", "re:^http://[a-z]+\\.example/(a|b)$",
                           "re:\"a b"]}, "to": "http://news.example/why?x=%20"},
    {"log": {"port": [80, "8000-8100"], "method": ["GET", "HEAD"]}},
    {"deny": {"client": ["staff", "staff-2", "10.0.0.0/8"], "user": "ada"}},
    {"allow": {"group": "night", "schedule": ["Mon-Fri 22:00-06:00", "Sun", "12:30-13:15"]}},
    {"deny": {"content_type": ["video/*", "application/zip"], "domain": "c.example"}},
    {"deny": {"size": "5MB"}},
]  # fmt: skip
OFFICE = {
    "much": {
        "authentication": {
            "users": {
                "ada": {"password": "lovelace", "groups": ["night"]},
                "eve of \"x\"": {"password": "y", "groups": ["night"]},
                "bob": {"password": f"pbkdf2_sha256$1000$salt${'A' * 43}="},
            }
        },
        "filters": FILTERS,
        "categories": {"bad": "bad.txt"},
        "trusted": {"addresses": ["10.0.0.0/8"]},
        "deadlines": {"connect": "250ms", "first_byte": "10s", "total": "20s"},
        "limits": {"backend": {"in_flight": 8}},
        "cache": {"capacity": "30MB", "eviction": "gdsf", "collapse": True, "negative_ttl": "3s",
                  "stale_if_error": "1min", "admission": {"size_limit": {"limit": "1MB"}}},
        "forwarded": "x-forwarded-for",
    },
    "little": {"identity": "elite", "tunnels": False},
    "onwards": {"identity": "anonymous", "through": "beyond", "cache": {"capacity": "1MB",
                "eviction": "lfuda", "status": True}},
}  # fmt: skip


def taken(installed, engine, scenario, node, directory):
    """Whether there is a configuration; the engine has nothing against it."""
    installed(engine)
    found = export(engine, scenario, node, places_of(scenario, directory=directory))
    if not found.text:
        assert found.not_expressed
        return False
    found.write(directory)
    for name, hosts in found.certificates.items():
        (directory / name).write_bytes(Certificates(hosts).leaf)
    assert accepts(found, directory) == "", found.text
    return True


@pytest.mark.parametrize("engine", ENGINES)
def test_shipped_scenarios_are_accepted(engine, installed, tmp_path):
    kinds = {kind for kind, how in ENGINES[engine].items() if not isinstance(how, str)}
    for name in shipped():
        scenario = load(name)
        for node in proxies(scenario):
            possible = scenario.document.nodes[node].kind in kinds
            place = tmp_path / f"{name}-{node}"
            assert taken(installed, engine, scenario, node, place) == possible, (name, node)


def shop(**edge):
    return from_dict(
        {
            "proxysim": 1,
            "title": "x",
            "sites": {"shop.example": {}, "secure.example": {"tls": True}},
            "nodes": {
                "users": {"kind": "clients", "arrivals": 1},
                "edge": {
                    "kind": "reverse_proxy",
                    "sites": ["shop.example", "secure.example"],
                    "backends": ["shop", "spare"],
                    **edge,
                },
                "shop": {"kind": "server", "count": 4, "weight": [1, 0.5, 0, 2]},
                "spare": {"kind": "server"},
            },
        }
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("tls", "names"),
    [("terminate", BALANCERS), ("passthrough", ["round_robin", "maglev", "priority", "sticky"])],
)
def test_every_balancer_is_accepted(engine, tls, names, installed, tmp_path):
    for name in names:
        balancer = {name: PARAMETERS[name]} if name in PARAMETERS else name
        assert taken(installed, engine, shop(balancer=balancer, tls=tls), "edge", tmp_path / name)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("odd", ODD)
def test_odd_settings_are_accepted(engine, odd, installed, tmp_path):
    assert taken(installed, engine, shop(**ODD[odd]), "edge", tmp_path)


@pytest.mark.parametrize("engine", ENGINES)
def test_settings_at_random_are_accepted_together(engine, installed, tmp_path):
    """Any line may come with any other; what the scenario itself refuses is left out."""
    rng = Random(7)
    tried = 0
    while tried < 12:
        edge = {}
        for path in rng.sample(sorted(OF_REVERSE), 12):
            group = next((name for name in BESIDE if path.startswith(f"{name}.")), None)
            if group is not None and not has(edge, group):
                put(edge, group, dict(BESIDE[group]))
            for other, needed in TOGETHER.get(path, {}).items():
                put(edge, other, needed)
            put(edge, path, OF_REVERSE[path])
        edge = {name: found for name, found in edge.items() if name not in ("sites", "backends")}
        try:
            scenario = shop(**edge)
        except ScenarioError:
            continue
        tried += 1
        assert taken(installed, engine, scenario, "edge", tmp_path / str(tried))


def has(tree, path):
    for step in path.split("."):
        if step not in tree:
            return False
        tree = tree[step]
    return True


@pytest.mark.parametrize("odd", OFFICE)
def test_odd_offices_are_accepted(odd, installed, tmp_path):
    (tmp_path / "bad.txt").write_text("".join(f"||bad-{n}.example^\n" for n in range(99)))
    scenario = from_dict(
        {
            "proxysim": 1,
            "title": "x",
            "sites": {"news.example": {}, "mail.example": {"tls": True}},
            "nodes": {
                "staff": {"kind": "clients", "count": 5, "arrivals": 1, "through": "gateway"},
                "gateway": {"kind": "forward_proxy", **OFFICE[odd]},
                "beyond": {"kind": "forward_proxy"},
                "web": {
                    "kind": "server",
                    "count": 2,
                    "sites": ["news.example", "mail.example"],
                },
            },
        },
        directory=tmp_path,
    )
    assert taken(installed, "squid", scenario, "gateway", tmp_path / "out")
