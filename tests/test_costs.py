"""Costs: nothing by default, linear in size, read from a scenario with their units."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.costs import NOTHING, PROFILES, TYPICAL, Coding, Costs, from_mapping
from proxysim.errors import ScenarioError

TASKS = ("request", "hit", "tls_full", "tls_resumed", "tls_client", "encrypt", "decrypt")
CODINGS = ("gzip", "br", "zstd")
ALL_TASKS = (*TASKS, *(f"compress:{coding}" for coding in CODINGS))


@pytest.mark.parametrize("task", ALL_TASKS)
def test_what_is_not_mentioned_is_free(task):
    assert NOTHING.work(task, 1e9) == 0.0
    assert TYPICAL.work(task) > 0.0


@given(size=st.floats(0, 1e9), task=st.sampled_from(ALL_TASKS))
def test_work_is_linear_in_size(size, task):
    assert TYPICAL.work(task, size) == pytest.approx(size * TYPICAL.work(task))


def test_tasks_are_the_fields_they_name():
    costs = Costs(1, 2, 3, 4, 5, 6, {"zstd": Coding(8, 2)}, decrypt=7)
    assert [costs.work(task, 10) for task in (*TASKS, "compress:zstd")] == [
        10,
        20,
        30,
        40,
        50,
        60,
        70,
        80,
    ]
    assert replace(costs, request=9).work("request") == 9


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("costs", PROFILES.values(), ids=PROFILES)
@given(size=st.integers(0, 10**9))
def test_coding_makes_text_smaller_but_not_nothing(costs, coding, size):
    coded = costs.compressed(size, coding)
    assert coded <= size
    assert (coded == 0) == (size == 0)
    assert coded == pytest.approx(size / costs.compress[coding].ratio, abs=1)


def test_typical_costs_keep_their_order():
    assert TYPICAL.work("tls_resumed") < TYPICAL.work("tls_full") < TYPICAL.work("tls_client")
    assert TYPICAL.work("hit") < TYPICAL.work("request") < TYPICAL.work("tls_full")
    assert (
        TYPICAL.work("compress:zstd") < TYPICAL.work("compress:br") < TYPICAL.work("compress:gzip")
    )


def test_the_scenario_says_it_with_units():
    costs = from_mapping(
        {
            "request": "40us",
            "hit": 1e-5,
            "encrypt": "5GB/s",
            "compress": {"zstd": {"speed": "500MB/s"}, "br": {"ratio": 6}},
            "request_head": "1kB",
        }
    )
    assert costs.work("request") == pytest.approx(40e-6)
    assert costs.work("hit") == 1e-5
    assert costs.work("encrypt", 5e9) == pytest.approx(1.0)
    assert costs.work("compress:zstd", 5e8) == pytest.approx(1.0)
    assert costs.compressed(450, "zstd") == NOTHING.compressed(450, "zstd") == 100
    assert costs.compressed(600, "br") == 100
    assert costs.request_head == 1000
    assert costs.tls_handshake == 0.0


def test_profiles_and_what_differs_from_them():
    assert from_mapping("typical") is TYPICAL
    assert from_mapping({}) == NOTHING
    assert from_mapping({"profile": "typical"}) == TYPICAL
    assert from_mapping({"request": 1}, TYPICAL) == replace(TYPICAL, request=1.0)
    assert from_mapping({"profile": "typical", "request": 1}) == replace(TYPICAL, request=1.0)


def test_every_field_can_be_written():
    written = {
        field.name: {} if field.name == "compress" else 1 for field in fields(Costs) if field.init
    }
    from_mapping(written)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ("typicle", "costs: no profile is called 'typicle'. Did you mean 'typical'"),
        ({"profile": 7}, "costs.profile: no profile is called 7"),
        ({"reqest": "1ms"}, "costs: no step is called 'reqest'. Did you mean 'request'"),
        ({"request": "1 fortnight"}, "costs.request: found '1 fortnight'"),
        ({"request": -1}, "costs.request: found -1"),
        ({"encrypt": "5 parsecs"}, "costs.encrypt: found '5 parsecs'"),
        ({"encrypt": "0B/s"}, "costs.encrypt: found '0B/s'"),
        ({"compress": "zstd"}, "costs.compress: found 'zstd'"),
        (
            {"compress": {"zst": {}}},
            "costs.compress: no coding is called 'zst'. Did you mean 'zstd'",
        ),
        ({"compress": {"zstd": 3}}, "costs.compress.zstd: found 3"),
        ({"compress": {"zstd": {"ratio": 0.5}}}, "costs.compress.zstd.ratio: found 0.5"),
        ({"compress": {"zstd": {"rate": 2}}}, "Did you mean 'ratio'"),
        ({"request_head": "much"}, "costs.request_head: found 'much'"),
        (7, "costs: found 7"),
        ({3: 4}, "costs: no step is called 3"),
    ],
)
def test_an_impossible_cost_is_refused(found, says):
    with pytest.raises(ScenarioError) as caught:
        from_mapping(found)
    assert says in str(caught.value)


def test_an_unknown_task_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        TYPICAL.work("compress:lzma", 1)
