"""The shipped scenarios: each is complete, small enough to run at once, and fits the schema."""

import json
import pathlib
import re
import runpy

import jsonschema
import pytest

from proxysim.scenario import load, loads, shipped
from proxysim.scenario.nodes import Clients
from proxysim.scenario.reference import schema_text, with_tables
from proxysim.scenario.schema import json_schema

ROOT = pathlib.Path(__file__).parents[2]
STALE = "run `python -m proxysim.scenario.reference`"


def test_the_five_are_there():
    assert set(shipped()) >= {
        "office-forward-proxy",
        "website-reverse-proxy",
        "both-ends",
        "replay-access-log",
        "one-server",
    }


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_scenario_asks_something_and_ends_soon(name):
    scenario = load(name)
    assert scenario.title
    assert scenario.question.endswith("?")
    assert scenario.watch_for
    run = scenario.document.run
    assert 60 <= run.duration <= 300
    rates = [
        node.arrivals.poisson or 0
        for node in scenario.document.nodes.values()
        if isinstance(node, Clients)
    ]
    assert sum(rates) * run.duration <= 60_000
    if name != "one-server":  # which is all free, to be held against a formula
        assert scenario.document.costs


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_scenario_fits_the_schema_that_editors_use(name):
    scenario = load(name)
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.validate(scenario.to_dict())
    first_line = shipped()[name].read_text(encoding="utf-8").splitlines()[0]
    assert first_line == "# yaml-language-server: $schema=../docs/scenario.schema.json"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("nodes.edge.balancer", "least_conections"),
        ("nodes.edge.tls", "off"),
        ("nodes.edge.cahce", {}),
        ("nodes.shop.workers", 0),
        ("nodes.visitors.arrivals", {"poisson": 1, "even": 1}),
        ("nodes.visitors.kind", "client"),
        ("events", [{"node": "shop"}]),
    ],
)
def test_the_schema_sees_mistakes_too(path, value):
    tree = load("website-reverse-proxy").to_dict()
    *parents, last = path.split(".")
    part = tree
    for step in parents:
        part = part[step]
    part[last] = value
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(tree))


def test_the_schema_is_one_and_the_committed_file_is_current():
    jsonschema.Draft202012Validator.check_schema(json_schema())
    committed = (ROOT / "docs" / "scenario.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(), STALE
    assert json.loads(committed)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_reference_is_current_and_its_example_loads():
    text = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    assert with_tables(text) == text, STALE
    assert "| `base` | time, `10ms` | `0.025` |" in text  # of whole numbers alone the .0 is cut off
    (example,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    assert loads(example).title == "Two servers behind a balancer"


def test_the_log_is_what_its_script_makes():
    data = ROOT / "scenarios" / "data"
    made = runpy.run_path(str(data / "make_log.py"))["log"]()
    assert (data / "blog-access.log").read_text(encoding="ascii") == made
    assert {line.split('" ')[1].split()[0] for line in made.splitlines()} == {
        "200", "206", "301", "304", "404",
    }  # fmt: skip


def test_the_scenario_of_the_formula_is_busy_four_fifths_of_the_time():
    document = load("one-server").document
    users, server = document.nodes["users"], document.nodes["server"]
    assert users.arrivals.poisson * server.service.exponential / server.workers == pytest.approx(
        0.8
    )
    assert document.links is None
    assert not document.costs
