"""Log-in at a proxy: who proves to be a user, and what everybody else is told."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.messages import Headers, Request
from proxysim.policies.authentication import Authentication, User, credentials, hashed
from proxysim.policies.identity import IDENTITIES, ReverseIdentity

NAMES = st.text(st.characters(exclude_characters=":", exclude_categories=["C", "Z"]), min_size=1)
WORDS = st.text(st.characters(codec="utf-8")).filter(
    lambda word: not word.startswith("pbkdf2_sha256$")
)


def ask(*fields):
    lines = [("proxy-authorization", field) for field in fields]
    return Request("GET", "http", "a.example", 80, "/", Headers(lines), "10.0.0.1")


def basic(text):
    return f"Basic {b64encode(text).decode()}"


LOGIN = Authentication(
    {"Aladdin": User("open sesame"), "ann": User("p:w"), "": User("empty"), "void": User("")}
)


@pytest.mark.parametrize(
    ("field", "user"),
    [
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin"),  # RFC 7617, section 2
        ("basic   QWxhZGRpbjpvcGVuIHNlc2FtZQ== ", "Aladdin"),
        (basic(b"ann:p:w"), "ann"),
        (basic(b":empty"), ""),
        (basic(b"void:"), "void"),
        (basic(b"void"), None),
        (basic(b"aladdin:open sesame"), None),
        (basic(b"Aladdin:open sesam"), None),
        (basic(b"Aladdin"), None),
        (basic(b"Aladdin:"), None),
        (basic(b"Aladdin:open sesame\xff"), None),
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", None),
        ("Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", None),
        ("Basic", None),
        ("", None),
    ],
)
def test_who_is_who(field, user):
    assert LOGIN.user_of(ask(field)) == user


def test_two_fields_prove_nothing():
    right = credentials("Aladdin", "open sesame")
    assert LOGIN.user_of(ask(right, right)) is None
    assert LOGIN.user_of(ask()) is None


@given(name=NAMES, password=WORDS, other=WORDS)
def test_the_right_password_and_no_other(name, password, other):
    login = Authentication({name: User(password)})
    assert login.user_of(ask(credentials(name, password))) == name
    assert (login.user_of(ask(credentials(name, other))) == name) == (other == password)


@given(st.text())
def test_no_field_is_too_odd(text):
    assert LOGIN.user_of(ask(text)) is None


def test_a_hash_stands_for_its_password():
    kept = hashed("secret", "salt", 1000)
    login = Authentication({"ann": User(kept)})
    assert login.user_of(ask(credentials("ann", "secret"))) == "ann"
    assert login.user_of(ask(credentials("ann", kept))) is None
    assert hashed("secret", "other", 1000) != kept


def test_the_hash_is_that_of_the_standard():
    # RFC 7914, section 11: the first 32 octets of the second vector.
    octets = "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
    expected = b64encode(bytes.fromhex(octets)).decode()
    assert hashed("Password", "NaCl", 80000) == f"pbkdf2_sha256$80000$NaCl${expected}"


def test_strangers_are_told_to_log_in():
    response, page = Authentication({}, "the office").challenge
    assert response.status == 407
    assert response.headers.get("proxy-authenticate") == 'Basic realm="the office", charset="UTF-8"'
    assert response.headers.get("content-length") == str(page.length)


@pytest.mark.parametrize("identity", [*IDENTITIES.values(), ReverseIdentity])
def test_no_identity_passes_the_password_on(identity):
    told = identity().rewrite(ask(credentials("ann", "p:w")))
    assert "proxy-authorization" not in told.headers


@pytest.mark.parametrize("name", ["a:b", "a\nb"])
def test_a_name_that_nobody_can_log_in_by_is_refused(name):
    with pytest.raises(ScenarioError, match="found the user name"):
        Authentication({name: User("x")})


@pytest.mark.parametrize(
    "password",
    [
        "pbkdf2_sha256$",
        "pbkdf2_sha256$0$s$aGk=",
        "pbkdf2_sha256$10$s$%",
        "pbkdf2_sha256$99999999$s$aGk=",
    ],
)
def test_a_broken_hash_is_refused(password):
    with pytest.raises(ScenarioError, match="broken hash"):
        User(password)


def test_a_hash_of_one_iteration_is_one():
    assert User(hashed("pw", "salt", 1)).has("pw")


def test_a_realm_that_breaks_its_quotes_is_refused():
    with pytest.raises(ScenarioError, match="found the realm"):
        Authentication({}, 'a"b')
