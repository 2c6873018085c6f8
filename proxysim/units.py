"""Quantities as people write them: ``10ms``, ``20kB``, ``1Gbps``, ``200/s``, ``60%``.

Inside proxysim there are only seconds, bytes, bytes per second, and events per second, as plain
numbers; text is read here, once, and written here, for people. ``kB`` is 1000 bytes and ``KiB``
1024; ``b`` of ``Mbps`` is a bit, ``B`` of ``MB/s`` a byte. A bare number is taken in the base unit.

Every reader raises :class:`~proxysim.errors.UnitError` for text that it cannot read.
"""

from __future__ import annotations

import math
import re

from proxysim.errors import UnitError

__all__ = [
    "bandwidth",
    "duration",
    "format_bandwidth",
    "format_bytes",
    "format_duration",
    "format_rate",
    "rate",
    "ratio",
    "size",
]

_NUMBER = re.compile(r"^\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\s\d].*?)?\s*$")

_TIMES = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0,
    "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0,
}  # fmt: skip
_BYTES = {
    "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
_BITS = {"bps": 1, "kbps": 10**3, "Kbps": 10**3, "Mbps": 10**6, "Gbps": 10**9, "Tbps": 10**12}
_BANDWIDTHS = {
    **{f"{unit}/s": float(factor) for unit, factor in _BYTES.items()},
    **{unit: factor / 8 for unit, factor in _BITS.items()},
    **{unit.replace("bps", "bit/s"): factor / 8 for unit, factor in _BITS.items()},
}
_RATES = {"/s": 1.0, "/min": 1 / 60, "/m": 1 / 60, "/h": 1 / 3600, "/d": 1 / 86400, "/ms": 1000.0}
_RATIOS = {"%": 0.01, "": 1.0}


def duration(value: object) -> float:
    """Seconds in ``"10ms"``, ``"5min"``, ``"2h"`` or a bare number of seconds; never negative."""
    return _read(value, _TIMES, "a time such as 10ms, 2s or 5min")


def size(value: object) -> int:
    """Whole bytes in ``"20kB"``, ``"64KiB"`` or a bare number of bytes; never negative."""
    return round(_read(value, _BYTES, "a size such as 512B, 20kB or 64MiB"))


def bandwidth(value: object) -> float:
    """Bytes per second in ``"1Gbps"``, ``"10MB/s"`` or a bare number of bytes/s; above zero."""
    found = _read(value, _BANDWIDTHS, "a bandwidth such as 50Mbps or 10MB/s")
    return _positive(found, value, "a bandwidth")


def rate(value: object) -> float:
    """Events per second in ``"200/s"``, ``"30/min"`` or a bare number; never negative."""
    return _read(value, _RATES, "a rate such as 200/s or 30/min")


def ratio(value: object) -> float:
    """A share between 0 and 1, from ``"60%"``, ``0.6`` or ``1``."""
    found = _read(value, _RATIOS, "a share such as 60% or 0.6")
    if found > 1:
        raise UnitError(f"found {value!r}, a share above 100%", mend="Give 0% to 100%, or 0 to 1.")
    return found


def _read(value: object, units: dict[str, float] | dict[str, int], expected: str) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UnitError(f"found {value!r}", mend=f"Expected {expected}.")
    if isinstance(value, str):
        found = _NUMBER.match(value)
        unit = (found[2] or "").strip() if found else ""
        unit = unit.replace("/ ", "/").replace(" /", "/")
        if not found or (unit and unit not in units):
            raise UnitError(
                f"found {value!r}",
                mend=f"Expected {expected}; units: {', '.join(units).strip(', ')}.",
            )
        number = float(found[1].replace("_", "")) * (units[unit] if unit else 1)
    else:
        number = float(value)
    if not math.isfinite(number) or number < 0:
        raise UnitError(f"found {value!r}", mend=f"Expected {expected}, finite and not negative.")
    return number


def _positive(number: float, value: object, what: str) -> float:
    if number <= 0:
        raise UnitError(f"found {value!r}", mend=f"Expected {what} above zero.")
    return number


def format_duration(seconds: float | None) -> str:
    """*seconds* for people, three digits: ``1.25 s``, ``12.0 ms``, ``3.40 us``; ``-`` for None."""
    if seconds is None or math.isnan(seconds):
        return "-"
    for limit, factor, unit in ((1e-3, 1e6, "us"), (1.0, 1e3, "ms"), (120.0, 1.0, "s")):
        if abs(seconds) < limit:
            return f"{_three(seconds * factor)} {unit}"
    return f"{_three(seconds / 60)} min" if seconds < 7200 else f"{_three(seconds / 3600)} h"


def format_bytes(count: float | None) -> str:
    """*count* bytes for people, three digits: ``512 B``, ``20.0 kB``, ``1.25 GB``."""
    if count is None or math.isnan(count):
        return "-"
    for factor, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(count) >= factor:
            return f"{_three(count / factor)} {unit}"
    return f"{count:.0f} B"


def format_bandwidth(per_second: float) -> str:
    """*per_second* bytes in bits, as links are written: ``50 Mbps``, ``1.5 Gbps``."""
    bits = per_second * 8
    factor, unit = next(
        (pair for pair in ((1e9, "Gbps"), (1e6, "Mbps"), (1e3, "kbps")) if bits >= pair[0]),
        (1.0, "bps"),
    )
    return f"{bits / factor:.4g} {unit}"


def format_rate(per_second: float | None) -> str:
    """Events per second for people: ``40.0/s``."""
    return "-" if per_second is None or math.isnan(per_second) else f"{_three(per_second)}/s"


def _three(number: float) -> str:
    """*number* to three significant digits, without an exponent."""
    if number == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:.{min(digits, 6)}f}"
