"""The reader takes what a scenario needs, keeps its lines, and refuses the rest in one sentence."""

import pytest

from proxysim.errors import ScenarioError
from proxysim.scenario.yaml_reader import MAX_BYTES, decode, read


def test_only_true_and_false_are_truth_values():
    tree = read("a: {b: yes, c: off, d: true, e: False, f: 'true'}", "x").tree
    assert tree == {"a": {"b": "yes", "c": "off", "d": True, "e": False, "f": "true"}}


def test_numbers_are_decimal_and_dates_and_clock_times_stay_text():
    text = "{a: 1:30, b: 010, c: 2024-01-01, d: 1e3, e: 1_000, f: -.5, g: 0x1F, h: 7, i: }"
    assert read(text, "x").tree == {
        "a": "1:30", "b": "010", "c": "2024-01-01", "d": 1000.0, "e": 1000, "f": -0.5,
        "g": "0x1F", "h": 7, "i": None,
    }  # fmt: skip


def test_keys_are_text_whatever_they_look_like():
    assert read("{on: 1, 2: 3, 1.5: x}", "x").tree == {"on": 1, "2": 3, "1.5": "x"}


def test_every_part_knows_its_line():
    source = read("a:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n", "f.yaml")
    assert source.at(("a", "b")) == "f.yaml:2"
    assert source.at(("a", "c", 1, "d")) == "f.yaml:5"
    assert source.at(("a", "missing")) == "f.yaml:1"
    assert source.at(()) == "f.yaml:1"


def test_merge_keys_fill_in_and_own_keys_win():
    text = "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nn: {y: 9, <<: [*b, *m]}"
    assert read(text, "x").tree["n"] == {"x": 1, "y": 9, "z": 4}


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a: !!python/object/apply:os.system [x]", "x:1", "!!python/object/apply:os.system"),
        ("a: 1\nb: !date 2024", "x:2", "tag !date"),
        ("a: !!int x", "x:1", "tag !!int"),
        ("a: 1\nb: 2\na: 3", "x:3", "a is given twice, first in line 1"),
        ("a: {b: 1,\n  b: 2}", "x:2", "a.b is given twice"),
        ("a: &a [*a]", "x:1", "holds itself"),
        ("a: &a {<<: *a, b: 1}", "x:1", "into itself"),
        ("a: {<<: 3}", "x:1", "<< takes a mapping"),
        ("a: 1\nb: 9223372036854775808", "x:2", "Give a number below 9,223,372,036,854,775,808"),
        ("a: -99_999_999_999_999_999_999", "x:1", "found -99_999_999_999_999_999_999"),
        ("a: *b", "x:1", "no anchor is named 'b'"),
        ("a:\n\tb: 1", "x:2", "tab"),
        ("a: b: c", "x:1", "second ': '"),
        ("a: {b: c: d}", "x:1", "second ': '"),
        ("a: {{ count }}", "x:1", "as a key"),
        ("a: {b", "x:1", "not YAML"),
        ("---\na: 1\n---\nb: 1", "x:3", "second document"),
        ("a: 1\x07", "x:1", "U+0007"),
        ("- 1", "x:1", "found a list"),
        ("hello", "x:1", "found the text 'hello'"),
        ("", "x", "empty"),
        ("# nothing", "x", "empty"),
        ("[" * 5000, "x:1", "nested"),
        ("a: " + "[1]," * 5, "x:1", "not YAML"),
    ],
)
def test_what_is_refused_is_named_with_its_line(text, place, says):
    with pytest.raises(ScenarioError) as caught:
        read(text, "x")
    assert caught.value.place == place
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_aliases_that_explode_are_refused():
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(ScenarioError, match="aliases unfold"):
        read("\n".join(lines), "x")


def test_a_file_that_is_not_utf8_or_too_large_is_refused():
    with pytest.raises(ScenarioError) as caught:
        decode(b"a: 1\nb: \xff\n", "x")
    assert caught.value.place == "x:2"
    with pytest.raises(ScenarioError, match="right file"):
        decode(b" " * (MAX_BYTES + 1), "x")
    assert decode(b"\xef\xbb\xbfa: 1", "x") == "a: 1"
