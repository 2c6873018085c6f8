"""What tests do with a page that plays, and what they read of it."""

import json

STAGE = "proxysimStage"
READY = f"window.{STAGE} && {STAGE}.panes.length && {STAGE}.panes[0].painter.spots"


def opened(page, address):
    page.open(address)
    page.until(READY)
    page.run(f"{STAGE}.pause()")
    return page


def text(page, selector):
    return page.run(f"document.querySelector({json.dumps(selector)}).textContent")


def press(page, selector):
    page.run(f"document.querySelector({json.dumps(selector)}).click()")


def time_of(page):
    return page.run(f"{STAGE}.time")
