"""Lessons: pictures, Socratic dialogues, quizzes, flash cards; predictions and exercises.

>>> from proxysim import learn
>>> learn.topic("caching").picture(seed=7)  # doctest: +SKIP

Every number that a lesson shows comes from a run that the learner can repeat and change.
"""

from __future__ import annotations

from proxysim.learn.exercises import check
from proxysim.learn.predictions import predict

__all__ = ["check", "predict"]
