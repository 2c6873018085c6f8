"""A plan in words: what was found, how sure it is, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from proxysim.studies.evidence import Trial
from proxysim.studies.search import Verdict
from proxysim.studies.variable import LOAD

if TYPE_CHECKING:
    from proxysim.studies.answer import Outlook, Plan

__all__ = ["sure", "told", "unsure"]

#: More replications than that nobody makes.
MOST_TOLD = 10_000


def told(plan: Plan) -> Iterator[tuple[str, str]]:
    """All of the plan in sentences, each with the word that it comes under."""
    yield "Answer", _answer(plan)
    for line in sure(plan):
        yield "Sure", line
    for line in unsure(plan):
        yield "Unsure", line
    for word, line in (
        ("Headroom", _headroom(plan)),
        ("Cost", _cost(plan)),
        ("Growth", "" if plan.outlook is None else _growth(plan.outlook)),
        ("Knee", _knee(plan)),
    ):
        if line:
            yield word, line
    for text in plan.assumptions:
        yield "Assumed", f"{text}."


def _answer(plan: Plan) -> str:
    """The answer with its evidence, and that of the value next to it."""
    best = plan.best
    if plan.answer is None:
        even = plan.variable.phrase(best.value)
        if best.verdict is Verdict.UNSURE:
            return f"It cannot be told whether {even} would do: {_with(best, best.tightest.text)}."
        limit = f", {plan.limit}" if plan.limit else ""
        return f"Even {even} {_verb(plan, best.value, 'miss')} it: {_missed(best)}{limit}."
    line = f"{plan.variable.phrase(plan.answer)}: {_with(best, best.tightest.text)}"
    if (other := plan.beyond) is None:
        end = "least" if plan.sense == "least" else "most"
        return f"{line}. It is the {end} that was to be tried: there may be room beyond."
    return f"{line}; {plan.variable.phrase(other.value)}: {_missed(other)}."


def sure(plan: Plan) -> Iterator[str]:
    """What is sure, and how sure."""
    best = plan.best
    share = f"{100 * plan.confidence:g} %"
    asked = _and([str(one) for one in plan.objectives])
    if plan.answer is None:
        if best.verdict is Verdict.MISSES:
            yield f"at {share}, {plan.variable.phrase(best.value)} will not do for {asked}."
        return
    runs = f"by {best.replications} replications of {best.duration:g} s"
    line = f"at {share}, {plan.variable.phrase(best.value)} will do for {asked}, {runs}"
    beyond = plan.beyond
    if beyond is not None and beyond.verdict is Verdict.MISSES:
        line += f"; {plan.variable.phrase(beyond.value)} will not"
    yield f"{line}."


def unsure(plan: Plan) -> Iterator[str]:
    """What could not be told, and what was found against the order of the others."""
    near = plan.best if plan.answer is None else plan.beyond
    if near is not None and near.verdict is Verdict.UNSURE:
        well = "" if plan.answer is None else " as well"
        yield (
            f"{plan.variable.phrase(near.value)} may do{well}: {near.tightest.text} is too near to"
            f" tell{_would_take(near)}."
        )
    for value in plan.found.strays:
        verdict = "meet" if plan.found.verdicts[value] is Verdict.MEETS else "miss"
        yield (
            f"{plan.variable.phrase(value)} {_verb(plan, value, verdict)} it, against what the"
            " others say."
        )


def _headroom(plan: Plan) -> str:
    """How much room the answer leaves."""
    if plan.answer is None:
        return ""
    best = plan.best
    spare = f"{100 * best.tightest.spare:.0f} %"
    parts = [f"{best.tightest.objective.name} is {spare} inside its bound"]
    if best.busy is not None:
        parts.append(f"the busiest is {best.busy.text}")
    if plan.headroom is not None:
        least = "at least " if plan.headroom.at_least else ""
        parts.append(f"it sustains {least}{plan.headroom.load:.3g} times today's load")
    return f"{', '.join(parts)}."


def _cost(plan: Plan) -> str:
    """What the answer costs, and what its neighbour would."""
    best = plan.best
    cost, month = best.figures.get("cost"), plan.a_month(best)
    if plan.tariff is None or plan.answer is None or cost is None or month is None:
        return ""
    line = f"{plan.tariff.text(cost)} an hour, {plan.tariff.text(month)} a month"
    if plan.beyond is not None and (other := plan.a_month(plan.beyond)) is not None:
        line += f"; with {plan.variable.phrase(plan.beyond.value)} {plan.tariff.text(other)}"
    return f"{line}."


def _growth(outlook: Outlook) -> str:
    """How long it lasts."""
    grows = f"by {outlook.growth.said},"
    if outlook.months is None:
        return f"{grows} it is not enough even today."
    load = f"load × {outlook.growth.after(outlook.months):.3g}"
    months = f"{outlook.months} month{'' if outlook.months == 1 else 's'}"
    if outlook.at_least:
        return f"{grows} it lasts {months} or more ({load})."
    broken = min(
        (trial for trial in outlook.trials if trial.value > outlook.months),
        key=lambda trial: trial.value,
    )
    after = f"load × {outlook.growth.after(broken.value):.3g}"
    fails = "breaks" if broken.verdict is Verdict.MISSES else "is no longer sure"
    return (
        f"{grows} it lasts {months} ({load}) and {fails} in month {broken.value:g} ({after}):"
        f" {_missed(broken)}."
    )


def _knee(plan: Plan) -> str:
    """Where more load begins to cost more than it gives."""
    if plan.curve is None:
        return ""
    if plan.curve.knee is None:
        return f"{plan.curve.why_not}."
    today = plan.curve.today
    now = f", against {today:.3g} today" if today else ""
    return f"at {plan.curve.knee:.3g} answers a second{now}; beyond, load costs more than it gives."


def _would_take(trial: Trial) -> str:
    """After how many replications, and how many would tell."""
    done = f" by {trial.replications} replications"
    if trial.would_take is None or trial.would_take > MOST_TOLD:
        return done
    return f"{done}; about {trial.would_take:,} would"


def _verb(plan: Plan, value: float, verb: str) -> str:
    """*verb* as it goes with *value* in words: 6 servers meet, 1 server or a capacity meets."""
    many = plan.variable.phrase(value)[0].isdigit() and plan.variable.path != LOAD
    if many and value != 1:
        return verb
    return f"{verb}es" if verb.endswith("s") else f"{verb}s"


def _missed(trial: Trial) -> str:
    one = trial.tightest
    if one.found is None:
        return _with(trial, "no request was answered")
    return _with(trial, f"{one.objective.name} {one.objective.metric.text(one.found.value)}")


def _with(trial: Trial, text: str) -> str:
    return f"{text} with {trial.case}" if trial.case else text


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
