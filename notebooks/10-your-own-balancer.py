# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # 10 · Write your own balancer
#
# **Can you spread requests better than the rules in the books, and does it hold on real
# sockets?**
#
# A *balancer* answers one question: of the servers that may be asked now, which one gets this
# request? In proxysim it is a small class with one method. It knows no clock and no network, so
# the very same object decides in the simulator and between real programs.

# %%
import asyncio
import http.client
import time
from collections import Counter
from random import Random

import pandas as pd
from IPython.display import Markdown, display

import proxysim as ps
from proxysim.learn import check, predict
from proxysim.policies.balancers import BALANCERS
from proxysim.units import format_duration

# %% [markdown]
# ## A rule of your own
#
# Here is a rule that sounds good: give the request to somebody who has *nothing* to do; if there
# is nobody, to anybody.
#
# `pool` holds the servers. Of each, the proxy knows its `name`, its `weight`, and how many
# requests it has been sent and not yet answered, `in_flight`. `rng` is a source of chance that is
# seeded by the run, so that every run comes out the same again.


# %%
class JoinIdle:
    """Choose an idle backend at random, and any at random where none is idle."""

    def __init__(self, rng):
        self.rng = rng

    def choose(self, request, pool):
        idle = [backend for backend in pool if backend.in_flight == 0]
        return self.rng.choice(idle or pool)


BALANCERS["join_idle"] = JoinIdle  # from here on a scenario can name it

# %% [markdown]
# ## Predict
#
# Two fast servers and two slow ones, and rather a lot to do. The plainest rule, *round robin*,
# asks them one after the other, whatever they have to do. All but one in a hundred answers come
# within this time (p99):

# %%
servers = ps.load("unequal-servers")
plain = ps.simulate(servers.set("nodes.edge.balancer", "round_robin"))
display(Markdown(f"Round robin: {format_duration(plain.summary().latency['p99'])}"))

# %%
tail = predict(
    "10-join-idle",
    "And with the rule above, within which time do all but one in a hundred answers come?",
    plain.summary().latency["p99"] / 2,  # <- your prediction, such as "300ms"
    unit="s",
)
tail

# %% [markdown]
# ## See

# %%
run = ps.simulate(servers.set("nodes.edge.balancer", "join_idle"))
tail.outcome(run.summary().latency["p99"])

# %% [markdown]
# No better at all! Why? Let us ask the run: how often was anybody idle?

# %% jupyter={"source_hidden": true} tags=["hide-input"]
fast = run.requests[run.counted]["backend"].isin(["shop-1", "shop-2"]).mean()
display(
    Markdown(
        f"The two fast servers got {fast:.0%} of the requests, hardly more than half. Each works "
        "on several at once, so with this much to do hardly anybody is ever *quite* idle; and "
        "then the rule throws dice."
    )
)

# %%
run.plot.utilisation()

# %% [markdown]
# ## With and without
#
# A rule is worth what it changes. The same requests without any proxy, where each visitor keeps
# to one server; with two rules from the books; and with the one above:

# %%
rules = ("round_robin", "join_idle", "power_of_two", "least_connections")
without = ps.simulate(servers.without("edge"))
runs = {rule: ps.simulate(servers.set("nodes.edge.balancer", rule)) for rule in rules}

# %% jupyter={"source_hidden": true} tags=["hide-input"]
pd.DataFrame(
    {
        name: {
            "half of the answers within": format_duration(each.summary().latency["p50"]),
            "all but one in a hundred within": format_duration(each.summary().latency["p99"]),
            "how busy is the busiest": f"{max(each.summary().utilisation.values()):.0%}",
        }
        for name, each in {"no proxy": without, **runs}.items()
    }
).T

# %% [markdown]
# ## The same object on real sockets
#
# Now three real servers, programs that listen on this machine. Two answer after a fiftieth of a
# second, the third takes ten times as long. Three users ask, wait for the answer, and ask again.
# With so little to do, there is always somebody idle. First simulated:

# %%
small = ps.loads(
    """
proxysim: 1
title: Three servers, one of them slow
run: {duration: 20s, seed: 1}
sites: {shop.example: {objects: 1, size: 1kB}}
nodes:
  users: {kind: clients, count: 3, arrivals: {closed: {think: 5ms}}}
  edge: {kind: reverse_proxy, sites: [shop.example], backends: shop, balancer: join_idle}
  shop: {kind: server, count: 3, workers: 100, service: 20ms, speed: [1, 1, 0.1]}
""",
    place="three servers",
)


def shares(counts):
    """Which share each server got."""
    total = sum(counts.values())
    return {name: f"{counts[name] / total:.0%}" for name in ("shop-1", "shop-2", "shop-3")}


simulated = {
    rule: shares(ps.simulate(small.set("nodes.edge.balancer", rule)).summary().load)
    for rule in ("round_robin", "join_idle")
}
pd.DataFrame(simulated)

# %% [markdown]
# And now for real: the proxy listens on a socket, and everything below takes real time.

# %% tags=["measured"]
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.round_robin import RoundRobin
from proxysim.policies.identity import ReverseIdentity
from proxysim.proxies.reverse import ReverseProxy
from proxysim.sockets.origin import Origin, Page
from proxysim.sockets.serve import serve


def ask(port, until):
    """One user: asks, waits for the answer, thinks a moment, and asks again."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while time.monotonic() < until:
        connection.request("GET", "/page")
        connection.getresponse().read()
        time.sleep(0.005)
    connection.close()


async def real(balancer, seconds=3):
    """How often each of three real servers is asked, behind a proxy with this balancer."""
    origins = [Origin({"/page": Page(b"x" * 1000, delay=d)}) for d in (0.02, 0.02, 0.2)]
    listening = [await serve(origin) for origin in origins]
    backends = [
        Backend(f"shop-{n}", server.host, server.port) for n, server in enumerate(listening, 1)
    ]
    clock = asyncio.get_running_loop().time
    edge = await serve(ReverseProxy("edge", clock, ReverseIdentity(), balancer, backends))
    until = time.monotonic() + seconds
    await asyncio.gather(*(asyncio.to_thread(ask, edge.port, until) for _ in range(3)))
    for server in (edge, *listening):
        await server.close()
    names = (backend.name for backend in backends)
    return Counter(dict(zip(names, (len(origin.requests) for origin in origins), strict=True)))


measured = {
    "round_robin": shares(await real(RoundRobin())),
    "join_idle": shares(await real(JoinIdle(Random(1)))),
}
pd.DataFrame(measured)

# %% [markdown]
# Nothing was written twice. The class that you saw above was asked by the simulator, and then by
# a proxy with real connections; both gave the slow server about the same share. (The second table
# is measured, so it differs a little each time.)
#
# ## Exercise
#
# Write a rule that does not give up when nobody is idle: it should choose whoever has *least* in
# flight. Bring p99 of `unequal-servers` below four tenths of a second with it.


# %%
class Mine:
    def __init__(self, rng):
        self.rng = rng

    def choose(self, request, pool):
        return self.rng.choice(pool)  # <- your rule


BALANCERS["mine"] = Mine
check("10-balancer", servers.set("nodes.edge.balancer", "mine"))

# %% [markdown]
# <details>
# <summary>Solution</summary>
#
# ```python
# class Least(Mine):
#     def choose(self, request, pool):
#         least = min(backend.in_flight for backend in pool)
#         return self.rng.choice([backend for backend in pool if backend.in_flight == least])
#
#
# BALANCERS["mine"] = Least
# check("10-balancer", servers.set("nodes.edge.balancer", "mine"))
# ```
#
# That is *least connections*, with ties broken at random. To keep a rule of yours, put it into a
# file of its own: [how to extend it](../docs/extending.md) says where.
#
# </details>

# %% [markdown]
# ## What to remember
#
# * A balancer is one decision, made from what the proxy itself has seen.
# * A rule that sounds good can be no better than chance. Predict, then run it.
# * What decides in the simulator is what decides on the wire: the same object.
#
# Next: [11, your own access log](11-your-access-log.ipynb).
