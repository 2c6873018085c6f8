"""Lessons are what they are to be; the first is executed here, all of them by `make notebooks`."""

import re
import runpy
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("jupytext", reason="the extra `notebook` is not installed")
pytest.importorskip("nbclient", reason="the extra `notebook` is not installed")

import nbformat

from proxysim.learn.exercises import exercises

ROOT = Path(__file__).resolve().parents[2]
TOOL = runpy.run_path(str(ROOT / "docs" / "lessons.py"))
SOURCES = TOOL["sources"]()
MEASURE = re.compile(r"\d\s?(%|ms|s|min|[kMG]?B|/s|times|requests)(?!\w)")


def book(source):
    return TOOL["notebook"](source)


def prose(source):
    texts = [cell.source for cell in book(source).cells if cell.cell_type == "markdown"]
    return [re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL) for text in texts]


def code(source):
    return [cell.source for cell in book(source).cells if cell.cell_type == "code"]


def first(cells, *words):
    return next(number for number, cell in enumerate(cells) if any(w in cell for w in words))


each = pytest.mark.parametrize("source", SOURCES, ids=lambda file: file.stem)


def test_they_are_numbered_in_order_and_each_leads_to_the_next():
    assert [int(file.name[:2]) for file in SOURCES] == list(range(len(SOURCES)))
    for source, after in pairwise(SOURCES):
        assert prose(source)[-1].rstrip(".").endswith(f"({after.stem}.ipynb)")


@each
def test_a_lesson_asks_before_it_runs_and_ends_with_what_to_remember(source):
    cells = [cell.source for cell in book(source).cells]
    assert re.match(rf"# {source.name[:2]} · .+\n\n\*\*.+\?\*\*", cells[0], re.DOTALL)
    assert first(cells, "= predict(") < first(cells, ".outcome(") < first(cells, "check(")
    exercise = first(cells, "## Exercise")
    solution = first(cells, "<details>\n<summary>Solution</summary>\n")
    assert exercise < solution < first(cells, "## What to remember") == len(cells) - 1
    assert all(text.count("<details>") == text.count("</details>") for text in cells)


@each
def test_its_exercises_are_there_and_have_solutions(source):
    asked = set(re.findall(r'^check\("([\w-]+)"', "\n".join(code(source)), re.MULTILINE))
    assert asked
    assert asked <= set(exercises().exercises)
    solved = re.findall(
        r'^assert check\("([\w-]+)"', "\n".join(TOOL["solutions"](book(source))), re.MULTILINE
    )
    assert set(solved) == asked


@each
def test_predictions_are_told_apart(source):
    keys = re.findall(r'predict\(\s*"([\w-]+)"', "\n".join(code(source)))
    assert len(keys) == len(set(keys))
    assert all(key.startswith(source.name[:2]) for key in keys)


@each
def test_prose_types_no_figure(source):
    for text in prose(source):
        assert not MEASURE.search(text), text


@each
def test_the_notebook_beside_it_is_of_this_source(source):
    file = source.with_suffix(".ipynb")
    there = nbformat.read(file, as_version=4)
    assert [cell.source for cell in there.cells] == [cell.source for cell in book(source).cells]
    assert file.stat().st_size < 600_000
    kinds = [o.output_type for cell in there.cells for o in cell.get("outputs", [])]
    assert "error" not in kinds
    assert sum("image/png" in o.get("data", {}) for c in there.cells for o in c.get("outputs", []))
    assert not re.search(r"0x[0-9a-f]{8,}", file.read_text(encoding="utf-8"))


@each
def test_links_lead_somewhere(source):
    for text in prose(source):
        for target in re.findall(r"\]\(([^)#]+)", text):
            assert "://" in target or (source.parent / target).exists(), target


def test_the_first_lesson_comes_out_as_it_is_shown():
    source = SOURCES[0]
    there = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    lines = list(TOOL["told"](TOOL["executed"](source)))
    assert lines == list(TOOL["told"](there))


def test_a_figure_that_is_not_real_is_noticed():
    there = nbformat.read(SOURCES[0].with_suffix(".ipynb"), as_version=4)
    before = list(TOOL["told"](there))
    cell = next(cell for cell in there.cells if "outcome(" in cell.source)
    data = cell.outputs[0].data
    data["text/markdown"] = re.sub(r"\d+", "99", data["text/markdown"])
    assert list(TOOL["told"](there)) != before
    cell.metadata.tags = ["measured"]
    assert "99" not in "".join(TOOL["told"](there))


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """Write the source of a lesson of the test's own, and give it."""
    monkeypatch.setitem(TOOL["main"].__globals__, "NOTEBOOKS", tmp_path)
    source = tmp_path / "00-odd.py"

    def written(*cells):
        source.write_text("".join(f"# %%\n{cell}\n\n" for cell in cells), encoding="utf-8")
        return source

    return written


def test_what_differs_from_run_to_run_is_settled(lesson):
    book = TOOL["executed"](
        lesson(
            "import os; print(os.environ['PROXYSIM_PROGRESS'] != '')",
            "from ipywidgets import interact\n_ = interact(lambda n: n, n=(0, 3))",
            "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
            "from IPython.display import Markdown\nMarkdown('*1*')",
        )
    )
    printed, slider, picture, text = (cell.outputs[-1] for cell in book.cells)
    assert printed.text == "True\n"
    assert slider.data["text/markdown"] == TOOL["STILL"]
    assert len(picture.data["image/png"]) < 40_000
    assert picture.data["text/plain"] == "<picture>"
    assert text.data["text/plain"] == "*1*"
    assert {*book.metadata} == {"kernelspec", "language_info"}


@pytest.mark.parametrize(
    "cell", ["1 / 0", "from ipywidgets import interact\n_ = interact(lambda n: 1 / n, n=0)"]
)
def test_a_lesson_or_slider_that_fails_is_named(lesson, capsys, cell):
    lesson(cell)
    assert TOOL["main"](["00"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("00-odd.py: ")
    assert "ZeroDivisionError" in told
    assert "\x1b" not in told


def test_a_name_that_no_lesson_has_is_refused():
    with pytest.raises(SystemExit, match="no lesson begins with 99"):
        TOOL["main"](["00", "99"])
