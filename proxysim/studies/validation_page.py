"""The page that a validation writes: what was held against what, and how near it came."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from proxysim.studies.doctrine import FIGURES
from proxysim.studies.validate import Validation
from proxysim.studies.validate_charts import slug

__all__ = ["page"]

_NONE: Mapping[str, str] = MappingProxyType({})

_WRITTEN = "Written by `proxysim validate --out docs/validation.md`; every figure is measured."
_HOW = """\
**How.** The simulator and the live world are given the same requests: arrival times, objects,
demands. First they are sent one after another, and every decision must be the same. Then rounds of
both are run in turns, all requests at their times, and the median of the rounds must lie within
bounds that stand in the program, not chosen afterwards. Where theory has a formula, simulations of
the whole scenario must meet it within 3.5 standard errors (an approximation within 5 % more); what
the rounds on sockets gave stands beside, for they are too short to be held to it.

What a request costs the client and the event loops is real on sockets, and no part of the
simulation: one to two milliseconds on most machines, which shows where everything else is quick.
The scenarios have links as long as those of the internet, and demands of 20 ms and more."""
_STRANGER = """\
Its decisions are its own, and links behind it take no time in either world: what comes of it at
both ends is held against the simulation."""
_PICTURES = """\
Below each scenario stands how many requests took longer than each latency: simulated and on
sockets, of the same requests, so that these two lines should lie on one another. Where theory knows
the distribution, its curve stands with long simulations of it, and a band from the lowest to the
highest of these: how far luck alone carries one run."""


def page(found: Sequence[Validation], costs: str = "", pictures: Mapping[str, str] = _NONE) -> str:
    """Markdown of what was *found*, with the day and the machine; *costs* says whose it were.

    *pictures* are where the charts of :func:`~proxysim.studies.validate_charts.figures` stand, by
    their slugs, as seen from the page.
    """
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
        *([_PICTURES, ""] if pictures else []),
        _verdict(found),
        "",
        "| scenario | in the proxy's place | rounds | decisions that differ | within bounds | |",
        "|---|---|---|---|---|---|",
    ]
    for row in found:
        held = [check.ok for check in row.checks] + [said.ok for said in row.theory]
        decided = "-" if row.differing is None else f"{row.differing} of {row.replayed} requests"
        verdict = row.verdict if row.ok else f"**{row.verdict}**"
        lines.append(
            f"| {row.scenario} | {row.engine or 'ours'} | {row.rounds} of {row.wanted} |"
            f" {decided} | {sum(held)} of {len(held)} | {verdict} |"
        )
    if "parity" in pictures:
        lines += ["", f"![Each figure on sockets against the simulated one]({pictures['parity']})"]
    if own:
        lines += ["", "## Our proxies on sockets", ""]
    for row in own:
        lines += _section(row, pictures)
    for engine in engines:
        lines += [f"## {engine} in our proxy's place", ""]
        lines += [_STRANGER, ""]
        for row in found:
            if row.engine == engine:
                lines += _section(row, pictures)
    return "\n".join(lines).rstrip() + "\n"


def _verdict(found: Sequence[Validation]) -> str:
    """How it came out as a whole: what a reader must not have to look for."""
    off = [_called(row) for row in found if row.verdict == "does not agree"]
    void = [_called(row) for row in found if row.verdict == "void"]
    said = [f"**{len(found) - len(off) - len(void)} of {len(found)} agree.**"]
    if off:
        said.append(f"**These do not: {', '.join(off)}.**")
    if void:
        said.append(
            f"**Of these too few rounds may be believed, and nothing is claimed: {', '.join(void)}."
            "** The machine was busy, or something failed: the reason stands with each."
        )
    if dropped := sum(len(row.void) for row in found if row.verdict != "void"):
        said.append(f"Void rounds that were left out and made again: {dropped}.")
    return " ".join(said)


def _called(row: Validation) -> str:
    return f"{row.scenario} with {row.engine}" if row.engine else row.scenario


def _section(row: Validation, pictures: Mapping[str, str]) -> list[str]:
    lines = [f"### {row.scenario}{f', {row.engine}' if row.engine else ''}: {row.title}", ""]
    if not row.rounds:
        return [*lines, *(f"Void: {reason}." for reason in row.void), ""]
    lines += [
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
            "| theory | node | figure | formula | simulated | standard error | on sockets | |",
            "|---|---|---|---:|---:|---:|---:|---|",
        ]
        for said in row.theory:
            lines.append(
                f"| {said.model} ({said.grade}) | {said.node} | {FIGURES[said.figure]} |"
                f" {said.text(said.value)} | {said.text(said.simulated)} |"
                f" {said.text(said.error)} | {said.text(said.live)} |"
                f" {'' if said.ok else '**missed**'} |"
            )
    if slug(row) in pictures:
        lines += ["", f"![How many requests took longer: {_called(row)}]({pictures[slug(row)]})"]
    for reason in row.declined:
        lines += ["", f"Theory declines: {reason}."]
    for reason in row.void:
        lines += ["", f"A round was void and left out: {reason}."]
    if row.notes:
        lines += ["", f"What {row.engine} does otherwise:", ""]
        lines += [f"* {note}" for note in row.notes]
    return [*lines, ""]
