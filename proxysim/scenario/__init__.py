"""Scenarios: what exists, read from files, checked, and varied by dotted paths."""

from proxysim.scenario.loading import from_dict, load, loads, shipped
from proxysim.scenario.paths import parse_assignment
from proxysim.scenario.scenario import Scenario

__all__ = ["Scenario", "from_dict", "load", "loads", "parse_assignment", "shipped"]
