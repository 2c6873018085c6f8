"""Objectives are read as people write them, and refused so that they can be mended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ResultError
from proxysim.statistics.estimates import Estimate
from proxysim.studies.metrics import Prices
from proxysim.studies.objectives import objectives
from proxysim.studies.search import Verdict

READ = {
    "p99 < 250ms": ("p99", True, 0.25),
    "p99.9 latency <= 2s": ("p99.9", True, 2.0),
    "P95 below 1min": ("p95", True, 60.0),
    "mean latency under 30ms": ("mean", True, 0.03),
    "mean response time < 30 ms": ("mean", True, 0.03),
    "error rate < 0.1%": ("error_rate", True, 0.001),
    "error-rate at most 0.001": ("error_rate", True, 0.001),
    "hit ratio > 60%": ("hit_ratio", False, 0.6),
    "hit ratio of edge ≥ 60 %": ("hit_ratio.edge", False, 0.6),
    "hit_ratio.edge>60%": ("hit_ratio.edge", False, 0.6),
    "utilisation of shop-1 < 0.8": ("utilisation.shop-1", True, 0.8),
    "throughput at least 390/s": ("throughput", False, 390.0),
    "bytes of gateway-web < 2GB": ("bytes.gateway-web", True, 2e9),
    "imbalance < 1.2": ("imbalance", True, 1.2),
    "first byte.p95 < 80ms": ("first_byte.p95", True, 0.08),
}


@pytest.mark.parametrize("text", READ)
def test_reads(text):
    (found,) = objectives(text)
    assert (found.metric.name, found.below, found.bound) == pytest.approx(READ[text])


def test_several_are_joined():
    joined = objectives("p99 < 250ms and error rate < 0.1%, hit ratio > 60%")
    assert joined == objectives(["p99<250ms", "error rate<0.1%", "hit ratio>60%"])
    assert objectives(joined) == joined
    assert len(objectives("p99 < 1s and p99 < 1s")) == 1
    told = ["p99 < 250ms", "error rate < 0.1%", "hit ratio > 60%"]
    assert [str(one) for one in joined] == told


def test_a_cost_has_its_prices():
    (found,) = objectives("cost < 2.5", Prices(server_hour=0.12))
    assert found.bound == 2.5


WRONG = {
    "": "p99 < 250ms",
    "p99": "p99 < 250ms",
    "p99 = 250ms": "p99 < 250ms",
    "p99 < 250ms and": "p99 < 250ms",
    "< 250ms": "p99 < 250ms",
    "latency < 250ms": "no metric 'latency'",
    "p99 < 250": "without a unit",
    "p99 < 250/s": "a time such as 250ms",
    "p99 < fast": "a time such as 250ms",
    "p0 < 1s": "between p0 and p100",
    "error rate < 5": "a share such as 0.1%",
    "hit ratio > 60ms": "a share such as 0.1%",
    "imbalance < nan": "a number",
    "p99 > 250ms": "Write p99 < 250ms",
    "hit ratio < 60%": "Write hit ratio > 60%",
    "eror rate < 1%": "error_rate",
    "cost < 3": "price",
    "hit ratio of < 3%": "hit_ratio",
    "1s < p99 < 2s": "p99 < 250ms",
}


@pytest.mark.parametrize("text", WRONG)
def test_refuses_and_says_what_would_do(text):
    with pytest.raises(ResultError) as caught:
        objectives(text, place="--objective")
    assert WRONG[text] in str(caught.value)
    assert caught.value.place


@pytest.mark.parametrize("found", [[], [None], 3])
def test_refuses_what_is_no_text(found):
    with pytest.raises(ResultError):
        objectives(found)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        found = objectives(text)
    except ResultError:
        return
    assert found


def test_an_interval_is_judged_by_both_its_ends():
    (less,), (more,) = objectives("p99 < 250ms"), objectives("hit ratio > 60%")
    between = lambda low, high: Estimate((low + high) / 2, low, high, 0.95, 5)  # noqa: E731
    assert less.judge(between(0.2, 0.24)) is Verdict.MEETS
    assert less.judge(between(0.2, 0.26)) is Verdict.UNSURE
    assert less.judge(between(0.26, 0.3)) is Verdict.MISSES
    assert more.judge(between(0.61, 0.7)) is Verdict.MEETS
    assert more.judge(between(0.5, 0.59)) is Verdict.MISSES
    assert less.spare(0.2) == pytest.approx(0.2)
    assert more.spare(0.9) == pytest.approx(0.5)
