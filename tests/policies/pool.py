"""Pools and requests for the tests of balancers."""

from random import Random

from hypothesis import strategies as st

from proxysim.messages import Headers, Request
from proxysim.policies.backend import Backend
from proxysim.policies.balancers import build_balancer


def ask(peer="10.0.0.1", forwarded_for="", path="/", **fields):
    """A request; *fields* are header fields."""
    if forwarded_for:
        fields["x-forwarded-for"] = forwarded_for
    return Request("GET", "http", "shop.example", 80, path, Headers(fields.items()), peer)


def make_pool(count, weights=None, group="s"):
    return [
        Backend(f"{group}{i}", f"10.1.0.{i}", weight=weights[i] if weights else 1.0)
        for i in range(count)
    ]


def someone(number):
    """One of many clients, that asks for one of many things."""
    return ask(f"10.0.{number % 7}.{number % 251}", path=f"/objects/{number % 1009}")


def names(spec, pool, times, seed=1):
    balancer = build_balancer(spec, Random(seed))
    return [balancer.choose(someone(i), pool).name for i in range(times)]


def load(backend):
    return (backend.in_flight + 1) / backend.weight


class Traffic:
    """Requests that stay in flight until *most* others have come; answers are told to learners."""

    def __init__(self, spec, seed=1, most=20, seconds=0.1):
        self.now = 0.0
        self.balancer = build_balancer(spec, Random(seed), lambda: self.now)
        self.observe = getattr(self.balancer, "observe", None)
        self.most, self.seconds = most, seconds
        self.flying = []
        self.count = 0

    def send(self, pool):
        """Place one more request; the backend that it went to."""
        backend = self.balancer.choose(someone(self.count), pool)
        self.count += 1
        self.now += 0.01
        self.flying.append(backend.__enter__())
        if len(self.flying) > self.most:
            self.answer(self.flying.pop(0))
        return backend

    def answer(self, backend):
        backend.__exit__()
        if self.observe is not None:
            self.observe(backend, self.seconds, True, self.now)


#: Pools of one to twelve, loaded and weighted.
pools = st.lists(
    st.tuples(st.integers(0, 50), st.sampled_from([0.5, 1.0, 2.0, 3.0])), min_size=1, max_size=12
).map(
    lambda loads: [
        Backend(f"s{i}", weight=weight, in_flight=load) for i, (load, weight) in enumerate(loads)
    ]
)
