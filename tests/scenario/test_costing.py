"""A scenario's costs: a profile, a file, steps on top; and what a proxy overrides."""

import pytest

from proxysim.costs import NOTHING, TYPICAL
from proxysim.errors import ScenarioError
from proxysim.scenario import load, loads
from proxysim.scenario.costing import costs_of

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
