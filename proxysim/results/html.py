"""A run as a page: the table that notebooks show, and a report that needs no other file."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from proxysim.results.comparison import Difference
from proxysim.results.summary import Summary

if TYPE_CHECKING:
    from proxysim.results.run import Run

__all__ = ["report_html", "study_html", "summary_html"]

# Colours come from the surroundings, so that the table reads on light and dark pages alike.
_TABLE_STYLE = """
.proxysim table {border-collapse: collapse; margin: .4em 1.6em .8em 0; font-size: .92em}
.proxysim caption {text-align: left; font-weight: 600; padding: .2em 0; white-space: nowrap}
.proxysim th, .proxysim td {text-align: right; padding: .15em .7em; border: 0;
  border-bottom: 1px solid rgba(128, 128, 128, .3); background: none; color: inherit;
  font-variant-numeric: tabular-nums}
.proxysim th:first-child, .proxysim td:first-child {text-align: left; padding-left: 0}
.proxysim .study {overflow-x: auto} .proxysim .study td {white-space: nowrap}
.proxysim ul {margin: .2em 0; padding-left: 1.2em}
.proxysim .tables {display: flex; flex-wrap: wrap; align-items: flex-start}
"""

_PAGE_STYLE = """
:root {color-scheme: light dark}
body {font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem;
  background: Canvas; color: CanvasText}
h1 {margin-bottom: .2em} .question {font-size: 1.1em} .wide {overflow-x: auto}
figure {margin: 1.2em 0} figcaption {font-weight: 600; margin-bottom: .4em}
img {max-width: 100%; background: #fff; border-radius: 6px}
pre {overflow-x: auto; font-size: .85em}
"""

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def summary_html(summary: Summary) -> str:
    """*summary* as a fragment: a heading and one small table for each section."""
    head = f"{escape(summary.scenario)} · {escape(summary.world)} · seed {summary.seed}"
    tables = []
    for section, rows in groupby(summary.rows(), key=lambda row: row.section):
        cells = [(row.label, row.text) for row in rows]
        tables.append(_table(section, (), cells))
    return (
        f'<div class="proxysim"><style>{_TABLE_STYLE}</style><p><strong>{head}</strong></p>'
        f'<div class="tables">{"".join(tables)}</div></div>'
    )


def study_html(
    head: str, header: Sequence[str], rows: Iterable[Sequence[str]], said: Iterable[str] = ()
) -> str:
    """A fragment of what many runs found: *head*, a table as wide as it is, and sentences.

    The table scrolls by itself where the page is narrow.
    """
    lines = "".join(f"<li>{escape(line)}</li>" for line in said)
    return (
        f'<div class="proxysim"><style>{_TABLE_STYLE}</style>'
        f'<p><strong>{escape(head)}</strong></p><div class="study">{_table("", header, rows)}</div>'
        f"{f'<ul>{lines}</ul>' if lines else ''}</div>"
    )


def report_html(
    run: Run,
    charts: Iterable[tuple[str, str | bytes]] = (),
    *,
    others: Mapping[str, Run] | None = None,
    differences: Sequence[Difference] = (),
) -> str:
    """A page about *run* that loads nothing from anywhere.

    *charts* are titles with an SVG or PNG picture. *others* are runs to set beside it, by what to
    call them; *differences* come from :func:`proxysim.results.comparison.compare`. The title,
    question and watch_for of ``run.extra`` stand at the head.
    """
    title = str(run.extra.get("title") or run.scenario)
    body = [f"<h1>{escape(title)}</h1>"]
    if question := run.extra.get("question"):
        body.append(f'<p class="question">{escape(str(question))}</p>')
    if watch_for := run.extra.get("watch_for"):
        body.append(f"<p>Watch for: {escape(str(watch_for))}</p>")
    body.append("<h2>Summary</h2>")
    body.append(
        _side_by_side({run.scenario: run, **others}) if others else summary_html(run.summary())
    )
    if differences:
        body.append("<h2>With and without the proxy</h2>")
        body.append(_differences(differences))
    pictures = [_figure(name, picture) for name, picture in charts]
    if pictures:
        body += ["<h2>Charts</h2>", *pictures]
    if run.events:
        body += ["<h2>Events</h2>", _events(run)]
    manifest = json.dumps(run.manifest, indent=2, ensure_ascii=False)
    body += ["<h2>Manifest</h2>", f"<pre>{escape(manifest)}</pre>"]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_PAGE_STYLE}{_TABLE_STYLE}</style></head>"
        f'<body class="proxysim">\n{"".join(f"{part}{chr(10)}" for part in body)}</body></html>\n'
    )


def _side_by_side(runs: Mapping[str, Run]) -> str:
    """All sections of all runs, one column a run."""
    texts: dict[tuple[str, str], dict[str, str]] = {}
    for name, run in runs.items():
        for row in run.summary().rows():
            texts.setdefault((row.section, row.label), {})[name] = row.text
    # A line that only later runs have joins its own section.
    sections = [*dict.fromkeys(section for section, _ in texts)]
    lines = sorted(texts, key=lambda line: sections.index(line[0]))
    tables = []
    for section, members in groupby(lines, key=lambda line: line[0]):
        cells = [
            (label, *(texts[section, label].get(name, "-") for name in runs))
            for _, label in members
        ]
        tables.append(_table(section, ("", *runs), cells))
    return f'<div class="tables">{"".join(tables)}</div>'


def _differences(differences: Sequence[Difference]) -> str:
    tables = [
        _table(section, ("", "with", "without", "difference"), [row.texts() for row in rows])
        for section, rows in groupby(differences, key=lambda row: row.section)
    ]
    return f'<div class="tables">{"".join(tables)}</div>'


def _events(run: Run) -> str:
    cells = []
    for event in run.events:
        until = event.get("until")
        cells.append(
            (
                str(event.get("label", "")),
                _place(event),
                f"{event['at']:g} s",
                "" if until is None else f"{until:g} s",
            )
        )
    return _table("", ("", "where", "from", "until"), cells)


def _place(event: Mapping[str, Any]) -> str:
    link = event.get("link")
    return " - ".join(link) if link else str(event.get("node") or "")


def _figure(title: str, picture: str | bytes) -> str:
    data = picture.encode() if isinstance(picture, str) else picture
    kind = "image/png" if data.startswith(b"\x89PNG") else "image/svg+xml"
    source = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    caption = escape(title)
    return (
        f'<figure><figcaption>{caption}</figcaption><img alt="{caption}" src="{source}"></figure>'
    )


def _table(caption: str, header: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in cells
    )
    return (
        f"<table>{f'<caption>{escape(caption)}</caption>' if caption else ''}"
        f"{f'<thead><tr>{head}</tr></thead>' if header else ''}<tbody>{rows}</tbody></table>"
    )
