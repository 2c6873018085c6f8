"""A scenario's costs: a profile, a file, steps on top; and what a proxy overrides."""

import pytest

from proxysim.costs import NOTHING, TYPICAL
from proxysim.errors import ScenarioError
from proxysim.scenario import load, loads
from proxysim.scenario.costing import costs_of, read_profile, with_profile

TEXT = """\
proxysim: 1
title: x
sites: {a.example: {}}
nodes:
  users: {kind: clients, arrivals: 1}
  edge: {kind: reverse_proxy, sites: [a.example], backends: app}
  app: {kind: server}
"""


def test_what_is_not_mentioned_is_free():
    assert costs_of(loads(TEXT).document) == NOTHING


def test_a_profile_and_steps_on_top_of_it():
    scenario = loads(TEXT).set("costs", "typical")
    assert costs_of(scenario.document) == TYPICAL
    changed = costs_of(scenario.set("costs.request", "1us").document)
    assert changed.request == pytest.approx(1e-6)
    assert changed.tls_handshake == TYPICAL.tls_handshake


def test_a_proxy_overrides_steps_for_itself_alone():
    document = loads(TEXT).set({"costs": "typical", "nodes.edge.costs.request": "9us"}).document
    assert costs_of(document, "edge").request == pytest.approx(9e-6)
    assert costs_of(document, "edge").encrypt == TYPICAL.encrypt
    assert costs_of(document, "app") == costs_of(document) == TYPICAL


def test_a_profile_of_ones_own_stands_in_a_file(tmp_path):
    (tmp_path / "mine.yaml").write_text("profile: typical\nrequest: 3us\n")
    (tmp_path / "s.yaml").write_text(TEXT + "costs: {profile: mine.yaml, hit: 2us}\n")
    scenario = load(tmp_path / "s.yaml")
    costs = costs_of(scenario.document, directory=scenario.directory)
    assert (costs.request, costs.hit) == (pytest.approx(3e-6), pytest.approx(2e-6))
    assert costs.encrypt == TYPICAL.encrypt


def test_a_mistake_in_that_file_names_it(tmp_path):
    (tmp_path / "mine.yaml").write_text("reqest: 3us\n")
    (tmp_path / "s.yaml").write_text(TEXT + "costs: mine.yaml\n")
    with pytest.raises(ScenarioError, match=r"mine\.yaml: no step is called"):
        load(tmp_path / "s.yaml")


def test_a_profile_takes_the_place_of_all_costs_but_heads():
    scenario = loads(TEXT).set({"costs": "typical", "nodes.edge.costs.request": "9us"})
    scenario = scenario.set(with_profile(scenario.document, {"request": "40us"}))
    costs = costs_of(scenario.document, "edge")
    assert costs.request == pytest.approx(40e-6)
    assert costs.hit == costs.tls_handshake == costs.encrypt == 0
    heads = (TYPICAL.request_head, TYPICAL.response_head)
    assert (costs.request_head, costs.response_head) == heads


def test_heads_are_a_profiles_where_it_says_how_long_they_are():
    scenario = loads(TEXT).set("costs", "typical")
    for steps, expected in (
        ({"profile": "nothing"}, 0),
        ({"request_head": 7}, 7),
        ({}, TYPICAL.request_head),
    ):
        changed = scenario.set(with_profile(scenario.document, steps))
        assert costs_of(changed.document).request_head == expected


def test_a_profile_may_say_how_it_was_measured(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("measured: {machine: mine, date: 2026-11-23}\nrequest: 3us\n")
    assert read_profile(file) == {"request": "3us"}
    scenario = loads(TEXT).set("costs", str(file))
    assert costs_of(scenario.document).request == pytest.approx(3e-6)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TEXT, "this is a scenario"),
        ("measured: yesterday\nrequest: 3us\n", "when and with what"),
        ("upstreams: {}\n", "no step is called 'upstreams'"),
        ("request: 40 parsecs\n", "a time such as"),
    ],
)
def test_what_is_no_profile_is_refused(text, told, tmp_path):
    file = tmp_path / "foreign.yaml"
    file.write_text(text)
    with pytest.raises(ScenarioError, match=told) as error:
        read_profile(file)
    assert "foreign.yaml" in str(error.value)


def test_a_single_step_may_be_varied_after_the_profile(tmp_path):
    from proxysim.cli.chosen import chosen

    (tmp_path / "s.yaml").write_text(TEXT + "costs: typical\n")
    (tmp_path / "mine.yaml").write_text("request: 3us\nhit: 2us\n")
    varied = ["costs.hit=9us", "nodes.edge.costs.request=8us"]
    scenario = chosen(str(tmp_path / "s.yaml"), varied, tmp_path / "mine.yaml")
    costs = costs_of(scenario.document, "edge")
    assert (costs.hit, costs.request) == (pytest.approx(9e-6), pytest.approx(8e-6))
    assert costs_of(scenario.document).request == pytest.approx(3e-6)
