"""However a live run ends, nothing of it is left: no process, no socket, no file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

import proxysim as ps
from proxysim.errors import ProxysimError, RunError, ScenarioError
from proxysim.loopback import running
from proxysim.loopback.crew import Crew
from proxysim.loopback.orders import Ready
from proxysim.scenario import from_dict
from tests.loopback.stage import one_queue

pytest.importorskip("httptools")
pytestmark = pytest.mark.live

#: A busy machine takes its time; what takes longer than this hangs.
SECONDS = 60


def children(of: int) -> set[int]:
    """The processes that *of* has begun and that are still there."""
    return {pid for pid, parent in parents().items() if parent == of}


def parents() -> dict[int, int]:
    """Of each process that is alive, who began it."""
    found = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = place.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            found[int(place.parent.name)] = int(parent)
    return found


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def nothing_left(tmp_path, monkeypatch):
    """No child, descriptor or temporary file is more than there was."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    before, files = children(os.getpid()), descriptors()
    yield
    until = time.monotonic() + SECONDS
    while (children(os.getpid()) - before or descriptors() > files) and time.monotonic() < until:
        time.sleep(0.05)
    assert children(os.getpid()) <= before
    assert descriptors() <= files
    assert list(tmp_path.iterdir()) == []


def crew_of(scenario) -> Crew:
    return Crew(running.tasks_of(scenario, 1, 0, False, False, True))


def test_starts_and_stops_leave_nothing(nothing_left):
    for number in range(5):
        with crew_of(one_queue()) as crew:
            if number == 0:
                places = [ready.places for ready in crew.each(Ready)]
                assert any("server" in place for place in places)


def test_a_killed_process_is_noticed_and_the_rest_is_stopped(nothing_left, monkeypatch):
    def kill(crew, *_):
        os.kill(crew.members[0].process.pid, signal.SIGKILL)
        while True:
            crew.hear(crew.members, SECONDS)

    monkeypatch.setattr(running, "_watch", kill)
    with pytest.raises(RunError, match=r"of server was ended by SIGKILL\. All others were stopped"):
        ps.live(one_queue())


def test_an_interrupt_ends_all_processes(nothing_left):
    """Ctrl-C on the command line: exit status 130, one line, nothing left."""
    command = [sys.executable, "-m", "proxysim", "live", "one-server", "--for", "300s"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        until = time.monotonic() + SECONDS
        while len(children(process.pid)) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        started = children(process.pid)
        assert len(started) >= 2
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert told.splitlines()[-1] == "interrupted"
    assert "Traceback" not in told
    while any(pid in parents() for pid in started) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(pid in parents() for pid in started)


def test_processes_end_with_their_parent():
    """Who kills the parent leaves no orphans."""
    program = (
        "from proxysim.loopback import running\n"
        "from proxysim.loopback.crew import Crew\n"
        "from proxysim.loopback.orders import Ready\n"
        "from tests.loopback.stage import one_queue\n"
        "import time\n"
        "crew = Crew(running.tasks_of(one_queue(), 1, 0, False, False, True))\n"
        "crew.each(Ready)\n"
        "print(*[member.process.pid for member in crew.members], flush=True)\n"
        "time.sleep(1000)\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=root
    ) as parent:
        assert parent.stdout is not None
        watch = threading.Timer(SECONDS, parent.kill)
        watch.start()
        pids = [int(word) for word in parent.stdout.readline().split()]
        watch.cancel()
        assert len(pids) == 2
        parent.kill()
    until = time.monotonic() + SECONDS
    while any(pid in parents() for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(pid in parents() for pid in pids)


def test_what_a_process_finds_wrong_is_said_as_elsewhere(nothing_left):
    tasks = running.tasks_of(one_queue(), 1, 0, False, False, True)
    tasks[1] = replace(tasks[1], tree={**tasks[1].tree, "sites": {}})
    with pytest.raises(ProxysimError, match="sites"), Crew(tasks) as crew:
        crew.each(Ready)


def test_a_missing_part_is_named():
    program = (
        "import sys\n"
        "sys.modules['httptools'] = None\n"
        "from importlib import util\n"
        "found = util.find_spec\n"
        "import proxysim.loopback.running as running\n"
        "running.find_spec = lambda name: None if name == 'httptools' else found(name)\n"
        "import proxysim\n"
        "proxysim.live('one-server')\n"
    )
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    last = found.stderr.splitlines()[-1]
    assert "httptools cannot be found. Install it: pip install 'proxysim[live]'" in last


def test_more_proxies_than_can_be_processes_are_refused():
    tree = one_queue().to_dict()
    for number in range(40):
        tree["nodes"][f"proxy-{number}"] = {"kind": "forward_proxy"}
    with pytest.raises(ScenarioError, match="found 40 proxies"):
        ps.live(from_dict(tree))
