"""Cards come back when they are about to be forgotten."""

from datetime import UTC, datetime, timedelta

import pytest

from proxysim.errors import ResultError
from proxysim.learn import repetition, topic
from proxysim.learn.export import write
from proxysim.learn.progress import Progress
from proxysim.learn.standing import standing
from proxysim.learn.ways import review
from tests.learn.walking import walk

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def known(ask, _):
    return "good" if ask.example == "good" else ""


def test_new_cards_are_turned_and_come_back_later(progress):
    cards = topic("compression").lesson.cards.cards
    heard = walk(topic("compression").cards().walk(progress), known)
    assert len(heard.asked) == 2 * len(cards)
    assert set(progress.cards()) == {f"compression/{card.id}" for card in cards}
    again = walk(topic("compression").cards().walk(progress), known)
    assert not again.asked
    assert "No card is due" in again.text
    later = datetime.now(UTC) + timedelta(days=30)
    found = standing(progress, later)
    assert found["due"] == len(cards)
    assert "cards" in progress.done("compression")


def test_a_card_known_better_comes_back_later():
    def wait(rated):
        state = repetition.reviewed(None, "card", rated, NOW)
        for _ in range(3):
            due = datetime.fromisoformat(state["due"])
            state = repetition.reviewed(state, "card", rated, due)
        return datetime.fromisoformat(state["due"]) - due

    again, hard, good, easy = map(wait, (1, 2, 3, 4))
    assert again <= hard < good < easy


def test_reviewing_is_repeatable():
    one = repetition.reviewed(None, "card", 3, NOW)
    assert one == repetition.reviewed(None, "card", 3, NOW)
    assert one["card_id"] != repetition.reviewed(None, "another", 3, NOW)["card_id"]


def test_what_fsrs_cannot_read_begins_anew():
    state = repetition.reviewed({"due": "soon"}, "card", 3, NOW)
    assert state == repetition.reviewed(None, "card", 3, NOW)


def test_review_turns_only_what_is_due(progress):
    assert not walk(review(7, progress), known).asked
    yesterday = repetition.reviewed(None, "tls/three", 1, NOW)
    progress.card("tls/three", yesterday)
    progress.card("gone/card", yesterday)
    heard = walk(review(7, progress), known)
    assert [ask.id for ask in heard.asked] == ["tls/three", "tls/three"]
    assert standing(Progress())["due"] == 0


@pytest.mark.parametrize(
    ("answer", "rating"),
    [
        ("a", 1),
        ("again", 1),
        ("H", 2),
        ("good", 3),
        (" e ", 4),
        ("4", 4),
        ("", None),
        ("so so", None),
    ],
)
def test_ratings(answer, rating):
    assert repetition.rating(answer) == rating


def test_a_rating_that_is_not_understood_is_asked_for_again(progress):
    said = iter(["", "so so", "good"])
    cards = topic("compression").cards()
    heard = walk(cards.turn(cards.lesson.cards.cards[0], progress), lambda *_: next(said))
    assert "**good**" in heard.text


def test_a_missing_extra_names_the_command(progress, monkeypatch, tmp_path):
    monkeypatch.setattr("proxysim.learn.repetition.find_spec", lambda name: None)
    with pytest.raises(ResultError, match=r"fsrs.*pip install 'proxysim\[learn\]'"):
        next(topic("tls").cards().walk(progress))
    with pytest.raises(ResultError, match=r"genanki.*pip install 'proxysim\[learn\]'"):
        write("anki", tmp_path / "x.apkg", "tls")
