"""Laws of the filters; the contract holds for everything in the menu."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.messages import Request
from proxysim.policies.filters import CONDITIONS, Filters, build_filters, build_rule
from proxysim.policies.filters.domain import Domain
from proxysim.policies.filters.url import Url

every = pytest.mark.parametrize("name", CONDITIONS)

#: Something that each condition can look for, and a request that has it.
LOOKED_FOR = {"domain": "a.example", "url": "http://a.example/x", "method": "POST"}


def ask(host="a.example", path="/x", method="POST", scheme="http", port=80):
    return Request(method, scheme, host, port, path, peer="10.0.0.1")


CONNECT = Request("CONNECT", "https", "a.example", 443, "", peer="10.0.0.1")


# The contract.


@every
def test_any_of_a_list_suffices(name):
    other = {"domain": "b.example", "url": "http://b.example/*", "method": "PUT"}[name]
    only = build_rule("deny", {name: other})
    both = build_rule("deny", {name: [other, LOOKED_FOR[name]]})
    assert not only.matches(ask(), 0.0)
    assert both.matches(ask(), 0.0)


@every
@pytest.mark.parametrize("found", [[], [7], 7, {}, [None], [""]])
def test_nothing_to_look_for_is_refused(name, found):
    with pytest.raises(ScenarioError) as caught:
        build_filters([{"deny": {name: found}}])
    assert str(caught.value).startswith("filters[0]: ")


@every
def test_of_a_tunnel_only_host_and_method_are_seen(name):
    matches = build_rule("deny", {name: [LOOKED_FOR[name], "CONNECT"]}).matches(CONNECT, 0.0)
    assert matches == (name != "url")


@every
@given(
    host=st.text(max_size=20),
    path=st.text(max_size=20),
    method=st.sampled_from(["GET", "CONNECT", "X"]),
)
def test_no_request_is_too_odd(name, host, path, method):
    build_rule("deny", {name: LOOKED_FOR[name]}).matches(ask(host, path, method), 0.0)


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
        ("bücher.example", "bücher.example", True),
        ("xn--bcher-kva.example", "bücher.example", False),
        ("0.0.1", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("[::1]", "::1", True),
    ],
)
def test_domains_as_people_write_them(written, host, expected):
    assert Domain([written]).matches(ask(host), 0.0) is expected


@pytest.mark.parametrize("written", ["", ".", "http://a.example/", "a.*.example", "a b"])
def test_what_is_no_domain_is_refused(written):
    with pytest.raises(ScenarioError, match="as a domain"):
        Domain([written])


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


def test_a_broken_expression_is_refused():
    with pytest.raises(ScenarioError, match=r"re:\(ads' as a url pattern"):
        Url(["re:(ads"])


# Rules.


def test_the_first_rule_that_matches_decides():
    filters = build_filters(
        [
            {"allow": {"domain": "good.casino.example"}},
            {"deny": {"domain": "casino.example"}, "because": "gambling"},
            {"deny": {"domain": "casino.example", "method": "POST"}, "because": "never reached"},
        ]
    )
    assert filters.judge(ask("good.casino.example"), 0.0).rule == 0
    assert not filters.judge(ask("good.casino.example"), 0.0).denied
    verdict = filters.judge(ask("casino.example"), 0.0)
    assert (verdict.denied, verdict.because, verdict.rule) == (True, "gambling", 1)


def test_what_no_rule_matches_may_pass():
    for filters in (Filters(), build_filters([{"deny": {"domain": "b.example"}}])):
        verdict = filters.judge(ask(), 0.0)
        assert (verdict.denied, verdict.rule) == (False, -1)


def test_all_conditions_of_a_rule_must_hold():
    filters = build_filters([{"deny": {"domain": "a.example", "method": ["POST", "PUT"]}}])
    assert filters.judge(ask(), 0.0).denied
    assert not filters.judge(ask(method="GET"), 0.0).denied
    assert not filters.judge(ask(host="b.example"), 0.0).denied


def test_conditions_that_are_not_given_count_for_nothing():
    rule = build_rule("deny", {"domain": "a.example", "url": None, "method": None})
    assert rule.matches(ask(), 0.0)


class Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


@given(because=st.text(st.characters(exclude_characters="\r\0", codec="utf-8"), min_size=1))
@example(because="<script>alert(1)</script>")
@example(because="a &amp; b")
def test_the_block_page_gives_the_reason_and_nothing_else(because):
    filters = build_filters([{"deny": {"method": "POST"}, "because": because}])
    response, page = filters.judge(ask(), 0.0).response()
    assert response.status == 403
    assert response.headers.get("content-length") == str(page.length)
    assert response.headers.get("cache-control") == "no-store"
    read = Text()
    read.feed(page.data.decode())
    assert because in read.text
    assert read.tags == ["html", "head", "meta", "title", "body", "h1", "p"]


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ([{"deny": {"domian": "a.example"}}], "Did you mean 'domain'"),
        ([{"allow": {"method": "GET"}}, {"deny": {}}], "filters[1]: deny has no condition"),
        ([{"because": "no reason"}], "Give either allow or deny"),
        ([{"deny": {"method": "GET"}, "allow": {"method": "GET"}}], "Give either allow or deny"),
        ([{"deny": {"method": "G E T"}}], "found 'G E T' as a method"),
    ],
)
def test_an_impossible_rule_is_refused(rules, says):
    with pytest.raises(ScenarioError) as caught:
        build_filters(rules)
    assert says in str(caught.value)
