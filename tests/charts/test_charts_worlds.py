"""Worlds laid over one another: what is drawn is what was found."""

import math
import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure

from proxysim.charts.worlds import Pair, overlay, parity
from proxysim.statistics.spread import formula, spread

SAMPLE = np.random.default_rng(2).exponential(0.02, 3000)
THEORY = (
    formula("theory, M/M/1", lambda time: math.exp(-time / 0.02), 0.02),
    spread("simulated 3 times", np.split(SAMPLE, 3), band=True),
)
ROUNDS = (spread("simulated", [SAMPLE]), spread("on sockets", [SAMPLE + 0.001]))
PAIRS = [
    Pair("ours", "mean", 0.020, 0.021, True, "a: mean"),
    Pair("nginx", "p50", 0.010, 0.030, False, "b: p50"),
]
BOUNDS = [("± 5 %", 0.05), ("± 15 %", 0.15)]


def of_kind(ax, kind):
    return [line for line in ax.get_lines() if line.get_gid() == kind]


@pytest.mark.parametrize("tail", [True, False])
def test_each_world_is_a_line_of_the_shares_found(tail):
    ax = overlay(THEORY, ROUNDS, title="t", source="s", tail=tail)
    lines = of_kind(ax, "line")
    assert len(lines) == 4
    for line, values in ((lines[2], SAMPLE), (lines[3], SAMPLE + 0.001)):
        for x, y in list(zip(line.get_xdata(), line.get_ydata(), strict=True))[1:-1:25]:
            assert y == pytest.approx(np.mean(values > x) if tail else np.mean(values <= x))
    assert ax.get_yscale() == ("log" if tail else "linear")
    (band,) = [found for found in ax.collections if found.get_gid() == "band"]
    assert len(band.get_paths()[0].vertices) > 100
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend[0] == "theory, M/M/1: p50 13.9 ms, p99 92.1 ms"
    assert legend[3].startswith("on sockets: p50 ")


@pytest.mark.parametrize(
    ("theory", "rounds"),
    [((), ROUNDS), (THEORY, ()), ((), ()), ((), (spread("one", [[0.01]]),)),
     ((), (spread("none", [[0.0, 0.0]]), spread("no time", [[0.0]])))],
    ids=["no theory", "no rounds", "nothing", "one request", "no time"],
)  # fmt: skip
def test_draws_without_a_warning_whatever_is_there(theory, rounds):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = overlay(theory, rounds, title="t", source="s")
        ax.get_figure(root=True).canvas.draw()
    assert len(of_kind(ax, "line")) == len(theory) + len(rounds)


@pytest.mark.parametrize("shares", [False, True])
def test_on_the_line_both_worlds_are_the_same_and_what_is_off_is_ringed(shares):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = parity(PAIRS, title="t", source="s", bounds=BOUNDS, shares=shares)
        ax.get_figure(root=True).canvas.draw()
    (identity,) = of_kind(ax, "identity")
    assert list(identity.get_xdata()) == list(identity.get_ydata())
    found = [(line.get_xdata()[0], line.get_ydata()[0]) for line in of_kind(ax, "pair")]
    assert found == [(pair.x, pair.y) for pair in PAIRS]
    (ring,) = of_kind(ax, "missed")
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (0.010, 0.030)
    assert "b: p50" in [text.get_text() for text in ax.texts]
    bands = [found for found in ax.collections if found.get_gid() == "bound"]
    assert len(bands) == 2
    vertices = bands[0].get_paths()[0].vertices
    line = identity.get_xdata()
    widest = line + 0.15 if shares else line * 1.15
    assert vertices[:, 1].max() == pytest.approx(widest.max())
    shown = {text.get_text() for text in ax.get_legend().get_texts()}
    assert {"ours", "nginx", "mean", "p50", "± 5 %", "± 15 %"} == shown


def test_no_figure_is_said_to_be_none():
    ax = parity([], title="t", source="s", bounds=[])
    assert "no figure" in ax.texts[0].get_text()


def test_draws_on_the_axes_it_is_given():
    left, right = Figure().subplots(1, 2)
    assert overlay(THEORY, ROUNDS, right, title="t", source="s") is right
    assert parity(PAIRS, right, title="t", source="s", bounds=BOUNDS) is right
    assert not left.has_data()
