"""A plan in words: what was found, how sure it is, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from proxysim.studies.search import Verdict
from proxysim.studies.trials import Trial

if TYPE_CHECKING:
    from proxysim.studies.answer import Curve, Outlook, Plan

__all__ = ["cost_line", "curve_line", "headline", "outlook_line", "sentences", "spare_line", "sure"]


def sentences(plan: Plan) -> Iterator[str]:
    """All of the plan, line by line."""
    yield headline(plan)
    yield from sure(plan)
    for line in (spare_line(plan), cost_line(plan)):
        if line:
            yield line
    if plan.outlook is not None:
        yield outlook_line(plan, plan.outlook)
    if plan.curve is not None:
        yield curve_line(plan, plan.curve)
    yield from (f"Assumed: {text}." for text in plan.assumptions)


def headline(plan: Plan) -> str:
    """The answer with its evidence, and that of the value next to it."""
    best = plan.best
    if plan.answer is None:
        even = plan.variable.phrase(best.value)
        if best.verdict is Verdict.UNSURE:
            return f"It cannot be told whether {even} would do: {_found(best)}."
        limit = f", {plan.limit}" if plan.limit else ""
        return f"Even {even} misses it: {_missed(best)}{limit}."
    line = f"{plan.variable.phrase(plan.answer)}: {_found(best)}"
    if plan.found.next is None:
        end = "least" if plan.sense == "least" else "most"
        return f"{line}. It is the {end} that was to be tried, so there may be room beyond."
    other = plan.trial(plan.found.next)
    return f"{line}; {plan.variable.phrase(other.value)}: {_missed(other)}."


def _found(trial: Trial) -> str:
    case = f" with {trial.case}" if trial.case else ""
    return f"{trial.tightest.text}{case}"


def _missed(trial: Trial) -> str:
    one = trial.tightest
    case = f" with {trial.case}" if trial.case else ""
    if one.found is None:
        return f"no request was answered{case}"
    return f"{one.objective.name} {one.objective.metric.text(one.found.value)}{case}"


def sure(plan: Plan) -> Iterator[str]:
    """How sure the answer is, and what could not be told."""
    share = f"{100 * plan.confidence:g} %"
    if plan.answer is None:
        if plan.best.verdict is Verdict.MISSES:
            yield f"Sure at {share} of each verdict."
    else:
        best = plan.best
        yield (
            f"Sure at {share}: {plan.variable.phrase(plan.answer)} meets"
            f" {_and([str(one.objective) for one in best.measured])}"
            f" ({best.replications} replications of {best.duration:g} s)."
        )
        if plan.found.next is not None:
            other = plan.trial(plan.found.next)
            phrase = plan.variable.phrase(other.value)
            if other.verdict is Verdict.UNSURE:
                yield (
                    f"Not sure: {phrase} may do as well; {other.tightest.text} after"
                    f" {other.replications} replications is too near to tell."
                )
            else:
                yield f"Sure at {share}: {phrase} misses it."
    for value in plan.found.strays:
        phrase = plan.variable.phrase(value)
        verdict = plan.found.verdicts[value].value
        yield f"Doubtful: {phrase} {verdict} it, against the order of the others."


def spare_line(plan: Plan) -> str:
    """How much room the answer leaves."""
    if plan.answer is None:
        return ""
    best = plan.best
    parts = [f"{best.tightest.objective.name} is {_share(best.tightest.spare)} inside its bound"]
    if best.busy is not None:
        parts.append(f"the busiest is {best.busy.text}")
    if plan.headroom is not None:
        least = "at least " if plan.headroom.at_least else ""
        parts.append(f"it sustains {least}{plan.headroom.load:.3g} times today's load")
    return f"Headroom: {', '.join(parts)}."


def cost_line(plan: Plan) -> str:
    """What the answer costs."""
    best = plan.best
    cost, month = best.figures.get("cost"), plan.a_month(best)
    if plan.tariff is None or plan.answer is None or cost is None or month is None:
        return ""
    line = f"Cost: {plan.tariff.text(cost)} an hour, {plan.tariff.text(month)} a month"
    if plan.found.next is not None:
        other = plan.a_month(plan.trial(plan.found.next))
        if other is not None:
            next_to_it = plan.variable.phrase(plan.found.next)
            line += f"; {next_to_it} would be {plan.tariff.text(other)}"
    return f"{line}."


def outlook_line(plan: Plan, outlook: Outlook) -> str:
    """How long it lasts."""
    grows = f"Growing by {outlook.growth.said}"
    fleet = "it"
    if plan.answer is not None and not plan.variable.is_load:
        fleet = f"{plan.variable.phrase(plan.answer)}"
    if outlook.months is None:
        return f"{grows}, {fleet} is not enough even today."
    load = outlook.growth.after(outlook.months)
    if outlook.at_least:
        return f"{grows}, {fleet} lasts {outlook.months} months or more (load × {load:.3g})."
    broken = min(
        (trial for trial in outlook.trials if trial.value > outlook.months),
        key=lambda trial: trial.value,
    )
    after = outlook.growth.after(broken.value)
    lasts = f"{outlook.months} month{'' if outlook.months == 1 else 's'}"
    fails = "breaks" if broken.verdict is Verdict.MISSES else "is no longer sure"
    return (
        f"{grows}, {fleet} lasts {lasts} (load × {load:.3g}) and {fails} in month"
        f" {broken.value:g} (load × {after:.3g}): {_missed(broken)}."
    )


def curve_line(plan: Plan, curve: Curve) -> str:
    """Where the knee is."""
    if curve.knee is None:
        return f"Knee: {curve.why_not}."
    return f"Knee: at {curve.knee:.3g} answers a second; more load costs more than it gives."


def _share(spare: float) -> str:
    return f"{100 * spare:.0f} %"


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
