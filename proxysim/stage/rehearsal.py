"""A scenario as a page asks for it: loaded by name, varied within bounds, simulated, staged."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from proxysim.errors import ResultError, ScenarioError, did_you_mean
from proxysim.scenario import Scenario, load, parse_assignment
from proxysim.scenario.bounds import expected
from proxysim.scenario.nodes import Clients, Server
from proxysim.sim import simulate
from proxysim.stage.chapters import MOST
from proxysim.stage.controls import controls_of
from proxysim.stage.trace import staged

__all__ = ["Asked", "differing", "filmed", "labels_of", "performed"]

#: What a page may ask for, so that an answer comes while somebody waits for it.
MOST_SETTINGS = 60
LONGEST_SETTING = 4000
MOST_SERVERS = 200
MOST_CLIENTS = 100_000
MOST_OBJECTS = 1_000_000
#: Seconds of a run whose number of requests nobody can tell beforehand.
UNKNOWN = 10.0
_DRAIN = 5.0
_TURNS = 40
#: So many standard deviations of a Poisson number are left as room.
_SIGMAS = 3
_LOGS = ("replay", "file")


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that a page asks for: its ``settings`` as ``path=value``.

    ``versus`` says what differs in a run beside it, ``without NODE`` or ``path=value``; where it
    is empty there is none.
    """

    name: str
    settings: tuple[str, ...] = ()
    versus: tuple[str, ...] = ()
    seed: int | None = None
    most: int = MOST


def performed(library: Mapping[str, str | os.PathLike[str]], asked: Asked) -> dict[str, Any]:
    """The run or the two runs that *asked* asks for, as a page loads them.

    Only scenarios in *library*; ScenarioError, in words for the page, for all that cannot be.
    """
    if asked.name not in library:
        raise ScenarioError(
            f"there is no scenario {asked.name!r}", mend=did_you_mean(asked.name, library)
        )
    plain, defaults = _shipped(os.fspath(library[asked.name]))
    scenario = _bounded(_varied(plain, asked.settings), asked.most)
    panes = [_pane(scenario, asked)]
    labels = [""]
    if asked.versus:
        other = scenario
        for text in asked.versus:
            other = differing(other, text)
        panes.append(_pane(_bounded(other, asked.most), asked))
        labels = list(labels_of(scenario, other, asked.versus))
    return {
        "name": asked.name,
        "panes": panes,
        "labels": labels,
        "controls": controls_of(_varied(plain, asked.settings)),
        "defaults": defaults,
        "proxies": [
            name for name, node in plain.document.nodes.items() if node.kind.endswith("_proxy")
        ],
        "seed": panes[0]["seed"],
    }


def filmed(
    library: Mapping[str, str | os.PathLike[str]],
    asked: Asked,
    since: float,
    until: float,
    seconds: float,
) -> bytes:
    """What *asked* asks for, from *since* to *until*, as a GIF of so many *seconds*."""
    from proxysim.stage.film import gif

    found = performed(library, asked)
    return gif(found["panes"], since, until, seconds, found["labels"])


@lru_cache(maxsize=64)
def _shipped(path: str) -> tuple[Scenario, dict[str, Any]]:
    """A scenario as its file says it, and where its controls stand."""
    scenario = load(path)
    if scenario.document.run.warmup:
        scenario = scenario.set("run.warmup", 0.0)  # a page shows a run from its beginning
    return scenario, {control["path"]: control["value"] for control in controls_of(scenario)}


def _varied(scenario: Scenario, settings: tuple[str, ...]) -> Scenario:
    if len(settings) > MOST_SETTINGS or any(len(text) > LONGEST_SETTING for text in settings):
        raise ScenarioError(
            "too many settings, or one too long",
            mend=f"Give at most {MOST_SETTINGS}, of at most {LONGEST_SETTING} characters each.",
        )
    changes = dict(parse_assignment(text) for text in settings)
    known = {file for _, file in _files(scenario.tree)}
    for path, value in changes.items():
        for place, file in _files(value, tuple(path.split("."))):
            if file not in known:
                raise ScenarioError(
                    f"found the file {file[:80]!r}, which the scenario does not name",
                    place=".".join(place),
                    mend="A page reads no files but those of its scenario: name it there.",
                )
    return scenario.set(changes) if changes else scenario


def _files(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The places in a scenario, or a part of one, where files are named, and which."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _files(inner, (*place, str(key)))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _files(inner, place)
    elif isinstance(value, str):
        profile = "costs" in place and value.endswith((".yaml", ".yml"))
        if profile or "categories" in place or ("replay" in place and place[-1] in _LOGS):
            yield place, value


def differing(scenario: Scenario, text: str) -> Scenario:
    """*scenario* as *text* has it: ``without NODE``, or ``path=value``."""
    node = text.removeprefix("without ")
    if node != text:
        return scenario.without(node)
    return _varied(scenario, (text,))


def labels_of(scenario: Scenario, other: Scenario, versus: tuple[str, ...]) -> tuple[str, str]:
    """What to call a run of *scenario*, and of *other*, from which it differs by *versus*."""
    return _label(scenario, versus, first=True), _label(other, versus)


def _label(scenario: Scenario, versus: tuple[str, ...], first: bool = False) -> str:
    parts = []
    for text in versus:
        node = text.removeprefix("without ")
        if node != text:
            parts.append(f"with {node}" if first else text)
            continue
        path, value = parse_assignment(text)
        if first:
            value = _value_at(scenario, path)
        parts.append(f"{path.rpartition('.')[2].replace('_', ' ')}: {_words(value)}")
    return ", ".join(parts)


def _value_at(scenario: Scenario, path: str) -> Any:
    for control in controls_of(scenario):
        if control["path"] == path:
            return control["value"]
    return "as it is"


def _words(value: Any) -> str:
    if value is None or value == []:
        return "none"
    return str(value).replace("_", " ")


def _bounded(scenario: Scenario, most: int) -> Scenario:
    """*scenario* over as much time as brings *most* requests, and no larger than can be shown."""
    document = scenario.document
    servers = sum(node.count for node in document.nodes.values() if isinstance(node, Server))
    clients = sum(node.count for node in document.nodes.values() if isinstance(node, Clients))
    objects = sum(site.objects for site in document.sites.values())
    for found, bound, what in (
        (servers, MOST_SERVERS, "servers"),
        (clients, MOST_CLIENTS, "clients"),
        (objects, MOST_OBJECTS, "objects"),
    ):
        if found > bound:
            raise ScenarioError(
                f"{found:,} {what} are more than a page can show",
                mend=f"Have at most {bound:,}; `proxysim run` takes more.",
            )
    groups = [node for node in document.nodes.values() if isinstance(node, Clients)]
    duration = document.run.duration

    def requests(seconds: float) -> float:
        return sum(expected(node.arrivals, seconds) for node in groups)

    known = [node for node in groups if node.arrivals.kind not in ("closed", "replay")]
    if len(known) < len(groups):
        duration = min(duration, UNKNOWN)
    most = max(1, round(most - _SIGMAS * most**0.5))
    if requests(duration) > most:
        low, high = 0.0, duration
        for _ in range(_TURNS):
            middle = (low + high) / 2
            low, high = (low, middle) if requests(middle) > most else (middle, high)
        duration = low
    changes: dict[str, Any] = {}
    if duration < document.run.duration:
        changes["run.duration"] = float(f"{duration:.6g}")
        changes["run.window"] = None
    if document.run.drain > _DRAIN:
        changes["run.drain"] = _DRAIN
    return scenario.set(changes) if changes else scenario


def _pane(scenario: Scenario, asked: Asked) -> dict[str, Any]:
    run = simulate(scenario, seed=asked.seed, hops="all", explain=True)
    if not len(run.tables["requests"]):
        raise ResultError(
            "nobody asked for anything in this run", mend="Raise the rate at which requests come."
        )
    run.extra["without"] = run.extra.get("without", list(scenario.removed))
    return staged(run, scenario=scenario, most=asked.most)
