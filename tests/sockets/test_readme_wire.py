"""What README.md says of the wire: its commands run, and the logs show who asked whom."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sockets.programs import ENVIRONMENT, free_port, program

pytestmark = pytest.mark.live

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
SECONDS = 120
PORTS = ("9001", "8080", "3128")


def addresses(text):
    """Who asked, line by line of a log."""
    return re.findall(r"^(127\.[\d.]+) - - \[", text, re.MULTILINE)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is not an own address")
def test_the_logs_beside_each_other_show_who_asked(tmp_path):
    curl = program("curl")
    section = README[README.index("### 5.") : README.index("## Learn it")]
    first, second = re.findall(r"```shell\n(.*?)```", section, re.DOTALL)
    ports = {port: free_port() for port in PORTS}
    for port, fresh in ports.items():
        first, second = first.replace(port, str(fresh)), second.replace(port, str(fresh))
    first = first.replace("python3 ", f"{sys.executable} ")
    first = first.replace("proxysim ", f"{sys.executable} -m proxysim ")
    serving = subprocess.Popen(
        ["sh", "-c", f"{first}\nwait"], cwd=tmp_path, env=ENVIRONMENT, start_new_session=True
    )
    try:
        deadline = time.monotonic() + SECONDS
        for port in ports.values():
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
        asked = subprocess.run(
            ["sh", "-c", second.replace("curl ", f"{curl} -q -sS ")],
            cwd=tmp_path,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS,
        )
    finally:
        os.killpg(serving.pid, signal.SIGTERM)
        serving.wait(SECONDS)
    logs = [tmp_path / f"{name}.log" for name in ("forward", "reverse", "server")]
    deadline = time.monotonic() + SECONDS
    while not all(path.exists() and addresses(path.read_text()) for path in logs):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert asked.stdout == "Hello from the server.\n" * 2
    shown = dict(re.findall(r"\$ cat (\w+)\.log\n((?:127.*\n)+)", section))
    for name, text in shown.items():
        assert addresses((tmp_path / f"{name}.log").read_text()) == addresses(text), name
