"""Colours that colour-blind readers tell apart, each with a mark that survives grey.

Source of the colours: Okabe and Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "BLUE",
    "CACHES",
    "FAINT",
    "GREY",
    "HEAT",
    "INK",
    "KINDS",
    "LINES",
    "OUTCOME_FILLS",
    "STEPS",
    "VERMILLION",
    "Fill",
]

INK = "#222222"
GREY = "#6b6b6b"
FAINT = "#d9d9d9"

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE = (
    "#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7",
)  # fmt: skip

#: Colour, dashes and mark of the first, second, ... line of a chart.
LINES = (
    (BLUE, "solid", "o"),
    (VERMILLION, (0, (5, 2)), "s"),
    (GREEN, (0, (1, 1.2)), "^"),
    (PURPLE, (0, (6, 1.5, 1, 1.5)), "D"),
    (ORANGE, (0, (3, 1.5)), "v"),
    (SKY, (0, (8, 2)), "P"),
    (BLACK, (0, (4, 1.5, 1, 1.5, 1, 1.5)), "X"),
    (GREY, (0, (2, 1)), "*"),
)


@dataclass(frozen=True, slots=True)
class Fill:
    """How an area is filled: colour, hatch, and the colour of text on it.

    Hatches are of lines only: one of dots takes 250 kB of SVG.
    """

    colour: str
    hatch: str = ""
    ink: str = INK


OUTCOME_FILLS = {
    "ok": Fill("#a8d5f2"),
    "blocked": Fill("#8c8c8c", "++++", "white"),
    "rejected": Fill(YELLOW, "////"),
    "timed_out": Fill(ORANGE, "\\\\\\\\"),
    "failed": Fill("#a63c00", "xxxx", "white"),
    "in_flight": Fill("#ffffff", "----"),
}

CACHES = {
    "hit": Fill(BLUE, "", "white"),
    "stale": Fill(SKY, "////"),
    "revalidated": Fill("#7fcfb9", "||||"),
    "coalesced": Fill(YELLOW, "\\\\\\\\"),
    "miss": Fill(ORANGE),
    "bypass": Fill("#bdbdbd", "xxxx"),
    "none": Fill("#eeeeee"),
}

#: Families of steps that hops name, each with the words that its steps begin with.
STEPS: dict[str, tuple[Fill, tuple[str, ...]]] = {
    "waiting": (Fill(YELLOW, "////"), ("queue", "wait", "sleep", "collapse", "coalesce", "pool")),
    "setting up": (Fill(PURPLE, "\\\\\\\\"), ("connect", "tcp", "tls", "dns", "resolve", "hand")),
    "on the wire": (
        Fill(SKY, ""),
        (
            "network",
            "transfer",
            "request",
            "response",
            "send",
            "receive",
            "relay",
            "head",
            "body",
            "fetch",
            "drain",
        ),
    ),
    "processor": (Fill(VERMILLION, "++++", "white"), ("cpu", "work", "encode", "compress")),
    "service": (Fill(BLUE, "", "white"), ("service", "serve")),
    "other": (Fill("#c9c9c9"), ("",)),
}

#: From few to many, light to dark, so that grey keeps the order.
HEAT = ("#eef5fb", "#b9d7ec", "#6aaed6", "#2f7fbc", "#0b4a8f", "#062a5c")

#: Face of a node by its kind; its shape tells it apart in grey.
KINDS = {
    "clients": "#cfe8f8",
    "forward_proxy": "#fbe3b0",
    "reverse_proxy": "#bfe5d9",
    "server": "#f3cfdf",
    "router": "#eeeeee",
}
