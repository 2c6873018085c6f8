"""Whatever is loaded: a scenario comes out, or an error of the ScenarioError family."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.scenario import Scenario, from_dict, load, loads, parse_assignment, shipped

TREES = {name: load(name).to_dict() for name in shipped()}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in shipped().items()}

WORDS = (
    *("kind", "server", "forward_proxy", "clients", "router", "poisson", "for", "sites", "through"),
    *("10ms", "-3", "60%", "1e400/s", "nan", "lru", "typical", "x.yaml", "profile", "costs"),
    *("shop", "shop-1", "edge", "gateway", "shop.example", ".", ""),
)
words = st.sampled_from(WORDS)
numbers = st.integers() | st.floats() | st.sampled_from([0, 1, -1, 2**63, 10**400, 1e308])
scalars = st.none() | st.booleans() | numbers | words | st.text(max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


def _parts(tree: Any) -> list[tuple[Any, Any]]:
    """Every place in *tree*, as what holds it and its key there."""
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    return [place for key in keys for place in [(tree, key), *_parts(tree[key])]]


def _survives(make: Any) -> None:
    try:
        found = make()
    except ScenarioError as error:
        told = str(error)
    else:
        assert isinstance(found, Scenario)
        assert loads(found.to_yaml(), directory=found.directory) == found
        return
    assert 0 < len(told) < 10_000


@settings(max_examples=300)
@given(st.sampled_from(sorted(TREES)), st.data())
def test_shipped_scenarios_with_a_few_parts_changed(name, data):
    tree = copy.deepcopy(TREES[name])
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(_parts(tree)))
        change = data.draw(st.sampled_from(["replace", "remove", "rename"]))
        if change == "replace":
            holder[key] = data.draw(values)
        elif change == "remove":
            del holder[key]
        elif isinstance(holder, dict):
            holder[data.draw(words)] = holder.pop(key)
    _survives(lambda: from_dict(tree))


@settings(max_examples=100)
@given(st.sampled_from(sorted(TEXTS)), st.data())
def test_shipped_files_with_some_text_changed(name, data):
    text = TEXTS[name]
    start = data.draw(st.integers(0, len(text)))
    end = start + data.draw(st.integers(0, 12))
    noise = data.draw(st.text(st.sampled_from("{}[]:,-#&*!|>'\"%@` \n\tax1?<~\0é"), max_size=8))
    _survives(lambda: loads(text[:start] + noise + text[end:], "fuzzed.yaml"))


@settings(max_examples=200)
@given(st.text(max_size=60) | st.text(st.sampled_from("{}[]:,-#&*!|>'\"%? \n\tab1<~"), max_size=60))
def test_any_text(text):
    _survives(lambda: loads(text))


@settings(max_examples=100)
@given(values)
def test_any_tree(tree):
    _survives(lambda: from_dict(tree))


@settings(max_examples=200)
@given(st.sampled_from(sorted(TREES)), st.data())
def test_any_value_at_any_path(name, data):
    scenario = load(name)
    steps = data.draw(st.lists(words | st.sampled_from(sorted(TREES[name]["nodes"])), max_size=4))
    path = ".".join(
        [data.draw(st.sampled_from(["nodes", "run", "sites", "links", "costs"])), *steps]
    )
    _survives(lambda: scenario.set(path, data.draw(values)))


@settings(max_examples=100)
@given(st.text(max_size=20))
def test_any_assignment(text):
    try:
        parse_assignment(text)
    except ScenarioError:
        pass


@pytest.mark.parametrize("wrong", [None, True, -1, 1.5, 10**400, "", "?", [], [{}], {}, {"a": {}}])
@pytest.mark.parametrize("name", ["office-forward-proxy", "website-reverse-proxy"])
def test_every_part_replaced_by_what_is_wrong_there(name, wrong):
    for number in range(len(_parts(TREES[name]))):
        tree = copy.deepcopy(TREES[name])
        holder, key = _parts(tree)[number]
        holder[key] = wrong
        _survives(lambda tree=tree: from_dict(tree))
