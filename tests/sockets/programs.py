"""Programs that we did not write, and room for them on this machine."""

from __future__ import annotations

import os
import shutil
import socket
from contextlib import closing
from random import Random

import pytest

#: Below the ports that systems give away by themselves, so that no other test is given one of them
#: between the moment when it is found free and that when a program listens on it.
PORTS = range(12_000, 30_000)

#: Programs ask whom they are told to, whatever proxy this machine is set to use.
ENVIRONMENT = {
    name: text for name, text in os.environ.items() if not name.lower().endswith("_proxy")
}


def program(*names):
    """Where the first of *names* is that is installed.

    One that is not is skipped, or missed where ``PROXYSIM_REQUIRE_OPTIONAL=1`` is set.
    """
    for name in names:
        if (found := shutil.which(name)) is not None:
            return found
    if os.environ.get("PROXYSIM_REQUIRE_OPTIONAL") == "1":
        pytest.fail(f"{names[0]} is wanted here, and not installed")
    pytest.skip(f"{names[0]} is not installed")


def free_port():
    """A port for a program that cannot be told to take any."""
    rng = Random(os.urandom(8))
    for _ in range(1000):
        port = rng.choice(PORTS)
        with closing(socket.socket()) as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    pytest.fail("no port is free")
