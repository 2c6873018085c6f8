"""Who learns what: the three forward modes, the reverse one, and the chain of addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.messages import Content, Headers, Request, Response
from proxysim.policies.fields import HOP_BY_HOP, hop_by_hop, members
from proxysim.policies.identity import FORWARDED, IDENTITIES, ReverseIdentity

every = pytest.mark.parametrize("name", IDENTITIES)

CLIENT = "10.0.0.7"

#: Where a client may have told of itself, and a proxy before of itself.
TELLING = {
    "x-forwarded-for": CLIENT,
    "forwarded": f"for={CLIENT}",
    "x-real-ip": CLIENT,
    "from": f"someone@{CLIENT}",
    "client-ip": CLIENT,
    "true-client-ip": CLIENT,
    "x-client-ip": CLIENT,
    "cf-connecting-ip": CLIENT,
}

HOPS = {
    "connection": "close, X-Secret",
    "x-secret": "1",
    "keep-alive": "timeout=5",
    "proxy-authenticate": "Basic",
    "proxy-authorization": "Basic eDp5",
    "proxy-connection": "keep-alive",
    "te": "trailers",
    "trailer": "digest",
    "transfer-encoding": "chunked",
    "upgrade": "h2c",
}


def ask(headers=(), peer=CLIENT, **changes):
    parts = {"method": "GET", "scheme": "http", "host": "a.example", "port": 80, "path": "/"}
    return Request(**{**parts, **changes}, headers=Headers(headers), peer=peer)


def identities():
    return [*(make() for make in IDENTITIES.values()), ReverseIdentity()]


@pytest.mark.parametrize("identity", identities(), ids=lambda identity: type(identity).__name__)
def test_fields_of_one_connection_never_pass(identity):
    fields = {**HOPS, "accept": "*/*"}
    asked = identity.rewrite(ask(fields.items())).headers
    assert not any(name in asked for name in HOPS)
    assert asked.get("accept") == "*/*"
    answered = identity.answer(Response(200, Headers({**HOPS, "etag": '"1"'}.items()))).headers
    assert not any(name in answered for name in HOPS)
    assert answered.get("etag") == '"1"'


@pytest.mark.parametrize("identity", identities(), ids=lambda identity: type(identity).__name__)
def test_only_fields_change(identity):
    request = ask(
        method="PUT", scheme="https", port=8443, path="/x?y", body=Content(b"z"), world=[]
    )
    rewritten = identity.rewrite(request)
    for part in ("method", "scheme", "host", "port", "path", "peer", "body", "world"):
        assert getattr(rewritten, part) is getattr(request, part)
    assert identity.answer(Response(206)).status == 206


@pytest.mark.parametrize("identity", identities(), ids=lambda identity: type(identity).__name__)
def test_what_one_client_was_told_is_not_told_of_another(identity):
    for peer in ("10.0.0.1", "10.0.0.2", "10.0.0.1"):
        told = identity.rewrite(ask([("x-forwarded-for", "1.1.1.1")], peer)).headers
        assert (told.get("x-forwarded-for") in ("", f"1.1.1.1, {peer}")) is True


def test_transparent_tells_of_client_and_proxy():
    identity = IDENTITIES["transparent"](pseudonym="gateway")
    told = identity.rewrite(ask([("x-forwarded-for", "1.2.3.4"), ("via", "1.1 first")])).headers
    assert told.get("x-forwarded-for") == f"1.2.3.4, {CLIENT}"
    assert told.get("via") == "1.1 first, 1.1 gateway"
    assert identity.answer(Response(200)).headers.get("via") == "1.1 gateway"


@pytest.mark.parametrize("name", ["anonymous", "elite"])
def test_the_others_never_tell_the_clients_address(name):
    told = IDENTITIES[name]().rewrite(ask(TELLING.items())).headers
    assert not any(CLIENT in text for _, text in told)
    assert not any(name in told for name in TELLING)


def test_anonymous_tells_of_the_proxy_elite_does_not():
    seen = {
        name: IDENTITIES[name]().rewrite(ask([("via", "1.1 first"), ("accept", "*/*")])).headers
        for name in IDENTITIES
    }
    assert seen["anonymous"].get("via") == "1.1 first, 1.1 proxysim"
    assert list(seen["elite"]) == [("accept", "*/*")]
    assert "via" not in IDENTITIES["elite"]().answer(Response(200)).headers


def test_the_reverse_side_tells_servers_of_the_client():
    forged = [
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "x"),
    ]
    told = ReverseIdentity("edge").rewrite(ask(forged, scheme="https", host="shop.example")).headers
    assert told.get("x-forwarded-for") == f"6.6.6.6, {CLIENT}"
    assert told.get("x-forwarded-proto") == "https"
    assert told.get("x-forwarded-host") == "shop.example"
    assert told.get("via") == "1.1 edge"


def test_the_reverse_side_hides_the_servers():
    fields = Headers([("server", "x/1"), ("X-Powered-By", "y"), ("via", "1.1 z"), ("etag", '"1"')])
    answer = ReverseIdentity().answer(Response(200, fields))
    assert list(answer.headers) == [("etag", '"1"')]
    assert ReverseIdentity(hide=()).answer(Response(200, fields)).headers == fields
    assert "etag" not in ReverseIdentity(hide={"ETag"}).answer(Response(200, fields)).headers


@pytest.mark.parametrize(
    ("name", "forwarded", "expected"),
    [
        ("transparent", "x-forwarded-for", {"x-forwarded-for": "2001:db8::7"}),
        ("transparent", "forwarded", {"forwarded": 'for="[2001:db8::7]"'}),
        ("transparent", "none", {}),
        ("anonymous", "x-forwarded-for", {"x-forwarded-for": "unknown"}),
        ("anonymous", "forwarded", {"forwarded": "for=unknown"}),
        ("anonymous", "both", {"forwarded": "for=unknown", "x-forwarded-for": "unknown"}),
    ],
)
def test_what_is_told_is_written_where_it_is_wanted(name, forwarded, expected):
    identity = IDENTITIES[name]("gateway", forwarded=forwarded)
    told = identity.rewrite(ask(peer="2001:db8::7")).headers
    assert told.fields == {**expected, "via": "1.1 gateway"}


@pytest.mark.parametrize("forwarded", FORWARDED)
def test_a_client_cannot_forge_what_the_reverse_side_writes_or_leaves_out(forwarded):
    names = ("x-forwarded-for", "forwarded", "x-forwarded-proto", "x-forwarded-host")
    forged = [*((name, "for=6.6.6.6") for name in names), ("x-forwarded-port", "1")]
    identity = ReverseIdentity("edge", forwarded=forwarded)
    told = identity.rewrite(ask(forged, host="a.example", port=8080)).headers
    written = {
        "x-forwarded-for": f"for=6.6.6.6, {CLIENT}",
        "x-forwarded-proto": "http",
        "x-forwarded-host": "a.example",
    }
    in_one = {"forwarded": f'for=6.6.6.6, for={CLIENT};host="a.example:8080";proto=http'}
    expected = {
        "x-forwarded-for": written,
        "forwarded": in_one,
        "both": written | in_one,
        "none": {},
    }
    assert told.fields == {**expected[forwarded], "via": "1.1 edge"}


def test_who_came_through_a_trusted_proxy_is_added_as_that_proxy():
    request = ask([("x-forwarded-for", CLIENT)], peer=CLIENT, hop="10.9.9.9")
    for identity in (ReverseIdentity(), IDENTITIES["transparent"]()):
        assert identity.rewrite(request).headers.get("x-forwarded-for") == f"{CLIENT}, 10.9.9.9"


BEHIND = ReverseIdentity(
    servers=["shop-1", "app.internal.example", "10.1.0.1"], sites=["www.example", "shop.example"]
)


@pytest.mark.parametrize(
    ("told", "public"),
    [
        ("http://shop-1/cart", "/cart"),
        ("http://SHOP-1:8080/cart?a=1#b", "/cart?a=1#b"),
        ("https://user:pass@app.internal.example", "/"),
        ("//shop-1/cart", "/cart"),
        ("http://shop-1?a", "/?a"),
        ("http://10.1.0.1:80/x", "/x"),
        ("http://shop-1//evil.example/x", "/.//evil.example/x"),
        ("http://shop-10/cart", "http://shop-10/cart"),
        ("http://www.example/cart", "http://www.example/cart"),
        ("https://other.example/?u=http://shop-1/", "https://other.example/?u=http://shop-1/"),
        ("/cart", "/cart"),
        ("cart", "cart"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("field", ["location", "content-location"])
def test_an_address_at_a_server_leads_back_to_the_proxy(field, told, public):
    answer = BEHIND.answer(Response(302, Headers([(field, told), ("etag", '"1"')])))
    assert list(answer.headers) == [(field, public), ("etag", '"1"')]


@pytest.mark.parametrize(
    ("told", "public"),
    [
        ("a=b; Domain=app.internal.example; Path=/", "a=b; Path=/"),
        ("a=b; domain = .internal.example", "a=b"),
        ("a=b; Domain=www.example", "a=b; Domain=www.example"),
        ("a=b; Domain=example", "a=b; Domain=example"),  # the public sites lie in it too
        ("a=domain=shop-1; Secure", "a=domain=shop-1; Secure"),
        ("a=b", "a=b"),
    ],
)
def test_a_cookie_of_a_server_is_one_of_the_proxys_host(told, public):
    lines = [("set-cookie", told), ("set-cookie", "c=d")]
    answer = BEHIND.answer(Response(200, Headers(lines)))
    assert answer.headers.all("set-cookie") == [public, "c=d"]


@given(st.text())
def test_no_address_is_too_odd(text):
    fields = Headers([("location", text), ("set-cookie", text)])
    assert BEHIND.answer(Response(302, fields)).status == 302


def test_the_memory_is_bounded():
    identity = ReverseIdentity()
    for i in range(20_000):
        identity.rewrite(ask(peer=f"10.0.{i // 256}.{i % 256}"))
    assert identity._asked.cache_info().currsize <= 16384


# Lists in fields.


@given(st.lists(st.from_regex(r'[a-z]+(="([^"\\]|\\[^\n])*")?', fullmatch=True), max_size=5))
def test_members_keep_what_is_quoted(written):
    assert members(" , ".join(written)) == tuple(written)
    assert members(",".join(["", *written, ""])) == tuple(written)


@given(st.text())
def test_no_list_is_too_odd(text):
    members(text)


def test_connection_names_further_fields():
    assert hop_by_hop(Headers()) == HOP_BY_HOP
    assert "x-secret" in hop_by_hop(Headers([("connection", "close"), ("Connection", "X-Secret")]))
