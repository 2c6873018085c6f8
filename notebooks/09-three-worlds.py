# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # 09 · Theory, simulation and sockets agree
#
# **Why should you believe what a simulator says?**
#
# A simulator is a program, and programs have mistakes. One that counts only the requests that are
# being worked on, and forgets those that wait, gets "least connections" quite wrong, and its
# charts look as good as any. So what you saw in these lessons is checked, in two directions:
#
# * against **theory**: for some small systems there are exact formulas, the first of them older
#   than any computer;
# * against **sockets**: the same proxies run as real programs on this machine, with real
#   connections.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

import proxysim as ps
from proxysim import theory
from proxysim.charts.palette import BLUE, GREY
from proxysim.learn import check, predict
from proxysim.units import format_duration

servers = ps.loads(
    """
proxysim: 1
title: Four servers behind a balancer
run: {duration: 60s, warmup: 5s, seed: 2}
sites: {app.example: {objects: 100, size: 1kB, cacheable: 0%}}
nodes:
  users: {kind: clients, count: 100, arrivals: {poisson: 320/s}}
  edge: {kind: reverse_proxy, sites: [app.example], backends: app, balancer: random}
  app: {kind: server, count: 4, service: {exponential: 10ms}}
""",
    place="four servers",
)

# %% [markdown]
# Four servers, busy eighty in a hundred, and ten milliseconds of work for a request. Wires are
# ideal and nothing else costs time, so that what is left is waiting alone.
#
# ## Predict
#
# For requests that are spread at random there is a formula. Now the edge asks whoever has least
# to do instead. No server gets any faster. **How long does a request take?**


# %%
def exact(balancer):
    """What theory says of the servers behind such a balancer."""
    return theory.of(servers.set("nodes.edge.balancer", balancer)).made[0]


at_random = format_duration(exact("random").values["response"])
fewest = predict(
    "09-fewest",
    f"At random it takes {at_random}. How long if the edge asks whoever has least to do?",
    "45ms",  # <- your prediction
    unit="s",
)
fewest

# %% [markdown]
# ## See: theory beside the simulator


# %%
def mean_of(balancer, replication):
    """The mean time for a request in one run."""
    scenario = servers.set("nodes.edge.balancer", balancer)
    run = ps.simulate(scenario, replication=replication, views=False, keep="none")
    return run.summary().latency["mean"]


balancers = ("random", "round_robin", "least_connections")
means = {balancer: [mean_of(balancer, n) for n in range(4)] for balancer in balancers}
fewest.outcome(np.mean(means["least_connections"]))

# %% jupyter={"source_hidden": true} tags=["hide-input"]
pd.DataFrame(
    {
        balancer: {
            "theory": format_duration(exact(balancer).values["response"]),
            "simulated": format_duration(np.mean(found)),
            "give or take": format_duration(2 * np.std(found, ddof=1) / len(found) ** 0.5),
            "the theory is of": exact(balancer).model,
        }
        for balancer, found in means.items()
    }
).T

# %% [markdown]
# The simulator knows no formula: it plays every request through. Yet both say the same, within
# what chance allows in a few minutes of traffic. Where no formula applies, proxysim says so
# rather than guess:

# %% jupyter={"source_hidden": true} tags=["hide-input"]
declined = theory.of(ps.load("website-reverse-proxy")).declined
display(Markdown("\n".join(f"* {each.node}: {each.reason}" for each in declined)))

# %% [markdown]
# ## See: the same requests on real sockets
#
# `ps.live` starts real programs: clients, a proxy, servers. They talk by real connections, and
# the servers really take their time. They are given *the same requests* as the simulator: who
# asks, when, for what, and how much work that is. So every single request can be held against its
# twin.
#
# What follows is measured, so it is a little different each time. The real one is somewhat slower
# than the simulated one: a real proxy costs time, which was left out here. A live run also keeps
# watch over itself, whether requests went out late, whether the machine was too busy to be
# believed. If so, it says that it is *void*; then close other programs, and run it again.

# %% tags=["measured"]
short = servers.set(
    {
        "run.duration": "6s",
        "run.warmup": "1s",
        "nodes.users.arrivals.poisson": "120/s",
        "nodes.app.service": {"exponential": "20ms"},
        "nodes.edge.balancer": "least_connections",
    }
)
worlds = {
    name: (ps.simulate(scenario), ps.live(scenario))
    for name, scenario in {"with edge": short, "without": short.without("edge")}.items()
}
for name, (_, live) in worlds.items():
    told = live.extra["live"]
    late = format_duration(told["lateness_p50"])
    print(f"{name}: half of the requests were sent less than {late} late;", end=" ")
    print(f"void: {told['void'] or 'no'}")

# %% jupyter={"source_hidden": true} tags=["hide-input", "measured"]
_, axes = plt.subplots(1, 2, figsize=(9, 4.4), sharex=True, sharey=True, layout="constrained")
axes[0].set_ylabel("on sockets, ms")
for ax, (name, (simulated, live)) in zip(axes, worlds.items(), strict=True):
    twins = simulated.requests.merge(live.requests, on="id", suffixes=("_sim", "_live"))
    ax.plot([0, 300], [0, 300], color=GREY, linewidth=1)
    ax.plot(1000 * twins["latency_sim"], 1000 * twins["latency_live"], ".", color=BLUE, alpha=0.4)
    ax.set(
        title=name, xlabel="simulated, ms", ylabel="on sockets, ms", xlim=(0, 300), ylim=(0, 300)
    )
    ax.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# Each dot is one request. Without the proxy, the dots lie along the line: the same requests waited
# behind the same others, for nearly the same time. With it, many lie off the line, because the
# balancer decided otherwise: where two answers come at nearly the same moment, the real world may
# have them in the other order, and from there on things go another way for this or that request.
# For all of them together, what differs is mostly the time that the real proxy and the machine
# under it take, which was left out of the simulation. ([Calibration](../docs/calibration.md)
# measures it, so that it can be put in.)

# %% jupyter={"source_hidden": true} tags=["hide-input", "measured"]
pd.DataFrame(
    {
        f"{name}, {world}": {
            "mean": format_duration(run.summary().latency["mean"]),
            "half within (p50)": format_duration(run.summary().latency["p50"]),
            "all but one in twenty within (p95)": format_duration(run.summary().latency["p95"]),
            "requests": f"{run.summary().requests['ok']:,}",
        }
        for name, pair in worlds.items()
        for world, run in zip(("simulated", "on sockets"), pair, strict=True)
    }
)

# %% [markdown]
# ## Exercise
#
# The simplest of these formulas is for one server with one queue, where requests come at random
# moments and their work varies at random (the table calls it M/M/1). If a request is *S* seconds of
# work on average, and the server is busy a share *b* of its time, then a request takes on average,
# waiting included,
#
# > *T* = *S* / (1 − *b*).
#
# **How long does a request of ten milliseconds take, at a server that is busy seventy-five in a
# hundred?** Work it out; then, if you like, hold a run of `one-server` against it.

# %%
answer = "13.3ms"  # <- your answer
check("09-formula", answer)

# %% [markdown]
# <details>
# <summary>Solution</summary>
#
# ```python
# check("09-formula", 0.010 / (1 - 0.75))
# ```
#
# `ps.simulate(ps.load("one-server").set("nodes.users.arrivals.poisson", "75/s"))` comes close to
# it; the longer the run, the closer.
#
# </details>

# %% [markdown]
# ## What to remember
#
# * Believe a simulator where it has been held against something else.
# * Formulas check the arithmetic, sockets check the story.
# * What was compared has to be the *same requests*; otherwise chance looks like a difference.
#
# Next: [10, write your own balancer](10-your-own-balancer.ipynb).
