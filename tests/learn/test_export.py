"""What is exported can be read back, and keeps its identity."""

import json
import sqlite3
import zipfile

import pytest

from proxysim.errors import ResultError
from proxysim.learn import repetition, topic, topics
from proxysim.learn.export import write


def notes(package, place):
    """Guid, fields and deck of every note in an Anki package."""
    place.mkdir()
    with zipfile.ZipFile(package) as archive:
        archive.extract("collection.anki2", place)
    connection = sqlite3.connect(place / "collection.anki2")
    try:
        decks = json.loads(connection.execute("select decks from col").fetchone()[0])
        rows = connection.execute(
            "select n.guid, n.flds, n.mid, c.did from notes n join cards c on c.nid = n.id"
        ).fetchall()
    finally:
        connection.close()
    return {
        guid: (flds.split("\x1f"), mid, decks[str(did)]["name"]) for guid, flds, mid, did in rows
    }


def test_the_anki_package_is_read_back(tmp_path):
    said = write("anki", tmp_path / "one.apkg", "tls")
    found = notes(tmp_path / "one.apkg", tmp_path / "read")
    cards = topic("tls").cards().to_dict()["cards"]
    assert said == f"{len(cards)} cards in one deck"
    assert len(found) == len(cards)
    fronts = {fields[0] for fields, _, _ in found.values()}
    assert fronts == {card["front"] for card in cards}
    assert {deck for _, _, deck in found.values()} == {"proxysim::Where encryption ends"}


def test_cards_keep_their_ids_whatever_the_seed_and_the_topics_beside_them(tmp_path):
    write("anki", tmp_path / "one.apkg", "tls")
    write("anki", tmp_path / "again.apkg", "tls", seed=3)
    one = notes(tmp_path / "one.apkg", tmp_path / "a")
    again = notes(tmp_path / "again.apkg", tmp_path / "b")
    assert set(one) == set(again)
    assert {mid for _, mid, _ in one.values()} == {mid for _, mid, _ in again.values()}


def test_ids_are_all_different():
    keys = [(name, card.id) for name, each in topics().items() for card in each.lesson.cards.cards]
    assert len(keys) == len(set(keys)) == len({repetition.number("/".join(key)) for key in keys})


def test_jupytercards(tmp_path):
    write("jupytercards", tmp_path / "cards.json", "compression")
    found = json.loads((tmp_path / "cards.json").read_text(encoding="utf-8"))
    assert all(set(card) == {"front", "back"} for card in found)
    assert len(found) == len(topic("compression").lesson.cards.cards)


def test_jupyterquiz(tmp_path):
    """As schema/mc_schema.json and num_schema.json of jupyterquiz have it."""
    write("jupyterquiz", tmp_path / "quiz.json", "compression")
    found = json.loads((tmp_path / "quiz.json").read_text(encoding="utf-8"))
    assert len(found) == 5
    for question in found:
        assert question["question"]
        assert all(answer["feedback"] for answer in question["answers"])
        if question["type"] == "multiple_choice":
            assert sum(answer["correct"] for answer in question["answers"]) == 1
            assert all(answer["answer"] for answer in question["answers"])
        else:
            assert question["type"] == "numeric"
            right, other = question["answers"]
            assert right["range"][0] < right["range"][1]
            assert other["type"] == "default"
    assert {question["type"] for question in found} == {"multiple_choice", "numeric"}


def test_a_quantity_is_asked_for_in_a_unit_that_the_question_names(tmp_path):
    write("jupyterquiz", tmp_path / "quiz.json", "tls")
    found = json.loads((tmp_path / "quiz.json").read_text(encoding="utf-8"))
    (numeric,) = [question for question in found if question["type"] == "numeric"]
    low, high = numeric["answers"][0]["range"]
    assert "(in ms)" in numeric["question"]
    assert low < 1000 * topic("tls").quiz().figures["through_p50"] < high


@pytest.mark.parametrize("form", ["anki", "jupyterquiz", "jupytercards"])
def test_what_cannot_be_written_is_told(form, tmp_path):
    with pytest.raises(ResultError, match="Name another file"):
        write(form, tmp_path / "nowhere" / "file", "compression")
