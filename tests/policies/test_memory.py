"""What is remembered: as much as helps, never more than may be held, as long as its object."""

from __future__ import annotations

import gc
from weakref import ref

import pytest

from proxysim.messages import Headers
from proxysim.policies.memory import MOST_TEXT, kept, remembered


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
