"""``proxysim plan`` as it is used: what it prints and writes, and how it ends."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proxysim.cli import app
from tests.studies.test_plan_prospects import by_formula

QUEUE = ["one-server", "--set", "nodes.users.arrivals.poisson=150/s", "--workers", "1"]
WORKERS = ["--vary", "nodes.server.workers", "--between", "1..9"]


@pytest.fixture(autouse=True)
def no_runs(monkeypatch):
    monkeypatch.setattr("proxysim.studies.trials.run_all", by_formula)


def planned(*arguments):
    found = CliRunner().invoke(app, ["plan", *map(str, arguments)])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


def test_says_the_answer_and_how_sure_it_is():
    found = planned(*QUEUE, *WORKERS, "--objective", "mean < 11ms", "--growth", "8%/month")
    assert found.exit_code == 0
    text = " ".join(found.stdout.split())
    assert "Answer 4 workers: mean 10" in text
    assert "ms (95 % interval" in text
    assert "Sure at 95 %, 4 workers will do for mean < 11ms and unanswered < 1%" in text
    assert "Growth by 8 %/month, it lasts" in text
    assert "Assumed simulated, not measured" in text
    assert max(map(len, found.stdout.splitlines())) <= 100


def test_json_has_what_programs_look_for():
    found = planned(*QUEUE, *WORKERS, "-o", "mean < 11ms", "--json")
    assert found.exit_code == 0
    said = json.loads(found.stdout)
    assert said["answer"] == 4
    assert {"objective", "evidence", "assumptions"} <= set(said)
    rows = {row["value"]: row["verdict"] for row in said["evidence"]}
    assert (rows[3], rows[4]) == ("misses", "meets")


def test_writes_the_evidence_and_charts(tmp_path):
    place = tmp_path / "plan"
    asked = [*QUEUE, *WORKERS, "-o", "mean < 11ms", "--out", place, "--price", "1/h"]
    found = planned(*asked)
    assert found.exit_code == 0
    names = {path.name for path in place.rglob("*") if path.is_file()}
    assert {"evidence.csv", "summary.json", "manifest.json"} <= names
    assert {"evidence.png", "cost.svg"} <= names
    assert json.loads((place / "summary.json").read_text())["answer"] == 4
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    planned(*asked)
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_without_an_answer_the_exit_status_says_so(tmp_path):
    found = planned(*QUEUE, *WORKERS, "-o", "mean < 5ms", "--out", tmp_path)
    assert found.exit_code == 1
    assert "Answer Even 9 workers miss it" in " ".join(found.stdout.split())
    assert json.loads((tmp_path / "summary.json").read_text())["answer"] is None


def test_the_python_of_the_guide_runs():
    page = Path(__file__).resolve().parents[2] / "docs" / "planning.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    exec(code, names)
    assert names["found"].answer == 2
    assert names["found"].evidence[0]["verdict"] == "misses"


WRONG = {
    "nothing asked": ([*QUEUE], "--objective 'p99 < 250ms'"),
    "objective": ([*QUEUE, "-o", "quick"], "Write it like this: p99 < 250ms"),
    "metric": ([*QUEUE, "-o", "p999x < 3s"], "there is no metric"),
    "unit": ([*QUEUE, "-o", "p99 < 250"], "without a unit"),
    "path": ([*QUEUE, "-o", "p99 < 1s", "--vary", "nodes.servr.workers"], "Did you mean 'server'"),
    "range": ([*QUEUE, "-o", "p99 < 1s", "--between", "8..2"], "the smaller first"),
    "one end": ([*QUEUE, "-o", "p99 < 1s", "--between", "8"], "Give both ends"),
    "growth": ([*QUEUE, "-o", "p99 < 1s", "--growth", "8%"], "8%/month"),
    "price": ([*QUEUE, "-o", "p99 < 1s", "--price", "cheap"], "0.12/h"),
    "precision": ([*QUEUE, "-o", "p99 < 1s", "--precision", "x"], "--precision: found 'x'"),
    "confidence": ([*QUEUE, "-o", "p99 < 1s", "--confidence", "2"], "like 0.95"),
    "replications": ([*QUEUE, "-o", "p99 < 1s", "--replications", "2"], "at least 4"),
    "survive": ([*QUEUE, "-o", "p99 < 1s", "--survive", "1"], "no server stands behind"),
    "scenario": (["nosuch", "-o", "p99 < 1s"], "there is no scenario 'nosuch'"),
    "out": ([*QUEUE, "-o", "p99 < 1s", "--out", "/dev/null/x"], "cannot be written to"),
}


@pytest.mark.parametrize("case", WRONG)
def test_one_line_says_what_and_how_to_mend_it(case):
    arguments, told = WRONG[case]
    found = planned(*arguments)
    assert found.exit_code == 2
    assert found.stdout == ""
    assert found.stderr.startswith("error: ")
    assert told in found.stderr
    assert found.stderr.count("\n") == 1
