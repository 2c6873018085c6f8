"""Arrivals: as many as the rate says, where it says, and as regular as each process is."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from proxysim.errors import ScenarioError
from proxysim.workload.arrivals import BLOCK, Bursty, Daily, Even, Piece, Poisson, Ramp, Steps
from proxysim.workload.streams import generator

DAY = Daily(20.0, (1, 0, 3, 4), day=40.0)
STEPS = Steps(((10.0, 5.0), (20.0, 0.0), (50.0, 100.0)))

#: Each with a duration and the integral of its rate over [start, end), written independently.
RATES = {
    "poisson": (Poisson(40.0), lambda t: np.full_like(t, 40.0)),
    "ramp": (Ramp(0.0, 60.0, 50.0), lambda t: np.minimum(60 * t / 50, 60.0)),
    "ramp down": (Ramp(60.0, 0.0, 100.0), lambda t: 60 - 60 * t / 100),
    "ramp cut": (Ramp(10.0, 60.0, 300.0), lambda t: 10 + 50 * t / 300),
    "jump": (Ramp(10.0, 60.0, 0.0), lambda t: np.full_like(t, 60.0)),
    "daily": (DAY, lambda t: 20 * np.array([0.5, 0, 1.5, 2])[(t // 10).astype(int) % 4]),
    "steps": (STEPS, lambda t: np.select([t < 10, t < 20, t < 50], [0.0, 5.0, 0.0], 100.0)),
}
EVERY = {name: process for name, (process, _) in RATES.items()} | {
    "even": Even(40.0),
    "bursty": Bursty(5.0, 200.0, 2.0, 0.5),
}
DURATION = 100.0


def arrived(process, duration=DURATION, seed=1):
    return np.concatenate(
        [np.empty(0), *process.blocks(generator(seed, "staff/arrivals"), duration)]
    )


@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_counts_agree_with_the_integral_of_the_rate(name, seed):
    process, rate = RATES[name]
    times = arrived(process, seed=seed)
    middles = np.arange(0, DURATION, 0.001) + 0.0005
    for start, end in ((0, 10), (10, 20), (20, 50), (50, 100), (0, 100), (33, 34)):
        expected = rate(middles[(middles > start) & (middles < end)]).sum() * 0.001
        count = ((times >= start) & (times < end)).sum()
        assert abs(count - expected) <= 3.5 * math.sqrt(expected) + 1e-6
    whole = rate(middles).sum() * 0.001
    assert process.mean_rate(DURATION) == pytest.approx(whole / DURATION, rel=1e-6)


@pytest.mark.parametrize("name", RATES)
def test_what_varies_is_poisson_once_the_rate_is_taken_out(name):
    process, rate = RATES[name]
    grid = np.arange(0, DURATION + 0.001, 0.001)
    masses = np.concatenate([[0], np.cumsum(rate(grid[:-1] + 0.0005)) * 0.001])
    gaps = np.diff(np.interp(arrived(process), grid, masses))
    assert stats.kstest(gaps, "expon").pvalue > 1e-3


@pytest.mark.parametrize("name", EVERY)
@given(duration=st.floats(0.001, 300), seed=st.integers(0, 100))
def test_times_are_in_order_inside_the_run_and_in_small_blocks(name, duration, seed):
    blocks = list(EVERY[name].blocks(generator(seed, "x"), duration))
    assert all(0 < len(block) <= BLOCK for block in blocks)
    times = np.concatenate([np.empty(0), *blocks])
    assert (np.diff(times) >= 0).all()
    assert not len(times) or (times[0] >= 0 and times[-1] < duration)


@pytest.mark.parametrize("name", EVERY)
def test_a_longer_run_begins_like_the_shorter(name):
    short, long = arrived(EVERY[name], 50.0), arrived(EVERY[name], 100.0)
    if name != "ramp down":
        np.testing.assert_allclose(long[: len(short)], short, rtol=1e-12)
    assert (arrived(EVERY[name]) == long).all()


@given(st.floats(0.01, 5000), st.floats(0.01, 10))
def test_even_arrivals_are_exactly_even(rate, duration):
    times = arrived(Even(rate), duration)
    assert (times == np.arange(len(times)) / rate).all()
    assert len(times) / rate >= duration > (len(times) - 1) / rate


def test_even_arrivals_number_rate_times_duration():
    assert len(arrived(Even(40.0), 300.0)) == 12_000


@pytest.mark.parametrize(
    "process", [Poisson(0), Even(0), Ramp(0, 0, 9), Steps(((0, 0),)), Bursty(0, 0, 1, 1)]
)
def test_a_rate_of_zero_yields_nothing(process):
    assert not len(arrived(process))
    assert process.mean_rate(DURATION) == 0


def test_silent_stretches_are_silent():
    times = arrived(STEPS)
    assert not ((times < 10) | ((times >= 20) & (times < 50))).any()
    times = arrived(DAY)
    assert not ((times % 40 >= 10) & (times % 40 < 20)).any()


@pytest.mark.parametrize("window", [0.2, 1.0, 10.0])
def test_bursts_are_as_overdispersed_as_the_cookbook_says(window):
    process = Bursty(5.0, 100.0, 1.0, 0.25)
    duration = 20_000.0
    times = arrived(process, duration)
    assert len(times) / duration == pytest.approx(process.mean_rate(duration), rel=0.03)
    counts = np.histogram(times, bins=round(duration / window), range=(0, duration))[0]
    # The error of a variance is told by the windows' spread over twenty parts of the run.
    parts = [part.var() / counts.mean() for part in np.array_split(counts, 20)]
    error = np.std(parts) / math.sqrt(20)
    assert process.dispersion(window) > 1.5
    assert abs(counts.var() / counts.mean() - process.dispersion(window)) < 3.5 * error


def test_bursts_begin_as_often_as_they_are_met():
    process = Bursty(0.0, 1e4, 3.0, 1.0)
    begun = sum(len(arrived(process, 0.01, seed)) > 0 for seed in range(1000))
    assert abs(begun - 250) < 3.5 * math.sqrt(1000 * 0.25 * 0.75)


def test_a_burst_like_the_calm_is_poisson():
    assert Bursty(10.0, 10.0, 1.0, 2.0).dispersion(5.0) == 1.0
    gaps = np.diff(arrived(Bursty(10.0, 10.0, 0.3, 0.2), 500.0)) * 10
    assert stats.kstest(gaps, "expon").pvalue > 1e-3


@given(
    st.floats(0, 100), st.floats(0.01, 100), st.floats(0, 100), st.floats(0, 100), st.floats(0, 1)
)
def test_pieces_invert_their_own_integral(start, length, first, last, share):
    piece = Piece(start, start + length, first, last)
    if piece.mass < 1e-6:
        return
    mass = piece.mass * share
    if not mass > 0:
        return
    since = float(piece.times(np.array([mass]))[0]) - start
    width = piece.end - piece.start
    reached = first * since + (last - first) / width * since**2 / 2
    assert reached == pytest.approx(mass, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Bursty(1, 2, 0, 1),
        lambda: Daily(1, (0, 0)),
        lambda: Steps(()),
        lambda: Steps(((5, 1), (5, 2))),
    ],
)
def test_what_makes_no_process_is_refused(make):
    with pytest.raises(ScenarioError) as caught:
        make()
    assert caught.value.mend
