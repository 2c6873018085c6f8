"""What steps cost in a scenario, and at each of its proxies; profiles in files."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from proxysim.costs import NOTHING, PROFILES, Costs, from_mapping
from proxysim.errors import ScenarioError
from proxysim.scenario.document import Document
from proxysim.scenario.mistakes import Mistake
from proxysim.scenario.nodes import ProxyBase, ReverseProxy
from proxysim.scenario.yaml_reader import MAX_BYTES, Path, decode, read

__all__ = ["costs_of", "mistaken_costs", "read_profile", "with_profile"]

#: What a proxy cannot have for itself.
HEADS = {"request_head", "response_head"}
#: Where a profile in a file says on which machine, when and with what it was measured.
MEASURED = "measured"


def costs_of(
    document: Document, node: str | None = None, directory: pathlib.Path | str = "."
) -> Costs:
    """The costs of *document*, with the overrides of the proxy *node* where it has some.

    A profile is a shipped one's name, or a YAML file of steps, looked for in *directory*. Raises
    ScenarioError.
    """
    costs = _costs(document.costs, NOTHING, pathlib.Path(directory), "costs")
    found = document.nodes[node] if node is not None else None
    if isinstance(found, ProxyBase) and found.costs:
        costs = _costs(found.costs, costs, pathlib.Path(directory), f"nodes.{node}.costs")
    return costs


def mistaken_costs(document: Document, directory: pathlib.Path) -> Iterator[Mistake]:
    """What :func:`costs_of` would refuse."""
    written: dict[Path, Any] = {("costs",): document.costs}
    for name, node in document.nodes.items():
        if isinstance(node, ProxyBase):
            where = ("nodes", name, "costs")
            written[where] = node.costs
            for key in sorted(HEADS & node.costs.keys()):
                yield Mistake(
                    (*where, key),
                    "heads are as long on every wire",
                    f"Say it for the whole scenario, costs: {{{key}: {node.costs[key]}}}",
                )
    wrong = False
    for path, found in written.items():
        try:
            _costs(found, NOTHING, directory, "")
        except ScenarioError as error:
            wrong = True
            head, _, below = error.place.partition(".")
            if head:  # a file of its own, which has a place of its own
                yield Mistake(path, f"{error.place}: {error.problem}", error.mend)
            else:
                steps = below.split(".") if below else []
                yield Mistake((*path, *steps), error.problem, error.mend)
    if not wrong:
        yield from _levels(document, directory)


def _levels(document: Document, directory: pathlib.Path) -> Iterator[Mistake]:
    """Levels of codings of which the costs say nothing."""
    for name, node in document.nodes.items():
        if not isinstance(node, ReverseProxy) or node.compression is None:
            continue
        known = costs_of(document, name, directory).compress
        for coding, level in node.compression.level.items():
            if f"{coding}-{level}" not in known:
                levels = [key for key in known if key.startswith(f"{coding}-")]
                yield Mistake(
                    ("nodes", name, "compression", "level", coding),
                    f"no figures are known of {coding} at level {level}",
                    f"Known: {', '.join(levels)}. Or say them, costs:"
                    f" {{compress: {{{coding}-{level}: {{speed: 20MB/s, ratio: 5}}}}}}",
                )


def _costs(found: str | dict[str, Any], base: Costs, directory: pathlib.Path, place: str) -> Costs:
    name = found if isinstance(found, str) else found.get("profile")
    if isinstance(name, str) and name not in PROFILES and name.endswith((".yaml", ".yml")):
        base = _from_file(directory / name)
        found = {} if isinstance(found, str) else {k: v for k, v in found.items() if k != "profile"}
    return from_mapping(found, base, place)


def _from_file(path: pathlib.Path) -> Costs:
    return from_mapping(read_profile(path), place=str(path))


def read_profile(path: pathlib.Path) -> dict[str, Any]:
    """The steps in the file *path*, as ``costs`` takes them, without how they were measured.

    Raises ScenarioError for a file that cannot be read, or holds anything else.
    """
    place = str(path)
    try:
        with path.open("rb") as file:
            text = decode(file.read(MAX_BYTES + 1), place)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ScenarioError(
            f"the profile cannot be read: {reason}",
            place=place,
            mend=f"Give a YAML file of steps, or one of: {', '.join(PROFILES)}",
        ) from None
    steps = read(text, place).tree
    if isinstance(steps, Mapping) and "proxysim" in steps:
        raise ScenarioError(
            "this is a scenario, not a profile of costs",
            place=place,
            mend="Give what proxysim calibrate --out FILE has written, or steps: {request: 40us}.",
        )
    measured = steps.pop(MEASURED, {})
    if not isinstance(measured, Mapping):
        raise ScenarioError(
            f"found {measured!r}",
            place=f"{place}.{MEASURED}",
            mend="Say there when and with what the profile was measured: {machine: ..., date: ...}",
        )
    from_mapping(steps, place=place)
    return steps


def with_profile(
    document: Document, steps: Mapping[str, Any], directory: pathlib.Path | str = "."
) -> dict[str, Any]:
    """What to set in *document* so that the *steps* of a profile decide what its proxies cost.

    They take the place of all its costs, and of those that single proxies have of their own. Heads
    stay as long as they are unless the profile says how long, for they are the traffic's, not the
    machine's; so do the demands of servers.
    """
    heads = {}
    if "profile" not in steps:
        before = costs_of(document, None, directory)
        heads = {name: getattr(before, name) for name in sorted(HEADS)}
    own: dict[str, Any] = {
        f"nodes.{name}.costs": {}
        for name, node in document.nodes.items()
        if isinstance(node, ProxyBase) and node.costs
    }
    return {"costs": {**heads, **steps}, **own}
