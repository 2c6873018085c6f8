"""A run that is broken off, by Ctrl-C or because it cannot go on, leaves nothing half done."""

import gc
from pathlib import Path
from types import GeneratorType

import pytest

import proxysim.proxies
from proxysim.sim import simulate
from tests.sim.scene import SITE, scenario_of

PROXIES = str(Path(proxysim.proxies.__file__).parent)
NODES = {
    "users": {"kind": "clients", "arrivals": {"even": 20.0}, "through": "gateway"},
    "gateway": {"kind": "forward_proxy", "cache": {"capacity": "1MB", "collapse": True}},
    "edge": {
        "kind": "reverse_proxy",
        "sites": [SITE],
        "backends": "app",
        "hedge": {"after": "50ms", "budget": "100%"},
        "limits": {"proxy": {"in_flight": 4}},
        "health": {"active": {}},
    },
    "app": {"kind": "server", "count": 2, "service": "1h"},
}


def suspended() -> list[str]:
    """The steps of proxies that wait to be gone on with."""
    generators = [found for found in gc.get_objects() if isinstance(found, GeneratorType)]
    return [
        found.gi_code.co_qualname
        for found in generators
        if found.gi_frame is not None and found.gi_code.co_filename.startswith(PROXIES)
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_run_that_is_broken_off_leaves_nothing_suspended(method: str) -> None:
    seen: list[int] = []

    def break_off(share: float) -> None:
        if share >= 0.5:
            seen.append(len(suspended()))
            raise KeyboardInterrupt

    scenario = scenario_of(NODES, site={"methods": {method: 1.0}}, run={"duration": 10.0})
    with pytest.raises(KeyboardInterrupt) as broken:
        simulate(scenario, progress=break_off)
    assert seen[0] > 10
    assert suspended() == []  # though the error still holds the world by its frames
    del broken


def test_so_does_one_that_breaks_while_a_proxy_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*found: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("proxysim.sim.proxies.ProxyNode.reach", broken)
    with pytest.raises(KeyboardInterrupt) as caught:
        simulate(scenario_of(NODES, site={"methods": {"POST": 1.0}}))
    assert suspended() == []
    del caught
