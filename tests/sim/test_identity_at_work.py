"""Identity at work: who is taken for the client, and what servers hear of it, in a run."""

import pytest

from proxysim.results.knowledge import SECRETS, observers
from tests.sim.scene import SITE, play

ASKED = [(at, f"c{at % 8}", "/x", 10) for at in range(1, 41)]


def cdn(**edge):
    """Users behind a CDN's proxy, which asks the shop's edge, which has two servers."""
    return {
        "users": {"count": 8, "fields": {"x-forwarded-for": "6.6.6.6"}},
        "cdn": {"kind": "reverse_proxy", "sites": [SITE], "backends": "edge"},
        "edge": {
            "kind": "reverse_proxy",
            "sites": [SITE],
            "backends": "shop",
            "balancer": "source_hash",
            **edge,
        },
        "shop": {"kind": "server", "count": 2, "workers": 10},
    }


def backends(run):
    return {
        client: set(rows["backend"]) for client, rows in run.requests.groupby("client", sort=True)
    }


@pytest.mark.parametrize("trusted", [{"hops": 1}, {"addresses": ["cdn"]}])
def test_behind_a_trusted_proxy_clients_are_told_apart(trusted):
    alone = backends(play(cdn(), script=ASKED))
    assert len(set.union(*alone.values())) == 1  # all look like the one that asks
    told = backends(play(cdn(trusted=trusted), script=ASKED))
    assert all(len(chosen) == 1 for chosen in told.values())
    assert set.union(*told.values()) == {"shop-1", "shop-2"}


@pytest.mark.parametrize("trusted", [{"hops": 1}, {"addresses": ["cdn"]}])
def test_what_clients_forge_moves_nothing(trusted):
    honest = cdn(trusted=trusted)
    del honest["users"]["fields"]
    assert backends(play(honest, script=ASKED)) == backends(
        play(cdn(trusted=trusted), script=ASKED)
    )


@pytest.mark.parametrize("forwarded", ["x-forwarded-for", "forwarded", "both", "none"])
def test_servers_know_the_client_by_whichever_field_tells_of_it(forwarded):
    nodes = cdn(forwarded=forwarded)
    nodes["users"].pop("fields")
    nodes["cdn"]["forwarded"] = forwarded
    run = play(nodes, script=ASKED)
    address = SECRETS.index("client's address")
    (shop,) = [found for found in observers(run) if found.name == "shop"]
    assert shop.shares[address] == (0 if forwarded == "none" else 1)
