"""The guide to extending holds: its balancer is a good one, and runs when it is listed."""

import importlib.util
import re
import runpy
from pathlib import Path
from random import Random

import pytest

import proxysim as ps
from proxysim.policies.backend import Backend
from proxysim.policies.balancers import BALANCERS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = runpy.run_path(str(ROOT / "docs" / "readme_outputs.py"))["files"](PAGE)


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    file = tmp_path_factory.mktemp("extending") / "join_idle.py"
    file.write_text(FILES["join_idle.py"], encoding="utf-8")
    spec = importlib.util.spec_from_file_location("join_idle", file)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_who_is_idle_is_asked(module):
    balancer = module.JoinIdle(Random(1))
    pool = [Backend("a", in_flight=2), Backend("b"), Backend("c", in_flight=1), Backend("d")]
    chosen = {balancer.choose(None, pool).name for _ in range(50)}
    assert chosen == {"b", "d"} == set(balancer.explain(None, pool)["candidates"])
    for backend in pool:
        backend.in_flight += 1
    assert len({balancer.choose(None, pool).name for _ in range(50)}) == 4


def test_what_is_listed_runs(module, monkeypatch):
    monkeypatch.setitem(BALANCERS, "join_idle", module.JoinIdle)
    scenario = ps.load("unequal-servers").set("run.duration", "15s")
    run = ps.simulate(scenario.set("nodes.edge.balancer", "join_idle"), hops="all", explain=True)
    assert run.summary().requests["ok"] > 500
    for choice in run.choices:
        assert choice["backend"] in choice["why"]["candidates"]


def test_the_line_for_the_menu_is_right():
    line = re.search(r'^BALANCERS\["join_idle"\] = JoinIdle', PAGE, re.MULTILINE)
    assert line
    menu = (ROOT / "proxysim/policies/balancers/__init__.py").read_text(encoding="utf-8")
    assert "BALANCERS: dict" in menu
    assert "join_idle" not in BALANCERS


@pytest.mark.parametrize("path", re.findall(r"`((?:proxysim|tests|docs)/[\w/.]+)`", PAGE))
def test_the_files_it_names_are_there(path):
    assert (ROOT / path).exists() or path.endswith("join_idle.py")
