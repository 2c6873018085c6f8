"""A validation as notebooks show it: its figures in a table, and its pictures."""

from __future__ import annotations

import base64
from html import escape

from proxysim.charts import picture
from proxysim.studies.validate import Validation
from proxysim.studies.validate_charts import figures

__all__ = ["fragment"]


def fragment(found: Validation) -> str:
    """*found* as a piece of HTML that loads nothing from anywhere."""
    where = f", {found.engine} in the place of {found.node}" if found.engine else ""
    head = f"<p><strong>{escape(found.scenario + where)}</strong>: {found.verdict}. "
    if found.differing is not None:
        head += f"{found.replayed} requests one after another, {found.differing} decide otherwise. "
    head += f"{found.rounds} of {found.wanted} rounds of {found.length:g} s.</p>"
    rows = [
        (check.what, check.text(check.expected), check.text(check.found), *check.told, check.ok)
        for check in found.checks
    ]
    theory = [
        (f"{said.model}, {said.node}: {said.figure.replace('_', ' ')}", said.text(said.value),
         said.text(said.simulated), said.text(said.error), said.text(said.live), said.ok)
        for said in found.theory
    ]  # fmt: skip
    parts = [head]
    if rows:
        parts.append(_table(("", "simulated", "on sockets", "difference", "bound", ""), rows))
    if theory:
        titles = ("theory", "formula", "simulated", "standard error", "on sockets", "")
        parts.append(_table(titles, theory))
    parts += [f"<p>Void: {escape(reason)}</p>" for reason in found.void]
    for _, title, figure in figures([found]) if found.panels else ():
        encoded = base64.b64encode(picture(figure)).decode("ascii")
        parts.append(
            f'<p><img alt="{escape(title)}" style="max-width: 100%"'
            f' src="data:image/png;base64,{encoded}"></p>'
        )
    return "".join(parts)


def _table(titles: tuple[str, ...], rows: list[tuple[str, str, str, str, str, bool]]) -> str:
    heads = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[:-1])
        + f"<td>{'' if row[-1] else '<strong>missed</strong>'}</td></tr>"
        for row in rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
