"""Small scenarios whose outcome can be worked out by hand."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from proxysim.results.run import Run
from proxysim.scenario import Scenario
from proxysim.sim import simulate
from proxysim.sim.world import World

SITE = "app.example"

#: When, who, which path, how many bytes; and the method where it is not GET.
Script = Iterable[tuple[Any, ...]]


def tree(
    nodes: Mapping[str, Any], *, site: Mapping[str, Any] | None = None, **rest: Any
) -> dict[str, Any]:
    """A scenario of *nodes* and one site: one object of one byte, unless *site* says more."""
    return {
        "proxysim": 1,
        "title": "A small scene",
        "run": {"duration": 100.0, "warmup": 0.0, "drain": 1000.0, **rest.pop("run", {})},
        "sites": rest.pop("sites", {SITE: {"objects": 1, "size": 1, **(site or {})}}),
        "nodes": nodes,
        **rest,
    }


def play(
    nodes: Mapping[str, Any],
    *,
    script: Script | None = None,
    seed: int = 1,
    hops: Any = "none",
    **rest: Any,
) -> Run:
    """Run *nodes*; the node ``users`` asks what *script* says."""
    with TemporaryDirectory() as directory:
        return simulate(scenario(nodes, script, directory, rest), seed=seed, hops=hops)


def world(nodes: Mapping[str, Any], *, script: Script | None = None, **rest: Any) -> World:
    """The world of such a run, to be run and looked into."""
    with TemporaryDirectory() as directory:
        return World(scenario(nodes, script, directory, rest), 1)


def scenario_of(nodes: Mapping[str, Any], **rest: Any) -> Scenario:
    """The scenario of *nodes*, for those who run it themselves."""
    return Scenario.checked(tree(nodes, **rest), name="scene")


def scenario(
    nodes: Mapping[str, Any], script: Script | None, directory: str, rest: dict[str, Any]
) -> Scenario:
    nodes = dict(nodes)
    if script is not None:
        lines = ["time,client,url,size,method"]
        for at, client, path, size, *method in script:
            lines.append(f"{at},{client},{path},{size},{method[0] if method else 'GET'}")
        (Path(directory) / "script.csv").write_text("\n".join(lines) + "\n")
        replay = {"replay": {"file": "script.csv", "format": "csv", "site": SITE}}
        nodes["users"] = {"kind": "clients", **nodes.get("users", {}), "arrivals": replay}
    return Scenario.checked(tree(nodes, **rest), name="scene", directory=Path(directory))


def server(**more: Any) -> dict[str, Any]:
    return {"kind": "server", "workers": 1000, **more}


def front(**more: Any) -> dict[str, Any]:
    """A server that answers for the site in its own name."""
    return server(sites=[SITE], **more)


def edge(backends: str = "shop", **more: Any) -> dict[str, Any]:
    return {"kind": "reverse_proxy", "sites": [SITE], "backends": backends, **more}


def latencies(run: Run) -> list[float]:
    """In order of id."""
    return [float(found) for found in run.column("latency")]


def outcomes(run: Run) -> list[str]:
    return [str(found) for found in run.requests["outcome"]]


def statuses(run: Run) -> list[int]:
    return [int(found) for found in run.column("status")]
