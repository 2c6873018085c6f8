"""What each command prints and writes."""

import csv
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import proxysim
from proxysim.cli import app

SHORT = ["--set", "run.duration=30s", "--set", "run.warmup=5s"]
OFFICE = ["run", "office-forward-proxy", *SHORT]
#: The keys that `run --json` prints, in this order; others may follow.
KEYS = [
    "scenario", "world", "seed", "requests", "latency", "hit_ratio", "load", "utilisation", "bytes",
]  # fmt: skip
OUTCOMES = ["arrived", "ok", "blocked", "rejected", "timed_out", "failed", "in_flight"]


def said(*arguments):
    found = CliRunner().invoke(app, [str(each) for each in arguments])
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.fixture(scope="module")
def compared():
    return json.loads(said(*OFFICE, "--without", "gateway", "--json"))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    place = tmp_path_factory.mktemp("office") / "deep" / "er"
    text = said(*OFFICE, "--without", "gateway", "--out", place)
    return place, text


def test_version():
    assert said("--version") == f"proxysim {proxysim.__version__}\n"


def test_scenarios_lists_every_shipped_one():
    text = said("scenarios")
    listed = json.loads(said("scenarios", "--json"))
    assert [each["name"] for each in listed] == list(proxysim.shipped())
    for each in listed:
        assert each["name"] in text
        assert each["question"].endswith("?")


@pytest.mark.parametrize("name", proxysim.shipped())
@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_show_names_every_part_and_keeps_to_the_width(name, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    text = said("show", name)
    document = proxysim.load(name).document
    for part in [*document.nodes, *document.sites]:
        assert part in text
    assert max(map(len, text.splitlines())) <= int(columns)


def test_show_draws_the_way_with_its_borders():
    drawn = said("show", "both-ends").splitlines()
    (way,) = [line for line in drawn if line.strip().startswith("staff ×60 ─")]
    stops = [part.strip(" ┊") for part in re.split("─+┊?─*", way)]
    assert stops == ["staff ×60", "gateway", "internet", "edge", "shop ×3"]
    assert way.count("┊") == 2


def test_show_yaml_is_the_varied_scenario_again(tmp_path):
    text = said("show", "website-reverse-proxy", "--yaml", "--set", "nodes.edge.cores=3")
    assert proxysim.loads(text) == proxysim.load("website-reverse-proxy").set("nodes.edge.cores", 3)


def test_show_json_holds_the_defaults():
    found = json.loads(said("show", "one-server", "--json"))
    assert found["scenario"]["nodes"]["server"]["on_disconnect"] == "finish"
    assert found["hash"] == proxysim.load("one-server").hash


def test_schema_is_json_and_the_same_in_a_file(tmp_path):
    text = said("schema")
    assert json.loads(text)["$schema"].startswith("https://json-schema.org/")
    assert said("schema", "--out", tmp_path / "s.json") == ""
    assert (tmp_path / "s.json").read_text(encoding="utf-8") == text


def test_run_json_is_the_promised_object():
    found = json.loads(said(*OFFICE, "--json"))
    assert list(found)[: len(KEYS)] == KEYS
    assert list(found["requests"]) == OUTCOMES
    assert list(found["latency"]) == ["mean", "p50", "p95", "p99", "max"]
    assert (found["scenario"], found["world"], found["seed"]) == ("office-forward-proxy", "sim", 7)
    assert sum(found["requests"][name] for name in OUTCOMES[1:]) == found["requests"]["arrived"]
    assert set(found["hit_ratio"]) == {"gateway"}
    assert set(found["load"]) == {"web"}
    assert found["manifest"]["title"] == "An office behind a forward proxy"


def test_seed_and_set_reach_the_run():
    one = json.loads(said(*OFFICE, "--json"))
    assert one == json.loads(said(*OFFICE, "--json"))
    other = json.loads(said(*OFFICE, "--json", "--seed", "8"))
    assert other["seed"] == 8
    assert other["requests"] != one["requests"]
    none = json.loads(said(*OFFICE, "--json", "--set", "nodes.gateway.filters=[]"))
    assert none["requests"]["arrived"] == one["requests"]["arrived"]
    assert none["requests"]["blocked"] == 0 < one["requests"]["blocked"]


def test_costs_come_from_a_file(tmp_path):
    file = tmp_path / "slow.yaml"
    file.write_text("{profile: typical, request: 5ms}", encoding="utf-8")
    slow = json.loads(said(*OFFICE, "--json", "--costs", file))
    assert slow["utilisation"]["gateway"] > 0.02
    free = json.loads(said(*OFFICE, "--json", "--costs", "nothing"))
    assert free["utilisation"]["gateway"] == 0


def test_keep_none_counts_the_same():
    kept = json.loads(said(*OFFICE, "--json"))
    counted = json.loads(said(*OFFICE, "--json", "--keep", "none"))
    assert counted["requests"] == kept["requests"]
    assert counted["bytes"] == kept["bytes"]


def test_explain_says_why_servers_were_chosen(tmp_path):
    asked = ["run", "website-reverse-proxy", "--set", "run.duration=5s", "--set", "run.warmup=0s"]
    told = json.loads(said(*asked, "--explain", "--hops", "20", "--json"))
    chosen = told.pop("choices")
    assert {choice["request"] % 20 for choice in chosen} == {0}
    assert all(choice["backend"] in choice["why"]["candidates"] for choice in chosen)
    assert told == json.loads(said(*asked, "--json"))
    text = said(*asked, "--explain", "--out", tmp_path, "--no-charts")
    assert "why this server" in text
    assert (tmp_path / "choices.jsonl").exists()


def test_without_a_proxy_the_same_requests_go_directly(compared):
    bare = compared["without"]
    assert bare["requests"]["arrived"] == compared["requests"]["arrived"]
    assert bare["requests"]["blocked"] == 0
    assert bare["hit_ratio"] == {}
    found = {(row["section"], row["label"]): row for row in compared["differences"]}
    unwanted = found["servers", "unwanted requests"]
    assert (unwanted["with"], unwanted["without"]) == (0, compared["requests"]["blocked"])
    border = found["bytes carried", "across the border"]
    assert border["with"] == sum(compared["bytes"][link] for link in ("gateway>web", "web>gateway"))
    assert border["without"] == sum(bare["bytes"][link] for link in ("gateway>web", "web>gateway"))
    address = found["who knows what", "web: the client's address"]
    assert (address["with"], address["without"]) == (0, 1)


@pytest.mark.parametrize("columns", ["80", "120"])
def test_with_against_without_is_printed(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    text = said(*OFFICE, "--without", "gateway")
    for part in (
        "Watch for:", "p99", "across the border", "requests received", "bytes sent",
        "processor time for TLS", "unwanted requests", "who sees what", "on the wire",
    ):  # fmt: skip
        assert part in text
    assert max(map(len, text.splitlines())) <= int(columns)
    (web,) = re.findall(r"^ +web +with +(.*?)\s*\n +without +(.*?)\s*$", text, re.MULTILINE)
    assert [cells.split() for cells in web] == [["none", "all", "all", "all"], ["all"] * 4]


def test_out_holds_tables_trace_charts_and_report(written):
    place, text = written
    names = {str(file.relative_to(place)) for file in place.rglob("*") if file.is_file()}
    for table in ("requests", "hops", "nodes", "views"):
        assert {f"{table}.csv", f"without/{table}.csv"} <= names
    assert {"trace.json", "summary.json", "manifest.json", "report.html", "stage.html"} <= names
    drawn = {Path(name).stem for name in names if name.endswith(".png")}
    assert {"with_without", "who_sees_what", "latency_ccdf", "topology"} <= drawn
    assert drawn == {Path(name).stem for name in names if name.endswith(".svg")}
    assert str(place) in text.replace("\n", "")
    assert not any(name.startswith(".") for name in names)


def test_out_holds_what_was_asked_for(written):
    place, _ = written
    summary = json.loads((place / "summary.json").read_text(encoding="utf-8"))
    with (place / "requests.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    counted = [row for row in rows if 5 <= float(row["at"]) < 30]
    assert len(counted) == summary["requests"]["arrived"]
    assert "without" in summary
    trace = json.loads((place / "trace.json").read_text(encoding="utf-8"))
    asked = {e["args"]["request"] for e in trace["traceEvents"] if e.get("cat") == "hop"}
    assert asked
    assert all(number % 50 == 0 for number in asked if number >= 0)


def test_the_report_loads_nothing_from_elsewhere(written):
    place, _ = written
    page = (place / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") > 5
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", page)
    assert "How much of the office" in page
    assert "across the border" in page


def test_parquet_is_left_out_where_pyarrow_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr("proxysim.cli.files.find_spec", lambda name: None)
    text = said(
        "run", "one-server", *SHORT, "--no-charts", "--hops", "none", "--out", tmp_path / "x"
    )
    assert "no Parquet" in text
    assert "no trace" in text
    names = {file.name for file in (tmp_path / "x").iterdir()}
    assert names == {
        "requests.csv", "hops.csv", "nodes.csv", "views.csv", "manifest.json", "summary.json",
        "report.html",
    }  # fmt: skip


def test_json_stands_alone_on_standard_output(tmp_path):
    found = json.loads(
        said("run", "one-server", *SHORT, "--json", "--no-charts", "--out", tmp_path)
    )
    assert found == json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))


def test_a_run_clears_what_an_earlier_one_left_and_nothing_else(tmp_path):
    place = tmp_path / "out"
    (place / "charts").mkdir(parents=True)
    kept = [place / "notes.txt", place / "charts" / "mine.png", tmp_path / "outside.csv"]
    for file in kept:
        file.write_text("mine", encoding="utf-8")
    said(*OFFICE, "--without", "gateway", "--out", place)
    assert {"trace.json", "without"} <= {file.name for file in place.iterdir()}
    manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    assert "trace.json" in manifest["files"]
    manifest["files"] += ["../outside.csv", str(kept[2]), "charts/../notes.txt", "charts", 7]
    (place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    said("run", "one-server", *SHORT, "--no-charts", "--hops", "none", "--out", place)
    found = {file.relative_to(place).as_posix() for file in place.rglob("*") if file.is_file()}
    listed = json.loads((place / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert found == {*listed, "notes.txt", "charts/mine.png"}
    assert not (place / "without").exists()
    assert all(file.exists() for file in kept)
