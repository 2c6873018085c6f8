"""One request as a waterfall and as a conversation; and the network it crossed."""

import numpy as np
import pytest

from proxysim.charts import ascii_sequence, figure_set, mermaid, save
from proxysim.charts.journey import family, headline, spans_of, typical
from proxysim.errors import ResultError
from proxysim.results.recorder import Recorder
from proxysim.scenario.build_topology import described
from proxysim.topology import Network, Place, Wire


@pytest.fixture(scope="module")
def short(fabricate):
    return fabricate(200, hops=1)


def test_the_waterfall_shows_each_span_where_it_was(short):
    found = typical(short)
    hops = short.hops[short.hops["request"] == found]
    at = float(short.requests.set_index("id").loc[found, "at"])
    bars = [bar for bar in short.plot.waterfall(found).patches if bar.get_gid() == "span"]
    assert len(bars) == len(hops)
    drawn = sorted(bar.get_x() for bar in bars)
    assert np.allclose(drawn, np.sort(hops["start"] - at))
    longest = max(bar.get_width() for bar in bars)
    assert longest == pytest.approx((hops["end"] - hops["start"]).max())


def test_too_many_spans_leave_the_longest(short):
    found, spans = spans_of(short, typical(short))
    bars = [bar for bar in short.plot.waterfall(found, most=3).patches if bar.get_gid() == "span"]
    longest = sorted((span.end - span.start for span in spans), reverse=True)[:3]
    assert sorted(bar.get_width() for bar in bars) == pytest.approx(sorted(longest))


def test_a_typical_request_is_ok_went_furthest_and_is_in_the_middle(short):
    found = typical(short)
    rows = short.requests.set_index("id")
    reach = short.hops[short.hops["request"] >= 0].groupby("request")["node"].nunique()
    good = rows[(rows["outcome"] == "ok") & (rows["at"] >= short.warmup)]
    reach = reach[reach.index.isin(good.index)]
    furthest = good.loc[reach[reach == reach.max()].index, "latency"].sort_values()
    assert furthest.index[(len(furthest) - 1) // 2] == found


def test_unknown_requests_are_told_apart_from_those_without_spans(short, fabricate):
    with pytest.raises(ResultError, match="no request 9999"):
        short.plot.waterfall(9999)
    with pytest.raises(ResultError, match=r"spans of request 3 .* hops='all'"):
        fabricate(10, hops=5).plot.sequence(3)
    with pytest.raises(ResultError, match="hops='all'"):
        mermaid(fabricate(10, hops=0))


def test_the_headline_names_the_request(short):
    found = typical(short)
    assert headline(short, found).startswith(f"GET shop.example/item/{found} · 200 · ok · ")


def test_mermaid_tells_every_span_once_from_left_to_right(short):
    found, spans = spans_of(short, typical(short))
    lines = [line.strip() for line in mermaid(short, found).splitlines()]
    assert lines[0] == "sequenceDiagram"
    parties = [line.split(" as ")[1] for line in lines if line.startswith("participant")]
    assert parties[:2] == ["visitors", "edge"]
    assert parties[2].startswith("shop-")
    arrows = [line for line in lines if ">>" in line]
    notes = [line for line in lines if line.startswith("Note over")]
    assert len(arrows) == sum(span.ends is not None for span in spans)
    assert len(arrows) + len(notes) == len(spans)
    assert arrows[0].startswith("p0->>p1: request")
    assert arrows[-1].startswith("p1-->>p0: body")


def test_mermaid_escapes_its_own_signs(fabricate):
    text = mermaid(fabricate(5, prefix="a;b#c:d", hops=1), 0)
    assert "a#59;b#35;c#58;dvisitors" in text


def test_plain_characters_line_up(short):
    text = ascii_sequence(short)
    assert text.isascii()
    head, blank, names, *rows = text.splitlines()
    assert head.startswith("GET ")
    assert not blank
    columns = [place for place, letter in enumerate(rows[-1]) if letter == "|"]
    assert len(columns) == 3
    assert all(row[columns[0]] == "|" for row in rows)
    middle = names.index("visitors") + len("visitors") // 2
    assert abs(middle - columns[0]) <= 1
    assert any(">" in row for row in rows)
    assert any("<" in row for row in rows)


def test_what_takes_no_time_is_told_there_and_back():
    recorder = Recorder(10.0, hops="all")
    node, step = recorder.texts["node"], recorder.texts["step"]
    site, path = recorder.texts["site"]["a.example"], recorder.texts["path"]["/"]
    row = (0, node["c-1"], site, path, 0, 1.0, 1.0, 1.0, 0.0, 200, 0, node["s"], node["s"], 0, 1,
           False, 0, 0, 0, 0.0, 0.0, 0.0, 0.0)  # fmt: skip
    recorder.add(row)
    for name, what in (("c>p", "request"), ("p>c", "response"), ("p>s", "request"),
                       ("s>p", "response"), ("s", "service"), ("p", "cpu")):  # fmt: skip
        recorder.hop(0, node[name], step[what], 1.0, 1.0)
    kinds = {"c": "clients", "p": "reverse_proxy", "s": "server"}
    run = recorder.finish(
        world="sim", scenario="x", scenario_hash="", seed=1,
        facts={name: {"kind": kind} for name, kind in kinds.items()},
    )  # fmt: skip
    told = [line.strip().split(" 0")[0] for line in mermaid(run, 0).splitlines()[5:]]
    assert told == [
        "p0->>p1: request", "Note over p1: cpu", "p1->>p2: request", "Note over p2: service",
        "p2-->>p1: response", "p1-->>p0: response",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "name"),
    [("queue", "waiting"), ("tls", "setting up"), ("request", "on the wire"), ("cpu", "processor"),
     ("service", "service"), ("something new", "other")],
)  # fmt: skip
def test_steps_have_families(step, name):
    assert family(step) == name


def gids(ax, start):
    return [str(patch.get_gid()) for patch in ax.patches if str(patch.get_gid()).startswith(start)]


def test_the_network_has_its_zones_links_and_nodes(website):
    ax = website.plot.topology()
    assert gids(ax, "zone") == ["zone clients' side", "zone servers' side"]
    assert len(gids(ax, "link")) == 5
    nodes = [line.get_gid() for line in ax.get_lines() if str(line.get_gid()).startswith("node")]
    assert set(nodes) == {"node visitors", "node edge", *(f"node shop-{i}" for i in range(1, 5))}
    texts = [text.get_text() for text in ax.texts]
    assert "visitors ×40" in texts
    assert texts.count("500 µs\n1 Gbps") == 1


def test_many_members_are_one_icon(fabricate):
    ax = fabricate(50, backends=64).plot.topology()
    assert "shop ×64" in [text.get_text() for text in ax.texts]
    assert len(gids(ax, "link")) == 2


def test_zones_never_overlap(fabricate):
    run = fabricate(5)
    places = [
        Place("staff", "clients", 9, zone="office"),
        Place("gateway", "forward_proxy", zone="office"),
        Place("visitors", "clients", 9),
        Place("internet", "router"),
        Place("web", "server", 2),
    ]
    wires = [Wire(("staff", "gateway")), Wire(("gateway", "internet")),
             Wire(("visitors", "internet")), Wire(("internet", "web"))]  # fmt: skip
    talks = [("staff", "gateway"), ("gateway", "web"), ("visitors", "web")]
    run.topology = described(Network(places, wires, talks))
    run.facts = {}
    ax = run.plot.topology()
    boxes = [patch.get_bbox() for patch in ax.patches if str(patch.get_gid()).startswith("zone")]
    assert len(boxes) == 4
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


def test_the_set_has_what_the_run_can_show(website, bare, nothing, fabricate):
    slugs = [slug for slug, _, _ in figure_set(website, bare)]
    assert slugs == [
        "topology", "with_without", "with_without_latency", "who_sees_what", "latency_ccdf",
        "latency_percentiles", "latency_over_time", "hit_rate", "cache_split", "load",
        "utilisation", "queue", "outcomes", "waterfall", "sequence",
    ]  # fmt: skip
    plain = {slug for slug, _, _ in figure_set(fabricate(50, cache=False, backends=1, hops=0))}
    assert not plain & {"hit_rate", "cache_split", "load", "waterfall", "sequence", "with_without"}
    assert [slug for slug, _, _ in figure_set(nothing)] == ["topology"]


def test_figures_are_saved_as_both_kinds(fabricate, tmp_path):
    figures = figure_set(fabricate(50, hops=0))[:2]
    files = save(figures, tmp_path / "charts")
    assert [file.name for file in files] == [
        f"{slug}.{kind}" for slug, _, _ in figures for kind in ("png", "svg")
    ]
    assert files[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in files[1].read_bytes()


def test_a_place_that_cannot_be_written_is_told(fabricate, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultError, match="cannot write charts"):
        save(figure_set(fabricate(5, hops=0))[:1], tmp_path / "file")
