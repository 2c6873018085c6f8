"""What people write of prices and of growth: ``0.12/h``, ``$0.08/GB``, ``8%/month``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from proxysim.errors import ResultError
from proxysim.studies.metrics import Prices

__all__ = ["HOURS_A_MONTH", "Growth", "Tariff", "growth", "tariff"]

#: Of 8,760 hours a year, a twelfth.
HOURS_A_MONTH = 730.0
_HOURS = {"h": 1.0, "hour": 1.0, "day": 24.0, "d": 24.0, "month": HOURS_A_MONTH, "year": 8760.0}
_GB = {"MB": 1e-3, "GB": 1.0, "TB": 1e3, "MiB": 2**20 / 1e9, "GiB": 2**30 / 1e9, "TiB": 2**40 / 1e9}
_PRICE = re.compile(
    r"(?P<before>[^\d\s./%-]{1,3})?\s*(?P<number>\d*\.?\d+)\s*(?P<after>[^\d\s./%-]{1,3})?"
    r"\s*(?:/|\bper\b|\ba\b|\ban\b)\s*(?P<per>\w+)"
)
_GROWTH = re.compile(
    r"\+?\s*(?P<number>\d*\.?\d+)\s*%\s*(?:/|\bper\b|\ba\b)\s*(?P<per>month|year|week)"
)
_MONTHS = {"week": 7 * 24 / HOURS_A_MONTH, "month": 1.0, "year": 12.0}


@dataclass(frozen=True, slots=True)
class Tariff:
    """The *prices* of a fleet, and the *currency* they are in: empty where nobody says."""

    prices: Prices
    currency: str = ""

    def text(self, amount: float) -> str:
        """*amount* as people write it: ``$526``, ``0.72``, ``526 CHF``."""
        digits = f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2f}"
        if len(self.currency) > 1:
            return f"{digits} {self.currency}"
        return f"{self.currency}{digits}"


def tariff(server: str | float | None = None, out: str | float | None = None) -> Tariff | None:
    """The tariff of a price for each *server*, and for what goes *out*; None where neither is said.

    A server's price is for an hour, a day, a month (730 hours) or a year, as in ``0.12/h`` or
    ``$90/month``; what goes out has its price by MB, GB or TB. Bare numbers: an hour, a GB.
    ResultError for what cannot be read, and for two currencies.
    """
    if server is None and out is None:
        return None
    an_hour, one = _price(server, _HOURS, "price", "0.12/h")
    a_gb, other = _price(out, _GB, "price-out", "0.08/GB")
    if one and other and one != other:
        raise ResultError(
            f"found {one} and {other}", place="price-out", mend="Give both in one currency."
        )
    return Tariff(Prices(an_hour, a_gb), one or other)


def _price(
    said: str | float | None, units: dict[str, float], place: str, example: str
) -> tuple[float, str]:
    """The price by the first unit, and its currency."""
    if said is None:
        return 0.0, ""
    mend = f"Write it like this: {example}; by {', '.join(units)}."
    if isinstance(said, int | float) and not isinstance(said, bool):
        if not (math.isfinite(said) and said >= 0):
            raise ResultError(f"found {said!r}", place=place, mend=mend)
        return float(said), ""
    found = _PRICE.fullmatch(str(said).strip())
    if found is None or found["per"] not in units or (found["before"] and found["after"]):
        raise ResultError(f"found {said!r}", place=place, mend=mend)
    return float(found["number"]) / units[found["per"]], found["before"] or found["after"] or ""


@dataclass(frozen=True, slots=True)
class Growth:
    """How load grows: by so much each *month*, compounded; *said* as it was written."""

    month: float
    said: str

    def after(self, months: float) -> float:
        """The load after so many months, as a multiple of today's."""
        return float((1 + self.month) ** months)

    def until(self, factor: float) -> float:
        """After how many months the load is *factor* times today's."""
        return math.log(factor) / math.log1p(self.month)


def growth(said: str | float | Growth, place: str = "growth") -> Growth:
    """Growth as in ``8%/month``, ``50% a year`` or a bare share a month; ResultError otherwise."""
    if isinstance(said, Growth):
        return said
    mend = "Write it like this: 8%/month, or 150%/year."
    if isinstance(said, int | float) and not isinstance(said, bool):
        share, per, text = float(said), "month", f"{100 * float(said):g} %/month"
    else:
        found = _GROWTH.fullmatch(str(said).strip())
        if found is None:
            raise ResultError(f"found {said!r}", place=place, mend=mend)
        share, per = float(found["number"]) / 100, found["per"]
        text = f"{found['number']} %/{per}"
    if not (math.isfinite(share) and 0 < share <= 100):
        raise ResultError(f"found {said!r}", place=place, mend=mend)
    return Growth(float((1 + share) ** (1 / _MONTHS[per]) - 1), text)
