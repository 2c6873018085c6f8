"""``proxysim play`` as people use it: the command, its page, its sliders, its end."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing

import pytest
from typer.testing import CliRunner

import proxysim as ps
from proxysim.cli.app import app

PATIENCE = 120
IDLE = "!proxysimStage.root.hasAttribute('aria-busy')"
READY = f"window.proxysimStage && proxysimStage.panes.length && {IDLE}"


def started(*arguments):
    """The process, and the address that it says."""
    process = subprocess.Popen(
        [sys.executable, "-m", "proxysim", "play", *arguments, "--no-browser"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    line = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    if found is None:
        process.kill()
        raise AssertionError(line + process.stdout.read())
    return process, found[0]


def ended(process):
    process.send_signal(signal.SIGINT)
    try:
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
    return process.returncode


@pytest.fixture(scope="module")
def address():
    process, found = started("office-forward-proxy")
    yield found
    ended(process)


def opened(page, address, query=""):
    page.open(address + query)
    page.until(READY)
    page.run("proxysimStage.pause()")
    return page


def ids(page, pane=0):
    return page.run(f"proxysimStage.panes[{pane}].trace.data.requests.id")


def change(page, selector, value):
    page.run(
        f"(s => {{ s.value = {value!r}; s.dispatchEvent(new Event('change')); }})"
        f"(document.querySelector({selector!r}))"
    )
    page.until(READY)
    page.run("proxysimStage.pause()")


ONE = "?scenario=one-server&set=run.duration%3D1"


def test_a_beginner_is_led_to_the_first_scene(page, address):
    opened(page, address)
    scenes = page.run("[...document.querySelectorAll('.scenes button')].map(b => b.textContent)")
    assert scenes[1] == "2. The second time"
    page.run("document.querySelectorAll('.scenes button')[1].click()")
    page.until("document.querySelectorAll('.answers button').length === 3")
    assert page.run("proxysimStage.playing") is False
    page.run("document.querySelectorAll('.answers button')[1].click()")
    page.until("proxysimStage.playing")
    page.run("proxysimStage.setSpeed(100)")
    page.until("proxysimStage.counts().hit > 5")
    page.until("document.querySelector('.predict').textContent.includes('As you said')")


def test_the_keyboard_leads_through_a_scene(page, address):
    opened(page, address)
    scene = "document.querySelectorAll('.scenes button')[1]"
    page.run(f"{scene}.focus()")
    page.key("Enter", "\r")
    page.until("document.querySelectorAll('.answers button').length === 3")
    assert page.run(f"document.activeElement === {scene}")
    page.run("document.querySelector('.answers button').focus()")
    page.key("Enter", "\r")
    page.until("proxysimStage.playing")
    assert page.run("document.activeElement.textContent") == "Tell me now"
    page.key("Enter", "\r")
    page.until("document.querySelector('.predict').textContent.includes('It was')")
    assert page.run("document.activeElement.id") == "play"
    slider = "document.getElementById('set-nodes.staff.count')"
    page.run(f"{slider}.focus()")
    before = page.run(f"{slider}.value")
    page.key("ArrowRight")
    page.until("location.search.includes('nodes.staff.count')")
    page.until(READY)
    assert page.run("document.activeElement.id") == "set-nodes.staff.count"
    assert page.run(f"{slider}.value") != before


def test_a_slider_makes_a_new_run(page, address):
    opened(page, address, ONE)
    before = page.run("proxysimStage.panes[0].trace.data.hash")
    slider = "#set-nodes\\\\.users\\\\.arrivals\\\\.poisson"
    assert page.run(f"document.querySelector('{slider}') !== null")
    page.run(
        f"(s => {{ s.value = 700; s.dispatchEvent(new Event('input'));"
        f" s.dispatchEvent(new Event('change')); }})(document.querySelector('{slider}'))"
    )
    page.until(f"proxysimStage.panes[0].trace.data.hash !== '{before}' && {IDLE}")
    assert "nodes.users.arrivals.poisson" in page.run("decodeURIComponent(location.search)")
    page.until("document.querySelector('#reset') !== null")
    page.run("document.querySelector('#reset').click()")
    page.until("!location.search.includes('poisson')")


def test_a_seed_and_the_same_address_show_the_same_run(page, address):
    opened(page, address, ONE)
    change(page, "#seed", "9")
    page.until("proxysimStage.panes[0].trace.data.seed === 9")
    page.run("proxysimStage.pause(); proxysimStage.seek(0.5); proxysimStage.setSpeed(0.1)")
    there = page.run("proxysimStage.onShare()")
    at = page.run("[...proxysimStage.panes[0].trace.at]")
    opened(page, "", there)
    assert page.run("[...proxysimStage.panes[0].trace.at]") == at
    assert page.run("proxysimStage.time") == pytest.approx(0.5, abs=1e-5)
    assert page.run("proxysimStage.speed") == 0.1


def test_another_run_beside_it(page, address):
    few = "?scenario=website-reverse-proxy&set=run.duration%3D1&set=run.warmup%3D0"
    opened(page, address, few)
    change(page, "#versus", "nodes.edge.balancer=round_robin")
    page.until("proxysimStage.panes.length === 2")
    assert ids(page, 0) == ids(page, 1)
    labels = page.run("[...document.querySelectorAll('.label')].map(l => l.textContent)")
    assert labels == ["balancer: least connections", "balancer: round robin"]


def test_another_scenario_can_be_chosen(page, address):
    opened(page, address, ONE)
    change(page, "#scenario", "blocked-tunnel")
    page.until("proxysimStage.panes[0].trace.data.scenario === 'blocked-tunnel'")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?scenario=one-server&set=nodes.nobody.count%3D3", "nodes has no 'nobody'"),
        ("?scenario=one-server&colour=red", "settings that nobody knows: colour"),
        ("?scenario=nowhere", "there is no scenario 'nowhere'"),
        ("?scenario=%3Cimg%20src=x%20onerror=hacked=1%3E", "there is no scenario"),
    ],
)
def test_an_address_that_cannot_be_has_a_way_back(page, address, query, said):
    page.open(address + query)
    page.until("window.proxysimStage && !document.querySelector('.problem').hidden")
    assert said in page.run("document.querySelector('.problem').textContent")
    assert page.run("document.querySelectorAll('img').length") == 0
    page.run("document.querySelector('.problem button').click()")
    page.until(READY)
    assert page.run("document.querySelector('.problem').hidden")
    page.errors[:] = [error for error in page.errors if "400" not in error]


def test_a_file_of_ones_own_and_a_server_that_goes_away(page, tmp_path):
    path = tmp_path / "mine.yaml"
    mine = ps.load("one-server").set({"title": "Mine", "run.duration": "1s", "run.warmup": 0})
    path.write_text(mine.to_yaml(), encoding="utf-8")
    process, there = started(str(path))
    try:
        opened(page, there)
        assert page.run("document.querySelector('h1').textContent") == "Mine"
    finally:
        status = ended(process)
    assert status == 0
    page.run(
        "(s => { s.value = '4'; s.dispatchEvent(new Event('change')); })"
        "(document.querySelector('#seed'))"
    )
    page.until("!document.querySelector('.problem').hidden")
    said = page.run("document.querySelector('.problem').textContent")
    assert f"proxysim play {path}" in said
    assert "Try again" in said
    page.errors.clear()  # the browser's own notes on an address that nobody answers


def refused(*arguments):
    found = CliRunner().invoke(app, ["play", *arguments, "--no-browser"])
    assert found.exit_code == 2
    return found.output


def test_what_cannot_be_played_is_said():
    assert "there is no scenario 'nowhere'" in refused("nowhere")
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "cannot be had" in refused("--port", str(taken.getsockname()[1]))


def test_what_is_not_installed_is_said(monkeypatch):
    monkeypatch.setattr("proxysim.cli.play.find_spec", lambda name: None)
    said = refused()
    assert "starlette and uvicorn" in said
    assert "proxysim[play]" in said
