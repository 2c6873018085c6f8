"""What is remembered: as much as helps, never more than may be held, as long as its object."""

from __future__ import annotations

import gc
from weakref import ref

import pytest

from proxysim.messages import Headers
from proxysim.policies.identity import ReverseIdentity
from proxysim.policies.memory import MOST_NOTES, MOST_TEXT, kept, noted, remembered


@pytest.mark.parametrize("made", [str, lambda text: Headers([("x", text)])])
@pytest.mark.parametrize("length", [100, 30_000])
def test_what_is_held_is_bounded_however_long_each_is(made, length):
    function = kept(1000)(lambda argument: None)
    for n in range(1200):
        function(made(f"{n}".ljust(length)))
        held = function.cache_info().currsize
        assert held <= 1000
        assert (held - 1) * length <= MOST_TEXT
    if length == 100:
        assert function.cache_info().currsize == 1000


def test_what_is_held_is_not_worked_out_anew():
    asked = []
    function = kept(10)(asked.append)
    for text in ("a", "b", "a", "b"):
        function(text)
    assert asked == ["a", "b"]


def test_what_is_remembered_goes_with_its_object():
    class Owner:
        def __init__(self):
            self.known = remembered(self.work_out, 10)

        def work_out(self, text):
            return Result()

    class Result:
        pass

    owner = Owner()
    result = ref(owner.known("a"))
    assert result() is owner.known("a")
    gc.disable()
    try:
        del owner
        assert result() is None
    finally:
        gc.enable()


def test_what_is_noted_is_worked_out_once_for_each_object():
    asked = []
    function = noted(lambda headers: asked.append(headers) or len(asked))
    one, equal = Headers([("x", "1")]), Headers([("x", "1")])
    assert [function(one), function(one), function(equal), function(one)] == [1, 1, 2, 1]
    assert one == equal
    assert hash(one) == hash(equal)


def test_notes_of_different_functions_do_not_mix():
    headers = Headers([("x", "1"), ("y", "2")])
    functions = [noted(lambda found, n=n: (n, len(found))) for n in range(MOST_NOTES + 3)]
    for _ in range(2):
        assert [function(headers) for function in functions] == [
            (n, 2) for n in range(len(functions))
        ]
        assert len(headers.notes) <= MOST_NOTES


IDENTITY = ReverseIdentity()


@pytest.mark.parametrize("function", [noted(lambda headers: headers), IDENTITY._left])
def test_what_is_noted_is_no_circle(function):
    headers = Headers([("x", "1")])
    assert function(headers) is function(headers)
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        del headers
        gc.collect()
        assert not [found for found in gc.garbage if isinstance(found, Headers)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def test_what_is_noted_keeps_no_object_alive():
    class Owner:
        def __init__(self):
            self.known = noted(self.work_out)

        def work_out(self, headers):
            return len(headers)

    headers, owner = Headers([("x", "1")]), Owner()
    assert owner.known(headers) == 1
    gone = ref(owner)
    gc.disable()
    try:
        del owner
        assert gone() is None
    finally:
        gc.enable()
