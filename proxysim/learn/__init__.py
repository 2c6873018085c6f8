"""Lessons: pictures, Socratic dialogues, quizzes, flash cards; predictions and exercises.

>>> from proxysim import learn
>>> learn.topic("caching").picture(seed=7)  # doctest: +SKIP

``topic(name)`` has four ways in: ``picture()``, ``socratic()``, ``quiz()``, ``cards()``. In a
notebook each shows itself, and ``.widget()`` asks; ``.to_dict()`` gives plain data. ``predict``
keeps what a learner expects of a run and shows the gap afterwards; ``check`` looks at the answer to
an exercise.
Every number that a lesson shows comes from a run that the learner can repeat and change.
"""

from __future__ import annotations

from proxysim.learn.exercises import check
from proxysim.learn.predictions import predict
from proxysim.learn.topics import topic, topics

__all__ = ["check", "predict", "topic", "topics"]
