"""Latencies without rows are drawn from the sketch; labels that crowd are numbered."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import proxysim
from proxysim.charts import figure_set
from proxysim.charts.sample import Sample, answered
from proxysim.statistics.sketch import QuantileSketch


def texts(ax):
    return [text.get_text() for text in ax.texts]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_above_is_the_share_that_is_larger(values):
    sample = Sample.of(np.array(values))
    assert sample.values.tolist() == sorted(set(values))
    assert sample.n == len(values)
    for point, share in zip(sample.values, sample.above(), strict=True):
        assert share == pytest.approx(np.mean(np.array(values) > point))


@given(st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1e6)), min_size=1, max_size=60))
def test_the_steps_of_a_sketch_are_its_values(values):
    sketch = QuantileSketch()
    sketch.add(values)
    steps = sketch.steps()
    drawn = np.repeat([value for value, _ in steps], [count for _, count in steps])
    assert drawn.tolist() == sorted(drawn)
    if len(steps) > 1:
        assert (drawn[0], drawn[-1]) == (min(values), max(values))
    np.testing.assert_allclose(drawn, sorted(values), rtol=2 * sketch.accuracy)


@pytest.fixture(scope="module")
def runs():
    scenario = proxysim.load("one-server").set({"run.duration": "100s", "run.warmup": "5s"})
    return [proxysim.simulate(scenario, keep=keep) for keep in ("all", "none")]


def test_a_run_without_rows_is_drawn_as_one_with_them(runs):
    rows, none = runs
    assert answered(none).n == answered(rows).n > 1000
    for chart in ("latency_ccdf", "latency_percentiles"):
        lines = [getattr(run.plot, chart)().get_lines()[0] for run in runs]
        (x, y), (sketched_x, sketched_y) = (line.get_data() for line in lines)
        if chart == "latency_ccdf":
            middle = slice(5, -5)
            shares = np.interp(sketched_x[middle], x, y)
            assert np.abs(shares - sketched_y[middle]).max() < 0.02
        else:
            at = np.interp(sketched_x[1:-1], x, y)
            np.testing.assert_allclose(sketched_y[1:-1], at, rtol=0.02, atol=2e-4)
        assert x[-1] == pytest.approx(sketched_x[-1])


def test_the_figure_says_that_it_is_drawn_from_a_sketch(runs):
    rows, none = runs
    assert not any("sketch" in text for text in texts(rows.plot.latency_ccdf()))
    n = answered(none).n
    assert any(
        f"n = {n:,}, from a sketch right to 0.5%" in text
        for text in texts(none.plot.latency_ccdf())
    )
    drawn = {slug for slug, _, _ in figure_set(none)}
    assert {"latency_ccdf", "latency_percentiles"} <= drawn
    assert "latency_over_time" not in drawn


def with_events(run, *starts):
    events = [
        {"at": at, "until": at + 1, "label": "down", "node": f"shop-{number}"}
        for number, at in enumerate(starts, start=1)
    ]
    return replace(run, events=events)


def test_labels_with_room_stand_where_they_belong(website):
    ax = with_events(website, 20.0, 60.0, 100.0).plot.hit_rate()
    assert {"shop-1: down", "shop-2: down", "shop-3: down"} <= set(texts(ax))


@pytest.mark.parametrize("many", [6, 40, 400])
def test_labels_that_crowd_are_numbered_and_told_in_a_key(website, many):
    starts = np.linspace(30.0, 60.0, many)
    ax = with_events(website, *starts).plot.hit_rate()
    told = " · ".join(reversed(texts(ax)))
    assert "hatched: warm-up" in told
    for number in range(1, 6):
        assert f"{number} shop-{number}: down" in told
    assert (" more" in told) == (many > 50 or f"{many} shop-{many}: down" not in told)
    marks = [text for text in texts(ax) if text.replace("-", "").isdecimal()]
    covered = [int(mark.split("-")[0]) for mark in marks]
    assert covered[0] == 1
    assert len(marks) == many if many == 6 else len(marks) < 40
    assert int(marks[-1].split("-")[-1]) == many
    lines = [text for text in ax.texts if "down" in text.get_text()]
    assert 1 <= len(lines) <= 5
