"""A learner whose progress is a file of the test's own."""

import pytest

from proxysim.learn.progress import VARIABLE, Progress


@pytest.fixture(autouse=True)
def progress(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "learner" / "progress.json"))
    return Progress()
