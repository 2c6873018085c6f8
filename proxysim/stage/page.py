"""One file that plays a run: markup, style, player and data, with nothing to download."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

__all__ = ["Stage", "document", "script", "style"]

#: The modules of the player, each after those that it imports.
_PLAYER = (
    "words", "dom", "colours", "trace", "pace", "telling", "marks", "places", "shelf", "backdrop",
    "draw", "charts", "caching", "heads", "inspect", "keys", "shell", "player",
)  # fmt: skip
_IMPORT = re.compile(r"^import .*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)
#: How high a notebook's frame is, in pixels.
_HEIGHT = 820


@cache
def script(host: str) -> str:
    """The player as one ES module, ended by the module *host*: still or live."""
    parts = [_source(f"{name}.js") for name in (*_PLAYER, host)]
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", part)) for part in parts)


@cache
def style() -> str:
    """The style sheet."""
    return _source("player.css")


def document(panes: Sequence[Mapping[str, Any]], labels: Sequence[str], predict: Any = None) -> str:
    """A self-contained page that plays *panes*, one run or two, as ``staged`` made them.

    Nothing in a scenario can become markup: data is JSON in a block that no browser runs, and the
    page allows no script but its own.
    """
    data = {"panes": panes, "labels": labels, "predict": predict}
    told = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    told = told.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    player = script("still")
    digest = base64.b64encode(hashlib.sha256(player.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline';"
        " img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    title = escape(str(panes[0].get("title") or panes[0].get("scenario") or "proxysim"))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{style()}</style>\n</head>\n<body>\n"
        '<div id="proxysim"><noscript>This page plays a run, which needs JavaScript.</noscript>'
        "</div>\n"
        f'<script type="application/json" id="stage-data">{told}</script>\n'
        f'<script type="module">{player}</script>\n</body>\n</html>\n'
    )


class Stage:
    """A page that plays; a notebook shows it in a frame that can reach nothing."""

    def __init__(self, page: str) -> None:
        self.page = page

    def _repr_html_(self) -> str:
        return (
            f'<iframe sandbox="allow-scripts" srcdoc="{escape(self.page)}" title="the stage"'
            f' style="width: 100%; height: {_HEIGHT}px; border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Stage: a page of {len(self.page) / 1e6:.1f} MB>"


def _source(name: str) -> str:
    return files("proxysim.stage").joinpath("web", name).read_text(encoding="utf-8")
