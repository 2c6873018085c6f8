"""What a page may ask for, what it is given, and how its server keeps others out."""

import asyncio
import json

import httpx
import numpy as np
import pytest

import proxysim as ps
from proxysim.scenario import shipped
from proxysim.stage.controls import controls_of
from proxysim.stage.rehearsal import Asked, performed
from proxysim.stage.scenes import LADDERS
from proxysim.stage.server import application
from proxysim.stage.trace import TICK
from proxysim.stage.worker import Worker

LIBRARY = shipped()
FEW = 120
HOME = "http://127.0.0.1:8000"
SCENES = [(name, place) for name, ladder in LADDERS.items() for place in range(len(ladder))]


def settings(changes):
    return tuple(f"{path}={json.dumps(value)}" for path, value in changes.items())


def staged_scene(name, place, most=FEW):
    scene = LADDERS[name][place]
    return performed(LIBRARY, Asked(name, settings(scene.settings), scene.versus, most=most))


@pytest.mark.parametrize(("name", "place"), SCENES)
def test_every_scene_plays(name, place):
    scene = LADDERS[name][place]
    found = staged_scene(name, place)
    assert len(found["panes"]) == (2 if scene.versus else 1)
    for pane in found["panes"]:
        assert 0 < len(pane["requests"]["id"]) <= FEW
    if scene.predict is not None:
        assert 0 <= scene.predict.answer < len(scene.predict.choices)
    json.dumps(found, allow_nan=False)


def place_of(name, title):
    return next(n for n, scene in enumerate(LADDERS[name]) if scene.title == title)


def test_the_second_time_stays_in_the_building():
    name = "office-forward-proxy"
    (pane,) = staged_scene(name, place_of(name, "The second time"), most=2000)["panes"]
    hits = [n for n, c in enumerate(pane["requests"]["cache"]) if pane["caches"][c] == "hit"]
    assert len(hits) > len(pane["requests"]["id"]) / 4
    ends = np.cumsum(pane["hops"]["count"])
    web = [node["name"] for node in pane["nodes"]].index("web")
    for n in hits:
        spans = range(ends[n] - pane["hops"]["count"][n], ends[n])
        assert not any(web in pane["places"][pane["hops"]["place"][span]] for span in spans)


def test_least_connections_beats_round_robin_on_unequal_servers():
    name = "website-reverse-proxy"
    place = place_of(name, "Ask the one with the least to do")
    found = staged_scene(name, place, most=2000)
    assert found["labels"] == ["balancer: least connections", "balancer: round robin"]
    slow = [
        np.quantile([end * TICK for end in pane["requests"]["end"] if end is not None], 0.95)
        for pane in found["panes"]
    ]
    assert slow[1] > 1.5 * slow[0]
    assert found["panes"][0]["requests"]["at"] == found["panes"][1]["requests"]["at"]


def test_without_its_proxy_everything_goes_to_the_web():
    asked = Asked("office-forward-proxy", versus=("without gateway",), most=FEW)
    found = performed(LIBRARY, asked)
    assert found["labels"] == ["with gateway", "without gateway"]
    assert found["panes"][1]["removed"] == ["gateway"]
    assert {found["panes"][1]["caches"][c] for c in found["panes"][1]["requests"]["cache"]} == {
        "none"
    }


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_every_shipped_scenario_plays_within_bounds(name):
    found = performed(LIBRARY, Asked(name, most=40))
    assert 0 < len(found["panes"][0]["requests"]["id"]) <= 40
    assert found["controls"]


@pytest.mark.parametrize(
    "name", ["office-forward-proxy", "website-reverse-proxy", "both-ends", "cache-tiers"]
)
def test_every_control_can_be_moved_to_its_ends(name):
    scenario = ps.load(name)
    for control in controls_of(scenario):
        match control["kind"]:
            case "menu":
                ends = control["options"]
            case "slider":
                ends = [control["low"], control["high"]]
            case "switch":
                ends = [True, False]
            case _:
                ends = [[] if control["label"] == "filters" else None]
        for end in ends:
            scenario.set(control["path"], end)


def test_controls_begin_where_the_scenario_stands():
    found = {control["path"]: control for control in controls_of(ps.load("website-reverse-proxy"))}
    assert found["nodes.edge.balancer"]["value"] == "least_connections"
    assert "round_robin" in found["nodes.edge.balancer"]["options"]
    assert found["nodes.shop.speed.3"]["value"] == 0.5
    assert found["nodes.shop.service.exponential"]["value"] == 0.06
    assert found["links.1.latency"]["quantity"] == "time"
    for control in found.values():
        if control["kind"] == "slider":
            assert control["low"] <= control["value"] <= control["high"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked("nowhere"), "there is no scenario 'nowhere'"),
        (Asked("../one-server"), "there is no scenario"),
        (Asked("/etc/passwd"), "there is no scenario"),
        (Asked("one-server", ("nodes.x=1",)), "nodes has no 'x'"),
        (Asked("one-server", ("nodes.server.count=500",)), "more than a page can show"),
        (Asked("website-reverse-proxy", ("sites.shop.example.objects=9000000",)), "objects"),
        (Asked("one-server", ("nodes.server.workers=none",)), "workers"),
        (Asked("one-server", ("a=b",) * 100), "too many settings"),
        (Asked("one-server", ("a=" + "b" * 9999,)), "too many settings, or one too long"),
        (Asked("one-server", versus=("without server",)), "server"),
        (Asked("one-server", ("nonsense",)), "path and a value"),
        (Asked("one-server", ('nodes.users.arrivals={"replay": "/etc/passwd"}',)), "no files but"),
        (
            Asked("one-server", ('nodes.users.arrivals={"replay": {"file": "/etc/passwd"}}',)),
            "no files but",
        ),
        (Asked("replay-access-log", ("nodes.visitors.arrivals.replay.file=/a",)), "no files but"),
        (
            Asked("office-forward-proxy", ('nodes.gateway.categories={"x": ["/etc/hosts"]}',)),
            "no files but",
        ),
        (Asked("one-server", ("costs=/a/costs.yaml",)), "no files but"),
        (Asked("one-server", versus=('costs={"profile": "x.yml"}',)), "no files but"),
    ],
)
def test_what_cannot_be_is_said(asked, said):
    with pytest.raises(ps.ScenarioError, match=said):
        performed(LIBRARY, asked)


def test_a_rate_however_high_is_cut_to_what_a_page_shows():
    found = performed(
        LIBRARY, Asked("website-reverse-proxy", ("nodes.visitors.arrivals=5000",), most=300)
    )
    assert found["panes"][0]["total"] <= 400


def test_a_run_that_takes_too_long_is_ended_and_the_next_one_is_not():
    worker = Worker(LIBRARY, patience=0.0)
    try:
        with pytest.raises(ps.RunError, match="took longer"):
            worker.perform(Asked("website-reverse-proxy"))
        worker.patience = 200.0
        found = json.loads(worker.perform(Asked("one-server", most=20)))
        assert found["panes"][0]["scenario"] == "one-server"
        with pytest.raises(ps.RunError, match="there is no scenario"):
            worker.perform(Asked("nowhere"))
    finally:
        worker.close()


class Here:
    """A worker that performs in this process."""

    def perform(self, asked):
        return json.dumps(performed(LIBRARY, asked))


def fetched(path, method="GET", **fields):
    app = application(LIBRARY, Here(), "one-server")

    async def ask():
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
            return await client.request(method, path, headers=fields)

    return asyncio.run(ask())


def test_the_page_and_its_parts():
    page = fetched("/")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "import " not in fetched("/player.js").text.split("\n")[0]
    assert fetched("/player.css").headers["content-type"].startswith("text/css")
    known = fetched("/scenarios").json()
    assert known["first"] == "one-server"
    assert len(known["scenes"]["website-reverse-proxy"]) == len(LADDERS["website-reverse-proxy"])


def test_the_same_address_is_the_same_run():
    address = "/run?scenario=one-server&seed=5&set=run.duration%3D1"
    one, other = fetched(address), fetched(address)
    assert one.status_code == 200
    assert one.json() == other.json()
    assert one.json()["seed"] == 5


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("scenario=one-server&tee=1", "settings that nobody knows: tee"),
        ("scenario=one-server&seed=-3", "whole number"),
        ("scenario=one-server&seed=99999999999999999999", "whole number"),
        (f"scenario=one-server&seed={'9' * 5000}", "whole number"),
        ("scenario=nowhere", "there is no scenario"),
        ("", "there is no scenario"),
        ("scenario=one-server&set=run.duration%3D-1", "duration"),
    ],
)
def test_an_address_that_cannot_be_is_answered_in_words(query, said):
    answer = fetched(f"/run?{query}")
    assert answer.status_code == 400
    assert said in answer.json()["problem"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "evil.example:8000"}, 421),
        ({"host": "127.0.0.1"}, 421),
        ({"host": "127.0.0.1.evil.example:8000"}, 421),
        ({"host": ""}, 421),
        ({"host": "localhost:8000"}, 200),
        ({"host": "127.0.0.1:8000"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "http://127.0.0.1:8000"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9000"}, 403),
        ({"origin": "http://localhost:8000"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://evil.example", "host": "evil.example"}, 421),
    ],
)
def test_only_this_machine_and_this_page_are_served(fields, status):
    assert fetched("/scenarios", **fields).status_code == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_but_get(method):
    assert fetched("/run?scenario=one-server", method=method).status_code == 405
