"""Conditions of filters, each held to what people write: hosts, lists, ports, clients, times."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.messages import Request
from proxysim.policies.filters.block_list import read_list
from proxysim.policies.filters.category import Category
from proxysim.policies.filters.client import Client
from proxysim.policies.filters.domain import Domain
from proxysim.policies.filters.names import Names
from proxysim.policies.filters.port import Port
from proxysim.policies.filters.schedule import Schedule, moment
from proxysim.policies.filters.url import Url
from proxysim.policies.hosts import canonical


def ask(host="a.example", path="/x", port=80, peer="10.0.0.1"):
    return Request("GET", "http", host, port, path, peer=peer)


# Hosts.


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("WWW.Example.COM.", "www.example.com"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("ＥＸＡＭＰＬＥ.com", "example.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7F.1", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("1.2.3.4.", "1.2.3.4"),
        ("256.1.1.1", "256.1.1.1"),
        ("1.2.3.4.5", "1.2.3.4.5"),
        ("[2001:DB8:0:0::1]", "2001:db8::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[::1", "::1"),
        ("x:y", "x:y"),
        ("4you.example", "4you.example"),
        ("a.4you", "a.4you"),
        ("0x.0x.0x", "0.0.0.0"),
        ("", ""),
        ("..", ""),
    ],
)
def test_a_host_has_one_spelling(written, meant):
    assert canonical(written) == meant


@given(st.text(max_size=30))
def test_no_host_is_too_odd(text):
    assert canonical(canonical(text)) == canonical(text)


# Domains.

label = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=4)
hosts = st.lists(label, min_size=1, max_size=4).map(".".join)


@given(host=hosts, listed=st.lists(hosts, max_size=5))
def test_a_domain_matches_itself_and_what_lies_below(host, listed):
    expected = any(host == name or host.endswith("." + name) for name in listed)
    assert Domain(listed).matches(ask(host), 0.0) == expected


@pytest.mark.parametrize(
    ("written", "host", "expected"),
    [
        ("casino.example", "casino.example", True),
        ("casino.example", "www.casino.example", True),
        ("casino.example", "notcasino.example", False),
        ("casino.example", "example", False),
        ("casino.example", "casino.example.evil.example", False),
        ("casino.example", "WWW.Casino.EXAMPLE.", True),
        ("Casino.Example.", "casino.example", True),
        (".casino.example", "casino.example", True),
        ("*.casino.example", "www.casino.example", True),
        ("bücher.example", "www.BÜCHER.example", True),
        ("xn--bcher-kva.example", "bücher.example", True),
        ("bücher.example", "xn--bcher-kva.example", True),
        ("0.0.1", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "2130706433", True),
        ("0x7f000001", "127.0.0.1", True),
        ("[::1]", "::1", True),
        ("10.0.0.1", "[::ffff:10.0.0.1]", True),
    ],
)
def test_domains_as_people_write_them(written, host, expected):
    assert Domain([written]).matches(ask(host), 0.0) is expected


@pytest.mark.parametrize("written", ["", ".", "http://a.example/", "a.*.example", "a b"])
def test_what_is_no_domain_is_refused(written):
    with pytest.raises(ScenarioError, match="as a domain"):
        Domain([written])


# Block lists.

LIST = """\
! Title: of an ad blocker
[Adblock Plus 2.0]
# a comment
127.0.0.1 localhost localhost.localdomain
::1 ip6-localhost
0.0.0.0 ads.example  track.example # two
0.0.0.0\tTabs.Example
banner.example
*.wild.example
.dot.example
||pipes.example^
bücher.example
1.2.3.4

@@||exception.example^
||options.example^$third-party
example.org##.cosmetic
http://url.example/
a.*.example
two words.example
0.0.0.0 bad_/host
||half.example
-.example
"""


def test_a_list_is_read_in_any_format_and_says_what_it_could_not_read():
    found = read_list(LIST.splitlines())
    assert found.names.alone == {"ads.example", "track.example", "tabs.example", "1.2.3.4"}
    assert found.names.below == {
        "banner.example",
        "wild.example",
        "dot.example",
        "pipes.example",
        "xn--bcher-kva.example",
    }
    assert found.bad == 9
    assert [number for number, _ in found.examples] == [15, 16, 17, 18, 19]
    assert found.examples[0][1] == "@@||exception.example^"


def test_a_hosts_file_names_single_hosts_a_list_of_domains_all_below():
    category = Category(["ads"], {"ads": read_list(LIST.splitlines()).names})
    covered = ["ads.example", "ADS.example.", "banner.example", "x.y.banner.example", "1.2.3.4"]
    others = ["www.ads.example", "abanner.example", "5.1.2.3.4", "localhost", "example.org"]
    assert [host for host in covered + others if category.matches(ask(host), 0.0)] == covered


@given(listed=st.lists(hosts), alone=st.lists(hosts), asked=hosts)
def test_a_category_covers_what_its_lists_name(listed, alone, asked):
    lists = [read_list(listed).names, read_list(f"0.0.0.0 {name}" for name in alone).names]
    readable = {n for part in lists for n in part.below | part.alone}
    expected = any(
        asked == name or asked.endswith(f".{name}") for name in listed if name in readable
    ) or (asked in alone and asked in readable)
    assert Category(["x"], {"x": Names.union(lists)}).matches(ask(asked), 0.0) == expected


@given(st.text())
def test_no_list_is_too_odd(text):
    found = read_list(text.splitlines())
    assert found.bad <= len(text.splitlines())
    assert len(found.examples) <= 5


# URLs.


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("http://a.example/ads/1.gif?x=1", True),
        ("http://a.example/ads/*", True),
        ("*/ads/*", True),
        ("*.gif?x=1", True),
        ("*.gif?x=?", False),  # only the star stands for something else
        ("*.gif", False),
        ("a.example/*", False),
        ("http://a.exampl./*", False),
        ("re:/ads/", True),
        (r"re:^http://a\.example/.*\.(gif|png)", True),
        ("re:^ads", False),
    ],
)
def test_url_patterns(pattern, expected):
    assert Url([pattern]).matches(ask(path="/ads/1.gif?x=1"), 0.0) is expected


@given(pattern=st.text("ab*", min_size=1, max_size=8), path=st.text("ab", max_size=10))
def test_a_star_stands_for_anything_and_only_a_star(pattern, path):
    written = f"*/{pattern}"
    regular = re.compile(".*".join(map(re.escape, written.split("*"))))
    expected = regular.fullmatch(f"http://a.example/{path}") is not None
    assert Url([written]).matches(ask(path=f"/{path}"), 0.0) == expected


def test_a_broken_expression_is_refused():
    with pytest.raises(ScenarioError, match=r"re:\(ads' as a url pattern"):
        Url(["re:(ads"])


def test_a_url_is_not_hidden_by_how_its_host_is_spelt():
    pattern = Url(["http://a.example/ads/*"])
    assert pattern.matches(ask("A.Example.", "/ads/1"), 0.0)


# Ports, clients, times.


@given(port=st.integers(1, 65535), first=st.integers(1, 65535), last=st.integers(1, 65535))
def test_a_range_of_ports_has_both_its_ends(port, first, last):
    first, last = sorted((first, last))
    matches = Port([f"{first}-{last}"]).matches(ask(port=port), 0.0)
    assert matches == (first <= port <= last)


@pytest.mark.parametrize("written", ["0", "65536", "80-", "90-80", "http", "-1", "8 0", "٨٠"])
def test_what_is_no_port_is_refused(written):
    with pytest.raises(ScenarioError, match="as a port"):
        Port([written])


@pytest.mark.parametrize(
    ("written", "peer", "expected"),
    [
        ("10.0.0.0/8", "10.200.3.4", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.7", "10.0.0.7", True),
        ("10.0.0.7", "::ffff:10.0.0.7", True),
        ("fd00::/8", "[fd12::1]", True),
        ("::/0", "10.0.0.1", False),
        ("staff", "10.1.2.3", True),
        ("staff", "10.2.2.3", False),
        ("10.0.0.0/8", "unknown", False),
        ("10.0.0.0/8", "", False),
    ],
)
def test_clients_by_network_and_group(written, peer, expected):
    groups = {"staff": ["10.1.0.0/16", "10.9.0.1"]}
    client = Client([written], lambda name: groups.get(name, [name]))
    assert client.matches(ask(peer=peer), 0.0) is expected


@pytest.mark.parametrize("written", ["10.0.0.0/33", "staff", "1.2.3", "::/129", "10.0.0.1/8"])
def test_what_is_no_client_is_refused(written):
    with pytest.raises(ScenarioError, match="as an address"):
        Client([written])


def test_a_network_with_a_host_in_it_is_told_which_one_was_meant():
    with pytest.raises(ScenarioError) as caught:
        Client(["10.0.0.1/8"])
    assert "10.0.0.0/8 is the network" in str(caught.value)


@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        (
            "Mon-Fri 08:00-18:00",
            ["Mon 08:00", "Fri 17:59"],
            ["Mon 07:59", "Wed 18:00", "Sat 09:00"],
        ),
        ("Sat, Sun", ["Sat 00:00", "Sun 23:59"], ["Fri 23:59", "Mon 00:00"]),
        ("22:00-06:00", ["Mon 23:00", "Tue 05:59", "Mon 00:00"], ["Mon 06:00", "Mon 21:59"]),
        ("sun 22:00-06:00", ["Sun 22:00", "Mon 05:59"], ["Sun 05:00", "Tue 01:00"]),
        ("Fri-Mon", ["Fri 12:00", "Sun 12:00", "Mon 12:00"], ["Tue 00:00", "Thu 23:59"]),
        ("Mon 00:00-24:00", ["Mon 00:00", "Mon 23:59"], ["Sun 23:59", "Tue 00:00"]),
        ("Mon,Wed-Thu 9:00-9:30", ["Wed 09:29"], ["Tue 09:10", "Mon 09:30"]),
    ],
)
def test_times_of_the_week(written, inside, outside):
    schedule = Schedule([written])
    assert all(schedule.matches(ask(), moment(when)) for when in inside)
    assert not any(schedule.matches(ask(), moment(when)) for when in outside)


@given(start=st.integers(0, 7 * 1440 - 1), now=st.floats(0, 1e7))
def test_a_clock_that_starts_elsewhere_in_the_week_is_that_far_ahead(start, now):
    late = Schedule(["Tue 10:00-11:00"], starts=60.0 * start)
    assert late.matches(ask(), now) == Schedule(["Tue 10:00-11:00"]).matches(
        ask(), now + 60.0 * start
    )


@pytest.mark.parametrize(
    "written",
    [
        "",
        "8-18",
        "Mon 25:00-26:00",
        "Mon 08:00-25:00",
        "Mon 08:00-08:00",
        "Foo",
        "Mon-Tue-Wed",
        "Mon 24:00-25:00",
        "08:60-09:00",
    ],
)
def test_what_is_no_schedule_is_refused(written):
    with pytest.raises(ScenarioError, match="as a schedule"):
        Schedule([written])


@pytest.mark.parametrize("written", ["", "Mon", "08:00", "Xyz 08:00", "Mon 8.00", "Mon 08:60", 8])
def test_what_is_no_time_of_the_week_is_refused(written):
    with pytest.raises(ScenarioError, match="as a time of the week"):
        moment(written)
