"""Cells on disk: whole or not at all, found again by all that they depend on, told when damaged."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

import proxysim as ps
from proxysim.errors import ResultError
from proxysim.studies import store as module
from proxysim.studies.metrics import Prices, metric
from proxysim.studies.store import Cell, Store, code_digest, keys_of, usual_place

SCENARIO = ps.load("one-server")
KEY = "ab" + 62 * "0"
CELL = Cell({"mean": 0.1 + 0.2, "p99": None, "p50": 5e-324}, 1234)


def keys(scenario=SCENARIO, seed=1, names=("mean",)):
    return keys_of(scenario, seed, 2, [metric(name) for name in names])


def test_what_is_kept_is_found_to_the_last_bit(tmp_path):
    Store(tmp_path / "deep" / "cells").put(KEY, CELL)
    found = Store(tmp_path / "deep" / "cells").get(KEY)
    assert found == CELL
    assert list(found.values) == list(CELL.values)
    assert Store(tmp_path / "deep" / "cells").get("cd" + 62 * "0") is None


@given(st.dictionaries(st.text(max_size=9), st.floats(allow_nan=False, allow_infinity=False)))
def test_any_values_come_back(tmp_path_factory, values):
    store = Store(tmp_path_factory.mktemp("cells"))
    store.put(KEY, Cell(values, 1))
    assert store.get(KEY) == Cell(values, 1)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[:40],
        lambda content: content.replace(b"1234", b"1235"),
        lambda content: b"\xff" + content,
        lambda content: content.partition(b"\n")[2],
        lambda content: content + b" ",
    ],
)
def test_a_damaged_cell_is_none_and_is_told(tmp_path, damage):
    store = Store(tmp_path)
    store.put(KEY, CELL)
    (file,) = tmp_path.rglob(f"{KEY}.json")
    file.write_bytes(damage(file.read_bytes()))
    assert store.get(KEY) is None
    assert store.damaged == [KEY]
    store.put(KEY, CELL)
    assert store.get(KEY) == CELL


def test_a_cell_under_anothers_name_is_damaged(tmp_path):
    store = Store(tmp_path)
    store.put(KEY, CELL)
    other = "ab" + 62 * "1"
    (file,) = tmp_path.rglob(f"{KEY}.json")
    shutil.copy(file, file.with_name(f"{other}.json"))
    assert store.get(other) is None


def test_nothing_is_left_beside_the_cells(tmp_path):
    store = Store(tmp_path)
    for _ in range(3):
        store.put(KEY, CELL)
    names = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert names == [f"{KEY}.json", "store.json"]


def test_all_that_values_depend_on_makes_another_name():
    different = [
        keys(),
        keys(SCENARIO.set("run.duration", "70s")),
        keys(seed=2),
        keys(names=("mean", "p99")),
        keys(names=("p99",)),
        keys(ps.load("website-reverse-proxy")),
        keys(ps.load("website-reverse-proxy").without("edge")),
        keys_of(SCENARIO, 1, 2, [metric("cost", Prices(1))]),
        keys_of(SCENARIO, 1, 2, [metric("cost", Prices(2))]),
    ]
    flat = [key for found in different for key in found]
    assert len(set(flat)) == len(flat)
    assert all(len(key) == 64 for key in flat)


def test_equal_scenarios_have_one_name_however_they_are_written():
    assert keys(SCENARIO.set("run.duration", "300s")) == keys(SCENARIO.set("run.duration", "5min"))
    assert keys_of(SCENARIO, 1, 5, [metric("mean")])[:2] == keys()


def test_a_file_that_a_scenario_names_counts_by_its_content(tmp_path):
    shipped = ps.load("replay-access-log")
    path = next(
        f"nodes.{name}.arrivals.replay.file"
        for name, node in shipped.document.nodes.items()
        if node.kind == "clients"
    )
    log = tmp_path / "some.log"
    line = '1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET /{} HTTP/1.0" 200 23\n'
    log.write_text("".join(line.format(n) for n in range(5)))
    scenario = shipped.set(path, str(log))
    before = keys(scenario)
    assert keys(scenario) == before
    log.write_text("".join(line.format(n) for n in range(6)))
    assert keys(scenario) != before


def test_other_code_finds_other_cells(monkeypatch):
    before = keys()
    monkeypatch.setattr(module, "code_digest", lambda: "another")
    assert keys() != before
    assert len(code_digest()) == 64


def test_a_store_of_another_version_is_refused(tmp_path):
    Store(tmp_path)
    (tmp_path / "store.json").write_text(json.dumps({"proxysim": "0.0.1", "format": 7}))
    with pytest.raises(ResultError, match=r"proxysim 0\.0\.1, format 7; this is .*another store"):
        Store(tmp_path)
    (tmp_path / "store.json").write_text("[")
    with pytest.raises(ResultError, match="proxysim unknown"):
        Store(tmp_path)


def test_a_directory_of_other_things_is_left_alone(tmp_path):
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(ResultError, match="something else"):
        Store(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]
    with pytest.raises(ResultError, match="cannot be written to"):
        Store(tmp_path / "letters.txt" / "cells")


def test_the_usual_place_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert usual_place().parent == tmp_path / "proxysim"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert ".cache" in usual_place().parts
