"""The documentation holds: its commands run, its figures are real, its scenarios load."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import proxysim as ps

ROOT = Path(__file__).resolve().parents[1]
TOOL = runpy.run_path(str(ROOT / "docs" / "readme_outputs.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCENARIOS = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = list(TOOL["shown"](README))
SHOWN = [each for page in TOOL["PAGES"] for each in TOOL["shown"](page.read_text(encoding="utf-8"))]
#: A shop of four servers with each of them down in turn: many runs.
LONG = "plan website-reverse-proxy"
STALE = "run `python docs/readme_outputs.py --write`"


def blocks(text, kind):
    return [block for block in TOOL["blocks"](text) if block.kind == kind]


@pytest.fixture
def place(tmp_path):
    for name, content in TOOL["files"](README).items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def test_the_readme_shows_what_people_come_to_do():
    commands = [example.block.command for example in EXAMPLES if example.block.kind == "console"]
    assert {"office-forward-proxy", "website-reverse-proxy", "replay-access-log"} <= {
        word for command in commands for word in command.split()
    }
    assert sorted(TOOL["files"](README)) == ["plain.yaml", "shop.yaml"]


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(example, marks=[pytest.mark.slow] if LONG in example.block.body else [])
        for example in SHOWN
    ],
    ids=lambda example: example.block.body[:60],
)
def test_an_output_that_is_shown_is_what_comes_out(example, place):
    assert TOOL["real"](example, place) == example.block.body, STALE


def test_a_figure_that_is_not_real_is_noticed(place):
    example = next(found for found in EXAMPLES if "plain.yaml" in found.block.command)
    wrong = example.block.body.replace("5,564", "5,565")
    assert TOOL["real"](example, place) != wrong != example.block.body


def test_outputs_are_trimmed_to_what_is_asked_for():
    lines = ["title", "", "  one", "1", "", "two", "2", "three", "3"]
    trimmed = lambda spans: list(TOOL["_trimmed"](lines, spans))  # noqa: E731
    assert trimmed("one .. two") == ["...", "  one", "1", "..."]
    assert trimmed("one .. two; three ..") == ["...", "  one", "1", "...", "three", "3"]
    assert trimmed("title .. ") == lines


@pytest.mark.parametrize("text", [README, SCENARIOS], ids=["README", "scenarios"])
def test_its_scenarios_load(text):
    whole, parts = [], []
    for block in blocks(text, "yaml"):
        (whole if block.body.startswith("proxysim:") else parts).append(block.body)
    assert whole
    for body in whole:
        assert ps.simulate(ps.loads(body).set("run.duration", "6s")).summary().requests["ok"]
    for part in parts:
        ps.loads(whole[-1] + part)


@pytest.mark.parametrize("block", blocks(SCENARIOS, "python"), ids=lambda block: block.body[:40])
def test_the_python_in_the_guide_to_scenarios_runs(block):
    exec(block.body, {"ps": ps})


def test_its_other_commands_run(place):
    log = (ROOT / "scenarios" / "data" / "blog-access.log").read_text(encoding="utf-8")
    (place / "access.log").write_text("".join(log.splitlines(keepends=True)[:50]), encoding="utf-8")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    ran = 0
    for block in blocks(README, "sh"):
        for command in block.body.splitlines():
            if command.startswith("make "):
                words = ["make", "--dry-run", "-C", ROOT, command.split()[1]]
            elif command.startswith("proxysim "):
                words = ["sh", "-c", command]
            else:
                continue
            asked = subprocess.run(
                words, cwd=place, env={**os.environ, "PATH": path}, capture_output=True, check=False
            )
            assert asked.returncode == 0, asked.stderr
            ran += 1
    assert ran >= 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).strip().replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, heading = target.partition("#")
        if "://" in target or file == "NNNN-name.md":
            continue
        assert not file or (page.parent / file).exists(), target
        assert file or heading in headings, target


def test_the_picture_is_small():
    assert 10_000 < TOOL["PICTURE"].stat().st_size < 200_000
    assert TOOL["PICTURE"].relative_to(ROOT).as_posix() in README


def test_decisions_are_numbered_in_order():
    names = sorted(file.name for file in (ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert [int(name[:4]) for name in names] == list(range(len(names)))
    for name in names[1:]:
        text = (ROOT / "docs" / "adr" / name).read_text(encoding="utf-8")
        assert text.startswith(f"# {name[:4]}. ")
        assert re.search(r"^Status: (proposed|accepted|superseded)", text, re.MULTILINE)
        for part in ("## Context", "## Decision", "## Consequences"):
            assert part in text
