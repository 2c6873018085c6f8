"""In a notebook the same talk has buttons."""

import base64

import ipywidgets
import pytest

from proxysim.errors import ResultError
from proxysim.learn import topic


def buttons(box):
    """Those that can still be pressed, in order."""
    for child in getattr(box, "children", ()):
        if isinstance(child, ipywidgets.Button) and not child.disabled:
            yield child
        yield from buttons(child)


def outputs(box):
    for child in getattr(box, "children", ()):
        yield from getattr(child, "outputs", ())
        yield from outputs(child)


def texts(box):
    for output in outputs(box):
        yield output["data"].get("text/markdown", "")


def test_a_quiz_is_pressed_through(progress):
    box = topic("filtering").quiz().widget(progress)
    for _ in range(20):
        pressed = list(buttons(box))
        if not pressed:
            break
        fields = [child for row in box.children for child in _fields(row) if not child.disabled]
        if fields:
            fields[0].value = "1"
        pressed[0].click()
    said = "\n".join(texts(box))
    assert "of 5 right" in said
    assert said.endswith("That is all.")
    assert progress.done("filtering") == ["quiz"]


def _fields(box):
    for child in getattr(box, "children", ()):
        if isinstance(child, ipywidgets.Text):
            yield child
        yield from _fields(child)


def test_a_picture_shows_its_figure(progress):
    box = topic("filtering").picture().widget(progress)
    (field,) = [each for row in box.children for each in _fields(row)]
    field.value = "not a number"
    next(buttons(box)).click()
    field = [each for row in box.children for each in _fields(row)][-1]
    field.value = "30%"
    next(buttons(box)).click()
    said = "\n".join(texts(box))
    assert "no answer here" in said
    (chart,) = [found for each in outputs(box) if (found := each["data"].get("image/png"))]
    assert base64.b64decode(chart, validate=True).startswith(b"\x89PNG")
    assert progress.predictions()["filtering/predict-clips"]["answer"] == 0.3


def test_enter_answers_as_the_button_does(progress):
    box = topic("filtering").picture().widget(progress)
    (field,) = [each for row in box.children for each in _fields(row)]
    field.value = "30%"
    field._handle_custom_msg({"event": "submit"}, [])
    assert progress.predictions()["filtering/predict-clips"]["answer"] == 0.3
    assert field.disabled


def test_what_was_pressed_is_marked_and_nothing_says_that_it_runs(progress):
    box = topic("filtering").socratic().widget(progress)
    pressed, *others = buttons(box)
    pressed.click()
    assert pressed.icon
    assert not any(each.icon for each in others)
    assert "running it" not in "\n".join(texts(box))


def test_what_goes_wrong_behind_a_button_is_shown(progress, monkeypatch):
    box = topic("filtering").socratic().widget(progress)

    def full(*_):
        raise ResultError("the disk is full", mend="Make room.")

    monkeypatch.setattr(type(progress), "answer", full)
    next(buttons(box)).click()
    assert "the disk is full" in list(texts(box))[-1]


def test_a_way_shows_itself():
    for mode in ("picture", "socratic", "quiz", "cards"):
        way = topic("filtering").way(mode)
        assert way._repr_markdown_().startswith("### Filtering and censorship")


def test_a_picture_has_a_chart():
    assert topic("filtering").picture().chart().get_title(loc="left")


def test_no_such_topic_or_way():
    with pytest.raises(ResultError, match="Did you mean 'caching'"):
        topic("cashing")
    with pytest.raises(ResultError, match="picture"):
        topic("caching").way("film")


def test_a_missing_extra_names_the_command(progress, monkeypatch):
    monkeypatch.setattr("proxysim.learn.widgets.find_spec", lambda name: None)
    with pytest.raises(ResultError, match=r"pip install 'proxysim\[notebook\]'"):
        topic("tls").quiz().widget(progress)
