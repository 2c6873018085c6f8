"""The page in a browser: every control is used, and what is shown is read back."""

from collections import Counter

import pytest

import proxysim as ps
from proxysim.stage import page as page_of
from proxysim.stage.marks import Motion
from proxysim.stage.trace import staged
from tests.stage.conftest import scenario
from tests.stage.reading import READY, STAGE, opened, press, text, time_of

HOSTILE = '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">'


@pytest.mark.parametrize("name", ["office-forward-proxy", "hedging", "both-ends"])
def test_marks_are_where_python_says(page, files, played, name):
    opened(page, files(name))
    motion = Motion(staged(played(name)))
    for share in (0.1, 0.35, 0.62, 0.9):
        page.run(f"{STAGE}.seek({share} * {STAGE}.until)")
        t = time_of(page)
        shown = page.run(
            f"{STAGE}.marks().map(m => [m.request, m.kind, m.way, m.step, m.share, m.state])"
        )
        told = [
            [m.request, m.kind, list(m.place), m.step, m.share, m.state]
            for m in sorted(motion.marks(t), key=lambda mark: mark.request)
        ]
        shown.sort(key=lambda mark: mark[0])
        assert [mark[:4] + mark[5:] for mark in shown] == [mark[:4] + mark[5:] for mark in told]
        assert [mark[4] for mark in shown] == pytest.approx([mark[4] for mark in told], abs=1e-6)


def test_a_mark_is_drawn_on_its_link_in_proportion_to_time(page, files):
    opened(page, files("office-forward-proxy"))
    seen = 0
    for share in (0.12, 0.3, 0.45, 0.8):
        page.run(f"{STAGE}.seek({share} * {STAGE}.until)")
        spots = page.run(
            f"""(() => {{ const {{places}} = {STAGE}.panes[0].painter;
            const gate = (way, a, b) => way.length === 2 ? places.gate(way[a], way[b])[0] : 0;
            return {STAGE}.spots().map(
              s => [s.way, s.share, s.x, gate(s.way, 0, 1), gate(s.way, 1, 0)]); }})()"""
        )
        for way, where, x, start, end in spots:
            if len(way) == 2:
                assert x == pytest.approx(start + where * (end - start), abs=0.5)
                seen += 1
    assert seen > 3


def test_something_is_painted_where_a_mark_is(page, files):
    opened(page, files("office-forward-proxy"))
    page.run(f"{STAGE}.seek(0.4 * {STAGE}.until)")
    found = page.run(
        f"""(() => {{
        const {{canvas, painter}} = {STAGE}.panes[0], scale = painter.scale;
        const c = canvas.getContext("2d");
        return {STAGE}.spots().filter(s => s.way.length > 1 && s.kind !== "shake").map(s => {{
          const x = Math.round(s.x * scale), y = Math.round((s.y + 0.52 * s.r) * scale);
          return [s.state, ...c.getImageData(x, y, 1, 1).data.slice(0, 3)];
        }});}})()"""
    )
    assert found
    for state, red, green, blue in found:
        grey = max(red, green, blue) - min(red, green, blue) < 25
        assert not grey or state in ("failed", "left"), (state, red, green, blue)


def test_counts_are_the_runs_own(page, files, played):
    opened(page, files("office-forward-proxy"))
    page.key("End")
    page.until(f"{STAGE}.time >= {STAGE}.until")
    requests = played("office-forward-proxy").requests
    counts = page.run(f"{STAGE}.counts()")
    outcomes, caches = Counter(requests.outcome), Counter(requests.cache)
    assert counts["arrived"] == len(requests)
    for outcome in ("ok", "blocked", "failed", "rejected", "timed_out"):
        assert counts[outcome] == outcomes[outcome]
    assert counts["hit"] == caches["hit"] + caches["stale"]
    assert counts["under_way"] == 0
    said = text(page, ".tally")
    assert f"{len(requests)} asked" in said
    assert f"{outcomes['blocked']} blocked" in said
    run = played("office-forward-proxy")
    facts = text(page, "#facts")
    assert f"seed {run.seed}" in facts
    assert run.scenario_hash in facts
    assert f"n = {len(requests)} requests" in facts


def test_charts_end_where_the_tables_do(page, files, played):
    opened(page, files("website-reverse-proxy"))
    page.run(f"{STAGE}.seek({STAGE}.until)")
    hops = played("website-reverse-proxy").hops
    sent = Counter(hops[(hops.step == "request") & (hops.request >= 0)].node)
    for name in ("shop-1", "shop-4"):
        icon = f"{STAGE}.panes[0].trace.data.nodes.findIndex(n => n.name === '{name}')"
        shown = page.run(f"{STAGE}.panes[0].trace.sentTo({icon}, {STAGE}.until)")
        assert shown == sent[f"edge>{name}"]
    charts = dict(
        page.run(
            f"""{STAGE}.charts.map(({{chart, times}}) => [chart.title,
            chart.lines.map((line) => [line.label, line.values[times.length - 1]])])"""
        )
    )
    loads = dict(charts["Under way at each server"])
    assert set(loads) == {"shop-1", "shop-2", "shop-3", "shop-4"}
    assert all(load == 0 for load in loads.values())
    rows = played("website-reverse-proxy").requests
    until = page.run(f"{STAGE}.until")
    since = page.run(f"{STAGE}.since")
    late = rows[(rows.outcome == "ok") & (rows.end > until - (until - since) / 10)]
    half = dict(charts["Latency of answers, a moving window"])["half took less"]
    assert half == pytest.approx(late.latency.median(), rel=1e-6)


def test_every_control(page, files):
    opened(page, files("office-forward-proxy"))
    page.run(f"{STAGE}.seek({STAGE}.since)")
    press(page, "#step")
    first = time_of(page)
    press(page, "#step")
    second = time_of(page)
    assert second > first
    press(page, "#back")
    assert time_of(page) == pytest.approx(first)
    page.run("(s => { s.value = 5000; s.dispatchEvent(new Event('input')); })(scrub)")
    middle = page.run(f"({STAGE}.since + {STAGE}.until) / 2")
    assert time_of(page) == pytest.approx(middle)
    assert f"{middle:.3f}" in text(page, "#clock") or f"{middle:.4f}" in text(page, "#clock")
    press(page, "#start")
    assert time_of(page) == page.run(f"{STAGE}.since")
    page.run("(s => { s.value = '0.1'; s.dispatchEvent(new Event('change')); })(speed)")
    assert page.run(f"{STAGE}.pace.rate({STAGE}.since + 0.3)") == pytest.approx(0.1, rel=0.05)
    press(page, "#play")
    page.until(f"{STAGE}.time > {STAGE}.since")
    assert page.run("play.getAttribute('aria-pressed')") == "true"
    press(page, "#play")
    assert page.run(f"{STAGE}.playing") is False
    client = page.run("follow.options[1].value")
    page.run("(s => { s.selectedIndex = 1; s.dispatchEvent(new Event('change')); })(follow)")
    page.run(f"{STAGE}.seek({STAGE}.until)")
    assert page.run(f"{STAGE}.look.follow") == client
    lines = page.run("[...document.querySelectorAll('.told li')].map(l => l.textContent)")
    assert lines
    assert all(line.startswith(f"{client} →") for line in lines)
    press(page, "#help")
    assert "play or pause" in text(page, ".inspect")
    before = page.run("getComputedStyle(document.body).backgroundColor")
    press(page, "#theme")
    assert page.run("getComputedStyle(document.body).backgroundColor") != before
    press(page, "#share")
    page.until("document.querySelector('[role=status]').textContent.length > 0")


def test_the_keyboard_does_it_all(page, files):
    opened(page, files("office-forward-proxy"))
    page.key("Home")
    assert time_of(page) == page.run(f"{STAGE}.since")
    page.key(".")
    assert time_of(page) > page.run(f"{STAGE}.since")
    page.key(",")
    page.key("ArrowRight")
    moved = time_of(page)
    assert moved > page.run(f"{STAGE}.since")
    page.key("ArrowLeft")
    assert time_of(page) < moved
    page.key("+")
    faster = page.run(f"{STAGE}.speed")
    page.key("-")
    assert page.run(f"{STAGE}.speed") < faster
    page.key("0")
    assert page.run(f"{STAGE}.speed") is None
    page.key("End")
    page.run(f"{STAGE}.seek(0.5 * {STAGE}.until)")
    page.key("n")
    chosen = page.run(f"{STAGE}.look.selected")
    assert chosen >= 0
    page.key("s")
    assert text(page, ".inspect h3") == "staff"
    page.key("s")
    assert text(page, ".inspect h3") == "gateway"
    assert "A closer look at gateway" in text(page, "[role=status]")
    page.key("S")
    assert text(page, ".inspect h3") == "staff"
    page.run(f"{STAGE}.select(0, {chosen})")
    page.key("f")
    assert page.run(f"{STAGE}.look.follow") == page.run(f"{STAGE}.panes[0].trace.client({chosen})")
    page.key("Escape")
    assert page.run(f"{STAGE}.look.follow") is None
    page.key("t")
    theme = page.run("document.documentElement.dataset.theme")
    page.key("t")
    assert page.run("document.documentElement.dataset.theme") != theme
    page.key(" ")
    page.until(f"{STAGE}.playing")
    page.key(" ")
    assert page.run(f"{STAGE}.playing") is False
    assert "under way" in text(page, "[role=status]")
    label = "document.querySelector('canvas.stage').getAttribute('aria-label')"
    assert "under way" in page.run(label)


@pytest.mark.parametrize("name", ["office-forward-proxy", "website-reverse-proxy"])
def test_a_run_is_told_in_a_time_that_one_waits(page, tmp_path, name):
    run = ps.simulate(ps.load(name).set({"run.duration": "40s", "run.warmup": 0}), hops="all")
    path = tmp_path / "long.html"
    path.write_text(run.play().page, encoding="utf-8")
    opened(page, path.as_uri())
    pace = f"{STAGE}.pace"
    assert 20 <= page.run(f"{pace}.length") <= 40
    assert page.run("speed.options[0].textContent") == "told in 36 s"
    walls = page.run(f"[...Array(200).keys()].map(k => {pace}.wall({STAGE}.until * k / 199))")
    assert walls == sorted(walls)
    there = page.run(f"[...Array(30).keys()].map(k => {pace}.wall({pace}.time(k)))")
    assert there == pytest.approx(list(range(30)), abs=0.01)
    first, last = page.run(f"[0.3, 0.98].map(s => {pace}.rate({STAGE}.until * s))")
    assert page.run(f"{pace}.rate({pace}.time(8))") < first < last
    page.run(f"{STAGE}.seek({STAGE}.until * 0.9)")
    assert "real time" in text(page, "#rate")


def test_two_runs_keep_one_clock(page, tmp_path):
    short = {"run.duration": "1s"}
    one = ps.simulate(scenario("website-reverse-proxy", **short), hops="all")
    turns = {**short, "nodes.edge.balancer": "round_robin"}
    other = ps.simulate(scenario("website-reverse-proxy", **turns), hops="all")
    path = tmp_path / "two.html"
    path.write_text(page_of(one, other, labels=("least", "turns")), encoding="utf-8")
    opened(page, path.as_uri())
    assert page.run("[...document.querySelectorAll('.label')].map(l => l.textContent)") == [
        "least",
        "turns",
    ]
    page.run(f"{STAGE}.seek(0.6)")
    arrived = page.run(f"[0, 1].map(p => {STAGE}.counts(p).arrived)")
    assert arrived[0] == arrived[1] == (one.column("at") <= 0.6).sum()
    titles = page.run("[...document.querySelectorAll('figcaption')].map(c => c.textContent)")
    assert "Mean latency so far, and the difference" in titles


def test_events_are_flagged_and_can_be_jumped_to(page, tmp_path):
    changes = {"run.duration": "2s", "events": [{"at": 1, "node": "shop-2", "down_for": 0.5}]}
    run = ps.simulate(scenario("website-reverse-proxy", **changes), hops="all")
    path = tmp_path / "events.html"
    path.write_text(run.play().page, encoding="utf-8")
    opened(page, path.as_uri())
    assert page.run("document.querySelectorAll('.flags i').length") == 1
    page.run("(s => { s.selectedIndex = 1; s.dispatchEvent(new Event('change')); })(events)")
    assert time_of(page) == pytest.approx(1.0, abs=1e-6)
    page.key("Home")
    page.key("]")
    assert time_of(page) == pytest.approx(1.0, abs=1e-6)


def test_a_question_is_asked_before_it_plays(page, files):
    asked = {
        "question": "How far does it go?",
        "choices": ["to the web", "to the gateway"],
        "answer": 1,
        "because": "The gateway kept it.",
    }
    page.open(files("office-forward-proxy", predict=asked))
    page.until(READY)
    page.key(" ")
    assert page.run(f"{STAGE}.playing") is False
    assert "How far does it go?" in text(page, ".predict")
    press(page, ".answers button")
    assert page.run(f"{STAGE}.playing") is True
    assert "to the web" in text(page, ".predict")
    page.run(f"{STAGE}.speed = 1; {STAGE}.setSpeed(100)")
    page.until("document.querySelector('.predict').textContent.includes('The gateway kept it.')")


def test_motion_that_is_not_wanted_comes_in_single_pictures(page, files):
    page.calm()
    page.open(files("office-forward-proxy"))
    page.until(READY)
    assert page.run(f"{STAGE}.look.calm") is True
    drawn = page.run(
        f"""new Promise((done) => {{ const seen = new Set(); const began = performance.now();
        const look = () => {{ seen.add({STAGE}.time);
          if (performance.now() - began > 1500) done(seen.size);
          else requestAnimationFrame(look); }};
        {STAGE}.play(); look(); }})"""
    )
    assert drawn <= 5


@pytest.mark.parametrize("width", [360, 700, 1400])
def test_nothing_is_cut_off(page, files, width):
    page.size(width, 800)
    opened(page, files("both-ends"))
    page.run(f"{STAGE}.seek(0.5 * {STAGE}.until)")
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    boxes = page.run(f"{STAGE}.panes[0].painter.places.boxes")
    height = page.run(f"{STAGE}.panes[0].painter.places.height")
    inner = page.run("document.querySelector('canvas.stage').clientWidth")
    for box in boxes:
        assert box["x"] >= 0
        assert box["x"] + box["w"] <= inner
        assert box["y"] >= 0
        assert box["y"] + box["h"] <= height


def test_nothing_of_a_scenario_becomes_markup(page, tmp_path):
    changes = {
        "title": HOSTILE,
        "question": HOSTILE,
        "watch_for": HOSTILE,
        "run.duration": "2s",
        "sites.news.example.path": "/</script><script>window.hacked=1</script>{n}",
        "nodes.gateway.filters": [{"deny": {"domain": "casino.example"}, "because": HOSTILE}],
        "nodes.web.zone": HOSTILE,
    }
    run = ps.simulate(scenario("office-forward-proxy", **changes), hops="all", explain=True)
    path = tmp_path / "hostile.html"
    path.write_text(run.play().page, encoding="utf-8")
    opened(page, path.as_uri())
    for node in range(3):
        page.run(f"{STAGE}.lookInto(0, {node})")
    for n in range(len(run.requests)):
        page.run(f"{STAGE}.select(0, {n})")
    page.run(f"{STAGE}.seek({STAGE}.until); {STAGE}.select(0, 0)")
    assert page.run("window.hacked") is None
    assert page.run("document.querySelectorAll('img').length") == 0
    assert text(page, "h1") == HOSTILE
    assert page.asked == [path.as_uri()]


def test_a_page_from_disk_fetches_nothing(page, files):
    address = files("office-forward-proxy")
    opened(page, address)
    assert page.asked == [address]
    blocked = page.run("fetch('data:text/plain,x').then(() => 'reached', () => 'refused')")
    assert blocked == "refused"
    page.errors[:] = [error for error in page.errors if "Content Security Policy" not in error
                      and "data:text/plain" not in error]  # fmt: skip


def test_a_notebook_frame_plays_after_nbconvert(page, played, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbconvert = pytest.importorskip("nbconvert")
    shown = nbformat.v4.new_output(
        "display_data", {"text/html": played("both-ends").play()._repr_html_()}
    )
    cell = nbformat.v4.new_code_cell("run.play()", outputs=[shown])
    book = nbformat.v4.new_notebook(cells=[cell])
    html, _ = nbconvert.HTMLExporter(template_name="basic").from_notebook_node(book)
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><body>{html}</body>", encoding="utf-8")
    page.open(path.as_uri())
    assert page.run("document.querySelector('iframe').sandbox.value") == "allow-scripts"
    assert page.run("document.querySelector('iframe').contentDocument") is None
    frame = page.frame()
    frame.until(READY)
    frame.run(f"{STAGE}.pause(); {STAGE}.seek({STAGE}.until)")
    assert frame.run(f"{STAGE}.counts().arrived") == len(played("both-ends").requests)
    assert frame.errors == []
