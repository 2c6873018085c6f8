"""What README.md says of the wire: its commands run, and the logs show who asked whom."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.sockets.test_real_clients import program

pytestmark = pytest.mark.live

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
SECONDS = 60
PORTS = ("9001", "8080", "3128")


def free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return str(listening.getsockname()[1])


def addresses(text):
    """Who asked, line by line of a log."""
    return re.findall(r"^(127\.[\d.]+) - - \[", text, re.MULTILINE)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is not an own address")
def test_the_logs_beside_each_other_show_who_asked(tmp_path):
    program("curl")
    section = README[README.index("### 6.") : README.index("## From Python")]
    first, second = re.findall(r"```shell\n(.*?)```", section, re.DOTALL)
    for port in PORTS:
        fresh = free_port()
        first, second = first.replace(port, fresh), second.replace(port, fresh)
    first = first.replace("python3 ", f"{sys.executable} ")
    first = first.replace("proxysim ", f"{sys.executable} -m proxysim ")
    serving = subprocess.Popen(["sh", "-c", f"{first}\nwait"], cwd=tmp_path, start_new_session=True)
    ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", second)]
    try:
        deadline = time.monotonic() + SECONDS
        for port in ports:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
        asked = subprocess.run(
            ["sh", "-c", second.replace("curl ", f"{shutil.which('curl')} -sS ")],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS,
        )
    finally:
        os.killpg(serving.pid, signal.SIGTERM)
        serving.wait(SECONDS)
        logs = [tmp_path / f"{name}.log" for name in ("forward", "reverse", "server")]
        while not all(path.exists() and addresses(path.read_text()) for path in logs):
            assert time.monotonic() < deadline + SECONDS
            time.sleep(0.05)
    assert asked.stdout == "Hello from the server.\n" * 2
    shown = dict(re.findall(r"\$ cat (\w+)\.log\n((?:127.*\n)+)", section))
    for name, text in shown.items():
        assert addresses((tmp_path / f"{name}.log").read_text()) == addresses(text), name
