"""Exercises: right answers are found right, wrong ones are told what they show."""

import pytest

import proxysim as ps
from proxysim.errors import ResultError, ScenarioError, UnitError
from proxysim.learn import check
from proxysim.learn.arithmetic import names_in
from proxysim.learn.exercises import exercises
from proxysim.learn.figures import names_used

STOCK = exercises()


@pytest.mark.parametrize("name", STOCK.exercises)
def test_an_exercise_uses_only_what_there_is(name):
    asked = STOCK.exercises[name]
    assert not STOCK.unknown
    known = set(STOCK.figures)
    if asked.is_:
        assert names_in(asked.is_) <= known
        assert all(names_in(wrong.when) <= known | {"answer"} for wrong in asked.wrong)
    elif asked.word:
        assert {wrong.when for wrong in asked.wrong} == set(asked.of) - {asked.word}
    else:
        known = set(asked.reads) | set(asked.values)
        assert all(names_in(demand.that) <= known for demand in asked.demands)
        assert all(names_used(demand.otherwise) <= known for demand in asked.demands)
        assert asked.demands
    texts = [asked.right, *(wrong.say for wrong in asked.wrong)]
    assert all(names_used(text) <= known for text in texts)


def test_a_word(progress):
    wrong = check("whose-side", "reverse")
    assert not wrong
    assert "before servers" in str(wrong)
    assert check("whose-side", " Forward ")
    assert progress.exercises() == {"whose-side": {"right": True, "tries": 2}}
    with pytest.raises(ResultError, match="forward, reverse"):
        check("whose-side", "both")


def test_a_number():
    run = ps.load("office-forward-proxy").set({"run.duration": "60s", "run.warmup": "10s"})
    hits = ps.simulate(run, seed=7).summary().hit_ratio["gateway"]
    assert check("office-hits", hits)
    assert check("office-hits", f"{hits:.1%}")
    assert "tunnels" in str(check("office-hits", "99%"))
    assert "more than 10 %" in str(check("office-hits", "10%"))
    with pytest.raises(UnitError, match="30%"):
        check("office-hits", "a lot")


def test_a_scenario():
    given = ps.load("unequal-servers").set("run.duration", "40s")
    assert "Equal counts" in str(check("fewer-waits", given))
    solved = given.set("nodes.edge.balancer", "least_connections")
    assert check("fewer-waits", solved)
    assert "Change nothing but" in str(check("fewer-waits", solved.set("nodes.shop.speed", 2)))
    with pytest.raises(ScenarioError, match=r"proxysim\.load"):
        check("fewer-waits", 3)


def test_no_such_exercise():
    with pytest.raises(ResultError, match="fewer-waits"):
        check("fewer-wait", 3)
