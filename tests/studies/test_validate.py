"""What validate holds against what: its bounds, its suite, its page, and the shell."""

import json
import math
from dataclasses import replace

import pytest
from typer.testing import CliRunner

import proxysim as ps
from proxysim import theory
from proxysim.cli.app import app
from proxysim.engines import export, places_of
from proxysim.errors import ResultError, RunError, ScenarioError
from proxysim.studies.agreement import ENGINE, OWN, Check, agreement
from proxysim.studies.doctrine import doctrine
from proxysim.studies.panels import panels
from proxysim.studies.stand_ins import stand_in_for, with_nothing_behind
from proxysim.studies.suite import BEHIND, suite
from proxysim.studies.validate import Validation, not_made, seconds_of
from proxysim.studies.validate_charts import figures
from proxysim.studies.validation_page import page

SUITE = {scenario.name: scenario for scenario in suite()}


def runs(scenario, **changes):
    """A simulated run, as if it had been made on sockets, beside one with *changes*."""
    short = scenario.set({"run.duration": 12.0, "run.warmup": 1.0})
    one = ps.simulate(short.set(changes) if changes else short)
    one.extra["live"] = {"void": None}
    return one, ps.simulate(short)


def by_name(checks):
    return {check.what: check for check in checks}


def test_the_suite_covers_what_proxies_do():
    kinds = {node.kind for found in SUITE.values() for node in found.document.nodes.values()}
    assert {"forward_proxy", "reverse_proxy", "server", "clients"} <= kinds
    assert len(SUITE) >= 8
    assert any(site.tls for found in SUITE.values() for site in found.document.sites.values())
    assert any(found.document.events for found in SUITE.values())
    for found in SUITE.values():
        assert found.title, found.name
        assert found.question, found.name


@pytest.mark.parametrize("engine", BEHIND)
def test_an_engine_can_be_the_proxies_that_the_suite_gives_it(engine):
    for name in BEHIND[engine]:
        stand_in = stand_in_for(engine, SUITE[name])
        assert export(engine, SUITE[name], stand_in.node, places_of(SUITE[name])).text


def test_behind_another_program_links_take_no_time():
    bare = with_nothing_behind(SUITE["filtering"], "gateway")
    inner, outer = bare.document.links[1], bare.document.links[0]
    assert (inner.latency, inner.bandwidth) == (0.0, None)
    assert outer == SUITE["filtering"].document.links[0]
    assert bare.document.nodes == SUITE["filtering"].document.nodes


@pytest.mark.parametrize("name", ["balancing", "caching", "filtering", "both-ends"])
def test_a_run_agrees_with_itself_in_everything(name):
    checks = agreement([runs(SUITE[name])] * 3, OWN)
    assert len(checks) >= 6
    assert all(check.ok and check.difference == 0 for check in checks)


@pytest.mark.parametrize(
    ("name", "changes", "missed"),
    [
        ("balancing", {"nodes.edge.balancer": "random"}, "load of app-3"),
        ("caching", {"nodes.edge.cache.capacity": "200kB"}, "hit ratio of edge"),
        ("filtering", {"nodes.gateway.filters": []}, "blocked or not, otherwise"),
        ("filtering", {"nodes.gateway.identity": "transparent"}, "who sees what"),
        ("one-queue", {"nodes.server.speed": 0.9}, "mean"),
        ("compression", {"nodes.edge.compression": []}, "bytes to clients"),
    ],
)
def test_a_run_that_is_otherwise_does_not_agree(name, changes, missed):
    found = by_name(agreement([runs(SUITE[name], **changes)], OWN))
    assert not found[missed].ok


def test_the_median_round_counts():
    fine, off = runs(SUITE["one-queue"]), runs(SUITE["one-queue"], **{"nodes.server.speed": 0.7})
    assert by_name(agreement([fine, off, fine], OWN))["mean"].difference == 0
    assert not by_name(agreement([fine, off, off], OWN))["mean"].ok


def test_a_late_percentile_may_be_off_by_two_milliseconds():
    pair = runs(SUITE["one-queue"].set("nodes.server.service", {"fixed": "1ms"}))
    check = by_name(agreement([pair], OWN))["p99"]
    assert check.allowed > 1


def test_what_another_program_answers_itself_is_a_hit():
    pair = runs(SUITE["caching"])
    found = by_name(agreement([pair], ENGINE, "edge"))
    assert "hit ratio of edge" not in found
    hit = found["answered by edge itself"]
    assert hit.expected == pytest.approx(pair[1].summary().hit_ratio["edge"], abs=0.02)


def test_theory_is_held_against_simulations():
    live, _ = runs(SUITE["one-queue"])
    found = doctrine(SUITE["one-queue"], replications=5, rounds=[live])
    rows = {row.figure: row for row in found.rows}
    assert rows["response"].value == pytest.approx(0.02 / 0.3)
    # M/M/1: time in system is exponential.
    assert rows["p95"].value == pytest.approx(0.02 / 0.3 * math.log(20))
    assert rows["p99"].value == pytest.approx(0.02 / 0.3 * math.log(100))
    assert all(row.ok for row in rows.values())
    assert not found.declined
    times = live.column("wait") + live.column("service")
    assert rows["response"].live == pytest.approx(times[live.counted].mean())
    assert rows["p99"].live is None  # too few requests for it
    for row in rows.values():
        assert not replace(row, value=2 * row.value).ok


def test_a_mean_that_theory_tells_alone_has_no_percentiles():
    found = doctrine(SUITE["tls"], replications=2)
    assert {row.figure for row in found.rows} == {"response", "utilisation"}
    assert "shop: G/G/2 tells the mean alone, no p95" in found.declined


def test_of_a_processor_only_how_busy_it_is_can_be_seen():
    found = doctrine(SUITE["balancing"].set("costs", "typical"), replications=2)
    assert [(row.node, row.figure) for row in found.rows] == [("edge", "utilisation")]
    assert found.queues == ()
    assert not any(reason.startswith("edge") for reason in found.declined)


def test_a_percentile_of_few_requests_is_declined():
    found = doctrine(SUITE["one-queue"].set({"run.duration": 12.0}), replications=2)
    assert "p99" not in {row.figure for row in found.rows}
    assert "server: a p99 takes 1,000 requests in a run, and there are fewer" in found.declined


def test_theory_declines_with_its_reasons():
    found = doctrine(SUITE["failures"])
    assert found.rows == ()
    assert found.declined == tuple(
        f"{row.node}: {row.reason}" for row in theory.of(SUITE["failures"]).declined
    )


def test_what_pictures_need_is_kept_and_no_more():
    """The whole latency where the scenario is one queue; else the time at the servers."""
    for name, nodes in (("one-queue", [""]), ("filtering", ["", "web"]), ("tls", [""])):
        pair = runs(SUITE[name])
        taught = doctrine(SUITE[name], replications=2)
        found = panels([pair, pair], SUITE[name], taught)
        assert [panel.node for panel in found] == nodes
        for panel in found:
            assert [one.label for one in panel.rounds] == [
                "simulated, same requests",
                "on sockets",
            ]
            assert len(panel.theory) == (2 if panel.node or name == "one-queue" else 0)
            assert all(len(one.times) <= 300 for one in (*panel.theory, *panel.rounds))
        ok = pair[1].counted & (pair[1].column("outcome") == 0)
        assert found[0].rounds[0].count == 2 * ok.sum()


CHECK = Check("mean", 0.02, 0.0204, 0.02, 0.05, "share")
FOUND = Validation("one-queue", "One queue", (CHECK,), OWN, 3, 20.0, 2100, (), 300, 0)


def test_the_page_tells_each_figure_and_what_was_missed():
    text = page([FOUND, replace(FOUND, engine="nginx", node="edge", notes=("It is not ours.",))])
    assert "| mean | 20.0 ms | 20.4 ms | +2.0% | 5% |" in text
    assert "0 of 300 requests" in text
    assert "* It is not ours." in text
    assert "missed" not in text
    off = replace(FOUND, checks=(replace(CHECK, difference=0.06),))
    assert not off.ok
    assert "**missed**" in page([off])


def test_no_round_is_no_agreement():
    assert not replace(FOUND, rounds=0).ok
    assert not replace(FOUND, differing=1).ok
    assert replace(FOUND, differing=1).verdict == "does not agree"


def test_too_few_rounds_are_no_agreement_however_near_they_came():
    few = replace(FOUND, rounds=2, wanted=3, void=("too late",))
    assert (few.verdict, few.ok) == ("void", False)
    text = page([few, FOUND])
    assert "**1 of 2 agree.**" in text
    assert "too few rounds may be believed, and nothing is claimed: one-queue" in text
    assert "| one-queue | ours | 2 of 3 | 0 of 300 requests | 1 of 1 | **void** |" in text
    assert "A round was void and left out: too late." in text


def test_a_round_that_was_made_again_is_told():
    text = page([replace(FOUND, void=("too late",))])
    assert "**1 of 1 agree.** Void rounds that were left out and made again: 1." in text


def test_what_was_not_made_is_on_the_page():
    text = page([FOUND, not_made(SUITE["caching"], "nginx", 3, "a process was lost")])
    assert "nothing is claimed: caching with nginx" in text
    assert "Void: a process was lost." in text


PAIR = runs(SUITE["one-queue"])
DRAWN = replace(
    FOUND,
    checks=tuple(agreement([PAIR] * 3, OWN)),
    panels=panels([PAIR] * 3, SUITE["one-queue"], doctrine(SUITE["one-queue"], replications=2)),
)


def test_charts_show_all_worlds():
    labels = [text.get_text() for text in DRAWN.plot.latency().get_legend().get_texts()]
    assert [label.split(":")[0] for label in labels] == [
        "theory, M/M/1",
        "simulated 2 times",
        "simulated, same requests",
        "on sockets",
    ]
    marks = [line for line in DRAWN.plot.parity().get_lines() if line.get_gid() == "pair"]
    means = {check.what: check.expected for check in DRAWN.checks}
    assert [mark.get_xdata()[0] for mark in marks] == [
        means[name] for name in ("mean", "p50", "p95", "p99")
    ]
    with pytest.raises(ResultError, match="no distribution of times at 'server'"):
        DRAWN.plot.queue("server")
    with pytest.raises(ResultError, match="no round of it may be believed"):
        FOUND.plot.latency()


SHARES = replace(FOUND, checks=tuple(agreement([runs(SUITE["caching"])] * 3, OWN)))


def test_shares_are_held_in_points():
    ax = SHARES.plot.shares()
    marks = [line for line in ax.get_lines() if line.get_gid() == "pair"]
    assert len(marks) == 3  # a hit ratio, and the load of two servers
    shown = {text.get_text() for text in ax.get_legend().get_texts()}
    assert shown == {"hit ratio", "share of load", "± 1 point", "± 2 points"}


def test_where_nothing_can_be_drawn_nothing_is():
    assert [*figures([replace(FOUND, checks=())])] == []
    (one,) = [figure for slug, _, figure in figures([FOUND]) if slug == "parity"]
    assert len(one.axes) == 1  # no share to show
    assert len(next(figures([DRAWN, SHARES]))[2].axes) == 2


def test_notebooks_show_the_figures_and_the_charts():
    html = DRAWN._repr_html_()
    assert html.count("data:image/png;base64,") == 2
    assert "<strong>one-queue</strong>: agrees" in html
    assert "p99" in html
    off = replace(DRAWN, scenario="<b>", checks=(replace(CHECK, difference=0.06),))
    assert "missed" in off._repr_html_()
    assert "<b>" not in off._repr_html_()


def test_the_time_that_it_takes_is_known_beforehand():
    given = {"rounds": 3, "length": 20.0}
    bare = seconds_of(SUITE["turns"], requests=0, **given)
    assert 60 < bare < 80
    # 100 requests one after another, each over 40 ms of wires and 20 ms of work.
    assert 4 < seconds_of(SUITE["turns"], requests=100, **given) - bare < 20
    assert seconds_of(SUITE["turns"], engine="nginx", requests=100, **given) == bare
    assert seconds_of(SUITE["turns"], requests=0, rounds=1, length=900.0) < 75  # its own length


def shell(monkeypatch, found, *options):
    """The command, with *found* (a validation, or an error) in place of each that it makes."""

    def made(scenario, **_):
        one = found[scenario.name] if isinstance(found, dict) else found
        if isinstance(one, Exception):
            raise one
        return replace(one, scenario=scenario.name)

    monkeypatch.setattr("proxysim.studies.validate.validate", made)
    return CliRunner().invoke(app, ["validate", "--costs", "typical", *options])


def test_a_page_stands_beside_its_charts(monkeypatch, tmp_path):
    result = shell(monkeypatch, DRAWN, "one-queue", "--out", str(tmp_path / "found.md"))
    assert result.exit_code == 0, result.output
    assert "This takes about" in result.stderr
    text = (tmp_path / "found.md").read_text()
    for name in ("parity", "one-queue"):
        assert f"(found/{name}.png)" in text
        assert (tmp_path / "found" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_one_that_fails_does_not_cost_the_others_and_is_not_passed_over(monkeypatch, tmp_path):
    found = dict.fromkeys(SUITE, replace(DRAWN, panels=())) | {
        "tls": RunError("a process was lost")
    }
    result = shell(monkeypatch, found, "--json", "--out", str(tmp_path / "page"))
    assert result.exit_code == 1
    told = {row["scenario"]: row for row in json.loads(result.stdout)}
    assert set(told) == set(SUITE)
    assert told["tls"]["verdict"] == "void"
    assert told["tls"]["void"] == ["a process was lost"]
    assert told["turns"]["ok"]
    text = (tmp_path / "page").read_text()
    assert "nothing is claimed: tls." in text
    assert "(page-charts/parity.png)" in text
    alone = shell(monkeypatch, found, "tls")
    assert (alone.exit_code, alone.output.count("a process was lost")) == (1, 1)


def test_a_program_that_is_not_there_is_told_before_anything_is_measured(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("proxysim.engines.running.PLACES", ())
    result = shell(monkeypatch, DRAWN, "turns", "--with", "haproxy")
    assert result.exit_code == 2
    assert "haproxy" in result.output
    assert "This takes" not in result.output


@pytest.mark.live
def test_worlds_are_held_against_each_other():
    found = ps.validate(
        SUITE["turns"].set("nodes.users.arrivals.poisson", "20/s"),
        rounds=1,
        length=3.0,
        requests=60,
    )
    assert (found.replayed, found.differing) == (60, 0)
    checks = by_name(found.checks)
    assert checks["blocked or not, otherwise"].difference == 0
    assert checks["bytes to clients"].difference == 0
    for server in ("app-1", "app-2", "app-3"):
        assert checks[f"load of {server}"].ok


@pytest.mark.live
@pytest.mark.parametrize(
    ("engine", "name", "hits"),
    [("nginx", "caching", True), ("haproxy", "turns", False), ("squid", "filtering", False)],
)
def test_a_real_program_stands_in_the_proxys_place(engine, name, hits, installed):
    installed(engine)
    path = next(
        f"nodes.{group}.arrivals.poisson"
        for group, node in SUITE[name].document.nodes.items()
        if node.kind == "clients"
    )
    found = ps.validate(SUITE[name].set(path, "20/s"), engine=engine, rounds=1, length=3.0)
    checks = by_name(found.checks)
    assert found.engine == engine
    assert found.notes
    assert checks["answers of another status"].difference == 0
    assert ("answered by edge itself" in checks) == hits
    if hits:
        assert checks["answered by edge itself"].ok


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["one-queue", "--for", "0s"], "--for"),
        (["one-queue", "--with", "apache"], "apache"),
        (["--with", "apache"], "--with"),
        (["one-queue", "--with", "nginx"], "no proxy"),
        (["filtering", "--with", "nginx"], "nginx cannot be gateway"),
        (["one-queue", "--node", "edge"], "--with"),
        (["--set", "run.seed=1"], "Name it"),
        (["nowhere"], "no scenario 'nowhere'"),
        (["one-queue", "--out", "/"], "directory"),
    ],
)
def test_bad_input_is_told(options, says):
    result = CliRunner().invoke(app, ["validate", "--costs", "typical", *options])
    assert result.exit_code == 2, result.output
    assert says in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_bad_numbers_are_told():
    with pytest.raises(ResultError, match="rounds"):
        ps.validate("one-server", rounds=0)
    with pytest.raises(ScenarioError, match="no scenario"):
        ps.validate("nowhere")


def test_json_is_plain():
    text = json.dumps(FOUND.to_dict(), allow_nan=False)
    assert json.loads(text)["checks"][0]["ok"] is True
