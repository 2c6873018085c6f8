"""What a scenario's cache hits, if its requests are independent of one another."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from proxysim.scenario.build_workload import distribution_of, site_of
from proxysim.scenario.caching import Cache, Objects
from proxysim.scenario.nodes import Server
from proxysim.scenario.scenario import Scenario
from proxysim.theory import caches
from proxysim.theory.prediction import Prediction
from proxysim.theory.streams import Declination, Leaf, Stream
from proxysim.theory.tiers import lru_tiers, lru_with_lifetime
from proxysim.workload.catalogue import Catalogue

__all__ = ["cached"]

Floats = NDArray[np.float64]

#: About how long the head of a simulated origin's answer is, in bytes.
_HEAD = 170
_ASKED = {"GET", "HEAD"}
#: Requests for one object in the time of a fetch, above which that time matters.
_MEANWHILE = 1.0


def cached(
    scenario: Scenario, name: str, cache: Cache, stream: Stream
) -> tuple[Prediction, Stream]:
    """The hit ratio of the cache of *name*, and the misses that go on; Declination if unknown."""
    for what in ("admission", "max_object"):
        if getattr(cache, what) is not None:
            raise Declination(f"{what} keeps some answers out")
    if cache.stale_while_revalidate:
        raise Declination("answers are given out past their time (stale_while_revalidate)")
    if cache.stale_if_error and scenario.document.events:
        raise Declination("answers are given out past their time when something fails")
    if stream.filtered:
        return _second(scenario, name, cache, stream)
    counted = isinstance(cache.capacity, Objects)
    rates, sizes, lives = _objects(scenario, stream, counted=counted)
    kept = lives >= 0
    if not kept.any():
        raise Declination("nothing that it is asked for may be kept")
    meanwhile = float(rates[kept].max()) * _fetch(scenario)
    if meanwhile > _MEANWHILE:
        raise Declination(
            f"about {meanwhile:.2g} requests come for the most wanted object while it is fetched"
        )
    capacity = cache.capacity.objects if isinstance(cache.capacity, Objects) else cache.capacity
    weights = sizes[kept]
    total = float(rates.sum())
    values: dict[str, float] = {"rate": total}
    run = scenario.document.run
    assumed = ["each request independent of those before (independent reference model)"]
    hits = np.zeros_like(rates)
    if cache.eviction == "lru":
        time = caches.characteristic_time(rates[kept], capacity, weights) / rates[kept].sum()
        hits[kept] = lru_with_lifetime(
            rates[kept], capacity, float(rates[kept].sum()), lives[kept], weights
        )
        lasting = lives >= run.duration
        hits[lasting] = _from_empty(rates[lasting], time, run.warmup, run.duration)
        settled = 0.0 if lasting[kept].all() else math.inf
        model = "Che, copies fresh for their ttl"
    elif cache.eviction in ("fifo", "random"):
        time = caches.characteristic_time(rates[kept], capacity, weights, renewed=False)
        time /= rates[kept].sum()
        if time > lives[kept].min():
            raise Declination(f"copies grow stale before {cache.eviction} lets them go")
        hits[kept] = 1 - 1 / (1 + rates[kept] * time)
        settled = math.inf
        model = "Martina, Garetto, Leonardi"
    else:
        return _bounded(name, cache, rates, kept, capacity if counted else None)
    ratio = float(rates @ hits) / total
    values |= {"hit_ratio": ratio, "characteristic_time": float(time)}
    assumed.append("a fetch takes no time beside the times between requests for an object")
    if not counted:
        assumed.append(f"the head of each answer takes {_HEAD} B")
    if run.warmup < min(time, settled):
        assumed.append(f"the warm-up of {run.warmup:g} s fills it (its own time: {time:.3g} s)")
    left = _misses(scenario, stream, rates, hits)
    doubt = f"the misses of {name} are not quite random"
    leaf = Leaf(capacity, counted, tuple(stream.rates.items()))
    made = Prediction(name, model, "approximate", values, tuple(assumed))
    missed = replace(
        stream, rates=left, filtered=True, leaves=(leaf,) if cache.eviction == "lru" else ()
    )
    return made, missed.doubted(doubt)


def _second(
    scenario: Scenario, name: str, cache: Cache, stream: Stream
) -> tuple[Prediction, Stream]:
    """A second tier: behind LRU caches that are alike, and LRU itself."""
    counted = isinstance(cache.capacity, Objects)
    capacity = cache.capacity.objects if isinstance(cache.capacity, Objects) else cache.capacity
    alike = set(stream.leaves)
    if cache.eviction != "lru" or len(alike) != 1:
        raise Declination("behind other caches only LRU behind equal LRUs is known")
    (leaf,) = alike
    rates, sizes, lives = _objects(scenario, Stream(dict(leaf.asked)), counted=counted)
    if leaf.counted != counted or lives.min() < scenario.document.run.duration:
        raise Declination("tiers whose copies age, or that count differently: no formula")
    found = lru_tiers(rates, [leaf.capacity, capacity], leaves=len(stream.leaves), sizes=sizes)
    values = {"rate": stream.rate, "hit_ratio": found.hits[1], "overall_hit_ratio": found.overall}
    assumed = (
        "each request to the first tier independent of those before (independent reference model)",
        "the warm-up fills both tiers",
        "a fetch takes no time beside the times between requests for an object",
    )
    left = {site: rate * (1 - found.hits[1]) for site, rate in stream.rates.items()}
    missed = replace(stream, rates=left, leaves=()).doubted(f"the misses of {name} are not random")
    made = Prediction(name, "Fofack: LRU behind LRU", "approximate", values, assumed)
    return made, missed


def _fetch(scenario: Scenario) -> float:
    """About how long a fetch takes at most: all wires there and back, and the longest service."""
    document = scenario.document
    wires = sum(2 * link.latency for link in document.links or ())
    means = [
        distribution_of(node.service).mean / np.min(node.speed)
        for node in document.nodes.values()
        if isinstance(node, Server) and node.service.kind != "per_byte"
    ]
    return wires + float(max(means, default=0.0))


def _from_empty(rates: Floats, time: float, start: float, end: float) -> Floats:
    """Hit ratios in [start, end) of copies that do not age, in a cache that is empty at 0.

    At first nothing has to leave, so a request hits where there was one before; once the
    characteristic *time* is over, where there was one within it.
    """
    filled = min(max(time, start), end)
    with np.errstate(divide="ignore", invalid="ignore"):
        missed = (np.exp(-rates * start) - np.exp(-rates * filled)) / rates
    missed = np.where(rates > 0, missed, filled - start)
    if filled < end:
        missed += (end - filled) * np.exp(-rates * time)
    return np.asarray(1 - missed / (end - start))


def _bounded(
    name: str, cache: Cache, rates: Floats, kept: NDArray[np.bool_], capacity: int | None
) -> tuple[Prediction, Stream]:
    policy = cache.eviction if isinstance(cache.eviction, str) else next(iter(cache.eviction))
    if capacity is None or cache.collapse:
        raise Declination(f"no formula is known for {policy}")
    most = caches.lfu(rates[kept], capacity) * float(rates[kept].sum() / rates.sum())
    made = Prediction(
        name,
        "perfect LFU",
        "bound",
        {"rate": float(rates.sum()), "hit_ratio_at_most": most},
        (
            "each request independent of those before (independent reference model)",
            f"no formula is known for {policy}: no policy that cannot see the future does better",
        ),
    )
    return made, Stream({}, None)


def _objects(scenario: Scenario, stream: Stream, *, counted: bool) -> tuple[Floats, Floats, Floats]:
    """Of all objects asked for: rate, room taken, and how long fresh (below 0: never kept)."""
    seed = scenario.document.run.seed
    rates, sizes, lives = [], [], []
    for site, rate in stream.rates.items():
        said = scenario.document.sites[site]
        if said.popularity.kind == "drifting":
            raise Declination(f"the popularity of {site} drifts")
        if set(said.methods) - _ASKED:
            raise Declination(f"{site} is also asked by methods that make copies invalid")
        catalogue = Catalogue(site_of(site, said, seed), seed)
        rates.append(rate * catalogue.site.popularity.probabilities())
        if counted:  # whatever their sizes
            sizes.append(np.ones(said.objects))
        else:
            sizes.append(catalogue.sizes().astype(np.float64) + _HEAD)
        may = np.ones(said.objects, dtype=np.bool_)
        if said.cacheable < 1:
            may[:] = [catalogue.cacheable(number) for number in range(said.objects)]
        lives.append(np.where(may, float(round(said.ttl)), -1.0))
    return np.concatenate(rates), np.concatenate(sizes), np.concatenate(lives)


def _misses(scenario: Scenario, stream: Stream, rates: Floats, hits: Floats) -> dict[str, float]:
    left, at = {}, 0
    for site in stream.rates:
        past = at + scenario.document.sites[site].objects
        left[site] = float(rates[at:past] @ (1 - hits[at:past]))
        at = past
    return left
