"""What compression does to a run: bytes, processor time, tags, and what a scenario may say."""

import math
from typing import Any

import pytest

from proxysim.errors import ScenarioError
from proxysim.messages import Headers
from proxysim.policies.caching.validation import updated
from proxysim.scenario.scenario import Scenario
from tests.sim.scene import edge, play, server, tree

SIZE = 100_000
ONCE = [(0.0, "ann", "/1.html", SIZE)]


def run(compression: Any, script: Any = ONCE, **more: Any) -> Any:
    proxy = {"compression": compression, **more.pop("proxy", {})}
    return play({"edge": edge(**proxy), "shop": server()}, script=script, **more)


@pytest.mark.parametrize(
    ("compression", "length"),
    [
        (["gzip"], SIZE / 5.1),
        ({"codings": ["gzip"]}, SIZE / 5.1),
        ({"codings": ["gzip"], "level": {"gzip": 1}}, SIZE / 4.0),
        ({"codings": ["gzip", "br"], "level": {"gzip": 1, "br": 11}}, SIZE / 4.0),
        ({"codings": ["br"], "level": {"br": 11}}, SIZE / 6.1),
        ({"codings": ["gzip"], "min_size": "100kB"}, SIZE / 5.1),
        ({"codings": ["gzip"], "min_size": 100_001}, SIZE),
        ({"codings": ["gzip"], "types": ["text/html"]}, SIZE / 5.1),
        ({"codings": ["gzip"], "types": ["image/*"]}, SIZE),
        ({"codings": []}, SIZE),
        ([], SIZE),
        (None, SIZE),
    ],
)
def test_what_arrives(compression: Any, length: float) -> None:
    assert run(compression).column("bytes_down").tolist() == [math.ceil(length)]


def test_a_level_costs_what_the_scenario_says() -> None:
    costs = {"compress": {"gzip-9": {"speed": "1MB/s", "ratio": 5}, "br-11": {"speed": "2MB/s"}}}
    for coding, level, seconds, ratio in (("gzip", 9, 0.1, 5.0), ("br", 11, 0.05, 6.1)):
        said = {"codings": [coding], "level": {coding: level}}
        found = run(said, costs=costs)
        assert found.column("cpu").tolist() == pytest.approx([seconds])
        assert found.column("bytes_down").tolist() == [math.ceil(SIZE / ratio)]


def test_a_coded_copy_is_revalidated_by_the_tag_that_it_was_made_of() -> None:
    """Its tag is weak; the origin compares weakly, and its strong one does not take over."""
    script = [(at, "ann", "/1.html", SIZE) for at in (0.0, 20.0, 40.0, 45.0)]
    found = run(["gzip"], script, proxy={"cache": {"capacity": "1MB"}}, site={"ttl": 10.0})
    assert found.requests["cache"].tolist() == ["miss", "revalidated", "revalidated", "hit"]
    assert found.requests["coding"].tolist() == ["gzip"] * 4


def test_a_weak_tag_stays_weak() -> None:
    stored, strong = Headers([("etag", 'W/"1"'), ("age", "3")]), Headers([("etag", '"1"')])
    assert updated(stored, strong).get("etag") == 'W/"1"'
    assert updated(stored, Headers([("etag", '"2"')])).get("etag") == '"2"'
    assert updated(strong, strong).get("etag") == '"1"'


@pytest.mark.parametrize(
    ("compression", "says"),
    [
        (["gzip", "br", "gzip"], "compression: gzip is listed twice. Keep one"),
        ({"codings": ["br", "br"]}, "compression.codings: br is listed twice"),
        (
            {"codings": ["gzip"], "level": {"gzip": 10}},
            "gzip has no level 10. Give one from 1 to 9",
        ),
        (
            {"codings": ["gzip"], "level": {"gzip": 9}},
            "compression.level.gzip: no figures are known",
        ),
        ({"codings": ["gzip"], "types": ["html"]}, "compression.types.0: found"),
        ({"codings": ["gzip"], "min_size": "-1B"}, "compression.min_size: found"),
        ({"min_size": "1kB"}, "compression.codings: is missing"),
        ({"codings": ["gzip"], "mininum": 1}, "compression.mininum: there is no such key"),
        ("gzip", "Expected a list: [gzip]"),
        (7, "compression: found 7. Expected a list"),
    ],
)
def test_what_cannot_be_meant_is_refused(compression: Any, says: str) -> None:
    nodes = {
        "users": {"kind": "clients", "arrivals": {"poisson": 1}},
        "edge": edge(compression=compression),
        "shop": server(),
    }
    with pytest.raises(ScenarioError) as caught:
        Scenario.checked(tree(nodes), name="x")
    assert says in str(caught.value)


def test_codings_that_clients_take_are_named_once() -> None:
    users = {"kind": "clients", "arrivals": {"poisson": 1}, "accept_encoding": ["br", "br"]}
    nodes = {"users": users, "edge": edge(), "shop": server()}
    with pytest.raises(ScenarioError, match="accept_encoding: br is listed twice"):
        Scenario.checked(tree(nodes), name="x")
