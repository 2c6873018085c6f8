"""What a scenario's cache hits, if its requests are independent of one another."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from proxysim.scenario.build_workload import distribution_of, site_of
from proxysim.scenario.caching import Cache, Objects
from proxysim.scenario.document import Site
from proxysim.scenario.nodes import Server
from proxysim.scenario.scenario import Scenario
from proxysim.theory import caches
from proxysim.theory.prediction import Prediction
from proxysim.theory.streams import Declination, Leaf, Stream
from proxysim.theory.tiers import lru_tiers, lru_with_lifetime, lru_with_lifetime_from_empty
from proxysim.workload.catalogue import Catalogue

__all__ = ["cached"]

Floats = NDArray[np.float64]

#: About how long the head of a simulated origin's answer is, in bytes.
_HEAD = 170
_ASKED = {"GET", "HEAD"}
#: Of what reaches a cache, the share that other caches have missed and that hardly matters.
_FEW = 0.25
#: Requests for one object in the time of a fetch, above which that time matters.
_MEANWHILE = 1.0


def cached(
    scenario: Scenario, name: str, cache: Cache, stream: Stream
) -> tuple[Prediction, Stream]:
    """The hit ratio of the cache of *name*, and the misses that go on; Declination if unknown."""
    if cache.admission is not None:
        raise Declination("admission keeps some answers out")
    if cache.stale_while_revalidate:
        raise Declination("answers are given out past their time (stale_while_revalidate)")
    if cache.stale_if_error and scenario.document.events:
        raise Declination("answers are given out past their time when something fails")
    if stream.leaves:
        return _second(scenario, name, cache, stream)
    if stream.filtered > _FEW:
        raise Declination("behind other caches only LRU behind equal LRUs is known")
    counted = isinstance(cache.capacity, Objects)
    rates, sizes, lives = _objects(scenario, stream, cache)
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
        settled = 0.0
        for life in np.unique(lives[kept]):
            alike = lives == life
            early = _from_empty(rates[alike], time, float(life), run.warmup, run.duration)
            if early is None:
                settled = math.inf
            else:
                hits[alike] = early
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
    if not counted and math.isfinite(time) and _compresses(scenario, name):
        raise Declination("it keeps answers as compressed, so how many fit is not known")
    ratio = float(rates @ hits) / total
    values |= {"hit_ratio": ratio, "characteristic_time": float(time)}
    assumed.append("a fetch takes no time beside the times between requests for an object")
    if stream.filtered:
        assumed.append(
            f"the {stream.filtered:.0%} that other caches have missed come like all the others"
        )
    if not counted:
        assumed.append(f"the head of each answer takes {_HEAD} B")
    if run.warmup < min(time, settled):
        assumed.append(f"the warm-up of {run.warmup:g} s fills it (its own time: {time:.3g} s)")
    left, hidden = _misses(scenario, stream, rates, hits)
    doubt = f"the misses of {name} are not quite random"
    leaf = Leaf(capacity, counted, tuple(stream.rates.items()))
    made = Prediction(name, model, "approximate", values, tuple(assumed))
    missed = replace(
        stream,
        rates=left,
        filtered=1.0,
        leaves=(leaf,) if cache.eviction == "lru" and not stream.filtered else (),
        hidden=hidden,
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
    if leaf.counted != counted:
        raise Declination("one tier counts answers and the other bytes: no formula")
    rates, sizes, lives = _objects(scenario, Stream(dict(leaf.asked)), cache)
    if lives.min() < scenario.document.run.duration:
        raise Declination(
            "copies age, or are not kept, and come aged from one tier to the next: no formula"
        )
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


def _compresses(scenario: Scenario, name: str) -> bool:
    return bool(getattr(scenario.document.nodes[name], "compression", None))


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


def _from_empty(rates: Floats, time: float, life: float, start: float, end: float) -> Floats | None:
    """Hit ratios in [start, end) of copies fresh for *life*, in an LRU cache that is empty at 0.

    None where that takes too many steps: then it is settled long before, if the warm-up is not.
    """
    if life < end:
        return lru_with_lifetime_from_empty(rates, time, life, start, end)
    # At first nothing has to leave, so a request hits where there was one before; once the
    # characteristic time is over, where there was one within it.
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


def _objects(scenario: Scenario, stream: Stream, cache: Cache) -> tuple[Floats, Floats, Floats]:
    """Of all objects asked for: rate, room taken, and how long fresh (below 0: never kept).

    Only methods that a cache looks at count; others are passed on.
    """
    seed = scenario.document.run.seed
    rates, sizes, lives = [], [], []
    for host, rate in stream.rates.items():
        said = scenario.document.sites[host]
        if said.popularity.kind == "drifting":
            raise Declination(f"the popularity of {host} drifts")
        looked = _looked_at(said, stream.methods.get(host))
        if looked < 1 and said.cacheable > 0:
            raise Declination(f"{host} is also asked by methods that make copies invalid")
        catalogue = Catalogue(site_of(host, said, seed), seed)
        asked = rate * looked
        hidden = stream.hidden.get(host)
        if hidden is None:
            rates.append(asked * catalogue.site.popularity.probabilities())
        else:
            whole = asked + float(hidden.sum())
            rates.append(
                np.maximum(whole * catalogue.site.popularity.probabilities() - hidden, 0.0)
            )
        lengths = catalogue.sizes().astype(np.float64)
        # Whatever their sizes, where objects are counted.
        counted = isinstance(cache.capacity, Objects)
        sizes.append(np.ones(said.objects) if counted else lengths + _HEAD)
        may = np.ones(said.objects, dtype=np.bool_)
        if cache.max_object is not None:
            may &= lengths <= cache.max_object
        if said.cacheable < 1:
            may &= [catalogue.cacheable(number) for number in range(said.objects)]
        lives.append(np.where(may, float(round(said.ttl)), -1.0))
    return np.concatenate(rates), np.concatenate(sizes), np.concatenate(lives)


def _looked_at(said: Site, left: frozenset[str] | None) -> float:
    """The share of a site's requests whose methods a cache answers."""
    methods = {name: weight for name, weight in said.methods.items() if not left or name in left}
    whole = sum(methods.values())
    return sum(weight for name, weight in methods.items() if name in _ASKED) / whole


def _misses(
    scenario: Scenario, stream: Stream, rates: Floats, hits: Floats
) -> tuple[dict[str, float], dict[str, Floats]]:
    """What goes on, by site; and of each object, how often a second it was answered so far."""
    left, hidden, at = {}, dict(stream.hidden), 0
    for host, rate in stream.rates.items():
        past = at + scenario.document.sites[host].objects
        answered: Floats = rates[at:past] * hits[at:past]
        left[host] = rate - float(answered.sum())
        hidden[host] = hidden.get(host, 0.0) + answered
        at = past
    return left, hidden
