"""What the site is made of is complete; `make docs` builds it, and breaks at a wrong link."""

import re
import runpy
from pathlib import Path

import pytest

import proxysim as ps
from proxysim.charts import CHARTS

ROOT = Path(__file__).resolve().parents[1]
SITE = runpy.run_path(str(ROOT / "docs" / "build_site.py"))
GALLERY = runpy.run_path(str(ROOT / "docs" / "gallery.py"))


@pytest.fixture(scope="module")
def pages():
    return dict(SITE["pages"]())


def test_every_page_stands_in_the_contents_once(pages):
    trees = re.findall(r"```\{toctree\}\n(?::[^\n]*\n)*\n(.*?)```", pages["index.md"], re.DOTALL)
    listed = [name for tree in trees for name in tree.split()]
    assert len(set(listed)) == len(listed)
    made = {"index.md", "decisions.md", *(name for name in pages if name.startswith("adr/"))}
    wanted = {name.rsplit(".", 1)[0] for name in set(pages) - made}
    assert set(listed) == wanted | {"decisions", "gallery/index"}


def test_pages_and_lessons_are_all_there(pages):
    there = {f"{page.stem}.md" for page in (ROOT / "docs").glob("*.md")}
    there |= {f"lessons/{lesson.name}" for lesson in (ROOT / "notebooks").glob("*.ipynb")}
    assert there <= set(pages)


def test_the_reference_knows_every_public_name(pages):
    text = pages["reference.md"]
    for name in set(ps.__all__) - {"__version__"}:
        assert f":: proxysim.{name}\n" in text
    for draw in set(CHARTS.values()):
        assert f"{draw.__module__}.{draw.__name__}\n" in text


def test_every_command_is_told(pages):
    for name in ("run", "compare", "plan", "learn"):
        assert f"## proxysim {name}\n" in pages["commands.md"]
        assert f"Usage: proxysim {name} " in pages["commands.md"]
    assert "\x1b" not in pages["commands.md"]


def test_a_file_is_left_alone_where_nothing_changed(tmp_path):
    file = tmp_path / "deep" / "page.md"
    SITE["write"](file, b"one")
    before = file.stat().st_mtime_ns
    SITE["write"](file, b"one")
    assert file.stat().st_mtime_ns == before
    SITE["write"](file, b"two")
    assert file.read_bytes() == b"two"


def test_a_page_of_the_gallery(tmp_path):
    (tmp_path / "0-topology.png").write_bytes(b"")
    page = GALLERY["page"]("retry-storm", tmp_path)
    assert page.startswith("# A retry storm\n\n**Why is the site still down")
    assert "`--set nodes.edge.retry.budget=20%`" in page
    assert "$ proxysim run retry-storm --without edge\n" in page
    assert "![Topology](images/retry-storm-0-topology.png)" in page
    assert "<summary>The scenario, retry-storm.yaml</summary>" in page


def test_what_tells_most_of_a_run_comes_first():
    failing = ps.simulate(ps.load("fast-failing-backend").set("run.duration", "30s"))
    assert next(GALLERY["telling"](failing)) == "outcomes"
    quiet = ps.simulate(ps.load("one-server").set("run.duration", "30s"))
    assert list(GALLERY["telling"](quiet)) == ["latency_ccdf"]
