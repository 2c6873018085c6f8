"""The real program in a proxy's place: started, waited for, stopped, cleared away."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from proxysim.engines.configuration import Configuration
from proxysim.engines.exporting import ENGINES, export
from proxysim.engines.places import Place, places_of
from proxysim.errors import RunError, ScenarioError, did_you_mean
from proxysim.scenario import Scenario

__all__ = ["PACKAGES", "Running", "accepts", "program", "start"]

#: Engine -> what Debian calls the package; TLS that nginx passes through needs a second one.
PACKAGES = {
    "nginx": "nginx-light libnginx-mod-stream",
    "haproxy": "haproxy",
    "squid": "squid",
}
#: Where programs for servers are that a user's PATH may not name.
PLACES = ("/usr/sbin", "/usr/local/sbin", "/sbin")
#: How a program is ended. Squid would take two seconds over it; what it shares by name is cleared
#: away here instead.
ENDS = {"nginx": signal.SIGTERM, "haproxy": signal.SIGTERM, "squid": signal.SIGKILL}
SHARED = Path("/dev/shm")
#: A program that ends with us, though we be killed: then the pipe that is its guard's input closes.
GUARDED = 'exec 3<&0; (cat <&3 >/dev/null; kill -KILL 0) & exec "$@" </dev/null 3<&-'
START_SECONDS = 30.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.02
SAID = 2_000  # characters

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Running:
    """A program under way.

    ``configuration`` is what it runs, with where it ``listens``; ``directory`` where that stands,
    with its logs; ``pid`` its process.
    """

    configuration: Configuration
    directory: Path
    pid: int

    @property
    def listens(self) -> Sequence[tuple[str, int]]:
        return self.configuration.listens


@contextmanager
def start(
    engine: str,
    scenario: Scenario,
    node: str,
    places: Mapping[str, Place] | None = None,
    *,
    certificate: Callable[[Sequence[str]], bytes] | None = None,
    authority: Path | None = None,
) -> Iterator[Running]:
    """*engine* as the proxy *node* of *scenario*, until the end of the block.

    *places* are the addresses and ports of the proxy itself and of the servers behind it, by the
    names of members (``edge``, ``shop-1``); those not given are where they usually are, see
    :func:`~proxysim.engines.places.places_of`. *certificate* gives the key and the chain (PEM) for
    hosts, which it must where the proxy ends TLS; *authority* is whom to trust about the servers'.
    When the block begins, every address is listened on; when it has ended, however it ends, no
    process, port or file is left.

    Raises ScenarioError where the engine is not installed or cannot be that proxy, RunError where
    it does not start.
    """
    path = program(engine)
    with tempfile.TemporaryDirectory(
        prefix=f"proxysim-{engine}-", ignore_cleanup_errors=True
    ) as name:
        directory = Path(name)
        directory.chmod(0o777)  # started by root, it becomes somebody else
        found = export(engine, scenario, node, places_of(scenario, places, directory, authority))
        if not found.text:
            raise ScenarioError(
                f"{engine} cannot be {node}: {' '.join(found.not_expressed)}", place=scenario.name
            )
        _free(found.listens)
        found.write(directory)
        _certify(found, directory, certificate)
        command = _command(engine, path, directory, found.file)
        with _shared(engine, command), _process(command, engine, directory) as process:
            _await(process, engine, directory, found.listens)
            yield Running(found, directory, process.pid)


def accepts(configuration: Configuration, directory: Path) -> str:
    """What the engine has against *configuration*, written to *directory*; empty if nothing.

    Raises ScenarioError where it is not installed.
    """
    engine = configuration.engine
    path = program(engine)
    check = {
        "nginx": [path, "-t", "-q", "-p", directory, "-c", configuration.file],
        "haproxy": [path, "-c", "-C", directory, "-f", configuration.file],
        "squid": [path, "-k", "parse", "-f", directory / configuration.file],
    }[engine]
    ran = subprocess.run(
        [str(word) for word in check], capture_output=True, text=True, check=False, timeout=60
    )
    return "" if ran.returncode == 0 else (ran.stderr or ran.stdout)[-SAID:].strip() or "refused"


def program(engine: str) -> str:
    """Where the program is. Raises ScenarioError where there is none."""
    if engine not in ENGINES:
        raise ScenarioError(f"no engine is called {engine!r}", mend=did_you_mean(engine, ENGINES))
    where = os.pathsep.join((os.environ.get("PATH", ""), *PLACES))
    found = shutil.which(engine, path=where)
    if found is None:
        raise ScenarioError(
            f"{engine} cannot be found",
            mend=f"Install it, on Debian with: apt-get install {PACKAGES[engine]}",
        )
    return found


def _free(places: Sequence[tuple[str, int]]) -> None:
    """See that nobody else is where the program is to listen. Raises RunError."""
    for place in places:
        try:
            with socket.create_server(place):
                pass
        except OSError as error:
            raise RunError(
                f"{place[0]}:{place[1]} cannot be listened on: {error.strerror}",
                mend="End what listens there, or give another port.",
            ) from None


def _command(engine: str, path: str, directory: Path, file: str) -> list[str]:
    if engine == "nginx":
        # Its workers would become nobody, who may not write here.
        whose = " user root;" if os.geteuid() == 0 else ""
        return [path, "-p", str(directory), "-c", file, "-g", f"daemon off;{whose}"]
    if engine == "haproxy":
        return [path, "-db", "-C", str(directory), "-f", file]
    service = f"proxysim{os.getpid()}x{next(_numbers)}"  # shared memory is named after it
    return [path, "-N", "-n", service, "-f", str(directory / file)]


def _certify(
    found: Configuration, directory: Path, certificate: Callable[[Sequence[str]], bytes] | None
) -> None:
    for name, hosts in found.certificates.items():
        if certificate is None:
            raise ScenarioError(
                f"{found.engine} ends TLS for {', '.join(hosts)}, and has no certificate",
                mend="Give one that names them.",
            )
        (directory / name).write_bytes(certificate(hosts))


@contextmanager
def _shared(engine: str, command: Sequence[str]) -> Iterator[None]:
    """Leave nothing of the memory that Squid shares, named after its service."""
    try:
        yield
    finally:
        if engine == "squid":
            service = command[command.index("-n") + 1]
            for file in SHARED.glob(f"{service}-*"):
                file.unlink(missing_ok=True)


@contextmanager
def _process(
    command: Sequence[str], engine: str, directory: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with (directory / "said").open("wb") as said:
        process = subprocess.Popen(
            ["/bin/sh", "-c", GUARDED, "sh", *command],
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # with its workers, and out of reach of the terminal
        )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.send_signal(ENDS[engine])
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()


def _await(
    process: subprocess.Popen[bytes],
    engine: str,
    directory: Path,
    places: Sequence[tuple[str, int]],
) -> None:
    """Wait until every one of *places* is listened on. Raises RunError."""
    deadline = time.monotonic() + START_SECONDS
    for place in places:
        while True:
            if process.poll() is not None:
                raise RunError(f"{engine} has not started: {_said(directory)}")
            with suppress(OSError), socket.create_connection(place, timeout=1.0):
                break
            if time.monotonic() > deadline:
                raise RunError(
                    f"{engine} does not listen on {place[0]}:{place[1]}: {_said(directory)}"
                )
            time.sleep(LOOK_SECONDS)


def _said(directory: Path) -> str:
    """What it has told, on its own or in its logs."""
    texts = []
    for name in ("said", "error.log", "cache.log"):
        with suppress(OSError):
            texts.append((directory / name).read_text(encoding="utf-8", errors="replace"))
    return "".join(texts)[-SAID:].strip() or "it does not say why"
