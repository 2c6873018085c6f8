"""A look into requests, choices, caches and servers tells what the run recorded."""

import proxysim as ps
from tests.stage.conftest import scenario
from tests.stage.reading import STAGE, opened, text


def test_a_click_on_a_mark_looks_into_its_request(page, files, played):
    opened(page, files("office-forward-proxy"))
    page.run(f"{STAGE}.seek(0.45 * {STAGE}.until)")
    x, y, n = page.run(
        f"""(() => {{ const box = document.querySelector("canvas.stage").getBoundingClientRect();
        const s = {STAGE}.spots().find(s => s.way.length === 2 && s.kind !== "shake");
        return [box.x + s.x, box.y + s.y, s.request]; }})()"""
    )
    page.click(x, y)
    assert page.run(f"{STAGE}.look.selected") in page.run(f"{STAGE}.marks().map(m => m.request)")
    page.run(f"{STAGE}.select(0, {n})")
    said = text(page, ".inspect")
    row = played("office-forward-proxy").requests.iloc[n]
    assert f"{row.site}{row.path}" in said
    assert row.client in said
    assert "Where its time went" in said
    assert "Who saw what" in said
    assert page.run("document.querySelectorAll('.waterfall .span').length") >= 3


def test_what_messages_said_and_who_saw_it(page, files, played):
    opened(page, files("office-forward-proxy"))
    rows = played("office-forward-proxy").requests
    n = int(rows[(rows.cache == "miss")].index[0])
    page.run(f"{STAGE}.select(0, {n})")
    said = text(page, ".inspect")
    assert f"GET http://{rows.site[n]}{rows.path[n]}" in said  # to a forward proxy: the whole URL
    seen = page.run(
        "[...document.querySelectorAll('.inspect table:last-of-type tr')].map(r =>"
        " [...r.children].map(c => c.textContent))"
    )
    by = {row[0]: row[1:] for row in seen}
    assert by["gateway"][0] == "yes"
    assert by["web"] == ["–", "yes", "yes", "yes"]  # anonymous: the web never learns who asked
    sealed = int(rows[rows.encrypted].index[0])
    for asked in (n, sealed):
        page.run(f"{STAGE}.select(0, {asked})")
        heads = page.run(
            "[...document.querySelectorAll('.inspect td code')].map(c => c.textContent.trim())"
        )
        told = played("office-forward-proxy").messages(int(rows.id[asked]))
        assert heads == [message.head for message in told]
    assert heads[0].startswith("CONNECT mail.example:443")
    assert "inside TLS" in text(page, ".inspect")
    changed = page.run("[...document.querySelectorAll('.inspect td b')].map(b => b.textContent)")
    assert any(line.startswith("GET /") for line in changed)


def test_what_a_run_did_not_keep_is_said(page, tmp_path):
    run = ps.simulate(scenario("office-forward-proxy"), hops="all")
    path = tmp_path / "plain.html"
    path.write_text(run.play().page, encoding="utf-8")
    opened(page, path.as_uri())
    page.run(f"{STAGE}.select(0, 0); {STAGE}.seek({STAGE}.until)")
    assert "explain=True" in text(page, ".inspect")
    rows = run.requests
    hit = int(rows[rows.cache == "hit"].index[0])
    page.run(f"{STAGE}.select(0, {hit})")
    assert "A hit: request" in text(page, ".says")
    assert page.run(f"{STAGE}.panes[0].painter.shelves.exact") is False


def test_a_cache_shows_what_it_holds(page, files, played):
    opened(page, files("website-reverse-proxy"))
    deeds = played("website-reverse-proxy").diary.deeds
    icon = page.run(f"{STAGE}.panes[0].trace.data.nodes.findIndex(n => n.name === 'edge')")
    held = set()
    moments = [0.2, 0.5, 0.9, 1.3]
    shown = {}
    for t in (*moments, 0.5):  # back again, too
        shown[t] = page.run(
            f"[...{STAGE}.panes[0].painter.shelves.at({t}).get({icon}).values()].map(p => p.page)"
        )
    place = 0
    for t in moments:
        while place < len(deeds) and deeds[place].at <= t:
            deed = deeds[place]
            key = (deed.host + deed.path, deed.variant)
            if deed.what == "stored":
                held.add(key)
            elif deed.what == "dropped":
                held.discard(key)
            place += 1
        assert sorted(shown[t]) == sorted(name for name, _ in held)
    assert len(held) > 20


def probed():
    changes = {
        "run.duration": "3s",
        "nodes.visitors.arrivals": 60,
        "nodes.edge.cache": None,
        "nodes.edge.health": {
            "active": {"interval": "200ms", "fall": 2, "rise": 2},
            "passive": {"failures": 2, "for": "500ms"},
        },
        "events": [{"at": 0.8, "node": "shop-2", "down_for": 1}],
    }
    return ps.simulate(scenario("website-reverse-proxy", **changes), hops="all", explain=True)


def test_probes_and_who_is_left_out_are_shown(page, tmp_path):
    run = probed()
    path = tmp_path / "probed.html"
    path.write_text(run.play().page, encoding="utf-8")
    opened(page, path.as_uri())
    hops = run.hops[(run.hops.request < 0) & (run.hops.step == "request")]
    row = hops[hops.start > 1.9].iloc[0]
    middle = (row.start + row.end) / 2
    ways = page.run(
        f"""{STAGE}.panes[0].trace.probing({middle}).map(
        p => p.way.map(i => {STAGE}.panes[0].trace.data.nodes[i].name).join(">"))"""
    )
    assert row.node in ways
    icon = page.run(f"{STAGE}.panes[0].trace.data.nodes.findIndex(n => n.name === 'shop-2')")
    bouts = [
        bout
        for bout in run.diary.bouts
        if bout.backend == "shop-2" and bout.what not in ("well", "unwell")
    ]
    assert [bout.what for bout in bouts][-1] == "back"
    for bout in bouts:
        now = page.run(f"{STAGE}.panes[0].trace.away({icon}, {bout.at + 1e-6})")
        assert now == ("" if bout.what == "back" else bout.what)
    page.run(f"{STAGE}.seek({bouts[0].at + 1e-6}); {STAGE}.pause()")
    assert "Left out: shop-2" in text(page, "[role=status]")
    page.run(f"{STAGE}.seek({STAGE}.until); {STAGE}.lookInto(0, {icon})")
    assert "edge leaves shop-2 out" in text(page, ".inspect")
    assert "edge asks shop-2 again" in text(page, ".inspect")


def test_why_this_server(page, files, played):
    opened(page, files("website-reverse-proxy"))
    run = played("website-reverse-proxy")
    choice = run.choices[len(run.choices) // 2]
    n = int((run.requests.id == choice["request"]).idxmax())
    page.run(f"{STAGE}.select(0, {n})")
    said = text(page, ".why")
    assert f"Why {choice['backend']}?" in said
    cells = page.run(
        "[...document.querySelectorAll('.why tr')].map("
        "r => [...r.children].map(c => c.textContent))"
    )
    head, *rows = cells
    column = head.index("in flight")
    for row in rows:
        name = row[0].removesuffix(" ✓")
        assert float(row[column]) == choice["why"]["in_flight"][name]
    edge = page.run(f"{STAGE}.panes[0].trace.data.nodes.findIndex(n => n.name === 'edge')")
    page.run(f"{STAGE}.seek({STAGE}.until); {STAGE}.lookInto(0, {edge})")
    assert "Why shop-" in text(page, ".inspect")


def test_why_it_was_a_hit_or_a_miss(page, files, played):
    opened(page, files("office-forward-proxy"))
    rows = played("office-forward-proxy").requests
    hit, miss = (int(rows[rows.cache == state].index[0]) for state in ("hit", "miss"))
    page.run(f"{STAGE}.select(0, {hit})")
    assert "A hit at gateway: request" in text(page, ".says")
    assert "RFC 9111, 4.2" in text(page, ".says")
    page.run(f"{STAGE}.select(0, {miss})")
    assert "nobody had asked it for this page before" in text(page, ".says")
    gateway = page.run(f"{STAGE}.panes[0].trace.data.nodes.findIndex(n => n.name === 'gateway')")
    page.run(f"{STAGE}.seek({STAGE}.until); {STAGE}.lookInto(0, {gateway})")
    said = text(page, ".inspect")
    assert f"{(rows.cache == 'hit').sum()} answered from it" in said
    assert "gambling" in said
