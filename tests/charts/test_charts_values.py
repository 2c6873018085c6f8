"""What is drawn equals what numpy computes from the tables."""

import numpy as np
import pytest

from proxysim.charts.canvas import duration_text, party_text, shortened, thinned, told_marks
from proxysim.charts.latency import marked
from proxysim.errors import ResultError
from proxysim.results.knowledge import observers
from proxysim.statistics.fairness import jain_index, max_over_mean


def by_gid(artists, gid):
    return [artist for artist in artists if artist.get_gid() == gid]


def answered(run):
    rows = run.requests
    mine = (rows["at"] >= run.warmup) & (rows["at"] < run.duration) & (rows["outcome"] == "ok")
    return rows.loc[mine, "latency"].to_numpy()


def test_the_ccdf_is_the_share_above(website):
    values = answered(website)
    (line,) = by_gid(website.plot.latency_ccdf().get_lines(), "ccdf")
    x, y = line.get_data()
    assert line.get_drawstyle() == "steps-post"
    for at, share in list(zip(x, y, strict=True))[1:-1:37]:
        assert share == pytest.approx(np.mean(values > at), abs=1e-12)
    assert (x[0], y[0]) == (values.min(), 1.0)
    assert x[-1] == values.max()


@pytest.mark.parametrize(("name", "share"), [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)])
def test_percentiles_are_marked_where_they_are(website, name, share):
    (mark,) = by_gid(website.plot.latency_ccdf().get_lines(), name)
    assert mark.get_xdata()[0] == np.quantile(answered(website), share)
    assert mark.get_ydata()[0] == pytest.approx(1 - share)


def test_a_percentile_is_marked_only_with_ten_beyond_it():
    assert set(marked(10_000)) == {"p50", "p95", "p99", "p99.9"}
    assert set(marked(9_999)) == {"p50", "p95", "p99"}
    assert set(marked(999)) == {"p50", "p95"}
    assert not marked(19)


def test_lines_by_group_cover_all_requests(website):
    lines = by_gid(website.plot.latency_ccdf(by="cache").get_lines(), "ccdf")
    labels = {line.get_label().split(":")[0] for line in lines}
    assert labels == {"hit", "miss", "stale", "bypass", "coalesced", "revalidated"}
    with pytest.raises(ResultError, match="served_by"):
        website.plot.latency_ccdf(by="latency")


def test_several_runs_share_one_pair_of_axes(website, bare):
    ax = website.plot.latency_ccdf(label="with")
    bare.plot.latency_ccdf(ax, label="without")
    labels = [line.get_label().split(":")[0] for line in by_gid(ax.get_lines(), "ccdf")]
    assert labels == ["with", "without"]


def test_percentile_chart_follows_the_sorted_latencies(website):
    values = np.sort(answered(website))
    (line,) = by_gid(website.plot.latency_percentiles().get_lines(), "percentiles")
    x, y = line.get_data()
    ranks = np.rint(len(values) * (1 - 1 / x)).astype(int)
    assert np.array_equal(y, values[ranks])
    assert x[-1] == len(values)


def test_the_heat_map_counts_every_ok_request(website):
    rows = website.requests
    (mesh,) = by_gid(website.plot.latency_over_time().collections, "heat")
    assert mesh.get_array().sum() == ((rows["outcome"] == "ok") & (rows["at"] < 120)).sum()


def test_hit_ratio_over_time_is_hits_over_lookups(website):
    nodes = website.nodes[website.nodes["node"] == "edge"]
    ax = website.plot.hit_rate()
    (objects,) = by_gid(ax.get_lines(), "edge objects")
    (bytes_,) = by_gid(ax.get_lines(), "edge bytes")
    asked = nodes["hits"] + nodes["misses"]
    assert np.allclose(objects.get_ydata(), nodes["hits"] / asked)
    carried = nodes["hit_bytes"] + nodes["miss_bytes"]
    assert np.allclose(bytes_.get_ydata(), nodes["hit_bytes"] / carried)


def test_cache_split_adds_up_to_one_and_counts_the_states(website):
    bars = by_gid(website.plot.cache_split().patches, "part")
    rows: dict[float, list[float]] = {}
    for bar in bars:
        rows.setdefault(round(bar.get_y(), 3), []).append(bar.get_width())
    assert len(rows) == 3
    assert all(sum(widths) == pytest.approx(1) for widths in rows.values())
    states = website.requests.loc[website.counted, "cache"].value_counts(normalize=True)
    assert rows[min(rows)][0] == pytest.approx(states["hit"])


def test_load_tells_the_fairness_that_statistics_compute(website):
    ax = website.plot.load()
    counts = website.requests.loc[website.counted, "backend"].value_counts()
    counts = [int(counts[f"shop-{number}"]) for number in range(1, 5)]
    assert [bar.get_width() for bar in by_gid(ax.patches, "load")] == counts
    (text,) = by_gid(ax.texts, "fairness")
    assert f"{jain_index(counts):.4f}" in text.get_text()
    assert f"{max_over_mean(counts):.3f}" in text.get_text()


def test_fair_shares_follow_the_speeds_and_only_unequal_facts(website):
    lines = website.plot.load().get_lines()
    total = sum(website.summary().load.values())
    (speed,) = by_gid(lines, "speed")
    assert np.allclose(speed.get_xdata(), total * np.array([1, 1, 1, 0.5]) / 3.5)
    assert not by_gid(lines, "weight")


def test_utilisation_shows_each_window_of_each_node(website):
    meshes = {mesh.get_gid(): mesh for mesh in website.plot.utilisation().collections}
    assert next(iter(meshes)) == "edge"
    for node in ("edge", "shop-1", "shop-4"):
        found = website.nodes[website.nodes["node"] == node]["utilisation"]
        assert np.array_equal(np.ravel(meshes[node].get_array()), found)
    assert "edge>visitors" not in meshes


def test_queue_lines_are_the_windows(website):
    (line,) = by_gid(website.plot.queue().get_lines(), "shop-2")
    found = website.nodes[website.nodes["node"] == "shop-2"]["queue"]
    assert np.array_equal(line.get_ydata(), found)


def test_outcomes_stack_up_to_all_that_arrived(website):
    steps = {patch.get_gid(): patch for patch in website.plot.outcomes().patches}
    values, edges, _ = steps["in_flight"].get_data()
    assert (values * np.diff(edges)).sum() == pytest.approx(20_000)
    values, edges, _ = steps["ok"].get_data()
    assert (values * np.diff(edges)).sum() == (website.requests["outcome"] == "ok").sum()


def test_events_and_warm_up_are_shaded_where_they_were(website):
    for name in ("hit_rate", "queue", "outcomes"):
        patches = getattr(website.plot, name)().patches
        (event,) = by_gid(patches, "event")
        assert (event.get_x(), event.get_x() + event.get_width()) == (60.0, pytest.approx(74.4))
        (warmup,) = by_gid(patches, "warmup")
        assert warmup.get_width() == 12.0
    texts = [text.get_text() for text in website.plot.outcomes().texts]
    assert {"shop-1: slow", "edge: cache flush", "warm-up"} <= set(texts)


def test_the_matrix_is_what_counting_the_views_gives(website):
    seen: dict[str, list[float]] = {}
    for row in website.views.astype(object).itertuples():
        ends = [
            end.rsplit("-", 1)[0] if end[-1].isdigit() else end for end in row.observer.split(">")
        ]
        told = row.peer == row.client or row.client in row.forwarded_for.split(", ")
        counts = seen.setdefault(" – ".join(ends), [0.0] * 5)
        for place, value in enumerate((1, told, row.host, row.url, row.body)):
            counts[place] += row.requests * value
    found = {row.name: row for row in observers(website)}
    assert set(found) == set(seen) == {"edge", "shop", "visitors – edge"}
    for name, (requests, *counts) in seen.items():
        assert found[name].requests == requests
        assert found[name].shares == pytest.approx([count / requests for count in counts])
    assert 0.7 < found["shop"].shares[0] < 0.8
    assert found["visitors – edge"].shares == (1.0, 1.0, 0.0, 0.0)
    texts = [text.get_text() for text in website.plot.who_sees_what().texts]
    assert f"{found['shop'].shares[0]:.0%}" in texts


def test_with_and_without_are_drawn_to_one_scale_in_each_pair(website, bare):
    ax = website.plot.with_without(bare)
    mine, other = by_gid(ax.patches, "with"), by_gid(ax.patches, "without")
    names = [label.get_text() for label in ax.get_yticklabels()]
    place = names.index("p50")
    with_, without = (run.summary().latency["p50"] for run in (website, bare))
    assert mine[place].get_width() / other[place].get_width() == pytest.approx(with_ / without)
    assert max(mine[place].get_width(), other[place].get_width()) == 1
    assert "processor time for TLS" in names


def test_runs_of_other_requests_are_not_compared(website, fabricate):
    with pytest.raises(ResultError, match="seed"):
        website.plot.with_without(fabricate(100, seed=8))


def test_a_million_points_are_thinned_without_loss():
    rng = np.random.default_rng(1)
    x = np.sort(rng.exponential(1, 1_000_000))
    y = np.linspace(1, 0, x.size)
    kept_x, kept_y = thinned(x, y)
    assert len(kept_x) < 14_000
    assert (kept_x[0], kept_x[-1]) == (x[0], x[-1])
    again = np.interp(x, kept_x, kept_y)
    assert np.abs(again - y).max() <= 1 / 3000


def test_few_points_are_all_kept():
    x = np.arange(100.0)
    assert np.array_equal(thinned(x, x)[0], x)


def test_marks_stand_on_points_that_no_line_joins():
    y = np.array([1, 1, np.nan, 5, np.nan, 2, 2, np.nan])
    assert 3 in told_marks(y, about=1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0"), (1e-7, "100 ns"), (0.0005, "500 µs"), (0.001, "1 ms"), (0.25, "250 ms"),
     (1, "1 s"), (90, "90 s"), (600, "10 min")],
)  # fmt: skip
def test_durations_are_written_short(seconds, text):
    assert duration_text(seconds) == text


def test_long_names_keep_both_ends():
    assert shortened("abcdefghij", 5) == "ab…ij"
    assert shortened("short", 5) == "short"
    text = party_text("a-very-long-client-name>another-very-long-name", 30)
    assert len(text) <= 30
    assert "→" in text


def test_groups_beyond_the_palette_are_drawn_as_one(fabricate):
    ax = fabricate(3000, backends=12).plot.latency_ccdf(by="backend")
    labels = [line.get_label().split(":")[0] for line in by_gid(ax.get_lines(), "ccdf")]
    assert len(labels) == 8
    assert labels[-1] == "6 others"
    assert labels[:-1] == sorted(labels[:-1], key=lambda name: (name != "none", len(name), name))
