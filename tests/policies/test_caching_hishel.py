"""The caching rules beside another implementation of RFC 9111: hishel's state machine.

Where we differ on purpose, a test says why and shows both.
"""

from __future__ import annotations

from email.utils import formatdate
from time import time

import hishel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxysim.messages import Content, Headers, Request, Response
from proxysim.policies.caching.freshness import usable
from proxysim.policies.caching.validation import conditional, confirms, updated
from proxysim.policies.eviction.lru import Lru
from proxysim.proxies.cache import Cache

SHARED = hishel.CacheOptions(shared=True)

directives = st.lists(
    st.sampled_from(
        [
            "public",
            "private",
            "no-store",
            "no-cache",
            "max-age=0",
            "max-age=60",
            "max-age=600",
            "s-maxage=60",
            "s-maxage=0",
            "must-revalidate",
            "proxy-revalidate",
            "immutable",
            "no-transform",
            "Max-Age=60",
            "unheard-of",
            'unheard-of="max-age=9"',
        ]
    ),
    max_size=3,
    unique_by=lambda text: text.partition("=")[0].lower(),
)
#: Seconds from now, in steps that the time a test takes cannot blur.
moments = st.sampled_from([-10_000, -1000, -300, 0, 300, 1000, 10_000])


@st.composite
def answers(draw):
    """The status and fields of an answer that was given just now, or a while ago."""
    now = time()
    fields = {"Date": formatdate(now, usegmt=True)}
    if said := draw(directives):
        fields["Cache-Control"] = ", ".join(said)
    if (expires := draw(st.none() | moments)) is not None:
        fields["Expires"] = formatdate(now + expires, usegmt=True)
    if (changed := draw(st.none() | moments)) is None:
        fields["Date"] = formatdate(now - draw(st.sampled_from([0, 300, 3000])), usegmt=True)
    elif changed <= 0:
        fields["Last-Modified"] = formatdate(now + changed, usegmt=True)
    if vary := draw(st.sampled_from(["", "Foo", "foo, Bar", "*", "Foo, *"])):
        fields["Vary"] = vary
    status = draw(st.sampled_from([200, 203, 204, 206, 301, 302, 304, 404, 410, 500, 503]))
    return status, fields


requests = st.fixed_dictionaries(
    {},
    optional={
        "Foo": st.sampled_from(["1", "2"]),
        "Bar": st.sampled_from(["1", "2"]),
        "Authorization": st.just("Basic x"),
    },
)
later = st.fixed_dictionaries(
    {},
    optional={
        "Foo": st.sampled_from(["1", "2"]),
        "Bar": st.sampled_from(["1", "2"]),
        "Cache-Control": st.just("no-cache"),
    },
)


def ours(first, status, fields, second):
    """Whether the answer is stored, and then used as it is for the second request."""
    cache = Cache(Lru(10**9), time, epoch=0.0)
    ticket = cache.ticket(
        _request(first), *(Response(status, Headers(fields.items())),) * 2, None, time()
    )
    if ticket is None:
        return False, False
    ticket.commit(Content(b"x"))
    asked = _request(second)
    stored = cache.find(asked)
    if stored is None:
        return True, False
    return True, usable(asked, stored.age(time()), stored.lifetime)


def theirs(first, status, fields, second):
    """The same, by hishel."""
    request = hishel.Request("GET", "http://a.example/", hishel.Headers(first))
    missed = hishel.CacheMiss(request=request, options=SHARED)
    kept = missed.next(hishel.Response(status, hishel.Headers(fields)))
    if not isinstance(kept, hishel.StoreAndUse):
        return False, False
    entry = hishel.Entry(
        id=None,
        request=request,
        response=kept.response,
        meta=hishel.EntryMeta(created_at=time()),
        cache_key=b"",
    )
    asked = hishel.Request("GET", "http://a.example/", hishel.Headers(second))
    found = hishel.IdleClient(options=SHARED).next(asked, [entry])
    return True, isinstance(found, hishel.FromCache)


def _request(fields):
    return Request("GET", "http", "a.example", 80, "/", Headers(fields.items()))


@settings(max_examples=300, deadline=None)
@given(first=requests, answer=answers(), second=later)
def test_we_keep_and_use_what_hishel_does(first, answer, second):
    status, fields = answer
    kept, used = ours(first, status, fields, second)
    they_keep, they_use = theirs(first, status, fields, second)
    assert used == they_use
    # What varies by everything can never be used: we do not keep it, hishel does.
    assert kept == they_keep or (they_keep and "*" in fields.get("Vary", ""))


tags = st.none() | st.sampled_from(['"1"', '"2"', 'W/"1"', 'W/"2"'])
changes = st.none() | st.sampled_from([formatdate(n, usegmt=True) for n in (10**9, 10**9 + 1)])
plain = st.dictionaries(
    st.sampled_from(["X-One", "X-Two", "Cache-Control", "Expires"]), st.sampled_from(["a", "b"])
)


@st.composite
def validated(draw):
    """Fields with validators, or without."""
    found = {"ETag": draw(tags), "Last-Modified": draw(changes), **draw(plain)}
    return {name: text for name, text in found.items() if text is not None}


@settings(max_examples=300, deadline=None)
@given(stored=validated(), new=validated())
def test_we_ask_again_and_understand_the_answer_as_hishel_does(stored, new):
    request = hishel.Request("GET", "http://a.example/", hishel.Headers({}))
    entry = hishel.Entry(
        id=None,
        request=request,
        response=hishel.Response(200, hishel.Headers({**stored, "Cache-Control": "no-cache"})),
        meta=hishel.EntryMeta(created_at=time()),
        cache_key=b"",
    )
    asking = hishel.IdleClient(options=SHARED).next(request, [entry])
    tag, changed = stored.get("ETag", ""), stored.get("Last-Modified", "")
    asked = conditional(_request({}), tag, changed)
    assert dict(asked.headers) == {
        name.lower(): text for name, text in asking.request.headers.items()
    }

    weak = new.get("ETag", "").startswith("W/")
    told = asking.next(hishel.Response(304, hishel.Headers(new)))
    told = getattr(told, "next_state", told)
    fields = Headers(new.items())
    if (tag and weak) or ("ETag" in new and not tag):
        return  # hishel compares no weak tags, and takes no tag for another answer's
    assert confirms(fields, tag, changed) == isinstance(told, hishel.NeedToBeUpdated)
    if isinstance(told, hishel.NeedToBeUpdated):
        theirs = told.updating_entries[0].response.headers
        mine = updated(Headers(stored.items()).set("cache-control", "no-cache"), fields)
        for name in ("x-one", "x-two", "expires", "cache-control", "last-modified"):
            assert mine.get(name) == theirs.get(name, "")


def now(**fields):
    """*fields* of an answer that is given now; a number is a date, so many seconds from now."""
    texts = {
        name: text if isinstance(text, str) else formatdate(time() + text, usegmt=True)
        for name, text in fields.items()
    }
    return {"Date": formatdate(time(), usegmt=True), **texts}


@pytest.mark.parametrize(
    ("why", "status", "fields", "we", "they"),
    [
        # RFC 9111, section 4.2.3: an answer is as old as its Age says; hishel reads Date alone.
        (
            "an old answer of another cache",
            200,
            {"Cache-Control": "max-age=60", "Age": "100"},
            (True, False),
            (True, True),
        ),
        # Section 5.2.2.3: must-understand takes the place of no-store where the status is known,
        # and forbids to keep what is not.
        (
            "no-store for caches that know no better",
            200,
            {"Cache-Control": "max-age=60, no-store, must-understand"},
            (True, True),
            (False, False),
        ),
        (
            "a status that nobody knows",
            599,
            {"Cache-Control": "max-age=60, must-understand"},
            (False, False),
            (True, True),
        ),
        # Section 4.2: no zone but GMT makes a valid date; hishel reads it as if it were GMT.
        (
            "a date in another zone",
            200,
            {"Expires": "Mon, 01 Jan 2035 00:00:00 UTC"},
            (True, False),
            (True, True),
        ),
        # Section 4.2.1: what cannot be read is stale; hishel drops it, and goes by Expires.
        (
            "a lifetime that is no number",
            200,
            {"Cache-Control": "max-age=1h", "Expires": 600},
            (True, False),
            (True, True),
        ),
    ],
)
def test_where_we_differ(why, status, fields, we, they):
    assert ours({}, status, now(**fields), {}) == we
    assert theirs({}, status, now(**fields), {}) == they


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [("en, de", "de, en", True), ("en", "EN", True), ("en", "fr", False)],
)
def test_we_know_that_languages_have_no_order_and_no_case(first, second, same):
    """Section 4.1 lets a cache normalise; hishel compares the texts."""
    fields = now(**{"Cache-Control": "max-age=60", "Vary": "Accept-Language"})
    one, other = {"Accept-Language": first}, {"Accept-Language": second}
    assert ours(one, 200, fields, other) == (True, same)
    assert theirs(one, 200, fields, other) == (True, False)
