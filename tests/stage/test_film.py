"""A stretch of a run as a GIF, drawn from the same positions."""

import asyncio
import io
import os
import shutil

import httpx
import pytest
from PIL import Image, ImageColor
from typer.testing import CliRunner

import proxysim as ps
from proxysim.cli.app import app
from proxysim.scenario import shipped
from proxysim.stage.film import FRAMES_A_SECOND, HEIGHT, WIDTH, _Picture, film, write_film
from proxysim.stage.marks import Motion
from proxysim.stage.rehearsal import filmed
from proxysim.stage.server import application
from proxysim.stage.trace import staged


def test_a_film_has_its_frames(played, tmp_path):
    path = film(played("hedging"), tmp_path / "a.gif", 0.2, 0.4, seconds=1.0)
    with Image.open(path) as picture:
        assert picture.size == (WIDTH, HEIGHT)
        assert picture.n_frames == FRAMES_A_SECOND
        assert picture.info["loop"] == 0


def test_a_mark_is_painted_where_it_is(played):
    data = staged(played("both-ends"))
    motion = Motion(data)
    picture = _Picture(data, motion)
    seen = 0
    for share in (0.2, 0.4, 0.6):
        t = share * motion.until
        image = picture.at(t, 1.0)
        for mark in motion.marks(t):
            if mark.kind in ("go", "back") and mark.state == "plain":
                x, y = picture._on_way(mark)
                found = image.getpixel((round(x), round(y)))
                assert max(found) - min(found) > 25
                seen += found == ImageColor.getrgb("#0072b2")
    assert seen


def test_two_runs_are_filmed_under_one_clock(played, tmp_path):
    run = played("hedging")
    labels = ("above", "below")
    path = film(run, tmp_path / "a.gif", 0.2, 0.4, 0.5, other=run, labels=labels)
    with Image.open(path) as picture:
        assert picture.size == (WIDTH, 2 * HEIGHT)
        picture.seek(3)
        frame = picture.convert("RGB")
    inside = (0, 60, WIDTH, HEIGHT)  # below the labels
    above, below = (frame.crop((0, top, WIDTH, top + HEIGHT)) for top in (0, HEIGHT))
    assert above.crop(inside).tobytes() == below.crop(inside).tobytes()
    assert above.tobytes() != below.tobytes()


@pytest.mark.parametrize(
    ("name", "span", "said"),
    [
        ("a.png", (0.0, 1.0, 1.0), "no film"),
        ("a.gif", (1.0, 0.5, 1.0), "ends after it began"),
        ("a.gif", (-1.0, 0.5, 1.0), "0 s or later"),
        ("a.gif", (0.0, 1.0, 1e9), "at most"),
        ("a.gif", (1e6, 2e6, 1.0), "nothing moves"),
        ("no/where/a.gif", (0.0, 0.1, 0.1), "cannot be written"),
    ],
)
def test_what_cannot_be_filmed_is_said(played, tmp_path, name, span, said):
    with pytest.raises(ps.ResultError, match=said):
        film(played("hedging"), tmp_path / name, *span)


def test_mp4_wants_ffmpeg(played, tmp_path, monkeypatch):
    monkeypatch.setattr("proxysim.stage.film.shutil.which", lambda name: None)
    with pytest.raises(ps.ResultError, match=r"ffmpeg.*\.gif"):
        film(played("hedging"), tmp_path / "a.mp4", 0.0, 0.1)


def test_mp4(played, tmp_path):
    if shutil.which("ffmpeg") is None:
        if os.environ.get("PROXYSIM_REQUIRE_OPTIONAL") == "1":
            pytest.fail("no ffmpeg")
        pytest.skip("no ffmpeg")
    path = write_film([staged(played("hedging"))], tmp_path / "a.mp4", 0.0, 0.1, 0.5)
    assert path.read_bytes()[4:8] == b"ftyp"


def test_the_command_films_a_second_run_below(tmp_path):
    path = tmp_path / "a.gif"
    asked = ["play", "website-reverse-proxy", "--film", str(path), "--to", "40ms"]
    asked += ["--seconds", "0.5", "--beside"]
    found = CliRunner().invoke(app, [*asked, "nodes.edge.balancer=round_robin"])
    assert found.exit_code == 0, found.output
    with Image.open(path) as picture:
        assert picture.size == (WIDTH, 2 * HEIGHT)
    brief = [*asked, "without edge", "--set", "run.duration=1s"]  # less than its warm-up
    assert CliRunner().invoke(app, brief).exit_code == 0
    found = CliRunner().invoke(app, [*asked, "without nobody"])
    assert found.exit_code == 2
    assert "nobody" in found.output


def test_the_command_films(tmp_path):
    path = tmp_path / "a.gif"
    asked = ["play", "one-server", "--film", str(path), "--to", "40ms", "--seconds", "0.5"]
    found = CliRunner().invoke(app, asked)
    assert found.exit_code == 0, found.output
    assert path.read_bytes().startswith(b"GIF8")
    found = CliRunner().invoke(app, [*asked[:3], str(tmp_path / "a.txt")])
    assert found.exit_code == 2
    assert "no film" in found.output


class Here:
    def film(self, *asked):
        return filmed(shipped(), *asked)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=0&to=0.05&seconds=0.5", 200),
        ("from=0&to=0.05&seconds=0.5&vs=nodes.server.workers%3D2", 200),
        ("from=0&to=x&seconds=0.5", 400),
        ("from=0&to=nan&seconds=0.5", 400),
        ("from=0&to=1&seconds=900", 400),
        ("from=0&to=1", 400),
    ],
)
def test_the_page_films(query, status):
    async def ask():
        transport = httpx.ASGITransport(app=application(shipped(), Here()))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8000"
        ) as client:
            return await client.get(f"/film?scenario=one-server&set=run.duration%3D1&{query}")

    answer = asyncio.run(ask())
    assert answer.status_code == status
    if status == 200:
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.format == "GIF"
    else:
        assert answer.json()["problem"]
