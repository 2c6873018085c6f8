"""An estimate between bounds that need not lie evenly about it."""

from __future__ import annotations

from dataclasses import dataclass

from proxysim.errors import ResultError

__all__ = ["Estimate", "share_of_certainty"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A *value*, and the bounds *low* and *high* of its interval at *confidence*; *n* values."""

    value: float
    low: float
    high: float
    confidence: float
    n: int

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def share_of_certainty(confidence: float) -> float:
    """*confidence*, if it is a share between 0 and 1; else ResultError."""
    if not 0 < confidence < 1:
        raise ResultError(f"confidence {confidence!r}", mend="Give a share, like 0.95.")
    return confidence
