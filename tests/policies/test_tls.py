"""Handshakes and TLS modes."""

from __future__ import annotations

import pytest

from proxysim.policies.tls import Handshake, Mode, Terms, Version, round_trips


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


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("early_data", [True, False])
@pytest.mark.parametrize("resumed", [True, False])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
def test_only_what_may_be_replayed_rides_with_the_hello(version, early_data, resumed, method):
    """RFC 8470, section 4: safe methods; RFC 8446, section 2.3: 1.3, with a ticket from before."""
    terms = Terms(version, early_data)
    shaken = terms.handshake(method, resumed=resumed)
    safe = method in ("GET", "HEAD", "OPTIONS")
    assert (shaken is Handshake.EARLY) == (early_data and resumed and version == "1.3" and safe)
    assert (shaken is Handshake.FULL) == (not resumed)
    assert terms.round_trips(shaken) == round_trips(shaken, version)
