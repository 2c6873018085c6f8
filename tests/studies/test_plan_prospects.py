"""What lies ahead of a fleet: headroom, growth, the knee, cost; drawn, and held against theory."""

import json
import math
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import proxysim as ps
from proxysim.charts import planning
from proxysim.studies.load import offered
from proxysim.studies.plan import plan
from proxysim.theory import sojourns

WORKERS = "nodes.server.workers"
#: One queue, utilisation 0.5 of three workers.
QUEUE = ps.load("one-server").set(
    {"nodes.server.workers": 3, "nodes.users.arrivals": {"poisson": 150}, "run.seed": 5}
)


def by_formula(jobs, metrics, **_):
    """What M/M/c comes to, give or take 2 % from replication to replication, and no run at all."""
    found = []
    for job in jobs:
        rate = offered(job.scenario)
        server = job.scenario.document.nodes["server"]
        rho = rate * 0.01 / server.workers
        mean = sojourns.mmc(rate, 0.01, server.workers).mean if rho < 1 else 10.0
        noise = np.random.default_rng([job.seed, job.replication, server.workers]).normal(0, 0.02)
        known = {"mean": mean * (1 + noise), "throughput": rate, "offered": rate, "unanswered": 0.0}
        values = {one.name: known.get(one.name, 0.0) for one in metrics}
        for one in metrics:
            if one.name == "cost":
                values["cost"] = one.prices.server_hour + one.prices.gb_out
        summary = SimpleNamespace(
            requests={"arrived": 5000, "ok": 5000},
            utilisation={"server": min(rho, 1.0)},
            bytes={},
            manifest={"proxysim": "0"},
        )
        found.append(SimpleNamespace(summary=summary, values=values))
    return found


def formula(objective="mean < 11ms", vary=WORKERS, *, between=(1, 9), **options):
    """A plan for the queue in the world of formulas."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proxysim.studies.trials.run_all", by_formula)
        return plan(QUEUE, objective, vary, between=between, workers=1, **options)


@pytest.fixture(scope="module")
def workers():
    return formula(
        growth="10%/month", headroom=True, curve=True, price="$0.10/h", price_out="$0.08/GB"
    )


@pytest.fixture(scope="module")
def simple():
    return formula()


def most(c=4):
    """The most load, in multiples of today's, at which c workers answer within 11 ms on average."""
    loads = np.arange(0.1, c / 1.5 - 0.01, 0.002)
    return max(load for load in loads if sojourns.mmc(150 * load, 0.01, c).mean < 0.011)


def test_headroom_is_what_theory_says(workers):
    assert workers.answer == 4
    assert workers.headroom.load == pytest.approx(most(), rel=0.06)
    assert not workers.headroom.at_least
    assert f"it sustains {workers.headroom.load:.3g} times today's load" in str(workers)


def test_growth_is_followed_until_it_breaks(workers):
    outlook = workers.outlook
    exact = math.floor(math.log(most()) / math.log(1.1))
    assert outlook.months in (exact - 1, exact)
    assert not outlook.at_least
    assert outlook.trials[0].value == 0
    assert f"it lasts {outlook.months} months (load × " in str(workers)


def test_growth_too_slow_to_follow_lasts_so_long_at_least():
    found = formula("mean < 1s", between=(8, 9), growth="1%/year")
    assert found.outlook.at_least
    assert found.outlook.months == 120
    assert "it lasts 120 months or more" in str(found)


def test_what_does_not_do_today_does_not_last():
    found = formula("mean < 10.01ms", between=(1, 2), growth="8%/month")
    assert found.outlook.months is None
    assert "it is not enough even today" in str(found)


def test_the_most_load_is_what_theory_says():
    found = formula("mean < 11ms", "load", between=(0.1, 10), curve=True)
    assert found.sense == "most"
    assert found.answer == pytest.approx(most(c=3), rel=0.08)
    assert f"{found.answer:.4g} times today's load: mean" in str(found)
    rate = formula("mean < 11ms", "nodes.users.arrivals.poisson", between="10/s..2000/s")
    assert rate.answer == pytest.approx(150 * found.answer, rel=0.08)


def test_the_knee_is_where_theory_has_it(workers):
    rates = list(range(20, 399))
    power = [rate / sojourns.mmc(rate, 0.01, 4).mean for rate in rates]
    assert workers.curve.knee == pytest.approx(rates[power.index(max(power))], rel=0.05)
    assert workers.curve.today == 150
    for point in workers.curve.points:
        assert point.trial.figures["mean"] == pytest.approx(point.theory, rel=0.03)


def test_a_curve_that_never_bends_says_so():
    found = formula("mean < 1s", "nodes.users.count", between=(1, 4), curve=True)
    assert found.curve.knee is not None
    assert "Knee: at" in str(found)


def test_the_same_question_has_the_same_answer(workers):
    again = formula(
        growth="10%/month", headroom=True, curve=True, price="$0.10/h", price_out="$0.08/GB"
    )
    assert again.to_dict() == workers.to_dict()
    assert str(again) == str(workers)
    assert formula(seed=6).best.figures != workers.best.figures


def test_a_currency_is_told(workers):
    assert workers.to_dict()["cost"]["currency"] == "$"
    assert "Cost: $0.18 an hour, $131 a month" in str(workers)


# Pictures.


@pytest.mark.parametrize("name", sorted(planning.CHARTS))
def test_charts_show_what_was_found(name, workers, simple):
    for found in (workers, simple):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ax = getattr(found.plot, name)()
            ax.get_figure(root=True).canvas.draw()
        assert ax.get_title(loc="left")
        (source,) = [text for text in ax.texts if text.get_gid() == "provenance"]
        assert found.scenario in source.get_text()
        assert f"seed {found.seed}" in source.get_text()


def test_a_plan_has_the_charts_that_it_has_something_for(workers, simple):
    slugs = [slug for slug, _, _ in planning.plan_charts(simple.to_dict())]
    assert slugs == ["evidence"]
    slugs = [slug for slug, _, _ in planning.plan_charts(json.loads(json.dumps(workers.to_dict())))]
    assert slugs == list(planning.CHARTS)


def test_the_evidence_is_drawn_as_it_is(workers):
    ax = workers.plot.evidence()
    drawn = {
        float(x): float(y)
        for line in ax.get_lines()
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
        if line.get_marker() in ("o", "X", "D")
    }
    for trial in workers.trials:
        assert drawn[trial.value] == pytest.approx(trial.measured[0].found.value)
    assert "4 workers" in ax.get_title(loc="left")


def test_the_curve_shows_its_band_the_objective_theory_and_the_knee(workers):
    ax = workers.plot.latency_throughput()
    told = {text.get_text() for text in ax.get_legend().get_texts()}
    assert told == {"interval", "simulated", "theory", "mean < 11ms"}
    lines = {line.get_label(): line for line in ax.get_lines()}
    points = workers.curve.points
    assert list(lines["theory"].get_ydata()) == [point.theory for point in points]
    assert list(lines["simulated"].get_ydata()) == pytest.approx(
        [point.trial.figures["mean"] for point in points]
    )
    assert any(list(line.get_xdata()) == [workers.curve.knee] * 2 for line in ax.get_lines())


def test_what_costs_is_drawn_by_the_month(workers):
    ax = workers.plot.cost()
    months = {row["cost_a_month"] for row in workers.evidence}
    drawn = {float(y) for line in ax.get_lines() for y in line.get_ydata()}
    assert months == drawn
    assert "$" in ax.get_ylabel()
