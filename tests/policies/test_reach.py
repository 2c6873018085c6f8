"""Reach: public addresses, what is allowed beyond them, and never the proxy itself."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.policies.reach import LOOPBACK, Allowed, Reach

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
WITHIN = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.2.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo around 127.0.0.1
    "nonsense",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_within_reach(address):
    assert Reach().permits(address, 80)


@pytest.mark.parametrize("address", WITHIN)
def test_others_are_not(address):
    assert not Reach().permits(address, 80)


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_changes_nothing(address):
    reach = Reach()
    plain = reach.permits(str(address), 80)
    mapped = IPv6Address(int(IPv6Address("::ffff:0:0")) + int(address))
    translated = IPv6Address(int(IPv6Address("64:ff9b::")) + int(address))
    sixtofour = IPv6Address((0x2002 << 112) + (int(address) << 80))
    assert {reach.permits(str(wrapped), 80) for wrapped in (mapped, translated, sixtofour)} == {
        plain
    }


@pytest.mark.parametrize(
    ("allowed", "address", "port", "permitted"),
    [
        ("10.0.0.0/8", "10.1.2.3", 80, True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", 80, True),
        ("10.0.0.0/8", "11.1.2.3", 80, True),  # public anyway
        ("10.0.0.0/8", "192.168.1.1", 80, False),
        ("127.0.0.1:9001", "127.0.0.1", 9001, True),
        ("127.0.0.1:9001", "127.0.0.1", 9002, False),
        ("127.0.0.1:9001", "127.0.0.2", 9001, False),
        ("127.0.0.1:1", "127.0.0.1", 1, True),
        ("127.0.0.1:65535", "127.0.0.1", 65535, True),
        ("[::1]:9001", "::1", 9001, True),
        ("[::1]:9001", "::1", 80, False),
        ("::1", "::1", 80, True),
    ],
)
def test_what_is_allowed_is_within_reach(allowed, address, port, permitted):
    assert Reach([Allowed(allowed)]).permits(address, port) is permitted


def test_a_name_that_is_allowed_may_lead_anywhere_and_no_other_may():
    reach = Reach([Allowed("intranet.example")])
    assert reach.permits("10.0.0.1", 80, "intranet.example")
    assert not reach.permits("10.0.0.1", 80, "rebound.example")
    assert not reach.permits("10.0.0.1", 80)


def test_its_own_listeners_need_to_be_allowed_by_their_port():
    reach = Reach([Allowed("127.0.0.0/8")])
    assert reach.permits("127.0.0.1", 3128)
    reach.owns("127.0.0.1", 3128)
    assert not reach.permits("127.0.0.1", 3128)
    assert not reach.permits("::ffff:127.0.0.1", 3128)
    assert reach.permits("127.0.0.1", 3129)
    allowing = Reach([Allowed("127.0.0.1:3128")], own=[("127.0.0.1", 3128)])
    assert allowing.permits("127.0.0.1", 3128)


def test_a_listener_everywhere_is_found_at_every_address_of_the_machine():
    reach = Reach([Allowed("10.0.0.0/8"), Allowed("127.0.0.0/8")], own=[("0.0.0.0", 3128)])
    assert not reach.permits("10.0.0.1", 3128)
    assert not reach.permits("127.0.0.1", 3128)
    assert reach.permits("10.0.0.1", 80)
    here = Reach(own=[("0.0.0.0", 3128)], here={"8.8.8.8"}.__contains__)
    assert not here.permits("8.8.8.8", 3128)
    assert here.permits("8.8.8.8", 80)
    assert here.permits("9.9.9.9", 3128)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0.0/99",
        "a/b",
        "10.0.0.1:80:90",
        "ä.example",
        "a.example:http",
        "[::1]:0",
        "[::1]:65536",
    ],
)
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(ScenarioError, match="to be allowed"):
        Allowed(text)


@given(st.ip_addresses())
def test_the_loopback_is_a_bound_of_its_own(address):
    mapped = getattr(address, "ipv4_mapped", None)
    loops = isinstance(address, IPv4Address) and str(address).startswith("127.")
    if mapped is None:
        assert LOOPBACK.permits(str(address), 80) is (loops or str(address) == "::1")
