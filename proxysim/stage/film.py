"""A stretch of a run as a moving picture in a file: GIF, or MP4 where ffmpeg is there.

Drawn here from the same data and by the same rule as the page draws it, simpler, without a browser.
"""

from __future__ import annotations

import io
import math
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from proxysim.errors import ResultError
from proxysim.results.run import Run
from proxysim.stage.marks import Mark, Motion
from proxysim.stage.trace import staged

__all__ = ["film", "gif", "write_film"]

#: One run, or two under one clock.
Panes = Sequence[Mapping[str, Any]]

WIDTH, HEIGHT = 960, 430
FRAMES_A_SECOND = 15
LONGEST = 30.0  # s to watch
_FINE = 2  # drawn so many times larger, then made smaller: smooth edges
_EDGE = 90
_BOX = (132, 70)
_RADIUS = 6.5
_INK, _SOFT, _PAPER, _ROAD = "#1d2429", "#6a747b", "#ffffff", "#e7e9e9"
_ZONES = ("#eaf2f8", "#f8f1e1", "#e9f4ee", "#f6eaf1")
#: As in the page's style sheet.
_COLOURS = {
    "plain": "#0072b2", "sealed": "#5a4a8f", "retried": "#b5478a", "hit": "#00855f",
    "stale": "#00855f", "miss": "#d98a00", "answer": "#2f9bd6", "blocked": "#cc3d00",
    "failed": "#15191c", "left": "#9aa3a8",
}  # fmt: skip
_CORNERS = {"sealed": 6, "hit": 4, "stale": 4, "miss": 3, "blocked": 8, "answer": 4}
_TURNS = {"sealed": 0.0, "hit": 90.0, "stale": 90.0, "miss": -90.0, "blocked": 22.5, "answer": 45.0}


def film(
    run: Run,
    path: str | os.PathLike[str],
    since: float,
    until: float,
    seconds: float = 6.0,
    *,
    other: Run | None = None,
    labels: Sequence[str] = (),
) -> Path:
    """Write *run* from *since* to *until* seconds to *path*, .gif or .mp4, *seconds* long.

    *other* is shown below it, under the same clock, and *labels* above each. ResultError where
    there is nothing to show, no ffmpeg for MP4, or the file cannot be written.
    O(frames * marks).
    """
    panes = [staged(one) for one in (run, other) if one is not None]
    return write_film(panes, path, since, until, seconds, labels)


def write_film(
    panes: Panes,
    path: str | os.PathLike[str],
    since: float,
    until: float,
    seconds: float = 6.0,
    labels: Sequence[str] = (),
) -> Path:
    """The same of *panes*, each as ``staged`` made it."""
    target = Path(path)
    if target.suffix.lower() not in (".gif", ".mp4"):
        raise ResultError(f"{target.name} is no film", mend="Name it .gif or .mp4.")
    if target.suffix.lower() == ".mp4" and shutil.which("ffmpeg") is None:
        raise ResultError("MP4 is made by ffmpeg, not found here", mend="Name it .gif instead.")
    frames = _frames(panes, since, until, seconds, labels)
    try:
        if target.suffix.lower() == ".gif":
            target.write_bytes(_as_gif(frames))
        else:
            _encode(frames, target, len(panes))
    except OSError as error:
        raise ResultError(
            f"cannot be written to: {error.strerror}", place=str(target), mend="Name another file."
        ) from error
    return target


def gif(
    panes: Panes, since: float, until: float, seconds: float = 6.0, labels: Sequence[str] = ()
) -> bytes:
    """The film as the bytes of a GIF."""
    return _as_gif(_frames(panes, since, until, seconds, labels))


def _as_gif(frames: Iterator[Image.Image]) -> bytes:
    first, *rest = (frame.quantize(96, dither=Image.Dither.NONE) for frame in frames)
    out = io.BytesIO()
    first.save(
        out, "GIF", save_all=True, append_images=rest, loop=0, optimize=False,
        duration=round(1000 / FRAMES_A_SECOND),
    )  # fmt: skip
    return out.getvalue()


def _encode(frames: Iterator[Image.Image], target: Path, panes: int) -> None:
    command = [
        "ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
        "-s", f"{WIDTH}x{HEIGHT * panes}", "-r", str(FRAMES_A_SECOND), "-i", "-",
        "-pix_fmt", "yuv420p", str(target.absolute()),
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as encoder:
        assert encoder.stdin is not None
        assert encoder.stderr is not None
        for frame in frames:
            encoder.stdin.write(frame.tobytes())
        encoder.stdin.close()
        said = encoder.stderr.read().decode(errors="replace").strip()
    if encoder.returncode:
        raise ResultError(f"ffmpeg failed: {said[-300:]}", place=str(target))


def _frames(
    panes: Panes, since: float, until: float, seconds: float, labels: Sequence[str]
) -> Iterator[Image.Image]:
    if not 0 <= since < until:
        raise ResultError(
            f"found a film from {since:g} s to {until:g} s",
            mend="It begins at 0 s or later, and ends after it began.",
        )
    if not 0 < seconds <= LONGEST:
        raise ResultError(
            f"found a film of {seconds:g} s", mend=f"Make it at most {LONGEST:g} s long."
        )
    motions = [Motion(data) for data in panes]
    last = max(motion.until for motion in motions)
    if since >= last:
        raise ResultError(f"nothing moves after {last:g} s", mend="Begin the film before that.")
    labels = [*labels, *([""] * len(panes))]
    pictures = [_Picture(*one) for one in zip(panes, motions, labels, strict=False)]
    count = max(2, round(seconds * FRAMES_A_SECOND))
    slow = seconds / (until - since)
    for number in range(count):
        t = since + (until - since) * number / (count - 1)
        frame = Image.new("RGB", (WIDTH, HEIGHT * len(pictures)))
        for place, picture in enumerate(pictures):
            frame.paste(picture.at(t, slow), (0, HEIGHT * place))
        yield frame


class _Picture:
    """Draws moments of one run."""

    def __init__(self, data: Mapping[str, Any], motion: Motion, label: str = "") -> None:
        self.data, self.motion, self.label = data, motion, label
        self.spots = [
            (_EDGE + node["x"] * (WIDTH - 2 * _EDGE), 78 + node["y"] * (HEIGHT - 130))
            for node in data["nodes"]
        ]
        rows = max(sum(n["x"] == node["x"] for n in data["nodes"]) for node in data["nodes"])
        self.box = (_BOX[0], min(_BOX[1], (HEIGHT - 130) / rows - 6))
        self.backdrop = self._empty()

    def at(self, t: float, slow: float) -> Image.Image:
        image = self.backdrop.copy()
        draw = ImageDraw.Draw(image)
        marks = self.motion.marks(t)
        inside: dict[int, int] = {}
        for mark in marks:
            if len(mark.place) > 1:
                self._mark(draw, mark, *self._on_way(mark))
                continue
            icon = mark.place[0]
            rank = inside[icon] = inside.get(icon, -1) + 1
            x, y = self.spots[icon]
            across = (rank % 8 - 3.5) * 14
            self._mark(draw, mark, x + across, y + 8 + min(2, rank // 8) * 12)
        speed = f"1/{slow:.0f} of real time" if slow >= 1.5 else f"{1 / slow:.2g} times real time"
        _write(draw, f"{t:.4f} s   {speed}", WIDTH - 20, HEIGHT - 24, _SOFT, 12, "ra")
        return image.resize((WIDTH, HEIGHT), Image.Resampling.BOX)

    def _empty(self) -> Image.Image:
        image = Image.new("RGB", (WIDTH * _FINE, HEIGHT * _FINE), _PAPER)
        draw = ImageDraw.Draw(image)
        width, height = self.box
        for number, zone in enumerate(self.data["zones"]):
            own = [
                spot
                for spot, node in zip(self.spots, self.data["nodes"], strict=True)
                if node["zone"] == zone
            ]
            if own and zone:
                xs, ys = zip(*own, strict=True)
                box = (min(xs) - width / 2 - 12, min(ys) - height / 2 - 24,
                       max(xs) + width / 2 + 12, max(ys) + height / 2 + 10)  # fmt: skip
                draw.rounded_rectangle(_scaled(*box), 12 * _FINE, fill=_ZONES[number % 4])
                _write(draw, zone, box[0] + 10, box[1] + 5, _SOFT, 11)
        for link in self.data["links"]:
            a, b = link["between"]
            draw.line(_scaled(*self.spots[a], *self.spots[b]), fill=_ROAD, width=24 * _FINE)
        for (x, y), node in zip(self.spots, self.data["nodes"], strict=True):
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            draw.rounded_rectangle(
                _scaled(*box), 8 * _FINE, fill=_PAPER, outline=_SOFT, width=_FINE
            )
            name = node["name"] if node["count"] == 1 else f"{node['name']} × {node['count']:,}"
            _write(draw, name, x, y - height / 2 + 5, _INK, 13, "ma")
        title = self.label or str(self.data["title"] or self.data["scenario"])
        _write(draw, title, 20, 14, _INK, 17)
        facts = f"{self.data['scenario']}, seed {self.data['seed']}, {self.data['hash']}"
        _write(draw, facts, 20, HEIGHT - 24, _SOFT, 12)
        return image

    def _on_way(self, mark: Mark) -> tuple[float, float]:
        stretches = len(mark.place) - 1
        place = min(stretches - 1, int(mark.share * stretches))
        share = mark.share * stretches - place
        (x0, y0), (x1, y1) = (self.spots[mark.place[place + end]] for end in (0, 1))
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        gap = min(_BOX[0] / 2 / length, 0.45)
        share = gap + (1 - 2 * gap) * share
        side = 0.0 if mark.kind == "shake" else 6.0
        return (
            x0 + (x1 - x0) * share - (y1 - y0) / length * side,
            y0 + (y1 - y0) * share + (x1 - x0) / length * side,
        )

    def _mark(self, draw: ImageDraw.ImageDraw, mark: Mark, x: float, y: float) -> None:
        shrunk = 1 - 0.7 * mark.share if mark.step == "service" else 1.0
        radius = _RADIUS * shrunk * _FINE
        x, y = x * _FINE, y * _FINE
        colour = _COLOURS[mark.state]
        round_box = (x - radius, y - radius, x + radius, y + radius)
        if mark.kind == "shake" or mark.state == "left":
            draw.ellipse(round_box, outline=_COLOURS["left"], width=_FINE * 2)
        elif mark.state == "failed":
            for down in (-1, 1):
                ends = (x - radius, y - down * radius, x + radius, y + down * radius)
                draw.line(ends, fill=colour, width=_FINE * 3)
        elif mark.state in _CORNERS:
            points = [
                (
                    x + radius * 1.15 * math.cos(math.radians(_TURNS[mark.state] + 360 * k / n)),
                    y + radius * 1.15 * math.sin(math.radians(_TURNS[mark.state] + 360 * k / n)),
                )
                for n in (_CORNERS[mark.state],)
                for k in range(n)
            ]
            fill = _PAPER if mark.state == "stale" else colour
            draw.polygon(points, fill=fill, outline=colour, width=_FINE)
        else:
            draw.ellipse(round_box, fill=colour)


def _scaled(*values: float) -> list[float]:
    return [value * _FINE for value in values]


def _write(
    draw: ImageDraw.ImageDraw, text: str, x: float, y: float, colour: str, size: int,
    anchor: str = "la",
) -> None:  # fmt: skip
    draw.text((x * _FINE, y * _FINE), text, fill=colour, font=_font(size * _FINE), anchor=anchor)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """The font that comes with matplotlib."""
    import matplotlib

    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)
