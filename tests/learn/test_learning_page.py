"""The teacher's page is what the lessons say."""

import runpy
from pathlib import Path

import pytest

from proxysim.learn import topics
from proxysim.learn.experiments import command
from proxysim.learn.lessons import misconceptions

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "learning.md").read_text(encoding="utf-8")
STALE = "run `python docs/learning.py --write`"


def test_it_names_every_topic_experiment_and_misconception():
    for topic in topics().values():
        assert f"## {topic.title}\n" in PAGE, STALE
        for experiment in topic.lesson.experiments.values():
            assert command(experiment.setting, 7) in PAGE, STALE
    for belief in misconceptions().values():
        assert belief.believed in PAGE, STALE


@pytest.mark.slow
def test_it_is_written_from_the_lessons():
    made = runpy.run_path(str(DOCS / "learning.py"))["page"]()
    assert f"{made.rstrip()}\n" == PAGE, STALE
