"""``proxysim sweep`` from the shell, and the charts of a sweep."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import proxysim as ps
from proxysim.charts.sweeps import Scale, Series, heat, lines
from proxysim.cli import app
from proxysim.errors import ResultError
from proxysim.studies.sweep_charts import figures

SHORT = [
    "--set", "run.duration=1.5s", "--set", "run.warmup=0.5s", "--replications", "2",
    "--workers", "1",
]  # fmt: skip
OVER = ["--over", "nodes.shop.workers=2..3", "--over", "load=0.5,1"]
SCENARIO = ps.load("unequal-servers").set({"run.duration": "1.5s", "run.warmup": "0.5s"})


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def command(*arguments):
    return CliRunner().invoke(app, ["sweep", *arguments])


def marked(ax, gid):
    return [line for line in ax.get_lines() if line.get_gid() == gid]


def test_a_table_has_a_row_a_setting_and_the_next_time_takes_none(tmp_path):
    first = command("unequal-servers", *SHORT, *OVER)
    assert first.exit_code == 0, first.output
    assert "4 settings × 2 = 8 runs · seed 1" in first.stdout
    assert first.stderr == ""
    again = command("unequal-servers", *SHORT, *OVER)
    assert again.stdout == first.stdout
    assert "8 of 8 runs were there already" in again.stderr
    assert str(tmp_path / "cache") in again.stderr
    assert command("unequal-servers", *SHORT, *OVER, "--no-store").stderr == ""


def test_json_is_what_the_library_says():
    found = command("unequal-servers", *SHORT, *OVER, "--json", "--metric", "mean")
    swept = ps.sweep(
        SCENARIO, {"nodes.shop.workers": [2, 3], "load": [0.5, 1]}, replications=2, workers=1,
        metrics=["mean"],
    )  # fmt: skip
    assert json.loads(found.stdout) == json.loads(swept.to_json())


def test_out_leaves_tables_charts_cells_and_a_manifest(tmp_path):
    out = tmp_path / "out"
    arguments = ["unequal-servers", *SHORT, *OVER, "--metric", "mean", "--out", str(out)]
    found = command(*arguments)
    assert found.exit_code == 0, found.output
    there = {path.relative_to(out).as_posix() for path in out.rglob("*.*")}
    cells = {name for name in there if name.startswith("cells/")}
    assert len(cells) == 9
    manifest = json.loads((out / "manifest.json").read_text())
    assert set(manifest["files"]) | {"manifest.json"} == there - cells
    assert {"charts/lines-mean.png", "charts/heat-mean.svg", "table.csv"} <= there
    assert len(pd.read_csv(out / "values.csv")) == 8
    assert pd.read_parquet(out / "table.parquet")["nodes.shop.workers"].tolist() == [2, 2, 3, 3]
    kept = {path: path.read_bytes() for path in out.rglob("*.*")}
    assert command(*arguments).exit_code == 0
    assert {path: path.read_bytes() for path in out.rglob("*.*")} == kept


def test_points_at_random(tmp_path):
    arguments = [*SHORT, "--over", "load=0.5..1:2", "--random", "5", "--metric", "mean"]
    found = command("unequal-servers", *arguments, "--out", str(tmp_path / "out"))
    assert "5 settings at random (Latin hypercube)" in found.stdout
    assert (tmp_path / "out" / "charts" / "clouds-mean.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "nothing to vary"),
        (["--over", "nodes.shop.workers=8..1"], "smaller end first"),
        (["--over", "nodes.shop.worker=1..2"], "Did you mean 'workers'"),
        (["--over", "load=0.5..1"], "Say how many values"),
        (["--over", "load=1,1"], "given twice"),
        (["--over", "load=1,2", "--over", "load=3"], "varied twice"),
        (["--over", "load=1,2", "--metric", "latency"], "no metric 'latency'"),
        (["--over", "load=1,2", "--random", "1"], "at random"),
        (["--over", "load=1,2", "--workers", "1", "--dask", "tcp://a:1"], "of this machine"),
        (["--over", "load=0,1"], "factor above zero"),
    ],
)
def test_bad_input_has_one_message_and_status_2(arguments, told):
    found = command("unequal-servers", *arguments)
    assert found.exit_code == 2
    assert told in found.stderr
    assert found.stderr.startswith("error: ")
    assert found.stdout == ""


def test_a_store_of_another_version_or_of_something_else_is_told(tmp_path):
    (tmp_path / "store.json").write_text('{"proxysim": "0.0.1", "format": 0}')
    found = command("unequal-servers", *SHORT, *OVER, "--store", str(tmp_path))
    assert found.exit_code == 2
    assert "holds cells of proxysim 0.0.1" in found.stderr
    (tmp_path / "store.json").rename(tmp_path / "letter.txt")
    found = command("unequal-servers", *SHORT, *OVER, "--store", str(tmp_path))
    assert found.exit_code == 2
    assert "something else" in found.stderr


def test_lines_go_through_the_means_and_bands_through_the_intervals():
    swept = ps.sweep(SCENARIO, {"load": [1, 0.5, 2], "nodes.shop.workers": [3, 2]}, replications=2,
                     workers=1, metrics=["mean", "throughput", "offered"])  # fmt: skip
    ax = swept.plot.lines("mean")
    assert ax.get_xlabel() == "load"
    found = marked(ax, "line")
    assert [line.get_label() for line in found] == ["workers=3", "workers=2"]
    table = swept.table()
    mine = table[table["nodes.shop.workers"] == 3].sort_values("load")
    assert found[0].get_xdata().tolist() == [0.5, 1, 2]
    assert found[0].get_ydata().tolist() == mine["mean"].tolist()
    ax = swept.plot.goodput()
    asked = [line.get_xdata().tolist() for line in marked(ax, "line")]
    assert asked[0] == mine["offered"].tolist()
    mesh = [found for found in swept.plot.heat("mean").collections if found.get_gid() == "heat"]
    assert sorted(mesh[0].get_array().ravel().tolist()) == sorted(table["mean"])
    assert len(list(figures(swept))) == 7
    with pytest.raises(ResultError, match="was not measured"):
        swept.plot.lines("p99")
    with pytest.raises(ResultError, match="no cache's capacity varies"):
        swept.plot.miss_ratio()


def test_a_formula_for_the_whole_scenario_stands_beside():
    queue = ps.load("one-server").set({"run.duration": "20s", "run.warmup": "2s"})
    swept = ps.sweep(queue, {"load": [0.25, 0.5]}, replications=2, workers=1, metrics=["mean"])
    (told,) = marked(swept.plot.lines("mean"), "theory")
    assert told.get_ydata() == pytest.approx([0.01 / 0.8, 0.01 / 0.6])
    swept = ps.sweep(SCENARIO, {"load": [0.25, 0.5]}, replications=1, workers=1, metrics=["mean"])
    assert not marked(swept.plot.lines("mean"), "theory")


def test_names_are_an_axis_too():
    swept = ps.sweep(SCENARIO, {"nodes.edge.balancer": ["random", "maglev"]}, replications=1,
                     workers=1, metrics=["mean"])  # fmt: skip
    ax = swept.plot.lines("mean")
    ax.get_figure().canvas.draw()
    assert [text.get_text() for text in ax.get_xticklabels()] == ["random", "maglev"]
    with pytest.raises(ResultError, match="grid of two paths"):
        swept.plot.heat("mean")


def cached(eviction):
    return ps.from_dict(
        {
            "proxysim": 1,
            "title": "A cache",
            "run": {"duration": "20s", "warmup": "10s"},
            "sites": {"a.example": {"objects": 200, "size": 1000, "popularity": {"zipf": 0.8}}},
            "nodes": {
                "some": {"kind": "clients", "arrivals": {"poisson": "200/s"}},
                "edge": {
                    "kind": "reverse_proxy", "sites": ["a.example"], "backends": "web",
                    "cache": {"capacity": {"objects": 50}, "eviction": eviction},
                },
                "web": {"kind": "server", "service": {"fixed": "1ms"}},
            },
        }
    )  # fmt: skip


def test_misses_stand_beside_ches_approximation():
    over = {"nodes.edge.cache.capacity.objects": [20, 60, 120]}
    swept = ps.sweep(cached("lru"), over, replications=3, workers=1, metrics=["hit_ratio"])
    ax = swept.plot.miss_ratio()
    (line,), (theory,) = marked(ax, "line"), marked(ax, "theory")
    assert "Che" in theory.get_label()
    told = np.interp([20, 60, 120], theory.get_xdata(), theory.get_ydata())
    assert line.get_ydata() == pytest.approx(told, abs=0.02)
    assert (np.diff(theory.get_ydata()) < 0).all()


def test_where_theory_declines_the_reason_stands_above():
    over = {"nodes.edge.cache.capacity.objects": [20, 60]}
    swept = ps.sweep(cached("sieve"), over, replications=1, workers=1, metrics=["hit_ratio"])
    ax = swept.plot.miss_ratio()
    assert not marked(ax, "theory")
    assert any(text.get_text().startswith("no theory") for text in ax.texts)


def test_charts_of_nothing_and_of_much_say_so():
    nan = np.full(3, np.nan)
    x, ones = np.arange(3.0), np.ones(3)
    scale = Scale("x", str)
    ax = lines([Series("a", x, nan, nan, nan)], title="t", source="s", across=scale, up=scale)
    assert "no setting" in ax.texts[0].get_text()
    many = [Series(str(n), x, ones * n, nan, nan) for n in range(12)]
    ax = lines(many, title="t", source="s", across=scale, up=scale)
    assert any("4 more lines" in text.get_text() for text in ax.texts)
    names = Scale("x", str, ("a", "b"))
    ax = heat(np.full((2, 2), np.nan), title="t", source="s", across=names, up=names, text=str)
    assert "no setting" in ax.texts[0].get_text()
