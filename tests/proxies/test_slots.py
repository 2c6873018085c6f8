"""Slots: never too many at a place, first come, first served, and none is lost."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from proxysim.policies.shedding import ControlledDelay
from proxysim.proxies.effects import TIMED_OUT, Wait
from proxysim.proxies.slots import Slots
from tests.proxies.playing import Play

PLACES = ["a", "b"]


def first(free):
    return free[0]


def slots(most=1, **options):
    return Slots(most, lambda: 0.0, **options)


def test_while_there_is_room_the_places_are_as_they_were():
    at = slots(most=2)
    assert at.free(PLACES) is PLACES
    assert Play(at.claim(PLACES, first)).result == "a"
    assert at.free(PLACES) is PLACES
    assert Play(at.claim(PLACES, first)).result == "a"
    assert at.free(PLACES) == ["b"]
    assert at.free(PLACES) is at.free(PLACES), "one object as long as nothing changes"
    at.give_back("a")
    assert at.free(PLACES) is PLACES


def test_who_finds_all_full_waits_for_the_first_to_come_free():
    at = slots(queue=2, timeout=3.0)
    held = [Play(at.claim(PLACES, first)).result for _ in PLACES]
    waiting = [Play(at.claim(PLACES, first)) for _ in range(2)]
    assert [play.effect.deadline for play in waiting] == [3.0, 3.0]
    refused = Play(at.claim(PLACES, first))
    assert refused.over
    assert refused.result is None
    assert sorted(held) == PLACES
    at.give_back("b")
    assert waiting[0].effect.signal.is_set
    assert not waiting[1].effect.signal.is_set
    waiting[0].reply("b")
    assert waiting[0].result == "b"
    assert at.used == {"a": 1, "b": 1}


def test_who_waits_too_long_gets_none():
    at = slots()
    Play(at.claim(["a"], first))
    waiting = Play(at.claim(["a"], first))
    waiting.reply(TIMED_OUT)
    assert waiting.over
    assert waiting.result is None
    assert at.waiting == 0


def test_a_turn_that_comes_as_time_is_up_has_come():
    at = slots()
    Play(at.claim(["a"], first))
    waiting = Play(at.claim(["a"], first))
    at.give_back("a")
    waiting.reply(TIMED_OUT)
    assert waiting.result == "a"


def test_one_that_leaves_with_its_turn_just_come_hands_it_on():
    at = slots()
    Play(at.claim(["a"], first))
    one, two = (Play(at.claim(["a"], first)) for _ in range(2))
    at.give_back("a")
    one.close()
    assert two.effect.signal.is_set
    two.close()
    assert at.used == {}


def test_a_slot_goes_to_the_first_who_may_have_it():
    at = slots()
    for place in PLACES:
        Play(at.claim([place], first))
    only_a, either = Play(at.claim(["a"], first)), Play(at.claim(PLACES, first))
    at.give_back("b")
    assert not only_a.effect.signal.is_set
    assert either.effect.signal.is_set


def test_the_wait_in_a_standing_queue_is_short():
    now = [0.0]
    at = Slots(1, lambda: now[0], delay=ControlledDelay(0.005, 0.1))
    Play(at.claim(["a"], first))
    line = []
    for now[0] in (1.0, 1.05, 1.2):
        line.append(Play(at.claim(["a"], first)))
    assert [play.effect.deadline for play in line] == [0.1, 0.1, 0.005]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_never_too_many_in_turn_and_nothing_is_lost(data):
    most, queue = data.draw(st.integers(1, 2)), data.draw(st.sampled_from([None, 0, 2]))
    at = slots(most, queue=queue, timeout=1.0)
    held: list[str] = []
    line: list[Play] = []
    for _ in range(data.draw(st.integers(0, 40))):
        what = data.draw(st.sampled_from(["claim", "claim", "give back", "turn", "late", "close"]))
        if what == "claim":
            full, standing = all(at.used[place] == most for place in PLACES), at.waiting
            play = Play(at.claim(PLACES, data.draw(st.sampled_from([min, max]))))
            if play.over:
                assert (play.result is None) == (full and standing == queue)
                held += [play.result] if play.result else []
            else:
                line.append(play)
        elif what == "give back" and held:
            at.give_back(held.pop(data.draw(st.integers(0, len(held) - 1))))
            turns = [play.effect.signal.is_set for play in line]
            assert turns == sorted(turns, reverse=True), "those in front have their turns first"
        elif line:
            index = data.draw(st.integers(0, len(line) - 1)) if what != "turn" else 0
            play = line[index]
            assert isinstance(play.effect, Wait)
            turn = play.effect.signal
            if what == "turn" and not turn.is_set:
                continue
            del line[index]
            if what == "close":
                play.close()
                continue
            play.reply(turn.value if what == "turn" else TIMED_OUT)
            held += [play.result] if play.result else []
        if queue is not None:
            assert at.waiting <= queue
        under_way = Counter(held) + Counter(
            play.effect.signal.value for play in line if play.effect.signal.is_set
        )
        assert all(count <= most for count in under_way.values())
        assert +at.used == under_way
        assert not at.waiting or all(at.used[place] == most for place in PLACES)
    for play in line:
        play.close()
    for place in held:
        at.give_back(place)
    assert at.waiting == 0
    assert not +at.used
