"""Exact answers, where theory has them: what the simulation is held against.

``of(scenario)`` says which of them apply to a scenario.
"""

from proxysim.theory.prediction import Declined, Prediction, Predictions
from proxysim.theory.scenarios import of

__all__ = ["Declined", "Prediction", "Predictions", "of"]
