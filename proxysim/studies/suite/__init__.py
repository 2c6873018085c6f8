"""The scenarios by which the worlds are held against each other."""

from __future__ import annotations

from importlib.resources import files

from proxysim.scenario import Scenario, loads

__all__ = ["BEHIND", "suite"]

#: For each real program, the scenarios in which it takes our proxy's place.
BEHIND = {
    "nginx": ("turns", "caching", "tls"),
    "haproxy": ("turns", "balancing", "tls"),
    "squid": ("filtering", "caching"),
}


def suite() -> list[Scenario]:
    """They, in the order of their seeds: from one queue to a proxy at both ends."""
    found = [
        loads(file.read_text(encoding="utf-8"), file.name)
        for file in files(__name__).iterdir()
        if file.name.endswith(".yaml")
    ]
    return sorted(found, key=lambda scenario: scenario.document.run.seed)
