"""A run finds the charts that rooms above it have registered, and only when asked."""

import copy
import subprocess
import sys

import pytest

from proxysim.results import registry
from proxysim.results.recorder import Recorder


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(registry, "_charts", {})
    monkeypatch.setattr(registry, "provider", None)
    return Recorder(1.0).finish(world="sim", scenario="x", scenario_hash="", seed=1)


def test_a_registered_chart_is_called_with_the_run(run):
    def latency(run, ax=None):
        """Draw."""
        return run, ax

    registry.register("latency", latency)
    assert run.plot.latency(ax=3) == (run, 3)
    assert run.plot.latency.__doc__ == "Draw."
    assert dir(run.plot) == ["latency"]


def test_an_unknown_chart_gets_the_nearest(run):
    registry.register("latency", print)
    with pytest.raises(AttributeError, match="Did you mean 'latency'"):
        _ = run.plot.latncy
    assert not hasattr(run.plot, "anything")
    copy.copy(run.plot)


def test_the_provider_is_imported_when_the_first_chart_is_asked_for(run, monkeypatch, tmp_path):
    module = tmp_path / "some_charts.py"
    module.write_text(
        "from proxysim.results.registry import register\nregister('dots', lambda run: 'drawn')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "provider", "some_charts")
    assert "some_charts" not in sys.modules
    assert run.plot.dots() == "drawn"
    del sys.modules["some_charts"]


def test_recording_and_summing_up_load_neither_pandas_nor_matplotlib():
    code = """
import sys
from proxysim.results.recorder import Recorder
run = Recorder(1.0).finish(world="sim", scenario="x", scenario_hash="", seed=1)
run.summary().to_json(), run.digest(), run._repr_html_()
sys.exit(sum(name in sys.modules for name in ("pandas", "matplotlib", "scipy")))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_digest_does_not_hang_on_the_hash_seed():
    code = """
from proxysim.results.recorder import Recorder
recorder = Recorder(9.0)
for name in {"ann", "bob", "cleo", "dan", "eve"}:  # in the order of their hashes
    number = ord(name[0])
    client = recorder.texts["client"][name]
    recorder.add((number, client, 0, 0, 0, 1.0, 1.0, 1.0, 0.0, 200, 0, 0, 0, 0, 1, True, 0, 0, 0)
                 + (0.0,) * 4)
    recorder.view((client, client, 0, 0, 0, True, True, True))
print(recorder.finish(world="sim", scenario="x", scenario_hash="", seed=1).digests())
"""
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1
