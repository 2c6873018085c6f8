"""Calibration: figures that can be true, in a profile that the simulator takes."""

from __future__ import annotations

import json
import multiprocessing
from types import SimpleNamespace

import pytest
import yaml
from typer.testing import CliRunner

from proxysim.cli import app
from proxysim.costs import from_mapping
from proxysim.errors import RunError
from proxysim.loopback import calibrate as calibrating
from proxysim.loopback.calibrate import Calibration, Figure
from proxysim.scenario.costing import read_profile

pytestmark = pytest.mark.live

#: Other work on the machine may make a figure this much larger than its rival.
NOISE = 3


def said(*arguments, status=0):
    found = CliRunner().invoke(app, [str(each) for each in arguments])
    assert found.exit_code == status, found.output
    return found.stdout if status == 0 else found.stderr


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """One calibration: what it printed, and the profile that it wrote."""
    file = tmp_path_factory.mktemp("profiles") / "here.yaml"
    return json.loads(said("calibrate", "--quick", "--json", "--out", file)), file


def test_figures_are_plausible(quick):
    costs = quick[0]["costs"]
    for step in ("request", "hit", "tls_handshake", "tls_resumed", "tls_client"):
        assert 1e-6 < costs[step] < 0.1, step
    for step in ("encrypt", "decrypt"):
        assert 0 <= costs[step] < 1e-6, step  # a megabyte a second at the least
    assert costs["hit"] < NOISE * costs["request"]
    assert costs["tls_resumed"] < NOISE * costs["tls_handshake"]
    for coding, found in costs["compress"].items():
        assert 1e-11 < found["speed"] < 1e-4, coding
        assert 2 < found["ratio"] < 20, coding
    assert costs["compress"]["gzip"] == costs["compress"]["gzip-6"]


def test_the_profile_says_what_was_measured_and_where(quick):
    printed, file = quick
    text = file.read_text()
    assert yaml.safe_load(text)["measured"] == printed["measured"]
    assert printed["measured"].keys() >= {"date", "machine", "system", "python", "proxysim", "loop"}
    costs, exact = from_mapping(read_profile(file)), from_mapping(printed["costs"])
    for task in ("request", "hit", "tls_full", "encrypt", "compress:br-11"):
        assert costs.work(task) == pytest.approx(exact.work(task), rel=1e-3)


def test_the_simulator_takes_the_profile(quick):
    file = quick[1]
    ran = ["run", "website-reverse-proxy", "--json", "--set", "run.duration=10s"]
    ran += ["--set", "run.warmup=1s"]
    spent = json.loads(said(*ran, "--costs", file))["utilisation"]["edge"]
    free = json.loads(said(*ran, "--costs", "nothing"))["utilisation"]["edge"]
    assert spent > free == 0


def test_nothing_is_left_running(quick):
    assert multiprocessing.active_children() == []
    assert list(quick[1].parent.iterdir()) == [quick[1]]


@pytest.mark.parametrize("place", ["none/here.yaml", "."])
def test_where_it_cannot_be_written_is_told_before_it_is_measured(place, tmp_path, monkeypatch):
    monkeypatch.setattr(calibrating, "calibrate", lambda **_: pytest.fail("it measured"))
    told = said("calibrate", "--out", tmp_path / place, status=2)
    assert "the profile cannot be written" in told


def test_what_breaks_off_leaves_the_profile_of_before(tmp_path, monkeypatch):
    def broken(**_):
        raise KeyboardInterrupt

    file = tmp_path / "here.yaml"
    file.write_text("request: 1us\n")
    monkeypatch.setattr(calibrating, "calibrate", broken)
    assert said("calibrate", "--out", file, status=130) == "interrupted\n"
    assert file.read_text() == "request: 1us\n"
    assert list(tmp_path.iterdir()) == [file]


def test_a_loopback_that_fails_is_told(monkeypatch):
    def refused(*_):
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(calibrating, "_calibrate", refused)
    assert "could not be asked on the loopback" in said("calibrate", status=1)


def test_what_is_too_little_to_tell_is_nothing():
    """A difference of two figures may come out below zero."""
    lost = Figure("encrypt", "how", True, (-1e-10, 1e-12, -1e-9))
    found = Calibration((lost,), {"machine": 'of "ours"'})
    assert found.costs()["encrypt"] == 0
    assert yaml.safe_load(found.to_yaml())["measured"]["machine"] == 'of "ours"'
    assert from_mapping(read(found)).encrypt == 0


def read(found):
    tree = yaml.safe_load(found.to_yaml())
    del tree["measured"]
    return {name: steps for name, steps in tree.items() if steps is not None}


def test_a_session_that_is_not_resumed_is_not_taken_for_one(monkeypatch):
    class Stubborn:
        socket = SimpleNamespace(session=None, session_reused=False)

        def __init__(self, *_):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def get(self, target):
            pass

    monkeypatch.setattr(calibrating, "Asker", Stubborn)
    calibrating._greet(0, object())
    with pytest.raises(RunError, match="session is not resumed here"):
        calibrating._greet(0, object(), object())
