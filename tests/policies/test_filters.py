"""Laws of the filters: the contract of everything in the menus, rules, what is denied is told."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.messages import Headers, Request, Response
from proxysim.policies.authentication import Authentication, User, credentials
from proxysim.policies.filters import (
    ACTIONS,
    ANSWER_CONDITIONS,
    CONDITIONS,
    Filters,
    Names,
    build_filters,
    build_rule,
)

every = pytest.mark.parametrize("name", CONDITIONS)
every_answer = pytest.mark.parametrize("name", ANSWER_CONDITIONS)

MONDAY_NINE = 9 * 3600.0
GIVEN = {
    "categories": {"ads": Names({"a.example"}), "games": Names({"b.example"})},
    "addresses": lambda name: {"staff": ["10.0.0.0/24"], "guests": ["10.9.0.0/16"]}.get(
        name, [name]
    ),
    "authentication": Authentication(
        {"ann": User("a", frozenset({"sales"})), "bob": User("b", frozenset({"it"}))}
    ),
}

#: Something that each condition can look for, and that the request below has; and another.
LOOKED_FOR = {
    "domain": ("a.example", "b.example"),
    "category": ("ads", "games"),
    "url": ("http://a.example/x", "http://b.example/*"),
    "method": ("POST", "PUT"),
    "port": (80, 8080),
    "client": ("staff", "guests"),
    "user": ("ann", "bob"),
    "group": ("sales", "it"),
    "schedule": ("Mon 08:00-10:00", "Tue"),
}
ANSWERS = {"content_type": ("video/mp4", "image/*"), "size": ("1kB", "1MB")}


def ask(host="a.example", path="/x", method="POST", scheme="http", port=80, user="ann"):
    fields = Headers([("proxy-authorization", credentials(user, user[:1]))])
    return Request(method, scheme, host, port, path, fields, peer="10.0.0.1")


def answer(status=200, **fields):
    return Response(status, Headers((n.replace("_", "-"), v) for n, v in fields.items()))


CONNECT = ask(path="", method="CONNECT", scheme="https")


# The contract.


@every
def test_any_of_a_list_suffices(name):
    looked_for, other = LOOKED_FOR[name]
    only = build_rule("deny", {name: other}, **GIVEN)
    both = build_rule("deny", {name: [other, looked_for]}, **GIVEN)
    assert not only.matches(ask(), MONDAY_NINE)
    assert both.matches(ask(), MONDAY_NINE)


@every_answer
def test_an_answer_is_held_against_it_by_its_head(name):
    looked_for, other = ANSWERS[name]
    head = answer(content_type="video/mp4", content_length="2000")
    assert build_rule("deny", {name: looked_for}).holds(ask(), head, 0.0)
    assert not build_rule("deny", {name: other}).holds(ask(), head, 0.0)
    assert not build_rule("deny", {name: looked_for}).holds(ask(), answer(), 0.0)


@pytest.mark.parametrize("name", {**CONDITIONS, **ANSWER_CONDITIONS})
@pytest.mark.parametrize("found", [[], [[]], {}, [None], [""], " ", [1.5], True])
def test_nothing_to_look_for_is_refused(name, found):
    with pytest.raises(ScenarioError) as caught:
        build_filters([{"deny": {name: found}}], **GIVEN)
    assert str(caught.value).startswith("filters[0]: ")


@every
def test_of_a_tunnel_only_host_port_and_client_are_seen(name):
    looked_for = LOOKED_FOR[name][0]
    matches = build_rule("deny", {name: looked_for}, **GIVEN).matches(CONNECT, MONDAY_NINE)
    assert matches == CONDITIONS[name].in_tunnels == (name not in ("url", "method"))


@every
@given(
    host=st.text(max_size=20),
    path=st.text(max_size=20),
    method=st.sampled_from(["GET", "CONNECT", "X"]),
    port=st.integers(-1, 70000),
    peer=st.text(max_size=10),
    field=st.text(max_size=30),
    now=st.floats(0, 1e9),
)
def test_no_request_is_too_odd(name, host, path, method, port, peer, field, now):
    odd = Request(method, "http", host, port, path, Headers([("proxy-authorization", field)]), peer)
    rule = build_rule("deny", {name: LOOKED_FOR[name][0]}, **GIVEN)
    assert rule.matches(odd, now) == rule.matches(odd, now)


@every_answer
@given(field=st.text(max_size=30))
def test_no_answer_is_too_odd(name, field):
    rule = build_rule("deny", {name: ANSWERS[name][0]})
    odd = answer(content_type=field, content_length=field, content_range=field)
    assert rule.holds(ask(), odd, 0.0) == rule.holds(ask(), odd, 0.0)


# Rules.


def judged(rules, request, now=MONDAY_NINE):
    return build_filters(rules, **GIVEN).judge(request, now)


@given(
    actions=st.lists(st.sampled_from(ACTIONS), max_size=6),
    matching=st.lists(st.booleans(), min_size=6),
)
def test_the_first_rule_that_matches_and_decides_is_the_verdict(actions, matching):
    rules = [
        {action: {"domain": "a.example" if hit else "b.example"}}
        | ({"to": "http://c.example/"} if action == "redirect" else {})
        for action, hit in zip(actions, matching, strict=False)
    ]
    filters = build_filters(rules)
    verdict = filters.judge(ask(), 0.0)
    hits = [n for n, (action, hit) in enumerate(zip(actions, matching, strict=False)) if hit]
    first = next((n for n in hits if actions[n] != "log"), -1)
    assert verdict.rule == first
    assert verdict.denied == (first >= 0 and actions[first] in ("deny", "redirect"))
    until = first if first >= 0 else len(actions)
    assert [n for n, count in enumerate(filters.counts) if count] == [n for n in hits if n <= until]


def test_an_exception_goes_before_its_rule():
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
    rule = build_rule("deny", {"domain": "a.example", "url": None, "size": None})
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
    response, page = filters.judge(ask(), 0.0).response(ask())
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
        ([{"because": "no reason"}], "Give one of allow, deny, redirect, log"),
        (
            [{"deny": {"method": "GET"}, "allow": {"method": "GET"}}],
            "Give one of allow, deny, redirect, log",
        ),
        ([{"deny": {"method": "G E T"}}], "found 'G E T' as a method"),
    ],
)
def test_an_impossible_rule_is_refused(rules, says):
    with pytest.raises(ScenarioError) as caught:
        build_filters(rules)
    assert says in str(caught.value)


def test_a_rule_that_redirects_says_where_to():
    rules = [{"redirect": {"domain": "a.example"}, "to": "http://intranet.example/no?a&b"}]
    verdict = judged(rules, ask())
    response, page = verdict.response(ask())
    assert (verdict.denied, response.status) == (True, 302)
    assert response.headers.get("location") == "http://intranet.example/no?a&b"
    assert b"http://intranet.example/no?a&amp;b" in page.data
    assert verdict.response(CONNECT)[0].status == 403  # nobody would follow


def test_answers_are_judged_by_the_rules_that_stand_before_what_let_them_ask():
    filters = build_filters(
        [
            {"allow": {"domain": "good.example"}},
            {"log": {"size": "10B"}},
            {"allow": {"content_type": "video/mp4", "client": "10.0.0.1"}},
            {"deny": {"content_type": "video/*"}, "because": "no films"},
            {"allow": {"domain": "a.example"}},
            {"deny": {"size": "10B"}},
        ]
    )
    film = answer(content_type="video/mp4", content_length="20")
    other = answer(content_type="Video/WebM; x=y", content_length="20")
    text = answer(content_type="text/plain", content_length="20")

    def told(host, head):
        request = ask(host)
        return filters.judge_answer(filters.judge(request, 0.0), request, head, 0.0)

    assert filters.judge(ask("good.example"), 0.0).pending == ()
    assert not told("good.example", other).denied
    assert told("a.example", film).rule == 2
    assert (told("a.example", other).denied, told("a.example", other).because) == (True, "no films")
    assert not told("a.example", text).denied  # allowed before its size is looked at
    assert told("b.example", text).rule == 5
    assert filters.counts == [2, 5, 1, 2, 4, 1]


def test_a_part_is_as_large_as_the_whole():
    rule = build_rule("deny", {"size": "1kB"})
    assert rule.holds(ask(), answer(206, content_length="9", content_range="bytes 0-8/2000"), 0.0)
    assert not rule.holds(ask(), answer(206, content_length="9", content_range="bytes 0-8/*"), 0.0)
    assert not rule.holds(ask(), answer(content_length="1000"), 0.0)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"redirect": {"method": "GET"}}, "does not say where to"),
        ({"redirect": {"method": "GET"}, "to": "/here"}, "found '/here'"),
        ({"redirect": {"method": "GET"}, "to": "http://a/\r\nx: y"}, "where a redirection leads"),
        ({"deny": {"method": "GET"}, "to": "http://a.example/"}, "takes no to"),
        ({"deny": {"method": "GET"}, "becuase": "no"}, "as a rule"),
        ({"deny": {"category": "adds"}}, "Did you mean 'ads'"),
        ({"deny": {"user": "anna"}}, "Did you mean 'ann'"),
        ({"deny": {"group": "sale"}}, "Did you mean 'sales'"),
        ({"deny": {"size": ["1kB", "2kB"]}}, "several sizes"),
        ({"deny": {"size": "big"}}, "size"),
        ({"deny": {"content_type": "*/*"}}, "as a content type"),
        ({"deny": {"content_type": "video"}}, "as a content type"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused(rule, says):
    with pytest.raises(ScenarioError) as caught:
        build_filters([rule], **GIVEN)
    assert says in str(caught.value)


def test_who_logs_in_nowhere_is_no_user():
    with pytest.raises(ScenarioError, match="nobody logs in"):
        build_filters([{"deny": {"user": "ann"}}])
