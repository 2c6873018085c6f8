"""What every registered chart promises, whatever the run."""

import subprocess
import sys
import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxysim.charts import CHARTS, picture
from proxysim.results import registry
from proxysim.results.recorder import Recorder

PAIRED = {"with_without", "with_without_latency"}


def draw(name, run, ax=None):
    chart = getattr(run.plot, name)
    return chart(run, ax=ax) if name in PAIRED else chart(ax=ax)


@pytest.fixture(scope="module")
def runs(fabricate, website, nothing):
    return {
        "website": website,
        "nothing": nothing,
        "one request": fabricate(1, hops=1),
        "one backend": fabricate(300, backends=1, hops=10),
        "none ok": fabricate(200, outcome="failed", hops=10),
        "all left over": fabricate(200, outcome="in_flight", hops=10),
        "all alike": fabricate(200, latency=0.05, hops=10),
        "no time": fabricate(200, latency=0.0, hops=10),
        "strange names": fabricate(200, prefix="$x_{%}\\;:<#µ" * 4, hops=10),
        "bare": fabricate(200, proxy=False, warmup=0.0, events=False, hops=0),
        "tables empty": Recorder(10.0).finish(
            world="sim", scenario="none", scenario_hash="", seed=0
        ),
    }


CASES = (
    "website", "nothing", "one request", "one backend", "none ok", "all left over", "all alike",
    "no time", "strange names", "bare", "tables empty",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", sorted(set(CHARTS) - {"latency"}))
def test_draws_without_a_warning(name, case, runs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = draw(name, runs[case])
        ax.get_figure(root=True).canvas.draw()
    assert isinstance(ax, Axes)
    assert ax.get_title(loc="left")


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_draws_on_the_axes_it_is_given(name, website):
    figure = Figure(layout="constrained")
    left, right = figure.subplots(1, 2)
    assert draw(name, website, ax=right) is right
    assert not left.has_data()


@pytest.mark.parametrize("name", sorted(set(CHARTS) - {"latency"}))
def test_says_where_it_comes_from(name, website):
    told = [text for text in draw(name, website).texts if text.get_gid() == "provenance"]
    assert len(told) == 1
    assert "website · sim · seed 7" in told[0].get_text()


@pytest.mark.parametrize("name", sorted(set(CHARTS) - {"latency"}))
def test_nothing_is_cut_off(name, runs):
    for case in ("website", "one backend"):
        figure = draw(name, runs[case]).get_figure(root=True)
        figure.canvas.draw()
        box = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert box.x0 >= -0.02, case
        assert box.y0 >= -0.02, case
        assert box.x1 <= width + 0.02, case
        assert box.y1 <= height + 0.02, case


def test_a_run_lists_all_charts(website):
    assert set(CHARTS) <= set(dir(website.plot))
    assert all(registry.lookup(name) is chart for name, chart in CHARTS.items())


def test_rows_that_were_not_kept_are_told_from_none():
    run = Recorder(10.0, keep="none").finish(world="sim", scenario="", scenario_hash="", seed=0)
    for name in ("latency_ccdf", "latency_percentiles", "latency_over_time", "outcomes"):
        texts = [text.get_text() for text in draw(name, run).texts]
        assert any("keep='all'" in text for text in texts)


def test_every_chart_says_what_it_is_for():
    assert all(chart.__doc__ for chart in CHARTS.values())


def test_a_notebook_shows_the_axes(website):
    png, size = website.plot.load()._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert size["width"] > size["height"] > 100


def test_users_own_settings_change_nothing_else(website):
    with matplotlib.rc_context({"axes.grid": True, "figure.dpi": 50}):
        draw("latency_ccdf", website)
        assert matplotlib.rcParams["axes.grid"] is True


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_equal_runs_make_equal_pictures(kind, fabricate):
    one, other = (fabricate(500).plot.cache_split().get_figure() for _ in range(2))
    assert picture(one, kind) == picture(other, kind)


def test_charts_need_no_pyplot():
    code = "import sys, proxysim.charts; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_texts_of_the_load_chart_do_not_overlap(website):
    ax = website.plot.load()
    ax.get_figure().canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text()]
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


def test_names_that_do_not_fit_are_left_out_evenly(fabricate):
    ax = fabricate(2000, backends=64).plot.load()
    ax.get_figure().canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels() if label.get_text()]
    assert len(boxes) > 30
    tops = np.array(sorted(box.y0 for box in boxes))
    assert np.diff(tops).min() > 0.7 * boxes[0].height
