"""One request as a conversation between parties: a figure, Mermaid text, or plain characters."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from proxysim.charts.canvas import annotate_empty, axes_for, brief_duration, finish, shortened
from proxysim.charts.journey import Span, family, headline, in_order, spans_of
from proxysim.charts.network import layers_of
from proxysim.charts.palette import GREY, INK, STEPS
from proxysim.errors import ResultError
from proxysim.results.run import Run

__all__ = ["ascii_sequence", "mermaid", "sequence"]


def sequence(
    run: Run, request_id: int | None = None, ax: Axes | None = None, *, most: int = 40
) -> Axes:
    """One request as a sequence diagram: parties side by side, time downwards, not to scale.

    Arrows are what crossed a link; boxes are what a party did. Without *request_id*, a typical
    request that went furthest. Of more than *most* spans, the first are shown.
    """
    found, spans, parties = _conversation(run, request_id)
    left_out = max(0, len(spans) - most)
    spans = spans[:most]
    rows = len(spans)
    ax = axes_for(
        ax,
        float(np.clip(1.75 * len(parties) + 1.2, 5.5, 14.0)),
        float(np.clip(1.6 + 0.36 * rows, 2.8, 13.0)),
    )
    ax.set_xticks([])
    ax.set_yticks([])
    if not spans or found is None:
        annotate_empty(ax, "no spans were kept: run with hops")
        return finish(ax, run, "One request", n=None, below=4)
    place = {party: float(number) for number, party in enumerate(parties)}
    ax.set_xlim(-0.75, len(parties) - 0.25)
    ax.set_ylim(rows + 0.35, -1.5)
    for party, x in place.items():
        ax.plot([x, x], [-0.75, rows + 0.2], color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        ax.text(
            x, -1.05, shortened(party, max(10, 20 - len(parties))), ha="center", va="center",
            fontsize=8.5, color=INK, zorder=4,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": "#eef3f7", "edgecolor": INK,
                  "linewidth": 0.9},
        )  # fmt: skip
    for row, span in enumerate(spans):
        took = brief_duration(span.end - span.start)
        text = f"{shortened(span.step, 14)}  {took}"
        if span.ends is not None:
            start, end = (place[party] for party in span.ends)
            ax.annotate(
                "", xy=(end, row + 0.2), xytext=(start, row + 0.2), zorder=3,
                arrowprops={
                    "arrowstyle": "-|>", "color": INK, "linewidth": 1.2, "shrinkA": 0,
                    "shrinkB": 0, "mutation_scale": 11,
                    "linestyle": "dashed" if end < start else "solid",
                },
            )  # fmt: skip
            ax.text(
                (start + end) / 2, row + 0.12, text, ha="center", va="bottom", fontsize=7.5,
                color=INK, zorder=4,
                bbox={"boxstyle": "square,pad=0.06", "facecolor": "white", "edgecolor": "none"},
            )  # fmt: skip
        else:
            fill = STEPS[family(span.step)][0]
            x = place[span.node]
            ax.barh(
                row + 0.1, 0.12, left=x - 0.06, height=0.62, color=fill.colour, hatch=fill.hatch,
                edgecolor="#333333", linewidth=0.7, zorder=3,
            )  # fmt: skip
            last = x == len(parties) - 1
            ax.annotate(
                text, (x - 0.06 if last else x + 0.06, row + 0.1), zorder=4,
                xytext=(-4 if last else 4, 0),
                textcoords="offset points", ha="right" if last else "left", va="center",
                fontsize=7.5, color=INK,
                bbox={"boxstyle": "square,pad=0.06", "facecolor": "white", "edgecolor": "none"},
            )  # fmt: skip
        ax.text(
            -0.72, row + 0.14, f"+{brief_duration(span.start)}", fontsize=7,
            color=GREY, va="center", ha="left",
        )  # fmt: skip
    ax.annotate(
        headline(run, found), xy=(0, 1), xycoords="axes fraction", xytext=(0, 5),
        textcoords="offset points", fontsize=8.5, color=INK, annotation_clip=False,
    )  # fmt: skip
    note = f"{left_out} later spans left out" if left_out else "1 request"
    finish(ax, run, f"Who talked to whom for request {found}", n=note, below=4, above=13)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def mermaid(run: Run, request_id: int | None = None) -> str:
    """One request as a Mermaid sequence diagram; ResultError where no spans were kept."""
    found, spans, parties = _told(run, request_id)
    code = {party: f"p{number}" for number, party in enumerate(parties)}
    lines = ["sequenceDiagram", f"    %% {_plain(headline(run, found))}"]
    lines += [f"    participant {code[party]} as {_escaped(party)}" for party in parties]
    for span in spans:
        text = f"{_escaped(span.step)} {brief_duration(span.end - span.start)}"
        if span.ends is not None:
            start, end = span.ends
            back = parties.index(end) < parties.index(start)
            lines.append(f"    {code[start]}{'-->>' if back else '->>'}{code[end]}: {text}")
        else:
            lines.append(f"    Note over {code[span.node]}: {text}")
    return "\n".join(lines) + "\n"


def ascii_sequence(run: Run, request_id: int | None = None, *, width: int = 24) -> str:
    """One request as a sequence diagram of plain characters, *width* (at least 12) a party."""
    found, spans, parties = _told(run, request_id)
    width = max(12, width)
    column = {party: 10 + width // 2 + width * number for number, party in enumerate(parties)}
    lifelines = [" "] * (10 + width * len(parties))
    for x in column.values():
        lifelines[x] = "|"

    def write(line: list[str], text: str, middle: int) -> None:
        first = min(max(middle - len(text) // 2, 0), len(line) - len(text))
        line[first : first + len(text)] = text

    lines = [_ascii(_plain(headline(run, found))), ""]
    names = [" "] * len(lifelines)
    for party, x in column.items():
        write(names, _fitted(party, width - 2), x)
    lines.append("".join(names).rstrip())
    for span in spans:
        line = lifelines.copy()
        line[0:9] = f"{_ascii('+' + brief_duration(span.start)):>9}"
        took = _ascii(brief_duration(span.end - span.start))
        if span.ends is not None:
            start, end = (column[party] for party in span.ends)
            low, high = sorted((start, end))
            line[low + 1 : high] = "-" * (high - low - 1)
            line[high - 1 if end > start else low + 1] = ">" if end > start else "<"
            room = high - low - 5
            write(line, f" {_fitted(f'{span.step} {took}', max(room, 4))} ", (low + high) // 2)
        else:
            text = _fitted(f"{span.step} {took}", width - 4)
            write(line, f"[{text}]", column[span.node])
        lines.append("".join(line).rstrip())
    return "\n".join(lines) + "\n"


def _conversation(
    run: Run, request_id: int | None
) -> tuple[int | None, list[Span], tuple[str, ...]]:
    """The request's spans in order of time, and its parties from left to right.

    A member of a group whose wires carry the group's name is one party with it.
    """
    found, spans = spans_of(run, request_id)
    on_links = {end for span in spans for end in span.ends or ()}
    told = []
    for span in spans:
        group = str(run.facts.get(span.node, {}).get("group") or "")
        if span.ends is None and span.node not in on_links and group in on_links:
            span = Span(group, span.step, span.start, span.end)
        told.append(span)
    told = in_order(run, told)
    met = dict.fromkeys(party for span in told for party in span.ends or (span.node,))
    layers = layers_of(run)
    if all(party in layers for party in met):
        return found, told, tuple(sorted(met, key=lambda party: layers[party]))
    return found, told, tuple(met)


def _told(run: Run, request_id: int | None) -> tuple[int, list[Span], tuple[str, ...]]:
    found, spans, parties = _conversation(run, request_id)
    if found is None:
        raise ResultError("no spans were kept", mend="Run with hops='all'.")
    return found, spans, parties


def _escaped(text: str) -> str:
    """*text* as Mermaid takes it: its own signs as entities."""
    signs = {"#": "#35;", ";": "#59;", ":": "#58;", "<": "#lt;", ">": "#gt;", "\n": " "}
    return "".join(signs.get(letter, letter) for letter in text)


def _plain(text: str) -> str:
    return " ".join(text.replace(r"\$", "$").split())


def _ascii(text: str) -> str:
    return text.replace("µ", "u").replace(" · ", " | ")


def _fitted(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 2, 1)] + ".."
