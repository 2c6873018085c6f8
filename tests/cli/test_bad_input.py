"""Whatever is wrong: one clear message on standard error, an exit status, no traceback."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from typer.testing import CliRunner

import proxysim
from proxysim.cli import app
from proxysim.errors import RunError


def failed(*arguments):
    found = CliRunner().invoke(app, [str(each) for each in arguments])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    assert found.stdout == ""
    return found.exit_code, found.stderr


WRONG = {
    "unknown scenario": (["run", "ofice-forward-proxy"], "Did you mean 'office-forward-proxy'?"),
    "no scenario": (["run", ""], ", both-ends,"),
    "no such file": (["show", "nowhere.yaml"], "there is no such file"),
    "a directory": (["run", "."], "Give a YAML file"),
    "no value": (["run", "one-server", "--set", "run.seed"], "nodes.shop.count=8"),
    "no path": (["run", "one-server", "--set", "=3"], "nodes.shop.count=8"),
    "value not YAML": (["run", "one-server", "--set", "run.seed=["], "not YAML"),
    "no such field": (["run", "one-server", "--set", "run.sed=3"], "Did you mean 'seed'?"),
    "no such node": (["run", "one-server", "--set", "nodes.srv.workers=3"], "server, users"),
    "impossible value": (["run", "one-server", "--set", "nodes.server.workers=0"], "at least 1"),
    "beyond a value": (["run", "one-server", "--set", "run.seed.x=3"], "has no parts"),
    "nothing left": (["run", "one-server", "--set", "run.duration=5s"], "warmup"),
    "unknown unit": (["run", "one-server", "--set", "run.duration=5 parsecs"], "5min"),
    "left out, no proxy": (["run", "one-server", "--without", "server"], "is no proxy"),
    "left out, misspelt": (
        ["run", "office-forward-proxy", "--without", "gatewy"],
        "Did you mean 'gateway'?",
    ),
    "left out twice": (
        ["run", "office-forward-proxy", "--without", "gateway", "--without", "gateway"],
        "gateway is no proxy",
    ),
    "hops in words": (["run", "one-server", "--hops", "some"], "--hops: found 'some'"),
    "hops of none": (["run", "one-server", "--hops", "0"], "--hops: found '0'"),
    "keep below none": (["run", "one-server", "--keep", "-1"], "--keep: found '-1'"),
    "charts of nothing": (["run", "one-server", "--charts"], "--out"),
    "costs nowhere": (["run", "one-server", "--costs", "none.yaml"], "nothing, typical"),
    "two forms": (["show", "one-server", "--json", "--yaml"], "Give one of them"),
    "schema nowhere": (["schema", "--out", "no/such/place"], "cannot be written"),
}


@pytest.mark.parametrize("case", WRONG)
def test_one_line_says_what_and_how_to_mend_it(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, told = WRONG[case]
    status, message = failed(*arguments)
    assert status == 2
    assert message.startswith("error: ")
    assert told in message
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["nosuchcommand"], ["run"], ["run", "one-server", "more"], ["run", "--frob", "one-server"],
        ["run", "one-server", "--seed", "x"], ["run", "one-server", "--seed", "-1"],
        ["run", "one-server", "--set"],
    ],
)  # fmt: skip
def test_usage_errors_are_bad_input_too(arguments):
    status, message = failed(*arguments)
    assert status == 2
    assert "Error: " in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("proxysim: [", "not YAML"),
        ("- 1", "a list"),
        ("!!python/object/apply:os.system ['true']", "may not use"),
        ("request: 3 parsecs", "costs.yaml"),
        ("reqest: 3us", "Did you mean 'request'?"),
    ],
)
def test_costs_name_their_file(text, told, tmp_path):
    file = tmp_path / "costs.yaml"
    file.write_text(text, encoding="utf-8")
    status, message = failed("run", "one-server", "--costs", file)
    assert status == 2
    assert "costs.yaml" in message
    assert told in message


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_out_is_tried_before_the_run(place, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    monkeypatch.setattr(proxysim, "simulate", lambda *a, **k: pytest.fail("it ran"))
    status, message = failed("run", "one-server", "--out", tmp_path / place)
    assert status == 2
    assert "cannot be written to" in message
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept"


def test_a_failed_check_is_status_1(monkeypatch):
    def broken(*_, **__):
        raise RunError("3 requests arrived and 2 were recorded", place="requests")

    monkeypatch.setattr(proxysim, "simulate", broken)
    status, message = failed("run", "one-server")
    assert (status, message) == (1, "error: requests: 3 requests arrived and 2 were recorded\n")


def test_an_interrupt_leaves_without_a_traceback(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(proxysim, "simulate", interrupted)
    assert failed("run", "one-server") == (130, "interrupted\n")


#: The command line, which says when it begins to simulate: an interrupt before that, while modules
#: are loaded, is Python's own affair.
SAYING_WHEN = """
import sys
import proxysim
from proxysim.cli import main

simulate = proxysim.simulate

def told(*arguments, **options):
    print("begun", file=sys.stderr, flush=True)
    return simulate(*arguments, **options)

proxysim.simulate = told
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_real_interrupt():
    endless = ["run", "one-server", "--set", "run.duration=90h", "--keep", "none"]
    with subprocess.Popen(
        [sys.executable, "-c", SAYING_WHEN, *endless],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        hanging = threading.Timer(120, process.kill)
        hanging.start()
        assert process.stderr.readline() == "begun\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, message = process.communicate()
        hanging.cancel()
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in message


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_leaves_early_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    found = subprocess.run(
        [sys.executable, "-m", "proxysim", "schema"],
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (found.returncode, found.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")  # noqa: PTH110
def test_a_full_disk_is_said():
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123
        found = subprocess.run(
            [sys.executable, "-m", "proxysim", "schema"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert found.returncode == 2
    assert os.strerror(errno.ENOSPC) in found.stderr
    assert "Traceback" not in found.stderr
