"""The summary of every shipped scenario at its own seed, to the last bit.

``python tests/cli/test_golden.py [NAME ...]`` writes them anew, after a change that means to
change them; read the difference before it is committed.
"""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proxysim.cli import app
from proxysim.scenario import shipped

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def summary(name):
    found = CliRunner().invoke(app, ["run", name, "--json"])
    assert found.exit_code == 0, found.output
    figures = json.loads(found.stdout)
    del figures["manifest"]  # it tells proxysim's version
    return figures


def test_every_shipped_scenario_has_one():
    assert {file.stem for file in GOLDEN.glob("*.json")} == set(shipped())


@pytest.mark.parametrize("name", shipped())
def test_the_summary_is_what_it_was(name):
    assert summary(name) == json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    for name in sys.argv[1:] or shipped():
        text = json.dumps(summary(name), indent=2, ensure_ascii=False)
        (GOLDEN / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
