"""``proxysim learn``, as typed."""

import json

import pytest
from typer.testing import CliRunner

from proxysim.cli import app
from proxysim.learn import predict
from proxysim.learn.progress import Progress


def typed(*words, lines="", status=0):
    found = CliRunner().invoke(app, ["learn", *map(str, words)], input=lines)
    assert found.exit_code == status, (found.output, found.exception)
    return found


def test_alone_it_shows_the_map():
    said = typed().stdout
    assert "two-proxies" in said
    assert "capacity" in said
    assert "Go on with: proxysim learn two-proxies" in said


def test_a_dialogue_can_be_left_and_nothing_is_lost(progress):
    said = typed("filtering", "--mode", "quiz", lines="a\nb\nq\n").stdout
    assert "All that you have answered is kept." in said
    assert len(progress.answers("filtering", "quiz")) == 2
    assert not progress.done("filtering")


def test_the_end_of_input_leaves_as_well(progress):
    said = typed("filtering", "--mode", "picture", lines="30%\n").stdout
    assert "You predicted 30 %" in said
    assert "All that you have answered is kept." in said
    assert "filtering/predict-clips" in progress.predictions()


def test_ctrl_c_leaves_what_was_answered(progress, monkeypatch):
    answers = iter(["a\n"])

    def interrupted():
        try:
            return next(answers)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr("proxysim.cli.lesson._typed", interrupted)
    found = typed("filtering", "--mode", "quiz", status=130)
    assert "All that you have answered is kept." in found.stderr
    assert len(progress.answers("filtering", "quiz")) == 1


def test_what_is_not_understood_is_asked_again_with_an_example():
    said = typed("filtering", "--mode", "picture", lines="lots\n\n").stdout
    assert "“lots” is no answer here. Write, for example, 30%." in said
    assert "Just guess" in said


def test_without_a_mode_it_asks_which_way(progress):
    said = typed("filtering", lines="x\nq\n").stdout
    assert "Which way?" in said
    assert "Write, for example, picture" in said
    said = typed("filtering", lines="\n").stdout
    assert "the picture" in said
    progress.finish("filtering", "picture")
    assert "a dialogue" in typed("filtering", lines="\n").stdout


def test_the_map_shows_progress(progress):
    progress.finish("two-proxies", "picture")
    progress.answer("two-proxies", "quiz", "q-define", True)
    said = typed().stdout
    assert "1/5" in said
    assert "✓" in said


def test_json_is_plain_data():
    found = json.loads(typed("--json").stdout)
    assert len(found["topics"]) == 10
    quiz = json.loads(typed("filtering", "--mode", "quiz", "--json").stdout)
    assert len(quiz["questions"]) == 5
    assert "{" not in json.dumps([question["ask"] for question in quiz["questions"]])
    other = json.loads(typed("filtering", "--mode", "quiz", "--json", "--seed", 3).stdout)
    assert other != quiz
    whole = json.loads(typed("filtering", "--json").stdout)
    assert whole["quiz"] == quiz


def test_the_report_sets_predictions_beside_outcomes():
    assert "No predictions yet" in typed("--report").stdout
    predict("a", "How many hits?", "30%", unit="share").outcome(0.67)
    predict("b", "How long?", "2s", unit="s")
    said = typed("--report").stdout
    assert "30 %" in said
    assert "67 %" in said
    assert "0 of 1 predictions" in said
    found = json.loads(typed("--report", "--json").stdout)
    assert [each["close"] for each in found["predictions"]] == [False, None]


def test_progress_may_be_kept_elsewhere(tmp_path, progress):
    typed("filtering", "--mode", "quiz", "--progress", tmp_path / "mine.json", lines="a\n")
    assert Progress(tmp_path / "mine.json").answers("filtering", "quiz")
    assert not progress.path.exists()


def test_a_damaged_file_is_said_so(progress):
    progress.path.parent.mkdir()
    progress.path.write_text("{")
    found = typed()
    assert "could not be understood" in found.stderr
    assert progress.path.with_name("progress.json.damaged-1").read_text() == "{"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cashing"], "Did you mean 'caching'?"),
        (["caching", "--mode", "film"], "picture"),
        (["--mode", "quiz"], "--mode needs a topic"),
        (["--mode", "quiz", "--json"], "--mode needs a topic"),
        (["--export", "anke", "x.apkg"], "Did you mean 'anki'?"),
        (["--export", "jupytercards", "no/such/place.json"], "Name another file"),
        (["--report", "--progress", "/dev/null/x"], "PROXYSIM_PROGRESS"),
    ],
)
def test_bad_input(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "jupytercards" in words:
        words = ["compression", *words]
    found = typed(*words, status=2)
    assert said in found.stderr


def test_due_cards_are_reviewed_without_a_topic(progress):
    assert "No card is due" in typed("--mode", "cards").stdout


def test_export_says_what_it_wrote(tmp_path):
    said = typed("compression", "--export", "jupytercards", tmp_path / "cards.json").stdout
    assert "4 cards" in said.replace("\n", " ")


def test_a_prediction_is_kept_before_the_simulation_runs(progress, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("proxysim.learn.figures.answered", interrupted)
    typed("filtering", "--mode", "picture", lines="5%\n", status=130)
    assert progress.predictions()["filtering/predict-clips"]["answer"] == 0.05
