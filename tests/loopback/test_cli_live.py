"""``proxysim live`` from the shell: what it prints, and what it says to odd input."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import proxysim
from proxysim.cli import app
from proxysim.errors import ScenarioError
from proxysim.loopback import rehearsal
from proxysim.loopback.unlike import unlike
from proxysim.scenario.build_workload import workload_of
from tests.loopback.stage import one_queue

pytest.importorskip("httptools")


def said(*arguments, status=0):
    found = CliRunner().invoke(app, ["live", *arguments])
    assert found.exit_code == status, found.output
    return found


class Stand:
    """Stands in for live runs: they are simulated, and called live."""

    def __init__(self):
        self.asked = []
        self.void = None
        self.carried = 800.0
        self.unlike = []

    def __call__(self, scenario, **options):
        self.asked.append((scenario, options))
        run = proxysim.simulate(scenario, **options)
        run.extra["live"] = {
            "lateness_p50": 1e-4,
            "lateness_p99": 2e-3,
            "cpu": {"servers": 0.1, "clients": 0.2},
            "rate": 80.0,
            "carried": self.carried,
            "void": self.void,
            "unlike": self.unlike,
        }
        return run


@pytest.fixture
def stand(monkeypatch):
    found = Stand()
    monkeypatch.setattr(proxysim, "live", found)
    return found


@pytest.mark.live
def test_once_for_true():
    """A run so short that the machine does not matter."""
    told = json.loads(said("one-server", "--for", "300ms", "--sequential", "--json").stdout)
    assert told["disagreements"] == []
    assert told["live"]["requests"] == told["simulated"]["requests"]
    assert told["live"]["requests"]["arrived"] > 0
    assert told["machine"]["void"] is None


def test_files_of_both_runs_are_written(stand, tmp_path):
    out = tmp_path / "out"
    arguments = ("--for", "1s", "--out", str(out), "--no-charts", "--explain")
    found = said("website-reverse-proxy", *arguments)
    assert "Written to" in found.stdout
    assert (out / "report.html").exists()
    assert (out / "trace.json").exists()
    assert (out / "simulated" / "requests.csv").exists()
    assert stand.asked[0][1]["explain"] is True


def test_a_run_is_announced_and_shortened(stand):
    found = said("office-forward-proxy", "--for", "4s", "--seed", "9")
    assert "This takes 4.00 s of real time" in found.stderr
    assert "live simulated difference" in " ".join(found.stdout.split())
    for line in ("cores busy: servers 10%, clients 20%", "sent late, p99: 2.00 ms", "either way"):
        assert line in found.stdout
    scenario, options = stand.asked[0]
    assert scenario.document.run.duration == 4.0
    assert scenario.document.run.warmup == pytest.approx(0.8)
    assert options["seed"] == 9


def test_a_long_run_says_how_to_have_a_shorter_one(stand):
    assert "Shorter: --for 20s" in said("one-server", "--set", "run.duration=61s").stderr


@pytest.mark.parametrize(
    ("carried", "mend"),
    [
        (800.0, "could have carried about 800 a second: something else keeps this machine busy."),
        (60.0, "this machine carries about 60 a second. Ask for less."),
    ],
)
def test_a_void_run_says_why_and_what_can_be_carried(stand, carried, mend):
    stand.void = "one request in a hundred was sent more than 50 ms late, at 80 a second"
    stand.carried = carried
    found = said("one-server", "--for", "2s", status=1)
    assert "Void: one request in a hundred was sent more than 50 ms late" in found.stdout
    assert mend in " ".join(found.stdout.split())


def test_what_cannot_be_done_live_is_said_before_and_beside_the_figures(stand):
    early = "edge: early data is not sent"
    stand.unlike = [f"{early}."]
    found = said("tls-at-edge", "--for", "20s", "--set", "nodes.edge.early_data=true")
    assert f"Not as simulated: {early}" in found.stderr
    assert f"not as simulated: {early}" in found.stdout
    assert "TLS handshakes" in found.stdout
    assert "edge, early" in found.stdout


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("one-server", {}, None),
        ("tls-at-edge", {"nodes.edge.cores": 1}, "bank: all servers do their TLS on one core"),
        ("office-forward-proxy", {}, "gateway: a proxy is one process, on one core, not on 2"),
        (
            "both-ends",
            {"nodes.edge.cores": 1},
            "internet - edge: clients and gateway do not share it",
        ),
        (
            "office-forward-proxy",
            {
                "nodes.gateway.cores": 1,
                "events": [{"at": 1, "node": "gateway", "slow": 0.5, "for": 1}],
            },
            "gateway: slow: 0.5 does nothing",
        ),
    ],
)
def test_what_cannot_be_done_live_is_known(name, changes, told):
    found = unlike(proxysim.load(name).set(changes))
    assert [line for line in found if told and told in line] == found[:1]


def test_decisions_that_differ_are_shown(stand, monkeypatch):
    whole = Stand.__call__

    def other(self, scenario, **options):
        return whole(self, scenario.set("nodes.gateway.cache", None), **options)

    monkeypatch.setattr(Stand, "__call__", other)
    found = said("office-forward-proxy", "--for", "4s", "--sequential", status=1)
    assert "decisions differ" in found.stdout
    assert "cache live none, simulated miss" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["no-such-scenario"], "no-such-scenario"),
        (["one-server", "--for", "soon"], "--for: found 'soon'"),
        (["one-server", "--for", "0s"], "--for"),
        (["one-server", "--set", "nodes.server.workers=none"], "nodes.server.workers"),
        (["one-server", "--without", "server"], "server"),
        (["one-server", "--charts"], "--charts has nowhere to go"),
        (["one-server", "--costs", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_odd_input_is_named(stand, arguments, problem):
    found = said(*arguments, status=2)
    assert problem in found.stderr
    assert "Traceback" not in found.output
    assert stand.asked == []


def test_a_rate_beyond_the_machine_is_refused_with_one_that_is_not():
    scenario = one_queue(**{"run.duration": 60.0, "nodes.users.arrivals": {"poisson": "5000/s"}})
    tried = []

    def play(trial):
        tried.append(trial)
        run = proxysim.simulate(one_queue(**{"run.duration": 1.0}))
        run.extra["live"] = {"carried": 500.0}
        return run

    with pytest.raises(ScenarioError, match="5,000 requests a second are more than") as refused:
        rehearsal.rehearse(scenario, workload_of(scenario), play)
    assert "--set nodes.users.arrivals.poisson=800/s" in str(refused.value)
    (trial,) = tried
    assert trial.document.run.duration == rehearsal.TRIAL
    assert rehearsal.wanted_rate(workload_of(trial), 2.0) == rehearsal.GENTLE


def test_a_rate_that_is_easy_is_not_tried():
    scenario = one_queue(**{"run.duration": 60.0})
    rehearsal.rehearse(scenario, workload_of(scenario), lambda trial: pytest.fail("it was tried"))
