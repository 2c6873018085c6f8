"""The page that a validation writes: what was held against what, and how near it came."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime

from proxysim.studies.validate import Validation

__all__ = ["page"]

_WRITTEN = "Written by `proxysim validate --out docs/validation.md`; every figure is measured."
_HOW = """\
**How.** The simulator and the live world are given the same requests: arrival times, objects,
demands. First they are sent one after another, and every decision must be the same. Then rounds of
both are run in turns, all requests at their times, and the median of the rounds must lie within
bounds that stand in the program, not chosen afterwards. Where theory has a formula, simulations of
the whole scenario must meet it within 3.5 standard errors (an approximation within 5 % more).

What a request costs the client and the event loops is real on sockets, and no part of the
simulation: one to two milliseconds on most machines, which shows where everything else is quick.
The scenarios have links as long as those of the internet, and demands of 20 ms and more."""
_STRANGER = """\
Its decisions are its own, and links behind it take no time in either world: what comes of it at
both ends is held against the simulation."""
_FIGURES = {"response": "waiting and service", "utilisation": "busy", "hit_ratio": "hit ratio"}


def page(found: Sequence[Validation], costs: str = "") -> str:
    """Markdown of what was *found*, with the day and the machine; *costs* says whose it were."""
    engines = sorted({row.engine for row in found if row.engine})
    own = [row for row in found if not row.engine]
    where = f"{platform.system()} on {platform.machine()}, Python {platform.python_version()}"
    lines = [
        "# Validation: theory, simulation, sockets and real proxies side by side",
        "",
        f"{_WRITTEN} On {datetime.now(UTC):%d %B %Y}, {where}. {costs}".rstrip(),
        "",
        _HOW,
        "",
        "| scenario | in the proxy's place | decisions that differ | within bounds | |",
        "|---|---|---|---|---|",
    ]
    for row in found:
        held = sum(check.ok for check in row.checks)
        decided = "-" if row.differing is None else f"{row.differing} of {row.replayed} requests"
        verdict = "agrees" if row.ok else "**does not**"
        lines.append(
            f"| {row.scenario} | {row.engine or 'ours'} | {decided} |"
            f" {held} of {len(row.checks)} | {verdict} |"
        )
    lines += ["", "## Our proxies on sockets", ""]
    for row in own:
        lines += _section(row)
    for engine in engines:
        lines += [f"## {engine} in our proxy's place", ""]
        lines += [_STRANGER, ""]
        for row in found:
            if row.engine == engine:
                lines += _section(row)
    return "\n".join(lines).rstrip() + "\n"


def _section(row: Validation) -> list[str]:
    lines = [
        f"### {row.scenario}{f', {row.engine}' if row.engine else ''}: {row.title}",
        "",
        f"{row.rounds} rounds of {row.length:g} s, {row.requests:,} requests in all.",
        "",
        "| figure | simulated | on sockets | difference | bound | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for check in row.checks:
        lines.append(
            f"| {check.what} | {check.text(check.expected)} | {check.text(check.found)} |"
            f" {check.told[0]} | {check.told[1]} | {'' if check.ok else '**missed**'} |"
        )
    if row.theory:
        lines += [
            "",
            "| theory | node | figure | formula | simulated | standard error | |",
            "|---|---|---|---:|---:|---:|---|",
        ]
        for said in row.theory:
            lines.append(
                f"| {said.model} ({said.grade}) | {said.node} | {_FIGURES[said.figure]} |"
                f" {said.value:.4g} | {said.simulated:.4g} | {said.error:.2g} |"
                f" {'' if said.ok else '**missed**'} |"
            )
    for reason in row.declined:
        lines += ["", f"Theory declines: {reason}."]
    for reason in row.void:
        lines += ["", f"A round was void and left out: {reason}."]
    if row.notes:
        lines += ["", f"What {row.engine} does otherwise:", ""]
        lines += [f"* {note}" for note in row.notes]
    return [*lines, ""]
