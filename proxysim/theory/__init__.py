"""Exact answers, where theory has them: what the simulation is held against."""
