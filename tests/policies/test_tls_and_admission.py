"""Handshakes and TLS modes."""

from __future__ import annotations

import pytest

from proxysim.policies.tls import Handshake, Mode, Version, round_trips


@pytest.mark.parametrize(
    ("version", "handshake", "expected"),
    [
        ("1.3", "full", 1),
        ("1.3", "resumed", 1),
        ("1.3", "early", 0),
        ("1.2", "full", 2),
        ("1.2", "resumed", 1),
    ],
)
def test_round_trips(version, handshake, expected):
    assert round_trips(Handshake(handshake), Version(version)) == expected


@pytest.mark.parametrize("version", Version)
def test_resuming_never_takes_longer(version):
    assert round_trips(Handshake.RESUMED, version) <= round_trips(Handshake.FULL, version)


def test_who_reads_and_who_shakes_hands():
    table = {mode.value: (mode.reads, mode.to_clients, mode.to_backends) for mode in Mode}
    assert table == {
        "terminate": (True, True, False),
        "reencrypt": (True, True, True),
        "passthrough": (False, False, False),
        "none": (True, False, False),
    }
