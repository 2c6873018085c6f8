"""``docs/policies.md`` is as the menus are, and tells of every strategy why to trust it."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOL = runpy.run_path(str(ROOT / "docs" / "policies.py"))
ENTRIES = [
    pytest.param(family, name, id=f"{family.title}: {name}")
    for family in TOOL["FAMILIES"]
    for name in family.menu
]


def test_the_page_is_as_the_menus_are():
    assert (ROOT / "docs" / "policies.md").read_text(encoding="utf-8") == TOOL["page"](), (
        "run `python docs/policies.py --write`"
    )


@pytest.mark.parametrize(("family", "name"), ENTRIES)
def test_every_policy_has_a_rule_a_cost_a_source_and_a_proof(family, name):
    said = TOOL["said"](family.menu[name])
    assert said.rule.endswith(".")
    assert said.cost
    assert said.source
    assert TOOL["proving"](family, name) or TOOL["contract"](family)


@pytest.mark.parametrize("name", TOOL["BALANCERS"])
def test_every_balancer_says_all_there_is_to_say(name):
    family = TOOL["FAMILIES"][0]
    said = TOOL["said"](family.menu[name])
    assert said.cost
    assert said.members
    assert said.source
    assert TOOL["proving"](family, name)
    for parameter, accepts, _ in TOOL["parameters"](family.menu[name]):
        assert parameter
        assert accepts


def test_what_a_docstring_says_is_told_apart():
    class Made:
        """Take *one* of ``these``. O(1) a time; no state. It is kept.

        More of :class:`~a.b.C`.

        Members: nobody.

        Source: here; there.
        """

    said = TOOL["said"](Made)
    assert said.rule == "Take *one* of `these`. It is kept."
    assert said.how == ("More of `C`.",)
    assert (said.cost, said.members, said.source) == (
        "O(1) a time; no state.",
        "nobody.",
        "here; there.",
    )


def test_a_test_of_what_is_held_within_proves_nothing_of_it():
    family = TOOL["FAMILIES"][0]
    laws = {proof.law for proof in TOOL["proving"](family, "random")}
    assert "random is blind to weights and weighted random is not" in laws
    assert "a client that keeps its cookie returns to its backend" not in laws
    assert not any("refused" in law for law in laws)
