"""What no field alone can get wrong: names that must exist, loops, sites that nobody serves."""

from __future__ import annotations

from proxysim.scenario.document import Document
from proxysim.scenario.mistakes import Mistake

__all__ = ["inconsistencies"]


def inconsistencies(document: Document) -> list[Mistake]:
    """The mistakes in *document* that take several of its parts to see."""
    return []
