"""``proxysim compare`` from the shell: tables, JSON, files, and one message for each mistake."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

import proxysim as ps
from proxysim.charts.effects import Effect, forest, paired
from proxysim.charts.tails import distributions
from proxysim.cli import app
from proxysim.errors import ResultError

SHORT = [
    "--set", "run.duration=3s", "--set", "run.warmup=1s", "--replications", "3", "--workers", "1",
]  # fmt: skip
VARY = ["--vary", "nodes.edge.balancer=round_robin,least_connections"]


def command(*arguments):
    return CliRunner().invoke(app, ["compare", *arguments])


@pytest.fixture(scope="module")
def compared():
    scenario = ps.load("unequal-servers").set({"run.duration": "3s", "run.warmup": "1s"})
    vary = {"nodes.edge.balancer": ["round_robin", "least_connections"]}
    return ps.compare(scenario, vary, replications=3, workers=1, metrics=["mean", "utilisation"])


def test_a_table_says_what_is_real():
    found = command("unequal-servers", *SHORT, *VARY)
    assert found.exit_code == 0, found.output
    assert "2 settings × 3 replications = 6 runs · seed 1" in found.output
    assert "least_connections" in found.output
    assert "baseline" in found.output
    assert "throughput is the same in every setting and replication" in found.output


def test_json_is_what_the_library_says(compared):
    found = command(
        "unequal-servers", *SHORT, *VARY, "--json", "--metric", "mean", "--metric", "utilisation"
    )
    assert json.loads(found.stdout) == json.loads(compared.to_json())


def test_out_leaves_tables_charts_and_a_manifest(tmp_path):
    arguments = [
        "unequal-servers", *SHORT, *VARY, "--without", "edge", "--out", str(tmp_path),
        "--metric", "mean", "--metric", "cost", "--price", "0.1/h", "--replications", "5",
    ]  # fmt: skip
    found = command(*arguments)
    assert found.exit_code == 0, found.output
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["runs"] == 15
    there = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert set(manifest["files"]) | {"manifest.json"} == there
    assert {"charts/differences.png", "charts/latency-tails.svg", "values.csv"} <= there
    values = pd.read_csv(tmp_path / "values.csv")
    assert len(values) == 15
    assert set(values["setting"]) == {"round_robin", "least_connections", "without edge"}
    differences = pd.read_csv(tmp_path / "differences.csv")
    assert len(differences) == 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "nothing to compare"),
        (["--vary", "nodes.edge.balancer"], "path and its values"),
        (["--vary", "nodes.edge.balancer=rnadom,random"], "Did you mean 'random'"),
        (["--vary", "nodes.egde.balancer=random"], "Did you mean 'edge'"),
        ([*VARY, *VARY], "varied twice"),
        (["--vary", "nodes.edge.balancer=random,random"], "given twice"),
        ([*VARY, "--metric", "p97.5x"], "no metric"),
        ([*VARY, "--metric", "cost"], "nothing has a price"),
        ([*VARY, "--price", "a lot"], "0.12/h"),
        ([*VARY, "--baseline", "first"], "no setting 'first'"),
        (["--without", "shop"], "shop is no proxy"),
        ([*VARY, "--replications", "1"], "at least 2"),
        ([*VARY, "--confidence", "1.5"], "confidence 1.5"),
        ([*VARY, "--vary", "nodes.shop.workers=1..40"], "2 × 40 values make 80 settings"),
    ],
)
def test_bad_input_has_one_message_and_status_2(arguments, told):
    found = command("unequal-servers", *arguments)
    assert found.exit_code == 2
    assert told in found.output
    assert found.output.startswith("error: ")
    assert found.stdout == ""


def test_charts_show_every_setting(compared):
    ax = compared.plot.differences()
    assert len([line for line in ax.get_lines() if line.get_gid() == "effect"]) == 1
    assert [text.get_text() for text in ax.get_yticklabels()] == ["least_connections"]
    points = compared.plot.points()
    (mark,) = [line for line in points.get_lines() if line.get_gid() == "effect"]
    (found,) = [one for one in compared.contrasts if one.metric.name == "utilisation"]
    assert mark.get_xdata()[0] == found.difference.value
    ax = compared.plot.replications("mean")
    assert len([line for line in ax.get_lines() if line.get_gid() == "replication"]) == 3
    with pytest.raises(ResultError, match="no metric 'p99'"):
        compared.plot.replications("p99")


def test_tails_are_over_all_replications(compared):
    for ax, falls in ((compared.plot.tails(), True), (compared.plot.distributions(), False)):
        (one, other) = [line for line in ax.get_lines() if line.get_gid() == "line"]
        for line, name in ((one, "round_robin"), (other, "least_connections")):
            values = np.concatenate(compared.latencies[name])
            x, y = line.get_xdata()[200], line.get_ydata()[200]
            assert y == pytest.approx(np.mean(values > x) if falls else np.mean(values <= x))


def test_charts_of_nothing_and_of_much_say_so():
    assert "no difference" in forest([], title="t", source="s").texts[0].get_text()
    assert "no answered" in distributions({}, source="s").texts[0].get_text()
    wide = [
        Effect("p99", "a", 12.0, 3.0, 40.0, "worse"),
        Effect("p99", "b", -0.5, -1.2, 0.1, "unsure"),
    ]
    ax = forest(wide, title="t", source="s")
    shown = [text.get_text() for text in ax.get_xticklabels()]
    assert {"0", "10 times"} <= set(shown)
    ax = paired({"a": [1.0, 2.0], "b": [0.5, 0.7]}, title="t", source="s", unit="share")
    assert isinstance(ax.get_figure(), Figure)


def test_latencies_that_were_not_kept_are_not_drawn():
    scenario = ps.load("unequal-servers").set({"run.duration": "2s", "run.warmup": "1s"})
    found = ps.compare(
        scenario, without="edge", replications=2, workers=1, metrics=["mean"], latencies=False
    )
    with pytest.raises(ResultError, match="latencies=True"):
        found.plot.tails()


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_a_table_fits_a_narrow_terminal(columns, compared, monkeypatch):
    """No verdict or interval is torn: where they have no room beside it, they stand below."""
    monkeypatch.setenv("COLUMNS", str(columns))
    found = command("unequal-servers", *SHORT, *VARY, "--metric", "mean", "--metric", "utilisation")
    lines = [line.rstrip() for line in found.output.splitlines()]
    assert max(map(len, lines)) <= columns
    for one in compared.contrasts:
        verdict = {"real": "real", "unsure": "cannot be told"}[one.verdict]
        assert any(one.change() in line and line.endswith(verdict) for line in lines)
        assert any(f"  {one.between()}" in line for line in lines)
