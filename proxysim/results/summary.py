"""A run in figures: the object that ``--json`` prints, and the lines that people read."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from proxysim import units
from proxysim.results.columns import CACHE_STATES, OUTCOMES
from proxysim.results.table import natural

if TYPE_CHECKING:
    from proxysim.results.run import Run

__all__ = ["Row", "Summary", "plain", "summarise"]

Quantiles = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table for people; ``text`` is the value as they read it, with its unit."""

    section: str
    label: str
    value: float | None
    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one run, over requests that arrive in [warmup, duration).

    ``requests`` counts outcomes. ``latency`` and ``first_byte`` hold mean, p50, p95, p99 and max
    in seconds over ok answers, None without any; quantiles interpolate linearly between order
    statistics (numpy's default), or come from a sketch within 0.5 % where rows were not kept.
    ``load`` counts requests by the server that the last proxy chose. From the time windows of
    ``run.nodes`` inside [warmup, duration): ``hit_ratio`` and ``byte_hit_ratio`` of each cache
    (hits / (hits + misses), None where it was never asked), ``utilisation`` of workers or cores,
    ``bytes`` carried by each link, heads with the bodies; and how often each of a proxy's
    ``rules`` matched, whether it decided or logged. ``throughput`` is ok answers a second.
    """

    scenario: str
    world: str
    seed: int
    requests: dict[str, int]
    latency: Quantiles
    hit_ratio: dict[str, float | None]
    load: dict[str, int]
    utilisation: dict[str, float]
    bytes: dict[str, int]
    rules: dict[str, list[dict[str, Any]]]
    first_byte: Quantiles
    byte_hit_ratio: dict[str, float | None]
    cache: dict[str, int]
    statuses: dict[str, int]
    encrypted: float | None
    throughput: float
    bytes_up: int
    bytes_down: int
    manifest: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``--json`` prints them; no nan and no infinity."""
        return {name: plain(getattr(self, name)) for name in self.__slots__}

    def to_json(self, indent: int | None = 2) -> str:
        """:meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False, ensure_ascii=False)

    def rows(self) -> Iterator[Row]:
        """The figures line by line, for a table on a screen or a page."""
        for name, count in self.requests.items():
            if count or name in ("arrived", "ok"):
                yield Row("requests", name.replace("_", " "), count, "", f"{count:,}")
        yield Row(
            "requests", "throughput", self.throughput, "1/s", units.format_rate(self.throughput)
        )
        for section, found in (("latency", self.latency), ("first byte", self.first_byte)):
            for name, seconds in found.items():
                yield Row(section, name, seconds, "s", units.format_duration(seconds))
        for section, shares in (
            ("hit ratio", self.hit_ratio),
            ("byte hit ratio", self.byte_hit_ratio),
            ("utilisation", self.utilisation),
        ):
            for name, share in shares.items():
                yield Row(section, name, share, "", "-" if share is None else f"{share:.1%}")
        for name, count in self.load.items():
            yield Row("load", name, count, "", f"{count:,}")
        for name, count in self.bytes.items():
            yield Row("bytes", name, count, "B", units.format_bytes(count))
        for node, rules in self.rules.items():
            for rule in rules:
                label = textwrap.shorten(rule["because"] or rule["rule"], 30, placeholder="…")
                yield Row(f"rules of {node}", label, rule["matched"], "", f"{rule['matched']:,}")


def summarise(run: Run) -> Summary:
    """The summary of *run*; what it cannot know is None."""
    totals, names = run.count()
    outcomes = dict(zip(OUTCOMES, totals.outcomes.tolist(), strict=True))
    arrived = sum(outcomes.values())
    load = {node: 0 for node, fact in run.facts.items() if fact.get("kind") == "server"}
    load.update((names[code], count) for code, count in totals.backends.items() if names[code])
    windows = _Windows(run)
    hits, misses = windows.sums("hits"), windows.sums("misses")
    hit_bytes, miss_bytes = windows.sums("hit_bytes"), windows.sums("miss_bytes")
    caches = [
        node
        for node in windows.nodes
        if hits[node] + misses[node] > 0 or run.facts.get(node, {}).get("cache")
    ]
    return Summary(
        scenario=run.scenario,
        world=run.world,
        seed=run.seed,
        requests={"arrived": arrived, **outcomes},
        latency=totals.latency.describe(),
        hit_ratio={node: _ratio(hits[node], misses[node]) for node in caches},
        load={node: load[node] for node in sorted(load, key=natural)},
        utilisation=windows.utilisation(),
        bytes={
            node: round(carried) for node, carried in windows.sums("bytes").items() if ">" in node
        },
        rules={node: fact["rules"] for node, fact in run.facts.items() if fact.get("rules")},
        first_byte=totals.first_byte.describe(),
        byte_hit_ratio={node: _ratio(hit_bytes[node], miss_bytes[node]) for node in caches},
        cache=dict(zip(CACHE_STATES, totals.caches.tolist(), strict=True)),
        statuses={str(status): count for status, count in sorted(totals.statuses.items())},
        encrypted=totals.encrypted / arrived if arrived else None,
        throughput=outcomes["ok"] / (run.duration - run.warmup),
        bytes_up=totals.bytes_up,
        bytes_down=totals.bytes_down,
        manifest=run.manifest,
    )


class _Windows:
    """The nodes table, summed over [warmup, duration)."""

    def __init__(self, run: Run) -> None:
        self.table = run.tables["nodes"]
        self.nodes = self.table.names("node")
        self.codes = self.table.column("node")
        self.share = run.window_shares()

    def sums(self, column: str) -> dict[str, float]:
        weights = self.table.column(column) * self.share
        found = np.bincount(self.codes, weights=weights, minlength=len(self.nodes))
        return dict(zip(self.nodes, found.tolist(), strict=True))

    def utilisation(self) -> dict[str, float]:
        width = (self.table.column("end") - self.table.column("start")) * self.share
        busy = self.table.column("utilisation")
        known = ~np.isnan(busy) & (width > 0)
        codes, width = self.codes[known], width[known]
        busy_time = np.bincount(codes, weights=width * busy[known], minlength=len(self.nodes))
        time = np.bincount(codes, weights=width, minlength=len(self.nodes))
        return {
            node: float(busy_time[code] / time[code])
            for code, node in enumerate(self.nodes)
            if time[code] > 0
        }


def _ratio(hits: float, misses: float) -> float | None:
    return hits / (hits + misses) if hits + misses > 0 else None


def plain(value: Any) -> Any:
    """*value* as strict JSON holds it: None for what is not finite, plain for numpy's numbers."""
    if isinstance(value, dict):
        return {str(name): plain(found) for name, found in value.items()}
    if isinstance(value, list | tuple):
        return [plain(found) for found in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
