"""Tables of hashing against their sources: Maglev's paper, ketama by another hand, the keys."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uhashring import HashRing

from proxysim.errors import ScenarioError
from proxysim.policies.hashing import digest, fill, ketama_hash, ketama_ring, key_of, maglev_table
from tests.policies.pool import ask

members = st.lists(
    st.text("abcdefgh-.0123456789", min_size=1), min_size=1, max_size=12, unique=True
)
weights = st.sampled_from([0.25, 0.5, 1.0, 2.0, 3.0])


def alike(names):
    return tuple((name, 1.0) for name in names)


# Maglev.


def test_maglevs_worked_example():
    """Table 1 of the paper: three backends, seven entries; then without the second."""
    assert list(fill([3, 0, 3], [4, 2, 1], [1, 1, 1], 7)) == [1, 0, 1, 0, 2, 2, 0]
    without = fill([3, 3], [4, 1], [1, 1], 7)
    assert [(0, 2)[member] for member in without] == [0, 0, 0, 0, 2, 2, 2]


@given(names=members, size=st.sampled_from([13, 251, 1009]))
def test_maglev_gives_everyone_the_same_number_of_entries_rounded(names, size):
    counts = Counter(maglev_table(alike(names), size))
    assert sum(counts.values()) == size
    assert len(counts) == len(names)
    assert set(counts.values()) <= {size // len(names), -(-size // len(names))}


@given(st.lists(weights, min_size=1, max_size=12), st.sampled_from([251, 1009]))
def test_maglev_gives_entries_in_proportion_to_weights(given_weights, size):
    named = tuple((f"s{i}", weight) for i, weight in enumerate(given_weights))
    counts = Counter(maglev_table(named, size))
    total = sum(given_weights)
    # Within a round: each has its share of the turns, rounded up, and the last round may be cut.
    for i, weight in enumerate(given_weights):
        assert abs(counts[i] - size * weight / total) <= 2 + len(given_weights) * weight / total


@given(names=members, pick=st.randoms(use_true_random=False))
def test_maglev_does_not_depend_on_the_order_of_the_list(names, pick):
    shuffled = list(names)
    pick.shuffle(shuffled)
    one, other = maglev_table(alike(names), 251), maglev_table(alike(shuffled), 251)
    assert [names[member] for member in one] == [shuffled[member] for member in other]


def test_one_of_a_thousand_that_leaves_moves_065_percent_of_maglevs_keys():
    """The paper's figure 12 at M = 65537: 0.10 % must move, about 0.65 % do."""
    size = 65537
    names = [f"backend-{i}" for i in range(1000)]
    before = [names[member] for member in maglev_table(alike(names), size)]
    moved = []
    for gone in (0, 137, 499, 998):
        left = names[:gone] + names[gone + 1 :]
        after = [left[member] for member in maglev_table(alike(left), size)]
        owned = before.count(names[gone])
        assert owned in (65, 66)
        moved.append(sum(was != now for was, now in zip(before, after, strict=True)))
        assert moved[-1] >= owned
    assert sum(moved) / len(moved) / size == pytest.approx(0.0065, abs=0.0015)


def test_a_table_is_built_once_for_each_set_of_members():
    everyone, fewer = alike(["a", "b", "c"]), alike(["a", "c"])
    for table in (maglev_table, ketama_ring):
        table.cache_clear()
        for _ in range(10):
            table(everyone, 251)
            table(fewer, 251)
        assert table.cache_info().misses == 2


# Ketama.


def looked_up(ring, names, key):
    return names[ring.owners[bisect_right(ring.points, ketama_hash(key))]]


@given(names=members, keys=st.lists(st.text(max_size=20), max_size=30))
def test_ketama_places_as_uhashring_does(names, keys):
    theirs = HashRing(nodes=names, hash_fn="ketama")
    ours = ketama_ring(alike(names))
    assert len(ours.points) == theirs.size <= 160 * len(names)
    assert [
        (point, names[owner]) for point, owner in zip(ours.points, ours.owners, strict=False)
    ] == (theirs.get_points())
    for key in (*keys, *map(str, range(50))):
        assert looked_up(ours, names, key) == theirs.get_node(key)


@given(st.lists(st.sampled_from([0.25, 1, 2, 5]), min_size=1, max_size=6))
def test_ketama_has_160_points_times_the_weight(given_weights):
    named = {f"s{i}": weight for i, weight in enumerate(given_weights)}
    theirs = HashRing(
        nodes={name: {"vnodes": int(40 * weight)} for name, weight in named.items()},
        hash_fn="ketama",
    )
    ours = ketama_ring(tuple(named.items()))
    counts = Counter(ours.owners[:-1])
    assert all(counts[i] <= 160 * weight for i, weight in enumerate(given_weights))
    for key in map(str, range(200)):
        assert looked_up(ours, list(named), key) == theirs.get_node(key)


def test_very_heavy_members_share_a_ring_of_bounded_size():
    ring = ketama_ring((("a", 1e6), ("b", 3e6)))
    counts = Counter(ring.owners)
    assert len(ring.points) <= 1_000_000
    assert counts[1] / counts[0] == pytest.approx(3, rel=0.01)


# Digests and keys.


def test_digests_are_the_same_everywhere_and_have_purposes():
    assert digest("10.0.0.1") == 0x538E_F646_E14D_03E6
    assert digest("a", b"one") != digest("a", b"two") != digest("a")
    assert digest("\ud800") != digest("\udfff")


def test_keys_of_a_request():
    request = ask(
        "9.9.9.9", "7.7.7.7, 8.8.8.8", "/a?b=c", cookie="x=1; session=abc", **{"x-user": "ann"}
    )
    taken = {
        what: key_of(what)(request)
        for what in ("client", "uri", "host", "header:X-User", "cookie:session", "cookie:none")
    }
    assert taken == {
        "client": "9.9.9.9",
        "uri": "/a?b=c",
        "host": "shop.example",
        "header:X-User": "ann",
        "cookie:session": "abc",
        "cookie:none": "",
    }
    assert key_of("client", 1)(request) == "8.8.8.8"


def test_trusted_hops_are_for_clients():
    with pytest.raises(ScenarioError, match="Trusted hops are for key: client"):
        key_of("uri", 1)
