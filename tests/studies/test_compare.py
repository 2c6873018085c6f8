"""Comparisons: what is real is called so, chance is not, and no one is sure without reason."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import proxysim as ps
from proxysim.errors import ProxysimError, ResultError, ScenarioError
from proxysim.statistics.comparisons import enough, holm, paired_difference
from proxysim.statistics.intervals import mean_interval
from proxysim.studies.compare import compare, prepared
from proxysim.studies.contrasts import contrasts
from proxysim.studies.metrics import metric

SCENARIO = ps.load("unequal-servers").set({"run.duration": "4s", "run.warmup": "1s"})
BALANCERS = {"nodes.edge.balancer": ["round_robin", "least_connections"]}


@pytest.fixture(scope="module")
def compared():
    return compare(SCENARIO, BALANCERS, without="edge", replications=8, workers=1)


def judged(values, names=("mean",), answered=5000, **options):
    """Contrasts of made-up values, by setting and metric."""
    settled = {"confidence": 0.95, "method": "student", "seed": 1} | options
    return contrasts(
        [metric(name) for name in names],
        values,
        {name: [answered] * 10 for name in values},
        next(iter(values)),
        **settled,
    )


def test_replications_have_the_same_draws_in_every_setting(compared):
    arrived = [compared.values[name]["throughput"] for name in compared.values]
    assert len({value for found in arrived for value in found}) > 4
    assert [found.verdict for found in compared.contrasts if found.metric.name == "throughput"] == [
        "same", "same",
    ]  # fmt: skip


def test_a_figure_is_the_runs(compared):
    for replication in range(8):
        run = ps.simulate(SCENARIO.set("nodes.edge.balancer", "least_connections"),
                          replication=replication)  # fmt: skip
        found = compared.values["least_connections"]
        assert found["p99"][replication] == run.summary().latency["p99"]
        assert found["mean"][replication] == run.summary().latency["mean"]
    figure = compared.figure("least_connections", "mean")
    assert figure == mean_interval(compared.values["least_connections"]["mean"])


def test_differences_are_paired_students_t_with_holm(compared):
    tested = [one for one in compared.contrasts if one.p is not None]
    by_hand = [
        paired_difference(
            compared.values["round_robin"][one.metric.name],
            compared.values[one.setting][one.metric.name],
        )
        for one in tested
    ]
    assert [one.p for one in tested] == [found.p for found in by_hand]
    assert [one.adjusted for one in tested] == holm([one.p for one in tested]).tolist()
    for one, found in zip(tested, by_hand, strict=True):
        assert one.difference.value == pytest.approx(found.interval.mean)
        assert one.relative.value == pytest.approx(found.interval.mean / one.base, rel=0.05)
        assert (one.verdict == "real") == (one.adjusted <= 0.05)


def test_a_balancer_that_knows_is_faster_and_said_to_be(compared):
    (found,) = [
        one for one in compared.contrasts
        if (one.setting, one.metric.name) == ("least_connections", "p50")
    ]  # fmt: skip
    assert found.verdict == "real"
    assert found.better
    assert found.text().startswith("least_connections answers ")
    assert " % faster at p50: real (95 % interval " in found.text()


def test_who_makes_the_runs_changes_no_byte(compared):
    again = compare(SCENARIO, BALANCERS, without="edge", replications=8, workers=2)
    assert again.to_json() == compared.to_json()
    assert again.frame().to_csv() == compared.frame().to_csv()


def test_a_notebook_shows_what_is_said_and_by_how_much(compared):
    page = compared._repr_html_()
    for one in compared.contrasts:
        assert f"<td>{one.change()}</td><td>{one.between()}</td><td>{one.verdict}</td>" in page
    assert page.count("<li>") == len(compared.statements)


def test_noise_is_hardly_ever_called_real():
    """Ten settings that are all the same, 200 times: a family errs in at most 5 %."""
    rng = np.random.default_rng(5)
    wrong = 0
    for _ in range(200):
        values = {f"s{number}": {"mean": rng.normal(1, 0.1, 10).tolist()} for number in range(10)}
        wrong += any(one.verdict == "real" for one in judged(values))
    assert wrong / 200 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


@pytest.mark.parametrize("method", ["student", "bootstrap"])
@pytest.mark.parametrize("name", ["mean", "hit_ratio"])
@given(
    seed=st.integers(0, 10_000),
    shifts=st.lists(st.floats(-0.3, 0.3), min_size=1, max_size=4),
    noise=st.sampled_from([0.01, 0.1, 0.4]),
)
@settings(max_examples=12, deadline=None)
def test_what_is_said_is_what_is_shown(method, name, seed, shifts, noise):
    """Real, if and only if the interval leaves out zero: in the text, of both kinds, and for p."""
    rng = np.random.default_rng(seed)
    base = rng.gamma(9, 0.1, 10)
    values = {"base": {name: base.tolist()}} | {
        f"s{place}": {name: np.abs(base + shift + rng.normal(0, noise, 10)).tolist()}
        for place, shift in enumerate(shifts)
    }
    for one in judged(values, [name], method=method):
        real = one.verdict == "real"
        assert real == (0.0 not in one.difference)
        if one.relative is not None:
            assert real == (0.0 not in one.relative)
            assert (one.relative.value > 0) == (one.difference.value > 0)
        ways = [word in one.between() for word in ("faster", "slower", "less", "more")]
        assert sum(ways) == (1 if real else 2)
        assert one.level >= 0.95 - 1e-12
        if method == "student":
            assert real == (one.adjusted <= 0.05)
        else:
            assert one.p is one.adjusted is None


@pytest.mark.parametrize("method", ["student", "bootstrap"])
def test_what_is_far_is_real_by_either_method(method):
    rng = np.random.default_rng(2)
    base = rng.gamma(9, 0.1, 10)
    values = {
        "one": {"p95": base.tolist()},
        "twice": {"p95": (2 * base + rng.normal(0, 0.01, 10)).tolist()},
        "alike": {"p95": (base + rng.normal(0, 0.2, 10)).tolist()},
    }
    twice, alike = judged(values, ["p95"], method=method)
    assert twice.verdict == "real"
    assert twice.better is False
    assert twice.text().startswith("twice answers 100 % slower at p95: real")
    assert 1.0 in (twice.relative.low, 1.0, twice.relative.high)
    assert alike.verdict == "unsure"
    assert alike.enough > 10
    assert f"about {alike.enough:,} replications would tell" in alike.text()


def test_so_many_replications_do_tell():
    """With as many as it says, four of five comparisons find a difference of that size."""
    rng = np.random.default_rng(8)
    first = rng.normal(0.3, 1, 12)
    first += 0.3 - first.mean()
    count = enough(first)
    spread = first.std(ddof=1)
    told = sum(
        paired_difference(np.zeros(count), rng.normal(0.3, spread, count)).p <= 0.05
        for _ in range(400)
    )
    assert told / 400 == pytest.approx(0.8, abs=3 * math.sqrt(0.8 * 0.2 / 400))


def test_no_number_tells_what_is_not_there():
    assert enough([1, -1, 1, -1]) is None
    for wrong in ([1.0], []):
        with pytest.raises(ResultError):
            enough(wrong)


def test_what_replications_share_is_the_same():
    values = {"one": {"error_rate": [0.0] * 10}, "other": {"error_rate": [0.0] * 10}}
    (found,) = judged(values, ["error_rate"])
    assert found.verdict == "same"
    assert "the same" in found.text()


def test_what_a_sample_cannot_support_is_refused_with_the_number_it_takes():
    values = {"one": {"p99": [1.0] * 10}, "other": {"p99": [2.0] * 10}}
    (found,) = judged(values, ["p99"], answered=200)
    assert found.verdict == "refused"
    assert "200 ok answers" in found.text()
    assert "it takes 299" in found.text()
    assert "1.8 times as long" in found.text()
    assert judged(values, ["p99"], answered=299)[0].verdict == "real"


def test_what_one_setting_lacks_is_said():
    short = ps.load("website-reverse-proxy").set({"run.duration": "3s", "run.warmup": "1s"})
    without = compare(short, without="edge", replications=2, workers=1, metrics=["hit_ratio.edge"])
    (found,) = without.contrasts
    assert found.verdict == "missing"
    assert found.text() == "without edge has no hit_ratio.edge."
    assert without.figure("without edge", "hit_ratio.edge") is None


def test_shares_differ_by_points():
    values = {"one": {"hit_ratio": [0.50, 0.51, 0.52]}, "other": {"hit_ratio": [0.60, 0.612, 0.62]}}
    values = {name: {"hit_ratio": found["hit_ratio"] * 3} for name, found in values.items()}
    (found,) = judged(values, ["hit_ratio"])
    assert found.relative is None
    assert found.text().startswith("other has 10 points more hit_ratio: real")


@pytest.mark.parametrize(
    ("name", "base", "other", "told", "between"),
    [
        ("mean", 1.0, 0.7, "answers 30 % faster on average", "29.9 to 30.0 % faster"),
        ("p99", 1.0, 25.0, "answers 25 times slower at p99", "24.99 to 25.03 times slower"),
        ("utilisation", 0.5, 0.6, "has 10 points more utilisation", "9.97 to 10.1 points more"),
        ("throughput", 10.0, 9.0, "has 10 % less throughput", "9.9 to 10 % less"),
        ("max", 1.0, 1.5, "answers 50 % slower at worst", "49.9 to 50.2 % slower"),
        ("cpu", 0.0, 0.002, "has 2.00 ms more cpu", "2.00 to 2.00 ms more"),
    ],
)
def test_findings_read_as_sentences(name, base, other, told, between):
    wobble = np.random.default_rng(1).normal(0, 0.002, 10)
    values = {
        "a": {name: [base + (base and 0.1 * wobble[9 - r]) for r in range(10)]},
        "b": {name: (other * (1 + wobble)).tolist()},
    }
    (found,) = judged(values, [name])
    assert found.text() == f"b {told}: real (95 % interval {between})."


def test_one_value_is_compared_with_the_scenario_as_it_is():
    found = prepared(SCENARIO, {"nodes.edge.balancer": ["random"]})
    assert [one.label for one in found.settings] == ["as it is", "random"]
    assert found.baseline == "as it is"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "nothing to compare"),
        ({"vary": BALANCERS, "replications": 1}, "replications: found 1. Give a whole number"),
        ({"vary": BALANCERS, "replications": 2.5}, "replications: found 2.5"),
        ({"vary": BALANCERS, "replications": 6000}, "2 settings, 6,000 times each, are 12,000"),
        ({"vary": BALANCERS, "seed": -1}, "seed: found -1"),
        ({"vary": BALANCERS, "baseline": "round_robbin"}, "Did you mean 'round_robin'"),
        ({"vary": BALANCERS, "metrics": ["p98.x"]}, "no metric"),
        ({"vary": BALANCERS, "metrics": []}, "no metric to measure by"),
        ({"vary": BALANCERS, "confidence": 95}, "confidence 95"),
        ({"vary": BALANCERS, "method": "guess"}, "student or bootstrap"),
        ({"vary": {"nodes.edge.balancer": "random"}}, "list of values"),
        ({"without": "shop"}, "shop is no proxy"),
    ],
)
def test_a_wrong_question_is_told_before_anything_runs(options, told):
    with pytest.raises(ProxysimError) as found:
        prepared(SCENARIO, **options)
    assert told in str(found.value)


def test_a_run_that_cannot_be_names_its_setting():
    wrong = ps.load("replay-access-log")
    path = next(f"nodes.{n}.arrivals.replay.file" for n, node in wrong.document.nodes.items()
                if node.kind == "clients")  # fmt: skip
    with pytest.raises(ScenarioError, match=r"with nowhere\.log, replication 0"):
        compare(wrong, {path: ["nowhere.log", "nor-here.log"]}, replications=2, workers=1)
