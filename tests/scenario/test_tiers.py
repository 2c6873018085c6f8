"""Reverse proxies behind one another."""

import pytest

from proxysim.errors import ScenarioError
from proxysim.scenario import from_dict

SITE = "shop.example"


def tiers(outer: str, inner: str) -> dict:
    proxy = {"kind": "reverse_proxy", "sites": [SITE]}
    return {
        "proxysim": 1,
        "title": "two tiers",
        "sites": {SITE: {"tls": True}},
        "nodes": {
            "users": {"kind": "clients", "arrivals": 1.0},
            "outer": {**proxy, "tls": outer, "backends": "inner"},
            "inner": {**proxy, "tls": inner, "backends": "app"},
            "app": {"kind": "server"},
        },
    }


def test_behind_a_proxy_that_ends_tls_there_is_none_to_end() -> None:
    assert from_dict(tiers("terminate", "none")).document.nodes["inner"].tls == "none"


@pytest.mark.parametrize("outer", ["passthrough", "reencrypt"])
def test_a_proxy_that_gets_tls_cannot_be_without(outer: str) -> None:
    with pytest.raises(ScenarioError, match=r"inner\.tls: found none"):
        from_dict(tiers(outer, "none"))
