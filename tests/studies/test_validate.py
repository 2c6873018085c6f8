"""What validate holds against what: its bounds, its suite, its page, and the shell."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

import proxysim as ps
from proxysim import theory
from proxysim.cli.app import app
from proxysim.engines import export, places_of
from proxysim.errors import ResultError, ScenarioError
from proxysim.studies.agreement import ENGINE, OWN, Check, agreement
from proxysim.studies.doctrine import doctrine
from proxysim.studies.stand_ins import stand_in_for, with_nothing_behind
from proxysim.studies.suite import BEHIND, suite
from proxysim.studies.validate import Validation
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
    rows, declined = doctrine(SUITE["one-queue"], replications=5)
    response = next(row for row in rows if row.figure == "response")
    assert response.value == pytest.approx(0.02 / 0.3)
    assert response.ok
    assert not declined
    assert not replace(response, value=2 * response.value).ok


def test_theory_declines_with_its_reasons():
    rows, declined = doctrine(SUITE["failures"])
    assert rows == ()
    assert declined == tuple(
        f"{row.node}: {row.reason}" for row in theory.of(SUITE["failures"]).declined
    )


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
