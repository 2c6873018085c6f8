# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # 08 · Capacity planning
#
# **How many servers does it take, and how busy may they be?**
#
# To have too few servers makes people wait; to have too many costs money. So one would like to
# keep servers busy. How busy? This lesson has one server first, then several, and at the end the
# question itself, put to the simulator.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from ipywidgets import IntSlider, interact

import proxysim as ps
from proxysim.charts.palette import BLUE, GREY
from proxysim.learn import check, predict
from proxysim.theory import queues
from proxysim.units import format_duration

# %% [markdown]
# ## One server
#
# It works for ten milliseconds on a request, sometimes less, sometimes more. Requests come when
# they like. If somebody else is being served, one has to wait.
#
# ## Predict
#
# Requests come so often that the server is busy ninety in a hundred of its time. That sounds like
# a machine well used, with a reserve. **How long does a request take, waiting included?**

# %%
one = ps.load("one-server")  # ten milliseconds of work, on average

busy = predict(
    "08-ninety",
    "Ten milliseconds of work, at a server that is busy 90 %: how long does a request take?",
    "15ms",  # <- your prediction
    unit="s",
)
busy

# %% [markdown]
# ## See


# %%
def at_rate(rate):
    """Run the one server with so many requests a second, for long enough to be sure of the mean."""
    changed = {"nodes.users.arrivals.poisson": f"{rate}/s", "run.duration": "900s"}
    return ps.simulate(one.set(changed), views=False, keep="none").summary()


busy.outcome(at_rate(90).latency["mean"])

# %% [markdown]
# Why so long? While the server is free nobody uses it, and that time is lost; when several come
# at once they wait for each other. The fewer gaps there are, the longer it takes until a queue is
# gone. There is an exact formula for it, drawn beside the simulation:

# %%
rates = (20, 40, 60, 80, 90, 95)
simulated = [at_rate(rate).latency["mean"] for rate in rates]

# %% jupyter={"source_hidden": true} tags=["hide-input"]
_, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
fine = np.linspace(1, 96, 200)
ax.plot(fine, [1000 * queues.mm1(rate, 0.01) for rate in fine], color=GREY, label="formula")
ax.plot(rates, 1000 * np.array(simulated), "o", color=BLUE, label="simulated")
ax.set(xlabel="how busy the server is, %", ylabel="time for a request, ms", ylim=0)
ax.legend(frameon=False)
ax.grid(alpha=0.3)
ax.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# The curve has what people call a *knee*. Left of it, more visitors cost next to nothing; right of
# it, every few more double the time. (Where exactly it is, is a matter of taste: the curve bends
# everywhere.)
#
# ## Many servers
#
# Is ninety in a hundred always too much? Here are more and more servers behind a balancer, each
# of them as busy as the one before:

# %% jupyter={"source_hidden": true} tags=["hide-input"]
pd.DataFrame(
    {
        "time for a request": [
            format_duration(queues.mmc(90 * servers, 0.01, servers)) for servers in (1, 2, 10, 50)
        ]
    },
    index=["1 server", *(f"{servers} servers" for servers in (2, 10, 50))],
)

# %% [markdown]
# Together they hardly wait at all: when many share one queue, somebody is nearly always free. (The
# formula is that of one queue for all. A balancer that asks whoever has least to do comes close to
# it.) Ninety is too much for one, and fine for fifty.
#
# ## The average is not what people feel
#
# A page is made of a hundred pieces. Nearly all of them come in a millisecond, and one in a
# hundred takes a hundred times as long. The average piece looks fine. But the page is there when
# its *last* piece is:

# %%
pieces, unlucky = 100, 0.01
average = (1 - unlucky) * 1 + unlucky * 100

slow_pages = predict(
    "08-pages",
    f"The average piece takes {average:.0f} ms. Which share of the pages waits for a slow piece?",
    "1%",  # <- your prediction
    unit="share",
)
slow_pages.outcome(1 - (1 - unlucky) ** pieces)

# %% [markdown]
# This is why one plans by *percentiles*, such as p99, the time within which all but one in a
# hundred are answered, and not by averages.
#
# ## How many, then?
#
# A shop gets forty requests a second, each of them a twentieth of a second of work. Its owner
# wants all but one in a hundred answered within three tenths of a second. Two servers could do
# the work, if it came evenly. **How many does it take?**

# %%
shop = ps.loads(
    """
proxysim: 1
title: A shop behind a balancer
run: {duration: 60s, warmup: 10s, seed: 4}
sites: {shop.example: {objects: 1000, size: 5kB, cacheable: 0%}}
nodes:
  visitors: {kind: clients, count: 500, arrivals: {poisson: 40/s}}
  edge: {kind: reverse_proxy, sites: [shop.example], backends: shop, balancer: least_connections}
  shop: {kind: server, count: 4, service: {exponential: 50ms}}
""",
    place="a shop",
)

needed = predict(
    "08-servers",
    "How many servers does it take for p99 < 300 ms?",
    2,  # <- your prediction
)
plan = ps.plan(shop, "p99 < 300ms", vary="nodes.shop.count", between=(2, 10))
needed.outcome(plan.answer)

# %% jupyter={"source_hidden": true} tags=["hide-input"]
display(Markdown("\n".join(f"* {line}" for line in str(plan).splitlines())))

# %% [markdown]
# The plan says how sure it is, and what it takes for granted. Read that before you buy.

# %%
plan.plot.evidence()

# %% [markdown]
# ## With and without
#
# Is it the number of servers, or the balancer in front of them? The same servers, the same
# requests, and nobody to balance: each visitor keeps to one.

# %%
enough = shop.set("nodes.shop.count", plan.answer)
both = {"with edge": enough, "without": enough.without("edge")}

pd.DataFrame(
    {
        name: {"all but one in a hundred within": format_duration(found.latency["p99"])}
        for name, found in ((name, ps.simulate(each).summary()) for name, each in both.items())
    }
)


# %% [markdown]
# And if more come? Move the slider: at some rate even these are too few.


# %%
def show(rate):
    found = ps.simulate(enough.set("nodes.visitors.arrivals.poisson", f"{rate}/s")).summary()
    busiest = max(found.utilisation.values())
    return f"p99 {format_duration(found.latency['p99'])}; the busiest is busy {busiest:.0%}"


slider = IntSlider(40, 10, 120, 5, description="per second", continuous_update=False)
_ = interact(show, rate=slider)

# %% [markdown]
# ## Exercise
#
# Back to the one server. Twice as many requests are expected: `160/s`, where there were `80/s`.
# Twice the workers would do the work. But the mean has to stay below twenty milliseconds. **How
# many workers does it take, at least?**

# %%
expected = ps.load("one-server").set("nodes.users.arrivals.poisson", "160/s")
mine = expected.set("nodes.server.workers", 2)  # <- your number
check("08-workers", mine)

# %% [markdown]
# <details>
# <summary>Solution</summary>
#
# ```python
# check("08-workers", expected.set("nodes.server.workers", 3))
# ```
#
# With two they are as busy as the one was before, and still past the knee. A third one takes
# nearly all of the waiting away.
#
# </details>

# %% [markdown]
# ## What to remember
#
# * Time grows slowly with how busy a server is, and then, past the knee, without bounds.
# * Many behind a good balancer may be busier than one alone.
# * Plan by percentiles, and ask a plan how sure it is.
#
# Next: [09, theory, simulation and sockets agree](09-three-worlds.ipynb).
