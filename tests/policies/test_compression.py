"""What is coded, how it is agreed upon (RFC 9110, 12.5.3), and what that does to the fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.messages import Headers, Request, Response
from proxysim.policies.compression import Compression, acceptable, weights

CODINGS = ("zstd", "br", "gzip")


def ask(accept_encoding="zstd, br, gzip", method="GET", cache_control="no-cache"):
    fields = [("cache-control", cache_control)]
    if accept_encoding is not None:
        fields.append(("accept-encoding", accept_encoding))
    return Request(method, "http", "a.example", 80, "/", Headers(fields), "10.0.0.1")


def answer(status=200, content_type="text/html", **fields):
    return Response(
        status,
        Headers(
            [("content-type", content_type), *((n.replace("_", "-"), t) for n, t in fields.items())]
        ),
    )


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip, br", "br"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("gzip; q=0.5 , br;q=0.8", "br"),
        ("zstd;q=0, *", "br"),
        ("*", "zstd"),
        ("*;q=0", None),
        ("gzip;q=0", None),
        ("gzip;q=0.000", None),
        ("gzip;q=0.001", "gzip"),
        ("gzip;q=2, br;q=-1", None),
        ("gzip;q=0.1234", None),
        ("gzip;level=9", None),
        ("identity", None),
        ("identity;q=0.5, gzip;q=0.2", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("deflate, compress", None),
        ("", None),
        (None, None),
    ],
)
def test_the_client_decides_and_then_the_order(accepted, coding):
    compression = Compression(CODINGS)
    assert compression.choose(ask(accepted), answer(), 5000) == coding
    assert compression.preferred(ask(accepted).headers) == coding


@given(st.text(st.characters(codec="latin-1")))
def test_a_coding_is_only_chosen_that_is_accepted(text):
    coding = Compression(CODINGS).choose(ask(text), answer(), None)
    if coding is not None:
        accepted = weights(text)
        assert accepted.get(coding, accepted.get("*", 0.0)) > 0


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/html; charset=utf-8", True),
        ("TEXT/CSS", True),
        ("application/json", True),
        ("application/ld+json", True),
        ("application/javascript", True),
        ("image/svg+xml", True),
        ("image/png", False),
        ("video/mp4", False),
        ("application/octet-stream", False),
        ("application/zip; x=text/html", False),
        ("", False),
    ],
)
def test_text_is_coded(content_type, expected):
    assert Compression().eligible(ask(), answer(content_type=content_type), 5000) is expected


@pytest.mark.parametrize(
    ("request_", "response", "length"),
    [
        (ask(), answer(), 1023),
        (ask(), answer(206), 5000),
        (ask(), answer(204), None),
        (ask(), answer(304), None),
        (ask(), answer(101), None),
        (ask(method="HEAD"), answer(), 5000),
        (ask(method="CONNECT"), answer(), None),
        (ask(), answer(content_encoding="gzip"), 5000),
        (ask(), answer(cache_control="max-age=1, no-transform"), 5000),
        (ask(cache_control="max-age=1, no-transform"), answer(), 5000),
    ],
)
def test_what_is_left_alone(request_, response, length):
    assert Compression().choose(request_, response, length) is None


@pytest.mark.parametrize(
    ("accepted", "plain"),
    [
        ("gzip", True),
        ("gzip, *;q=0", False),
        ("identity;q=0, gzip", False),
        ("identity;q=0", False),
        ("*;q=0", False),
        ("identity;q=0.5, *;q=0, gzip", True),
        ("identity, gzip;q=0", True),
        ("", True),
        (None, True),
    ],
)
def test_who_refuses_what_is_not_coded_gets_it_coded_where_it_can_be(accepted, plain):
    """RFC 9110, 12.5.3; where nothing is acceptable the field is disregarded (12.1)."""
    compression = Compression(("br", "gzip"))
    takes = accepted is not None and "gzip" in accepted.replace("gzip;q=0", "")
    coded = "gzip" if takes and not plain else None
    assert compression.choose(ask(accepted), answer(), 100) == coded
    assert compression.choose(ask(accepted), answer(content_type="image/png"), 5000) == coded
    for left in (answer(206), answer(content_encoding="x"), answer(cache_control="no-transform")):
        assert compression.choose(ask(accepted), left, 5000) is None
    assert compression.choose(ask(accepted), answer(), 0) is None


@pytest.mark.parametrize(
    ("types", "content_type", "expected"),
    [
        (["text/html"], "text/html; charset=utf-8", True),
        (["text/html"], "TEXT/HTML", True),
        (["text/html"], "text/css", False),
        (["text/html"], "application/json", False),
        (["text/*", "Application/Wasm"], "text/css", True),
        (["text/*", "Application/Wasm"], "application/wasm", True),
        ([], "text/html", False),
        (["image/*"], "", False),
    ],
)
def test_types_may_be_named(types, content_type, expected):
    compression = Compression(types=types)
    assert compression.eligible(ask(), answer(content_type=content_type), 5000) is expected


def test_length_and_minimum():
    assert Compression().choose(ask(), answer(), 1024) == "zstd"
    assert Compression().choose(ask(), answer(), None) == "zstd"
    assert Compression(minimum=1).choose(ask(), answer(), 0) is None


def test_the_fields_say_what_was_done():
    response = answer(content_length="5000", etag='"1"', vary="Cookie", accept_ranges="bytes")
    assert list(Compression().headers(response, "br")) == [
        ("content-type", "text/html"),
        ("vary", "Cookie, Accept-Encoding"),
        ("content-encoding", "br"),
        ("etag", 'W/"1"'),
    ]


@pytest.mark.parametrize("vary", ["*", "accept-encoding", "Cookie, Accept-Encoding"])
def test_vary_is_said_once(vary):
    assert Compression().headers(answer(vary=vary), "br").get("vary") == vary


def test_without_a_coding_only_vary_is_added():
    plain = Compression().headers(answer(etag='"1"', content_length="5000"), None)
    assert plain == Headers(
        [*answer(etag='"1"', content_length="5000").headers, ("vary", "Accept-Encoding")]
    )
    assert Compression().headers(answer(etag='W/"1"'), "br").get("etag") == 'W/"1"'


def test_what_a_client_can_read():
    assert acceptable(ask("gzip;q=0.5, br, deflate;q=0").headers) == ("br", "gzip", None)
    assert acceptable(ask(None).headers) == (None,)
