"""docs/studies.md: its commands are understood, and it tells of every metric."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proxysim.cli import app
from proxysim.studies.compare import Comparing
from proxysim.studies.metrics import names
from proxysim.studies.sweep import Sweeping

PAGE = (Path(__file__).parents[2] / "docs" / "studies.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(found)[1:]
    for found in re.findall(r"^\$ (proxysim (?:[^\n]*\\\n)*[^\n]*)", PAGE, re.MULTILINE)
]


class UnderstoodError(Exception):
    """It would have run."""


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command)[:50])
def test_its_commands_are_understood(command, monkeypatch, tmp_path):
    def made(self, **_):
        raise UnderstoodError(self.scenario.name)

    monkeypatch.setattr(Comparing, "made", made)
    monkeypatch.setattr(Sweeping, "made", made)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, [part for part in command if part != "\n"])
    assert isinstance(found.exception, UnderstoodError), found.output


def test_there_are_commands():
    assert len(COMMANDS) == 5


def test_it_tells_of_every_metric():
    table = PAGE.partition("## What can be measured")[2]
    for name in names():
        assert re.search(rf"`{re.escape(name)}[`.]|any `pN`", table), name
        word = re.split(r"\d", name)[0]
        assert f"`{word}" in table, name
