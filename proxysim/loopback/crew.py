"""The processes of a live run: begun together, watched, and ended together, whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any

from proxysim.errors import RunError
from proxysim.loopback.orders import Crash, Task

__all__ = ["Crew", "Member"]

#: Seconds that processes may take to answer.
PATIENCE = 120.0
#: Seconds until one that has closed its end of the conversation is gone.
LEAVE = 5.0


class Member:
    """One process, and the conversation with it."""

    def __init__(self, task: Task) -> None:
        self.task = task
        ours, theirs = socket.socketpair()
        self.connection = Connection(ours.detach())
        path = os.pathsep.join(place for place in sys.path if place)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "proxysim.loopback.child", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": path},
            )
        except BaseException:
            self.connection.close()
            raise
        finally:
            theirs.close()

    @property
    def name(self) -> str:
        """What people know it by."""
        return "the clients" if self.task.part == "clients" else ", ".join(self.task.names)

    def tell(self, said: Any) -> None:
        """Say something; RunError where nobody is there to hear it."""
        try:
            self.connection.send(said)
        except OSError:
            raise self.died() from None

    def died(self) -> RunError:
        """That it is no more, and why."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(LEAVE)
        code = self.process.returncode
        how = "stopped answering"
        if code is not None:
            how = f"ended with status {code}"
            if code < 0:
                with suppress(ValueError):
                    how = f"was ended by {signal.Signals(-code).name}"
        return RunError(
            f"the process of {self.name} {how}",
            place="live",
            mend="All others were stopped. Was it killed, or is the machine short of memory?",
        )


class Crew:
    """All processes of a run; a context that leaves none of them behind."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.members: list[Member] = []
        try:
            for task in tasks:
                self.members.append(Member(task))
            for member in self.members:
                member.tell(member.task)
        except BaseException:
            self.end()
            raise

    def tell(self, said: Any) -> None:
        """Say something to all."""
        for member in self.members:
            member.tell(said)

    def each(self, wanted: type) -> list[Any]:
        """What each of them says, which is to be a *wanted*, in their order."""
        found: dict[Member, Any] = {}
        until = time.monotonic() + PATIENCE
        while len(found) < len(self.members):
            missing = [member for member in self.members if member not in found]
            for member, said in self.hear(missing, max(0.0, until - time.monotonic())):
                if isinstance(said, wanted):
                    found[member] = said
        return [found[member] for member in self.members]

    def hear(self, members: Sequence[Member], seconds: float) -> list[tuple[Member, Any]]:
        """What *members* say within *seconds*, as soon as any of them says something.

        Raises what has happened to one that cannot go on, and RunError where all stay silent.
        """
        by_connection = {member.connection: member for member in members}
        ready: list[Any] = wait(list(by_connection), seconds)
        if not ready:
            names = "; ".join(member.name for member in members)
            raise RunError(
                f"{names}: no answer within {seconds:.0f} s",
                place="live",
                mend="The machine may be too busy: try again, or with less load.",
            )
        heard = []
        for connection in ready:
            member = by_connection[connection]
            try:
                said = connection.recv()
            except (EOFError, OSError):
                raise member.died() from None
            if isinstance(said, Crash):
                raise _crashed(member, said)
            heard.append((member, said))
        return heard

    def end(self) -> None:
        """End all processes at once: they hold nothing but sockets, which go with them."""
        for member in self.members:
            member.connection.close()
            member.process.kill()
        for member in self.members:
            member.process.wait()

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.end()


def _crashed(member: Member, crash: Crash) -> Exception:
    if crash.error is not None:
        return crash.error
    return RuntimeError(f"the process of {member.name} has failed:\n{crash.trace}")
