"""Values to vary: lists as they are, ranges spelt out, and designs that leave no part unvisited."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim import units
from proxysim.errors import ProxysimError
from proxysim.studies.grids import Range, latin_hypercube, parse_varied, range_of, values_of


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("1..4", [1, 2, 3, 4]),
        ("1 .. 4", [1, 2, 3, 4]),
        ("1..9:3", [1, 5, 9]),
        ("1..8:4:log", [1, 2, 4, 8]),
        ("1..3:5", [1, 2, 3]),
        ("0.5..1.5:3", [0.5, 1.0, 1.5]),
        ("100/s..800/s:8", [f"{rate}00/s" for rate in range(1, 9)]),
        ("1MB..1GB:4:log", ["1MB", "10MB", "100MB", "1000MB"]),
        ("500kB..1MB:2:linear", ["500kB", "1000kB"]),
        ("10%..90%:3", ["10%", "50%", "90%"]),
        ("-1..1:3", [-1, 0, 1]),
    ],
)
def test_a_range_is_its_values(said, values):
    assert values_of(said, "x") == pytest.approx(values) if said[0] == "0" else values
    path, found = parse_varied(f"nodes.shop.count={said}")
    assert path == "nodes.shop.count"
    assert values_of(found, path) == values


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("round_robin,random", ["round_robin", "random"]),
        ("2, 4,8", [2, 4, 8]),
        ("{even: 2/s}, {closed: {think: 1s}}", [{"even": "2/s"}, {"closed": {"think": "1s"}}]),
        ("[1, 1, 0.5]", [[1, 1, 0.5]]),
        ("true,false", [True, False]),
        ("'a,b',c", ["a,b", "c"]),
        ("www.example", ["www.example"]),
        ("1,2..3", [1, "2..3"]),
    ],
)  # fmt: skip
def test_lists_are_read_as_a_scenario_is(said, values):
    assert parse_varied(f"a.b={said}") == ("a.b", values)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nodes.shop.count", "path and its values"),
        ("=1,2", "path and its values"),
        ("a=", "path and its values"),
        ("a=8..1", "smaller end first"),
        ("a=1..1", "smaller end first"),
        ("a=0.5..1", "Say how many values"),
        ("a=100/s..800/s", "Say how many values, as in 100/s..800/s:8"),
        ("a=1..8:1", "from 2 to"),
        ("a=1..8:x", "Write ranges like this"),
        ("a=1..8:4:cubic", "Write ranges like this"),
        ("a=0..8:4:log", "begin above zero"),
        ("a=1MB..8/s:4", "different kinds"),
        ("a=1..99999999", "Take fewer"),
        ("a=[1", "a"),
    ],
)
def test_a_wrong_range_is_told(text, told):
    with pytest.raises(ProxysimError) as found:
        values_of(parse_varied(text)[1], "a")
    assert told in str(found.value)


@pytest.mark.parametrize("found", [[], 3, {"a": 1}, "round_robin", [1, 2, 1], None])
def test_what_is_no_list_of_different_values_is_told(found):
    with pytest.raises(ProxysimError):
        values_of(found, "nodes.shop.count")


def test_numbers_of_numpy_and_ranges_of_python_will_do():
    assert values_of(np.array([1, 2]), "x") == [1, 2]
    assert values_of(range(1, 4), "x") == [1, 2, 3]
    assert type(values_of(np.linspace(0, 1, 3), "x")[0]) is float


@given(st.integers(2, 40), st.floats(1, 1e4), st.floats(1.5, 1e3), st.booleans())
def test_ends_are_kept_and_steps_are_even(count, low, ratio, log):
    high = low * ratio
    values = Range(low, high, "ms", count, log).values()
    numbers = [units.duration(value) * 1e3 for value in values]
    digits = 1e-3 if log else 1e-5
    assert numbers[0] == pytest.approx(low, rel=digits)
    assert numbers[-1] == pytest.approx(high, rel=digits)
    assert len(numbers) == count or not log or ratio < 1.1
    steps = np.diff(np.log(numbers) if log else numbers)
    assert (steps >= 0).all()
    if ratio > 2 and count < 20:
        assert steps == pytest.approx(np.full(len(steps), steps.mean()), rel=0.05)


@given(st.integers(2, 60), st.integers(0, 1000))
def test_a_latin_hypercube_meets_every_part_once(count, seed):
    design = latin_hypercube({"a": "0.0..1.0:2", "b": "1/s..1000/s:2:log"}, count, seed)
    assert len(design) == count
    first = sorted(math.floor(min(point["a"], 1 - 1e-9) * count + 1e-3) for point in design)
    assert len(set(first)) >= 0.9 * count
    second = [math.log10(units.rate(point["b"])) / 3 for point in design]
    assert len({math.floor(share * count) for share in second}) >= 0.9 * count
    assert latin_hypercube({"a": "0.0..1.0:2", "b": "1/s..1000/s:2:log"}, count, seed) == design


def test_whole_numbers_and_names_are_drawn_about_equally_often():
    design = latin_hypercube({"n": "1..4", "b": ["x", "y", "z"]}, 120, 3)
    for key, values in (("n", [1, 2, 3, 4]), ("b", ["x", "y", "z"])):
        counts = [sum(point[key] == value for point in design) for value in values]
        assert sum(counts) == 120
        assert max(counts) - min(counts) <= 2


@pytest.mark.parametrize("count", [0, 1, 10**6])
def test_a_design_of_no_points_or_too_many_is_refused(count):
    with pytest.raises(ProxysimError, match="at random"):
        latin_hypercube({"n": range(1, 5)}, count, 1)


def test_text_that_is_no_range_is_none():
    for text in ("round_robin", "1", "a..b", "..", "1..", "1..2..3"):
        assert range_of(text, "x") is None
