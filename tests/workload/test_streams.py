"""Streams: the same everywhere, apart from each other, and uniform."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.workload.streams import Chance, generator, seed_of, stream, uniform

PROGRAM = """
from proxysim.workload.streams import *
print(seed_of(7, "staff/arrivals"), generator(7, "a", 2).random(), stream(7, "b").random(),
      uniform(7, "c", 12, 3))
"""


def test_another_process_with_another_hash_seed_draws_the_same():
    said = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(said) == 1
    assert str(seed_of(7, "staff/arrivals")) in said.pop()


def test_seeds_components_and_replications_are_streams_of_their_own():
    seeds = {
        seed_of(seed, component, replication)
        for seed in (1, 11)
        for component in ("a", "b", "1/a", "a/1")
        for replication in (0, 1, 11)
    }
    assert len(seeds) == 24
    assert all(0 <= seed < 2**128 for seed in seeds)
    assert generator(1, "a").random() != generator(1, "b").random()
    assert stream(1, "a").random() != stream(1, "a", 1).random()


@given(st.integers(0, 2**62), st.integers(0, 50), st.integers(0, 2**63 - 1))
def test_chance_is_the_same_one_by_one_and_in_blocks(request, attempt, seed):
    chance = Chance(seed, "edge/jitter")
    ids = np.arange(request, request + 3)
    assert chance.many(ids, attempt).tolist() == [chance(int(i), attempt) for i in ids]
    assert uniform(seed, "edge/jitter", request, attempt) == chance(request, attempt)
    assert 0 <= chance(request, attempt) < 1


@pytest.mark.parametrize("attempt", [0, 1, 5])
def test_chance_is_uniform_and_attempts_and_neighbours_are_unrelated(attempt):
    n = 100_000
    us = Chance(3, "x").many(np.arange(n), attempt)
    counts = np.histogram(us, bins=64, range=(0, 1))[0]
    chi2 = ((counts - n / 64) ** 2 / (n / 64)).sum()
    assert abs(chi2 - 63) < 4 * np.sqrt(2 * 63)
    other = Chance(3, "x").many(np.arange(n), attempt + 1)
    for one, two in ((us, other), (us[1:], us[:-1]), (us, Chance(4, "x").many(np.arange(n)))):
        assert abs(np.corrcoef(one, two)[0, 1]) < 4 / np.sqrt(n)
