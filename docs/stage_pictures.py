"""``python docs/stage_pictures.py``: the pictures of the stage, taken in headless Chromium."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import proxysim as ps  # noqa: E402
from proxysim.stage import page  # noqa: E402
from tests.stage.browser import Page, chromium  # noqa: E402

WIDTH, HEIGHT = 1240, 700
READY = "window.proxysimStage && proxysimStage.panes.length && proxysimStage.panes[0].painter.spots"


def office() -> str:
    """The second time somebody opens a page."""
    scenario = ps.load("office-forward-proxy").set({"run.duration": "4s", "run.warmup": 0})
    return page(ps.simulate(scenario, hops="all", explain=True), scenario=scenario)


def balancing() -> str:
    """Least connections beside round robin, one server half as fast as the others."""
    changes = {
        "run.duration": "6s", "run.warmup": 0, "events": [], "nodes.edge.cache": None,
        "nodes.visitors.arrivals": 330, "title": "One server is half as fast as the others",
        "question": "Whom does the proxy ask: whose turn it is, or who has least to do?",
        "watch_for": "shop-4. The same requests come to both at the same moments.",
    }  # fmt: skip
    scenario = ps.load("website-reverse-proxy").set(changes)
    turns = scenario.set("nodes.edge.balancer", "round_robin")
    runs = [ps.simulate(one, hops="all", explain=True) for one in (scenario, turns)]
    return page(*runs, scenario=scenario, labels=("least connections", "round robin"))


#: Each page, and what brings it to the moment that is shown.
PICTURES = {
    "stage-office": (
        office,
        """const found = s.panes[0].trace.incidents.find(i => i.kind === "hit" && i.at > 2.5);
        s.seek(s.pace.time(s.pace.wall(found.at) + 0.3));
        s.select(0, found.request);""",
    ),
    "stage-balancing": (balancing, "s.seek(4.05);"),
}


def taken(tab: Page, place: Path, name: str) -> None:
    """Write the picture *name*."""
    make, bring = PICTURES[name]
    path = place / f"{name}.html"
    path.write_text(make(), encoding="utf-8")
    tab.open(path.as_uri())
    tab.until(READY)
    tab.run(f"(s => {{ s.pause(); {bring} }})(proxysimStage)")
    tab.picture(HERE / "images" / f"{name}.png", whole=False)


def main() -> None:
    """Take them all."""
    with chromium() as browser, TemporaryDirectory() as place:
        tab = browser.page()
        tab.size(WIDTH, HEIGHT)
        tab.send("Emulation.setScrollbarsHidden", hidden=True)
        for name in PICTURES:
            taken(tab, Path(place), name)


if __name__ == "__main__":
    main()
