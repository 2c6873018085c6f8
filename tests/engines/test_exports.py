"""What an export says of every entry of the menus and of every setting, in code or in words."""

from __future__ import annotations

import types
import typing

import pytest
from pydantic import BaseModel

from proxysim.engines import (
    ENGINES,
    export,
    haproxy_balancers,
    nginx_balancers,
    squid_filters,
    squid_reverse,
)
from proxysim.engines.caching import EVICTION
from proxysim.policies.admission import ADMISSIONS
from proxysim.policies.balancers import BALANCERS
from proxysim.policies.eviction import EVICTIONS
from proxysim.policies.filters import ANSWER_CONDITIONS, CONDITIONS
from proxysim.scenario import from_dict
from proxysim.scenario import nodes as said

REVERSE = {
    "proxysim": 1,
    "title": "x",
    "sites": {"shop.example": {}, "secure.example": {"tls": True}},
    "nodes": {
        "users": {"kind": "clients", "arrivals": 1},
        "edge": {
            "kind": "reverse_proxy",
            "sites": ["shop.example", "secure.example"],
            "backends": "shop",
        },
        "shop": {"kind": "server", "count": 3, "weight": [3, 2, 1]},
    },
}
FORWARD = {
    "proxysim": 1,
    "title": "x",
    "sites": {"news.example": {}, "mail.example": {"tls": True}},
    "nodes": {
        "staff": {"kind": "clients", "arrivals": 1, "through": "gateway"},
        "gateway": {"kind": "forward_proxy"},
        "web": {"kind": "server", "count": 2, "sites": ["news.example", "mail.example"]},
    },
}


def reverse(**settings):
    return varied(REVERSE, "edge", settings)


def forward(**settings):
    return varied(FORWARD, "gateway", settings)


def varied(tree, node, settings):
    nodes = {**tree["nodes"], node: {**tree["nodes"][node], **settings}}
    return from_dict({**tree, "nodes": nodes})


def all_said(found):
    return found.text + "".join([*found.files.values(), *found.not_expressed, *found.differs])


def test_every_balancer_is_expressed_or_declared():
    assert nginx_balancers.BALANCERS.keys() == BALANCERS.keys()
    assert haproxy_balancers.BALANCERS.keys() == BALANCERS.keys()
    assert squid_reverse.BALANCERS.keys() == BALANCERS.keys()


def test_every_condition_of_filters_has_its_list():
    assert squid_filters.CONDITIONS.keys() == CONDITIONS.keys()
    assert squid_filters.ANSWER_CONDITIONS.keys() == ANSWER_CONDITIONS.keys()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", EVICTIONS)
def test_every_replacement_policy_is_expressed_or_declared(engine, name):
    found = export(engine, reverse(cache={"capacity": "10MB", "eviction": name}), "edge")
    titles = {"nginx": "nginx", "haproxy": "HAProxy", "squid": "Squid"}
    known = name in EVICTION[titles[engine]]
    assert known != any(f"not by {name}" in sentence for sentence in found.not_expressed)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ADMISSIONS)
def test_every_admission_policy_is_expressed_or_declared(engine, name):
    policy = {"size_limit": {"limit": "12345B"}} if name == "size_limit" else name
    found = export(engine, reverse(cache={"capacity": "10MB", "admission": policy}), "edge")
    declared = any(f"no admission by {name}" in sentence for sentence in found.not_expressed)
    assert declared != ("proxy_cache_min_uses" in found.text or "12345" in found.text)


#: A setting -> a value that it does not have otherwise, and what must be set beside it.
OF_BOTH = {
    "cores": 3,
    "cache.eviction": "lfu",
    "cache.capacity": "30MB",
    "cache.admission": "tinylfu",
    "cache.max_object": "1MB",
    "cache.collapse": True,
    "cache.hit_for_miss": "7s",
    "cache.stale_while_revalidate": "7s",
    "cache.stale_if_error": "7s",
    "cache.negative_ttl": "7s",
    "cache.heuristic.share": 0.5,
    "cache.heuristic.limit": "30min",
    "cache.status": True,
    "forwarded": "both",
    "trusted.hops": 2,
    "trusted.addresses": ["10.0.0.0/8"],
    "trusted.field": "forwarded",
    "deadlines.connect": "7s",
    "deadlines.first_byte": "7s",
    "deadlines.total": "7s",
    "keep_alive": "7s",
    "limits.proxy.in_flight": 7,
    "limits.proxy.queue": 7,
    "limits.proxy.timeout": "7s",
    "limits.backend.in_flight": 7,
    "limits.backend.queue": 7,
    "limits.backend.timeout": "7s",
    "rate_limit.rate": "7/s",
    "rate_limit.burst": 7,
    "rate_limit.by": "all",
    "shedding.in_flight": 7,
    "shedding.queue_delay.target": "7ms",
    "shedding.queue_delay.interval": "77ms",
}
OF_REVERSE = OF_BOTH | {
    "sites": ["shop.example", "secure.example", "third.example"],
    "backends": ["shop", "spare"],
    "balancer": "least_connections",
    "tls": "reencrypt",
    "tls_version": 1.2,
    "early_data": True,
    "compression.codings": ["gzip"],
    "compression.min_size": 9,
    "compression.types": ["text/css"],
    "compression.level": {"gzip": 1},
    "shedding.first": ["shop.example"],
    "shedding.reserve": "20%",
    "health.active.interval": "7s",
    "health.active.timeout": "1s",
    "health.active.path": "/well",
    "health.active.expect": [204],
    "health.active.rise": 7,
    "health.active.fall": 7,
    "health.active.first": "down",
    "health.passive.failures": 7,
    "health.passive.for": "7s",
    "health.outliers.failures": 7,
    "health.outliers.for": "7s",
    "health.outliers.at_most": "50%",
    "health.outliers.success_rate": {"backends": 3, "factor": 1},
    "health.panic": "50%",
    "health.slow_start": "7s",
    "retry.attempts": 3,
    "retry.budget": "70%",
    "retry.on": ["timeout", 503],
    "retry.backoff.base": "7ms",
    "retry.backoff.max": "7s",
    "hedge.after": "7ms",
    "hedge.quantile": "70%",
    "hedge.budget": "7%",
    "breaker.failures": 7,
    "breaker.ratio": "70%",
    "breaker.window": "7s",
    "breaker.least": 7,
    "breaker.open_for": "7s",
    "breaker.trials": 7,
    "hide": ["x-secret"],
}
OF_FORWARD = OF_BOTH | {
    "identity": "elite",
    "authentication.users": {"ada": {"password": "lovelace", "groups": ["staff"]}},
    "authentication.realm": "the office",
    "filters": [{"deny": {"domain": "casino.example"}}],
    "through": "beyond",
    "dns.lookup": "7ms",
    "dns.ttl": "7s",
    "tunnels": False,
}
BESIDE = {
    "cache": {"capacity": "10MB"},
    "trusted": {"addresses": ["192.0.2.0/24"]},
    "limits.proxy": {"in_flight": 5},
    "limits.backend": {"in_flight": 5},
    "rate_limit": {"rate": "5/s"},
    "shedding": {"in_flight": 5},
    "compression": {"codings": ["gzip", "br"]},
    "health.active": {},
    "health.passive": {},
    "retry": {},
    "hedge": {},
    "authentication": {"users": {"bob": {"password": "x"}}},
    "dns": {"lookup": "1ms"},
}
#: Settings that cannot be without another one.
TOGETHER = {
    "cache.hit_for_miss": {"cache.collapse": True},
    "shedding.first": {"shedding.reserve": "20%"},
    "shedding.reserve": {"shedding.first": ["shop.example"]},
    "shedding.queue_delay.target": {"limits.proxy.in_flight": 5},
    "shedding.queue_delay.interval": {"limits.proxy.in_flight": 5},
    "health.slow_start": {"balancer": "least_connections"},
    "breaker.window": {"breaker.ratio": "50%"},
    "breaker.least": {"breaker.ratio": "50%"},
}
#: What is no engine's business: a simulation's costs and pictures, what a probe is to its server,
#: how long a name takes to resolve; and files, of which rules speak.
EXEMPT = {"kind", "zone", "costs", "health.active.demand", "dns.lookup", "categories"}


def settings(model, prefix=""):
    """The dotted paths of all settings of *model* that hold no further settings."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        inner = [each for each in nested(field.annotation) if issubclass(each, BaseModel)]
        if inner and path not in ("filters", "authentication.users", "cache.capacity"):
            if path == "health.outliers.success_rate":
                yield path
            else:
                yield from settings(inner[0], f"{path}.")
        else:
            yield path


def nested(annotation):
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation]
    return [each for inner in typing.get_args(annotation) for each in nested(inner)]


def test_no_setting_is_forgotten_here():
    assert set(settings(said.ReverseProxy)) - EXEMPT == OF_REVERSE.keys() - EXEMPT
    assert set(settings(said.ForwardProxy)) - EXEMPT == OF_FORWARD.keys() - EXEMPT | {
        "shedding.first", "shedding.reserve",
    }  # fmt: skip


def put(tree, path, value):
    *way, last = path.split(".")
    for step in way:
        tree = tree.setdefault(step, {})
    tree[last] = value


def beside(path):
    """What stands beside a setting, without it."""
    tree = {}
    for group, value in BESIDE.items():
        if path.startswith(f"{group}."):
            put(tree, group, dict(value))
    return tree


def told(engine, tree, node):
    nodes = {**(REVERSE if node == "edge" else FORWARD)["nodes"]}
    nodes[node] = {**nodes[node], **tree}
    if "spare" in tree.get("backends", ()):
        nodes["spare"] = {"kind": "server"}
    if "through" in tree:
        nodes["beyond"] = {"kind": "forward_proxy"}
    whole = {**(REVERSE if node == "edge" else FORWARD), "nodes": nodes}
    if "sites" in tree:
        whole["sites"] = {**whole["sites"], "third.example": {}}
    return export(engine, from_dict(whole), node)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", [path for path in OF_REVERSE if path not in EXEMPT])
def test_no_setting_of_a_reverse_proxy_is_dropped_silently(engine, path):
    holds(engine, path, OF_REVERSE[path], "edge")


@pytest.mark.parametrize("path", [path for path in OF_FORWARD if path not in EXEMPT])
def test_no_setting_of_a_forward_proxy_is_dropped_silently(path):
    holds("squid", path, OF_FORWARD[path], "gateway")


def holds(engine, path, value, node):
    """What is said changes with the setting, or says that nothing of its group is there."""
    without, with_it = beside(path), beside(path)
    for other, needed in TOGETHER.get(path, {}).items():
        put(with_it, other, needed)
        if not path.startswith("shedding.") and not path.startswith("breaker."):
            put(without, other, needed)
    put(with_it, path, value)
    found = told(engine, with_it, node)
    if any(f"({path[:end]}" in text for text in found.not_expressed for end in ends(path)):
        return
    assert all_said(found) != all_said(told(engine, without, node))


def ends(path):
    """Where each of the groups that *path* lies in ends."""
    return [at for at, sign in enumerate(path) if sign == "."] + [len(path)]
