"""Laws of circuit breakers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proxysim.policies.backend import Backend
from proxysim.policies.breaker import Breakers


def pool(count=3):
    return [Backend(f"s{n}") for n in range(count)]


def test_nothing_changes_while_all_is_well():
    backends, breakers = pool(), Breakers(failures=2)
    for now in range(100):
        breakers.observe(backends[now % 3], breakers.ask(backends[now % 3]), True, float(now))
        assert breakers.admitted(backends, float(now)) is backends


def test_closed_open_half_open_closed():
    backends, breakers = pool(), Breakers(failures=3, open_for=5.0)
    one = backends[0]
    for ok in (False, False, True, False, False):
        breakers.observe(one, breakers.ask(one), ok, 0.0)
        assert breakers.admits(one, 0.0)
    breakers.observe(one, breakers.ask(one), False, 1.0)
    assert breakers.admitted(backends, 5.9) == backends[1:]  # open
    assert breakers.admitted(backends, 6.0) is backends  # half-open
    trip = breakers.ask(one)
    assert breakers.admitted(backends, 6.0) == backends[1:], "one trial at a time"
    breakers.observe(one, trip, True, 6.1)
    assert breakers.admitted(backends, 6.1) is backends  # closed
    breakers.observe(one, breakers.ask(one), False, 6.2)
    assert breakers.admits(one, 6.2), "it counts anew"


def test_a_trial_that_fails_opens_anew():
    backends, breakers = pool(1), Breakers(failures=1, open_for=5.0)
    breakers.observe(backends[0], None, False, 0.0)
    breakers.observe(backends[0], breakers.ask(backends[0]), False, 7.0)
    assert not breakers.admitted(backends, 11.9)
    assert breakers.admitted(backends, 12.0) is backends


def test_a_trial_that_is_given_up_makes_room_for_another():
    backends, breakers = pool(1), Breakers(failures=1, open_for=5.0)
    breakers.observe(backends[0], None, False, 0.0)
    trip = breakers.ask(backends[0])
    assert not breakers.admitted(backends, 5.0)
    breakers.give_up(trip)
    assert breakers.admitted(backends, 5.0) is backends


def test_as_many_trials_as_are_asked_for_must_succeed():
    (one,) = backends = pool(1)
    breakers = Breakers(failures=1, open_for=5.0, trials=2)
    breakers.observe(one, None, False, 0.0)
    trips = [breakers.ask(one), breakers.ask(one)]
    assert not breakers.admitted(backends, 5.0), "two at a time"
    breakers.observe(one, trips[0], True, 5.0)
    assert breakers.ask(one) is not None, "half-open still"
    breakers.observe(one, trips[1], True, 5.0)
    assert breakers.ask(one) is None


def test_a_trial_of_an_earlier_round_changes_nothing():
    (one,) = pool(1)
    breakers = Breakers(failures=1, open_for=5.0, trials=2)
    breakers.observe(one, None, False, 0.0)
    early, late = breakers.ask(one), breakers.ask(one)
    breakers.observe(one, early, False, 5.0)  # open anew, until 10
    breakers.observe(one, late, False, 9.0)
    assert breakers.admits(one, 10.0), "not until 14"


def test_late_answers_change_nothing():
    backends, breakers = pool(1), Breakers(failures=1, open_for=5.0)
    breakers.observe(backends[0], None, False, 0.0)
    breakers.observe(backends[0], None, True, 1.0)  # asked before it opened
    breakers.observe(backends[0], None, False, 4.0)
    assert not breakers.admits(backends[0], 4.9)
    assert breakers.admits(backends[0], 5.0)


def test_a_ratio_counts_in_its_window_and_not_of_too_few():
    backends = pool(1)
    breakers = Breakers(ratio=0.5, window=10.0, least=4)
    for ok in (False, False, False):
        breakers.observe(backends[0], None, ok, 0.0)
    assert breakers.admits(backends[0], 0.0), "three are too few"
    for _ in range(4):
        breakers.observe(backends[0], None, True, 11.0)
    breakers.observe(backends[0], None, False, 12.0)
    assert breakers.admits(backends[0], 12.0), "the first three are forgotten"
    for _ in range(3):
        breakers.observe(backends[0], None, False, 12.0)
    assert not breakers.admits(backends[0], 12.0)


@given(
    answers=st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=60),
    least=st.integers(1, 6),
    ratio=st.sampled_from([0.2, 0.5, 1.0]),
)
def test_the_window_is_of_ten_steps_and_each_answer_counts_in_its_own(answers, least, ratio):
    """Against all answers so far, counted anew each time; half seconds, and steps of one."""
    one, breakers = Backend("s"), Breakers(ratio=ratio, window=10.0, least=least)
    seen, now = [], 0.0
    for halves, ok in answers:
        now += halves / 2
        seen.append((int(now), ok))
        counted = [good for step, good in seen if step > int(now) - 10]
        failed = counted.count(False)
        opens = not ok and len(counted) >= least and failed >= ratio * len(counted)
        breakers.observe(one, None, ok, now)
        assert breakers.admits(one, now) is not opens
        if opens:
            return


def test_it_says_when_it_is_worth_asking_again():
    backends, breakers = pool(2), Breakers(failures=1, open_for=30.0)
    breakers.observe(backends[0], None, False, 0.0)
    breakers.observe(backends[1], None, False, 10.0)
    assert breakers.wait(backends, 10.0) == pytest.approx(20.0)
    assert breakers.wait(backends, 30.0) == 1.0


@settings(max_examples=60, stateful_step_count=40, deadline=None)
class BreakerMachine(RuleBasedStateMachine):
    """One breaker against the three states written out: as Nygard draws them."""

    def __init__(self) -> None:
        super().__init__()
        self.breakers = Breakers(failures=2, open_for=5.0, trials=2)
        self.backends = pool(2)
        self.backend = self.backends[0]
        self.now = 0.0
        self.state = "closed"
        self.fails = self.successes = 0
        self.opened = 0.0
        self.round = 0
        self.asked: list = []  # what is out, and in which round of what state it was asked

    def _state(self) -> str:
        if self.state == "open" and self.now >= self.opened + 5.0:
            self.state, self.successes = "half-open", 0
        return self.state

    def _trying(self) -> int:
        return sum(when == self.round for _, when in self.asked)

    def _open(self) -> None:
        self.state, self.opened = "open", self.now
        self.round += 1
        self.fails = 0

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.9, 5.0, 6.0]))
    def wait(self, seconds):
        self.now += seconds

    @rule()
    def ask(self):
        if self.backend in self.breakers.admitted(self.backends, self.now):
            when = self.round if self._state() == "half-open" else None
            self.asked.append((self.breakers.ask(self.backend), when))

    @rule()
    def fail_until_it_opens(self):
        for _ in range(2):
            if self._state() == "closed":
                self.ask()
                self.answer(False, len(self.asked) - 1)

    @rule(ok=st.booleans(), which=st.integers(0, 100))
    def answer(self, ok, which):
        if not self.asked:
            return
        trip, when = self.asked.pop(which % len(self.asked))
        self.breakers.observe(self.backend, trip, ok, self.now)
        if when is None and self._state() == "closed":
            self.fails = 0 if ok else self.fails + 1
            if self.fails == 2:
                self._open()
        elif when == self.round and self._state() == "half-open":
            if not ok:
                self._open()
            else:
                self.successes += 1
                if self.successes == 2:
                    self.state, self.fails = "closed", 0
                    self.round += 1

    @rule(which=st.integers(0, 100))
    def give_up(self, which):
        if self.asked:
            trip, _ = self.asked.pop(which % len(self.asked))
            self.breakers.give_up(trip)

    @invariant()
    def it_admits_as_its_state_says(self):
        state = self._state()
        expected = state == "closed" or (state == "half-open" and self._trying() < 2)
        left = self.breakers.admitted(self.backends, self.now)
        assert (self.backend in left) == expected
        assert self.backends[1] in left
        assert (left is self.backends) == expected


TestBreakerMachine = BreakerMachine.TestCase
