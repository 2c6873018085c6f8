"""A headless Chromium, driven by its DevTools protocol over a pair of pipes; no port, no package.

Protocol: https://chromedevtools.github.io/devtools-protocol/, messages ended by a zero byte.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PROGRAM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
#: Puts the pipes where Chromium looks for them, 3 and 4, and becomes it.
WIRED = (
    "import os, sys, fcntl;"
    "ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]];"
    "os.dup2(ends[0], 3); os.dup2(ends[1], 4);"
    "os.execv(sys.argv[3], sys.argv[3:])"
)
#: Of keys that a browser itself does something with.
CODES = {"Enter": 13, "ArrowLeft": 37, "ArrowRight": 39}
#: Seconds in which a loaded machine answers.
PATIENCE = 60.0


class Page:
    """One tab. ``errors`` is what went wrong in it, ``asked`` the addresses that it fetched."""

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.inner: list[tuple[str, str]] = []

    def listen(self) -> None:
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.send(method, parameters, self._session)

    def close(self) -> None:
        self._browser.send("Target.closeTarget", {"targetId": self._target})

    def frame(self) -> Page:
        """The first frame of the page that lives in a process of its own, as sandboxed ones do."""
        attach = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
        self.send("Target.setAutoAttach", **attach)
        ends = time.monotonic() + PATIENCE
        while not self.inner and time.monotonic() < ends:
            self.run("0")  # what has happened is heard between answers
        return self._browser.attached(*self.inner[0])

    def size(self, width: int, height: int, scale: float = 1.0, dark: bool = False) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=scale, mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def calm(self, wanted: bool = True) -> None:
        value = "reduce" if wanted else "no-preference"
        self.send(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-reduced-motion", "value": value}],
        )

    def open(self, address: str) -> None:
        self.send("Page.navigate", url=address)
        self.until("document.readyState === 'complete'")

    def run(self, code: str) -> Any:
        """What *code* comes to, as JSON; a promise is waited for."""
        found = self.send(
            "Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def until(self, code: str) -> Any:
        """Wait until *code* is true of the page."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            found = self.run(code)
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"never true: {code}; errors: {self.errors}")

    def key(self, key: str, text: str | None = None) -> None:
        self.send(
            "Input.dispatchKeyEvent",
            type="keyDown",
            key=key,
            text=text or (key if len(key) == 1 else ""),
            windowsVirtualKeyCode=CODES.get(key, 0),
        )
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def click(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path: Path, whole: bool = True) -> None:
        found = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def heard(self, method: str, told: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.errors.append(told["entry"]["text"])
        elif method == "Target.attachedToTarget":
            self.inner.append((told["targetInfo"]["targetId"], told["sessionId"]))
        elif method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])


class Browser:
    """The program, and the pages that it has open."""

    def __init__(self, down: int, up: int) -> None:
        self._down, self._up = down, up
        self._number = 0
        self._buffer = b""
        self._pages: dict[str, Page] = {}

    def page(self) -> Page:
        target = self.send("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.send("Target.attachToTarget", {"targetId": target, "flatten": True})
        return self.attached(target, session["sessionId"])

    def attached(self, target: str, session: str) -> Page:
        page = self._pages[session] = Page(self, target, session)
        page.listen()
        return page

    def send(
        self, method: str, parameters: dict[str, Any], session: str | None = None
    ) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._down, data) :]
        return self._answer(self._number, method)

    def _answer(self, number: int, method: str) -> dict[str, Any]:
        ends = time.monotonic() + PATIENCE
        while True:
            while b"\0" not in self._buffer:
                ready, _, _ = select.select([self._up], [], [], max(0.0, ends - time.monotonic()))
                data = os.read(self._up, 1 << 20) if ready else b""
                if not data:
                    raise AssertionError(f"Chromium said nothing to {method}")
                self._buffer += data
            line, _, self._buffer = self._buffer.partition(b"\0")
            said = json.loads(line)
            if said.get("id") == number:
                if "error" in said:
                    raise AssertionError(f"{method}: {said['error']}")
                return said["result"]
            page = self._pages.get(said.get("sessionId", ""))
            if page is not None:
                page.heard(said["method"], said["params"])


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of one's own, gone at the end with all that it wrote."""
    assert PROGRAM is not None
    read, down = os.pipe()
    up, write = os.pipe()

    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            [
                sys.executable, "-c", WIRED, str(read), str(write), PROGRAM,
                "--headless=new", "--no-sandbox", "--remote-debugging-pipe",
                "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio",
                "--disable-background-networking", "--disable-extensions",
                f"--user-data-dir={home}", "about:blank",
            ],
            pass_fds=(read, write), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(read)
        os.close(write)
        browser = Browser(down, up)
        try:
            yield browser
        finally:
            try:
                browser.send("Browser.close", {})
            except (AssertionError, OSError):
                pass
            for end in (down, up):
                os.close(end)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
