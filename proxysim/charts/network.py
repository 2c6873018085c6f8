"""The network of a run, left to right: who stands where, in whose zone, over which links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from proxysim.charts.canvas import annotate_empty, axes_for, brief_duration, finish, shortened
from proxysim.charts.palette import GREY, INK, KINDS
from proxysim.results.run import Run
from proxysim.results.table import natural
from proxysim.units import format_bandwidth

__all__ = ["layers_of", "topology"]

#: Members of a group that are drawn one by one; a larger group is one icon.
MOST_MEMBERS = 6
_GAP = 0.2  # between zones, in rows
_ORDER = ("clients", "forward_proxy", "router", "reverse_proxy", "server")
_ZONES = ("#dcebf7", "#efe9da", "#e3f1e6", "#f3e3ec", "#ececec")


Floats = NDArray[np.float64]


@dataclass(slots=True)
class _Icon:
    name: str
    kind: str
    zone: str
    count: int
    layer: int = 0
    y: float = 0.0
    members: list[str] = field(default_factory=list)


def layers_of(run: Run) -> dict[str, int]:
    """How far right each node, and each group, stands; from the topology, else by kind."""
    layers = run.topology.get("layers")
    found: dict[str, int] = {}
    if layers:
        found = {name: place for place, names in enumerate(layers) for name in names}
    for name, fact in run.facts.items():
        kind = fact.get("kind")
        if not found.get(name) and kind in _ORDER and not layers:
            found[name] = _ORDER.index(kind)
        group = str(fact.get("group") or name)
        if name in found:
            found.setdefault(group, found[name])
        elif group in found:
            found[name] = found[group]
    return found


def topology(run: Run, ax: Axes | None = None) -> Axes:
    """The nodes from clients (left) to servers (right), the links, and whose network is whose.

    Shaded areas are zones of trust; shapes tell the kinds apart. A group of many members is one
    icon. Links carry their one-way latency, bandwidth and loss. Read from ``run.topology`` (see
    :func:`~proxysim.scenario.build_topology.described`); without one, from the kinds in
    ``run.facts`` and the links in ``run.nodes``.
    """
    icons, links = _icons(run), _links(run)
    columns = sorted({icon.layer for icon in icons.values()})
    tall = _place(icons)
    ax = axes_for(
        ax,
        float(np.clip(2.3 * max(len(columns), 1) + 0.8, 5.0, 13.0)),
        float(np.clip(1.05 * tall + 1.5, 3.0, 10.0)),
    )
    if icons:
        x = {layer: float(place) for place, layer in enumerate(columns)}
        ax.set_xlim(-0.55, len(columns) - 0.45)
        ax.set_ylim(tall / 2 + 0.12, -tall / 2 - 0.14)
        _draw_zones(ax, icons, x)
        _draw_links(ax, icons, links, x)
        for icon in icons.values():
            _draw_icon(ax, icon, x[icon.layer])
    else:
        annotate_empty(ax, "the run does not tell of its network")
    ax.set_xticks([])
    ax.set_yticks([])
    count = sum(max(icon.count, len(icon.members)) for icon in icons.values())
    finish(ax, run, "The network, from clients to servers", n=f"{count:,} nodes", below=4)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def _icons(run: Run) -> dict[str, _Icon]:
    told: Mapping[str, Any] = run.topology.get("nodes") or {
        name: fact for name, fact in run.facts.items() if fact.get("kind") in _ORDER
    }
    layers = layers_of(run)
    zones = {
        name: zone for zone, names in (run.topology.get("zones") or {}).items() for name in names
    }
    groups: dict[str, list[str]] = {}
    for name, fact in told.items():
        groups.setdefault(str(fact.get("group") or name), []).append(name)
    icons: dict[str, _Icon] = {}
    for group, members in groups.items():
        together = len(members) > MOST_MEMBERS or told[members[0]].get("kind") == "clients"
        for name in [members[0]] if together else members:
            fact = run.facts.get(name, {}) | told[name]
            icon = _Icon(
                name=group if together else name,
                kind=str(fact.get("kind", "")),
                zone=zones.get(name, str(fact.get("zone") or "")),
                count=max(int(fact.get("count") or 1), len(members)) if together else 1,
                layer=layers.get(name, layers.get(group, 0)),
                members=members if together else [name],
            )
            icons[icon.name] = icon
    return icons


def _links(run: Run) -> list[dict[str, Any]]:
    if run.topology.get("links"):
        return list(run.topology["links"])
    names = (name for name in run.names("node", "nodes") if ">" in name)
    pairs = {tuple(sorted(name.split(">", 1), key=natural)) for name in names}
    return [{"between": list(pair)} for pair in sorted(pairs)]


def _place(icons: dict[str, _Icon]) -> float:
    """Give every icon its row; the number of rows in all.

    Zones that share a column stand one above the other, so that no two areas ever overlap.
    """
    zones: dict[str, list[_Icon]] = {}
    for icon in icons.values():
        zones.setdefault(icon.zone, []).append(icon)
    spans = {
        zone: (min(icon.layer for icon in members), max(icon.layer for icon in members))
        for zone, members in zones.items()
    }
    stacks: list[tuple[int, int, list[str]]] = []
    for zone in sorted(zones, key=lambda zone: spans[zone]):
        first, last = spans[zone]
        if stacks and first <= stacks[-1][1]:
            begin, end, names = stacks.pop()
            stacks.append((begin, max(end, last), [*names, zone]))
        else:
            stacks.append((first, last, [zone]))
    tallest = 1.0
    for _, _, names in stacks:
        heights = [
            max(Counter(icon.layer for icon in zones[zone]).values()) + _GAP for zone in names
        ]
        tallest = max(tallest, sum(heights) - _GAP)
        top = -(sum(heights) - _GAP) / 2
        for zone, height in zip(names, heights, strict=True):
            for layer in {icon.layer for icon in zones[zone]}:
                here = [icon for icon in zones[zone] if icon.layer == layer]
                here.sort(key=lambda icon: natural(icon.name))
                for place, icon in enumerate(here):
                    icon.y = top + (height - _GAP) / 2 + place - (len(here) - 1) / 2
            top += height
    return tallest


def _draw_zones(ax: Axes, icons: dict[str, _Icon], x: dict[int, float]) -> None:
    spans: dict[str, list[tuple[float, float]]] = {}
    for icon in icons.values():
        if icon.zone:
            spans.setdefault(icon.zone, []).append((x[icon.layer], icon.y))
    for place, (zone, points) in enumerate(spans.items()):
        xs, ys = zip(*points, strict=True)
        left, low = min(xs) - 0.42, min(ys) - 0.56
        ax.add_patch(
            FancyBboxPatch(
                (left, low), max(xs) + 0.42 - left, max(ys) + 0.56 - low, zorder=0.5,
                boxstyle="round,pad=0,rounding_size=0.1", facecolor=_ZONES[place % len(_ZONES)],
                edgecolor="#8f8f8f", linewidth=0.9, linestyle=(0, (5, 3)), gid=f"zone {zone}",
            )
        )  # fmt: skip
        ax.annotate(
            shortened(zone, 30), (left, low), xytext=(6, -4), textcoords="offset points",
            ha="left", va="top", fontsize=8, color=GREY, style="italic", zorder=4,
        )  # fmt: skip


def _draw_links(
    ax: Axes, icons: dict[str, _Icon], links: list[dict[str, Any]], x: dict[int, float]
) -> None:
    owner = {member: icon.name for icon in icons.values() for member in icon.members}
    owner |= {name: name for name in icons}
    drawn: dict[tuple[str, str], list[str]] = {}
    for link in links:
        ends = [owner.get(str(end)) for end in link["between"]]
        if None in ends or ends[0] == ends[1]:
            continue
        left, right = sorted((str(end) for end in ends), key=lambda name: icons[name].layer)
        text = _link_text(link)
        texts = drawn.setdefault((left, right), [])
        if text and text not in texts:
            texts.append(text)
    # Wires alike, side by side from one node, are told of once.
    fans: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for (left, right), texts in drawn.items():
        fans.setdefault((left, " / ".join(texts)), []).append((left, right))
    told = {}
    for (_, text), pairs in fans.items():
        middle = sorted(pairs, key=lambda pair: icons[pair[1]].y)[(len(pairs) - 1) // 2]
        told[middle] = text
    for number, (left, right) in enumerate(drawn):
        a, b = icons[left], icons[right]
        start, end = np.array([x[a.layer], a.y]), np.array([x[b.layer], b.y])
        # A wire that would run through a third node is bent over it.
        bent = any(_between(start, end, x[icon.layer], icon.y) for icon in icons.values())
        control = (start + end) / 2 - [0.0, 1.3 * bent]
        ax.add_patch(
            PathPatch(
                Path([start, control, end], [Path.MOVETO, Path.CURVE3, Path.CURVE3]),
                facecolor="none", edgecolor="#555555", linewidth=1.3, zorder=1,
                gid=f"link {left}-{right}",
            )
        )  # fmt: skip
        if text := told.get((left, right), ""):
            share = (0.5, 0.42, 0.58)[number % 3] if abs(a.y - b.y) > 0.4 else 0.5
            at = (1 - share) ** 2 * start + 2 * share * (1 - share) * control + share**2 * end
            ax.annotate(
                text.replace(" · ", "\n"), (float(at[0]), float(at[1])), ha="center", va="center",
                fontsize=7.5, color=INK, zorder=2, linespacing=1.15, annotation_clip=False,
                bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "#c9c9c9",
                      "linewidth": 0.5},
            )  # fmt: skip


def _between(start: Floats, end: Floats, x: float, y: float) -> bool:
    """Whether a node at (x, y) stands in the way of the straight line from *start* to *end*."""
    along = end - start
    length = float(along @ along)
    share = float((np.array([x, y]) - start) @ along) / length if length else 0.0
    near = start + share * along
    return 0.05 < share < 0.95 and abs(near[0] - x) < 0.2 and abs(near[1] - y) < 0.4


def _link_text(link: Mapping[str, Any]) -> str:
    parts = []
    if link.get("latency"):
        text = brief_duration(link["latency"])
        parts.append(f"{text} ± {brief_duration(link['jitter'])}" if link.get("jitter") else text)
    if link.get("bandwidth"):
        width = format_bandwidth(float(link["bandwidth"]))
        parts.append(f"{width}{' shared' if link.get('shared') else ''}")
    if link.get("loss"):
        parts.append(
            f"{link['loss']:.3g} lost" if link["loss"] < 0.001 else f"{link['loss']:.1%} lost"
        )
    return " · ".join(parts)


def _draw_icon(ax: Axes, icon: _Icon, x: float) -> None:
    shape, size = _shape(icon.kind)
    face = KINDS.get(icon.kind, "#ffffff")
    if icon.count > 1:
        for shift in (5.0, 2.5):
            ax.plot(
                [x], [icon.y], marker=shape, markersize=size, markerfacecolor=face,
                markeredgecolor=INK, markeredgewidth=0.9, linestyle="none", zorder=3,
                transform=ax.transData + _points(ax, shift),
            )  # fmt: skip
    ax.plot(
        [x], [icon.y], marker=shape, markersize=size, markerfacecolor=face, markeredgecolor=INK,
        markeredgewidth=1.2, linestyle="none", zorder=3.1, gid=f"node {icon.name}",
    )  # fmt: skip
    name = shortened(icon.name, 18) + (f" ×{icon.count:,}" if icon.count > 1 else "")
    ax.annotate(
        name, (x, icon.y), xytext=(0, -19), textcoords="offset points", ha="center", va="top",
        fontsize=8.5, color=INK, zorder=4, annotation_clip=False,
        path_effects=[withStroke(linewidth=2.5, foreground="white", alpha=0.8)],
    )  # fmt: skip
    ax.annotate(
        icon.kind.replace("_", " "), (x, icon.y), xytext=(0, -30), textcoords="offset points",
        ha="center", va="top", fontsize=7, color=GREY, zorder=4, annotation_clip=False,
    )  # fmt: skip


def _points(ax: Axes, shift: float) -> Any:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return ScaledTranslation(shift / 72, shift / 72, figure.dpi_scale_trans)


def _shape(kind: str) -> tuple[Any, float]:
    """A kind's mark and size: round clients, proxies that point away from their own side, racks."""
    if kind == "clients":
        return "o", 25
    if kind == "router":
        return "D", 20
    if kind in ("forward_proxy", "reverse_proxy"):
        points = [(-1, -0.75), (0.35, -0.75), (1, 0), (0.35, 0.75), (-1, 0.75), (-1, -0.75)]
        sign = 1 if kind == "forward_proxy" else -1
        return Path([(sign * a, b) for a, b in points], closed=True), 32
    outline = [(-0.8, -1), (0.8, -1), (0.8, 1), (-0.8, 1), (-0.8, -1)]
    racks = [point for y in (-0.33, 0.33) for point in ((-0.8, y), (0.8, y))]
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY, *[Path.MOVETO, Path.LINETO] * 2]
    return Path([*outline, *racks], codes), 28
