"""Who really asks: X-Forwarded-For and Forwarded, read from the right as far as trust goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.messages import Headers, Request
from proxysim.policies.forwarded import (
    Trusted,
    client_of,
    forwarded_element,
    node_of,
    parse_forwarded,
    parse_forwarded_for,
)

CLIENT = "10.0.0.7"
addresses = st.ip_addresses().map(str)


def ask(said="", peer=CLIENT, field="x-forwarded-for"):
    fields = Headers([(field, said)]) if said else Headers()
    return Request("GET", "http", "a.example", 80, "/", fields, peer)


# How far it is trusted.


@pytest.mark.parametrize(
    ("chain", "hops", "client"),
    [
        ("", 0, CLIENT),
        ("1.1.1.1", 0, CLIENT),
        ("", 1, CLIENT),
        ("1.1.1.1", 1, "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1", 1, "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1, 2.2.2.2", 2, "1.1.1.1"),
        ("1.1.1.1", 3, "1.1.1.1"),
        ("1.1.1.1:4711", 1, "1.1.1.1"),
        ("[2001:db8::1]:80", 1, "2001:db8::1"),
        ("2001:DB8:0::1", 1, "2001:db8::1"),
        ("6.6.6.6,, 1.1.1.1 ,", 1, "1.1.1.1"),
        ("6.6.6.6, unknown", 1, CLIENT),
        ("6.6.6.6, unknown", 2, CLIENT),
        ("6.6.6.6, junk, 1.1.1.1", 3, "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1:x", 1, CLIENT),
        ("6.6.6.6, 01.1.1.1", 1, CLIENT),
        ("::ffff:1.1.1.1", 1, "1.1.1.1"),
    ],
)
def test_trusted_hops_are_counted_from_the_right(chain, hops, client):
    assert client_of(ask(chain), hops) == client
    assert Trusted(hops).client(ask(chain)) == client


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("", "10.9.9.9"),
        ("1.1.1.1", "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1", "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1, 10.9.1.1", "1.1.1.1"),
        ("10.9.2.2, 10.9.1.1", "10.9.2.2"),
        ("1.1.1.1, unknown, 10.9.1.1", "10.9.1.1"),
    ],
)
def test_trusted_addresses_are_believed_as_long_as_they_follow_each_other(chain, client):
    trusted = Trusted(networks=["10.9.0.0/16", "fd00::/8"])
    assert trusted.client(ask(chain, peer="10.9.9.9")) == client
    assert trusted.client(ask(chain, peer="10.8.0.1")) == "10.8.0.1"


def test_without_hops_and_addresses_nobody_is_believed():
    request = ask("1.1.1.1, 2.2.2.2")
    assert Trusted().client(request) == request.peer
    assert Trusted(networks=[]).client(request) == request.peer


def test_hops_bound_the_addresses_that_are_believed():
    trusted = Trusted(hops=1, networks=["10.9.0.0/16"])
    assert trusted.client(ask("1.1.1.1, 10.9.1.1", peer="10.9.9.9")) == "10.9.1.1"


@given(forged=st.lists(st.text(max_size=12), max_size=4), hops=st.integers(1, 3), data=st.data())
def test_what_the_client_writes_changes_nothing(forged, hops, data):
    client, *proxies = data.draw(
        st.lists(st.ip_addresses(v=4).map(str), min_size=hops, max_size=hops)
    )
    chain = ", ".join([*forged, client, *proxies])
    assert client_of(ask(chain, peer="10.9.9.9"), hops) == client
    elements = ", ".join([*forged, *(f"for={node}" for node in (client, *proxies))])
    trusted = Trusted(hops, field="forwarded")
    assert trusted.client(ask(elements, "10.9.9.9", "forwarded")) == client


def test_only_the_field_that_proxies_write_is_read():
    request = ask("for=1.1.1.1", field="forwarded")
    assert Trusted(1).client(request) == CLIENT
    assert Trusted(1, field="forwarded").client(request) == "1.1.1.1"
    with pytest.raises(ScenarioError, match="as a field"):
        Trusted(1, field="x-real-ip")


def test_the_client_becomes_the_peer_and_the_peer_the_hop():
    request = ask("6.6.6.6, 1.1.1.1", peer="10.9.9.9")
    seen = Trusted(1).unveiled(request)
    assert (seen.peer, seen.hop) == ("1.1.1.1", "10.9.9.9")
    assert (seen.headers, seen.path) == (request.headers, request.path)
    assert Trusted(0).unveiled(request) is request


# The grammar.


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        # RFC 7239, section 4.
        ('for="_gazonk"', [{"for": "_gazonk"}]),
        ('For="[2001:db8:cafe::17]:4711"', [{"for": "[2001:db8:cafe::17]:4711"}]),
        (
            "for=192.0.2.60;proto=http;by=203.0.113.43",
            [{"for": "192.0.2.60", "proto": "http", "by": "203.0.113.43"}],
        ),
        ("for=192.0.2.43, for=198.51.100.17", [{"for": "192.0.2.43"}, {"for": "198.51.100.17"}]),
        # Section 7.1.
        (
            'for=192.0.2.43,for="[2001:db8:cafe::17]",for=unknown',
            [{"for": "192.0.2.43"}, {"for": "[2001:db8:cafe::17]"}, {"for": "unknown"}],
        ),
        ('for="a\\"b, for=c";by=d', [{"for": 'a"b, for=c', "by": "d"}]),
        ("for=a;;by=b;", [{"for": "a", "by": "b"}]),
        ("for=a,, ,for=b,", [{"for": "a"}, {"for": "b"}]),
        ("", []),
        ("for=a;for=b", [{}]),
        ("for=[::1]", [{}]),
        ("for = a", [{}]),
        # What a client breaks on purpose hides nothing that proxies add.
        ('for="6.6.6.6, for=1.1.1.1', [{}, {"for": "1.1.1.1"}]),
        ('for="6.6.6.6, for="[::1]"', [{}, {"for": "[::1]"}]),
        ("for=1;for=2, junk, for=3", [{}, {"for": "3"}]),
    ],
)
def test_forwarded_is_read_as_the_rfc_writes_it(text, elements):
    assert list(parse_forwarded(text)) == elements


names = st.sampled_from(["for", "by", "host", "proto", "secret"])


@given(
    st.lists(
        st.dictionaries(
            names,
            st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), min_size=0),
            min_size=1,
        ),
        max_size=4,
    )
)
def test_what_is_written_is_read_again(elements):
    text = ", ".join(map(forwarded_element, elements))
    assert list(parse_forwarded(text)) == elements


@given(addresses)
def test_an_address_is_read_as_it_was_written(address):
    written = forwarded_element({"for": node_of(address)})
    (read,) = parse_forwarded_for(address)
    assert Trusted(1, field="forwarded").client(ask(written, field="forwarded")) == read


@pytest.mark.parametrize(
    ("address", "node"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "[2001:db8::1]"),
        ("", "unknown"),
        ("unknown", "unknown"),
        ("some host", "unknown"),
        ("_hidden-1", "_hidden-1"),
    ],
)
def test_nodes_are_named_as_the_rfc_names_them(address, node):
    assert node_of(address) == node


@given(st.text())
def test_no_chain_is_too_odd(text):
    assert all(isinstance(found, str) for found in parse_forwarded_for(text))
    parse_forwarded(text)
