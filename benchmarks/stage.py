"""``python -m benchmarks.stage [--json]``: how fast the stage plays, starts and runs anew.

Frames are counted in headless Chromium, without a graphics card, over a span in which about so many
marks are on the stage at once: pictures drawn while it plays, per second of the browser's clock.
The start is from the navigation to the first picture drawn; a move of a slider from its ``change``
event to the new run's first picture.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import proxysim
from proxysim.stage import page as page_of
from tests.stage.browser import Page, chromium
from tests.stage.test_play import ended, started

REQUESTS = 2000
MARKS = 500
SECONDS = 5.0

#: Resolves to how many pictures were drawn a second, and how many marks were on them.
_COUNT = """
new Promise((done) => {
  const stage = proxysimStage, began = performance.now();
  let pictures = 0, marks = 0, last = -1;
  const look = (now) => {
    if (stage.time !== last) {
      pictures++;
      marks += stage.panes[0].painter.spots.length;
      last = stage.time;
    }
    const passed = now - began;
    if (passed >= %f || !stage.playing) done([1000 * pictures / passed, marks / pictures]);
    else requestAnimationFrame(look);
  };
  stage.play();
  requestAnimationFrame(look);
})
"""
_FIRST = (
    "window.proxysimStage && proxysimStage.panes.length && proxysimStage.panes[0].painter.spots"
)


def crowd() -> proxysim.Run:
    """A run in which some 500 requests are under way at once."""
    scenario = proxysim.load("website-reverse-proxy").set(
        {
            "run.duration": "2s", "run.warmup": 0, "nodes.edge.cache": None,
            "nodes.visitors.arrivals": 700, "nodes.shop.workers": 40, "nodes.shop.speed": 1,
            "nodes.shop.service": {"exponential": "250ms"}, "events": [],
            "links.visitors-edge.latency": "60ms",
        }
    )  # fmt: skip
    return proxysim.simulate(scenario, hops="all", explain=True)


def frames(page: Page, place: Path, rounds: int) -> dict[str, float]:
    """Pictures a second with many marks on the stage."""
    path = place / "crowd.html"
    path.write_text(page_of(crowd(), most=4000), encoding="utf-8")
    page.open(path.as_uri())
    page.until(_FIRST)
    speeds, marks = [], []
    for _ in range(rounds):
        page.run("proxysimStage.pause(); proxysimStage.setSpeed(0.1); proxysimStage.seek(1.1)")
        found = page.run(_COUNT % (1000 * SECONDS))
        speeds.append(found[0])
        marks.append(found[1])
    return {"frames_per_second": median(speeds), "marks": median(marks)}


def start(page: Page, place: Path, rounds: int) -> dict[str, float]:
    """Bytes of a page of 2,000 requests, and seconds until it shows its first picture."""
    scenario = proxysim.load("website-reverse-proxy").set({"run.duration": "5.1s", "run.warmup": 0})
    run = proxysim.simulate(scenario, hops="all", explain=True)
    path = place / "start.html"
    path.write_text(page_of(run, scenario=scenario, most=REQUESTS), encoding="utf-8")
    took = []
    for _ in range(rounds):
        page.open("about:blank")
        page.open(path.as_uri())
        page.until(_FIRST)
        took.append(page.run("proxysimStage.shown / 1000"))
    count = page.run("proxysimStage.panes[0].trace.count")
    return {"requests": count, "bytes": path.stat().st_size, "seconds": median(took)}


def slider(page: Page, rounds: int) -> dict[str, float]:
    """Seconds from a moved slider to the new run's first picture."""
    process, address = started("website-reverse-proxy")
    took = []
    try:
        page.open(f"{address}?scenario=website-reverse-proxy")
        page.until(_FIRST)
        for number in range(rounds + 1):
            took.append(
                page.run(
                    f"""new Promise((done) => {{
                    const before = proxysimStage.panes[0], began = performance.now();
                    const slider = document.getElementById("set-nodes.shop.workers");
                    slider.value = {300 + 60 * number};
                    slider.dispatchEvent(new Event("change"));
                    const look = () => proxysimStage.panes[0] !== before
                      && proxysimStage.panes[0].painter.spots
                      ? done((performance.now() - began) / 1000) : requestAnimationFrame(look);
                    look();
                    }})"""
                )
            )
        count = page.run("proxysimStage.panes[0].trace.count")
    finally:
        ended(process)
    return {"requests": count, "seconds": median(took[1:])}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stage", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=3, help="of each (default 3)")
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    with chromium() as browser, TemporaryDirectory() as place:
        page = browser.page()
        page.size(1400, 900)
        page.calm(False)
        found["frames"] = frames(page, Path(place), asked.rounds)
        found["start"] = start(page, Path(place), asked.rounds)
        found["slider"] = slider(page, asked.rounds)
    if asked.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    crowded, began, moved = found["frames"], found["start"], found["slider"]
    rows = [
        (f"{crowded['marks']:.0f} marks on the stage", f"{crowded['frames_per_second']:.0f} /s",
         f">= 50 /s with {MARKS}"),
        (f"page of {began['requests']:,.0f} requests", f"{began['bytes'] / 1e6:.2f} MB", "<= 2 MB"),
        ("  until its first picture", f"{began['seconds']:.2f} s", "<= 1 s"),
        (f"slider to a new run of {moved['requests']:,.0f}", f"{moved['seconds']:.2f} s", "<= 1 s"),
    ]  # fmt: skip
    for what, value, target in rows:
        sys.stdout.write(f"{what:<40}{value:>10}  {target}\n")


if __name__ == "__main__":
    main()
