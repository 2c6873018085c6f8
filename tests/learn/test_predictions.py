"""Predictions are kept, and held against what came."""

import json

import pytest

from proxysim.errors import ResultError, UnitError
from proxysim.learn import predict
from proxysim.learn.progress import VARIABLE, Progress


@pytest.mark.parametrize(
    ("answer", "unit", "kept", "outcome", "said"),
    [
        ("30%", "share", 0.3, 0.67, "You predicted 30 %; it is 67 %: 37 percentage points more."),
        (0.3, "share", 0.3, 0.31, "You predicted 30 %; it is 31 %: well predicted."),
        ("45", "share", 0.45, 0.4, "You predicted 45 %; it is 40 %: well predicted."),
        ("200ms", "s", 0.2, 0.05, "200 ms; it is 50.0 ms: you expected 4.0 times as much."),
        (0.2, "s", 0.2, 0.9, "200 ms; it is 900 ms: 4.5 times as much."),
        ("1,500", "", 1500, 3000, "1,500; it is 3,000: 2.0 times as much."),
        ("3 servers", "servers", 3, 6, "3 servers; it is 6 servers: 2.0 times as much."),
        ("2,5", "times", 2.5, 2.4, "2.5; it is 2.4: well predicted."),
        ("3MB", "B", 3e6, 0.0, "3.00 MB; it is 0 B: less than that."),
        ("0", "", 0, 5, "0; it is 5: more than you expected."),
        ("LRU", "text", "LRU", "lru", "You predicted LRU; it is lru: well predicted."),
        ("LRU", "text", "LRU", "sieve", "You predicted LRU; it is sieve: not what you expected."),
    ],
)
def test_the_gap_is_shown_and_kept(progress, answer, unit, kept, outcome, said):
    made = predict("key", "How much?", answer, unit=unit)
    assert made.answer == kept
    assert progress.predictions()["key"]["answer"] == kept
    gap = made.outcome(outcome)
    assert said in str(gap)
    assert gap.text in gap._repr_markdown_()
    assert progress.predictions()["key"] == {
        "question": "How much?", "answer": kept, "unit": unit, "outcome": outcome,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "unit", "example"),
    [
        ("a lot", "share", "30%"), ("1", "share", "30%"), ("200 %", "share", "30%"),
        ("soon", "s", "200ms"),
        ("15", "s", "200ms"), ("-3", "", "12"), ("", "B", "20kB"), (None, "s", "200ms"),
        ("many", "servers", "12 servers"),
    ],
)  # fmt: skip
def test_what_is_no_such_quantity_is_answered_with_an_example(answer, unit, example):
    with pytest.raises(UnitError, match=f"your answer to 'key'.*{example}"):
        predict("key", "How much?", answer, unit=unit)


def test_an_outcome_is_finite():
    with pytest.raises(ResultError, match="finite number"):
        predict("key", "How much?", 3).outcome(float("nan"))


def test_a_prediction_may_be_kept_elsewhere(tmp_path, progress):
    place = tmp_path / "elsewhere.json"
    predict("key", "How much?", 3, progress=place).outcome(3)
    assert Progress(place).predictions()["key"]["outcome"] == 3
    assert not progress.path.exists()


def test_progress_stands_in_the_folder_for_data(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Progress().path == tmp_path / "proxysim" / "progress.json"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Progress().path == tmp_path / ".local" / "share" / "proxysim" / "progress.json"


@pytest.mark.parametrize(
    "damage",
    [
        b"", b"{", b"\xff\xfe", b"[]", b'{"version": 99}', b'{"version": 1, "cards": []}',
        b'{"version": 1, "answers": {"a": {"quiz": {"q": 3}}}}',
        b'{"version": 1, "done": {"a": 1}}',
    ],
)  # fmt: skip
def test_a_damaged_file_is_set_aside_and_said_so(progress, damage):
    progress.path.parent.mkdir()
    progress.path.write_bytes(damage)
    found = Progress()
    assert "damaged-1" in found.notes[0]
    assert found.predictions() == {}
    found.exercise("one", True)
    assert json.loads(found.path.read_text())["exercises"] == {"one": {"right": True, "tries": 1}}
    aside = found.path.with_name("progress.json.damaged-1")
    assert aside.read_bytes() == damage
    found.path.write_bytes(b"{")
    assert "damaged-2" in Progress().notes[0]


def test_two_at_once_lose_nothing(progress):
    other = Progress()
    progress.answer("caching", "quiz", "one", True)
    other.answer("caching", "quiz", "two", False)
    progress.answer("caching", "quiz", "one", False)
    assert other.answers("caching", "quiz") == {
        "one": {"right": False, "tries": 2}, "two": {"right": False, "tries": 1},
    }  # fmt: skip
    assert [file.name for file in progress.path.parent.iterdir()] == ["progress.json"]


def test_what_cannot_be_written_names_the_mend(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultError, match=VARIABLE):
        predict("key", "How much?", 3, progress=tmp_path / "file" / "progress.json")
