# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # 04 · Load-balancing strategies compared
#
# **Is the work shared fairly when every server gets the same number of requests?**
#
# A reverse proxy has several servers to choose from. The rule by which it chooses is called a
# *balancer*. The plainest is **round robin**: one after the other, in turn. It could not be
# fairer.

# %%
import pandas as pd
from IPython.display import Markdown, display
from ipywidgets import IntSlider, interact

import proxysim as ps
from proxysim.learn import check, predict
from proxysim.units import format_duration

servers = ps.load("unequal-servers").set({"run.duration": "30s", "run.warmup": "5s"})
run = ps.simulate(servers)
run.plot.topology()

# %% [markdown]
# All four look alike. But `shop-3` and `shop-4` are older machines, and take twice as long for
# the same work. The edge asks them in turn.
#
# ## Predict
#
# All four together are busy about sixty in a hundred of their time. **How busy are the two old
# ones?**

# %%
busy = predict(
    "04-busy",
    "Round robin: which share of the time are the two slow servers busy?",
    "60%",  # <- your prediction
    unit="share",
)
busy

# %% [markdown]
# ## See

# %%
found = run.summary().utilisation
busy.outcome((found["shop-3"] + found["shop-4"]) / 2)

# %%
display(run.plot.load(), run.plot.utilisation())

# %% [markdown]
# Equal counts, unequal work. Each server got a quarter of the requests; for the slow ones that is
# almost more than they can do, so requests pile up in front of them, while the fast ones are idle
# half of the time. A visitor who is sent to a slow one waits, for no reason that the visitor
# could see.
#
# ## Other rules
#
# * **least connections**: ask whoever has the fewest requests that are not yet answered. Slow
#   servers have more of those, so they get less.
# * **power of two**: draw *two* servers, and ask the less busy one. Nearly as good, and it never
#   needs to look at all of them.
# * and no proxy at all: each visitor keeps to one server.
#
# One run could be luck. So each rule gets several runs, and in each of them *all rules are given
# the same requests*. What differs then is the rule.

# %% jupyter={"source_hidden": true} tags=["hide-input"]
compared = ps.compare(
    servers,
    {"nodes.edge.balancer": ["round_robin", "power_of_two", "least_connections"]},
    without="edge",
    metrics=["p50", "p99"],
    replications=8,
)
display(Markdown("\n".join(f"* {statement}" for statement in compared.statements)))

# %% [markdown]
# Each line says how sure it is: the true difference most likely lies within the *interval*. A
# difference is called *real* if that leaves out zero, so that chance alone would hardly bring it
# about. The same as a picture: everything to the left of the line is faster than round robin.

# %%
compared.plot.differences()

# %% [markdown]
# And all the waiting times, not just two of them. The further a curve reaches to the right, the
# longer the unlucky ones wait:

# %%
compared.plot.tails()

# %% [markdown]
# ## When does it matter?
#
# With little to do, any rule is good. Below, the same four servers with fewer and with more
# visitors.


# %%
def slowest(rate, rule):
    """Within which time all but one in a hundred are answered, at so many requests a second."""
    changed = {"nodes.visitors.arrivals.poisson": f"{rate}/s", "nodes.edge.balancer": rule}
    return ps.simulate(servers.set(changed), views=False).summary().latency["p99"]


def row(rate):
    return {
        rule: format_duration(slowest(rate, rule)) for rule in ("round_robin", "least_connections")
    }


rates = (20, 100, 180)
pd.DataFrame([row(rate) for rate in rates], index=[f"{rate} requests a second" for rate in rates])


# %%
def show(rate):
    return pd.DataFrame([row(rate)], index=[f"{rate} requests a second"])


_ = interact(
    show, rate=IntSlider(150, 10, 220, 10, description="per second", continuous_update=False)
)

# %% [markdown]
# ## Is least connections always best?
#
# No. It takes whoever has little to do for whoever is quick. A server that is broken, and answers
# everything with an error at once, has always least to do: lesson [07](07-when-things-fail.ipynb)
# shows what becomes of that.
#
# ## Exercise
#
# Bring the time within which all but one in a hundred are answered (p99) below four tenths of a
# second, by the balancer alone. ([docs/policies.md](../docs/policies.md#balancers) lists all that
# there are.)

# %%
scenario = ps.load("unequal-servers").set("run.duration", "40s")
mine = scenario.set("nodes.edge.balancer", "random")  # <- your choice
check("fewer-waits", mine)

# %% [markdown]
# <details>
# <summary>Solution</summary>
#
# ```python
# check("fewer-waits", scenario.set("nodes.edge.balancer", "least_connections"))
# ```
#
# Whoever looks at what is still unanswered notices who is slow, without being told.
#
# </details>

# %% [markdown]
# ## What to remember
#
# * Equal counts are not equal work.
# * A balancer that sees what is unanswered finds the slow servers by itself; two looks are nearly
#   as good as looking at all.
# * Compare rules on the same requests, several times, before you believe a difference.
#
# Next: [05, caching, and what to let go](05-caching.ipynb).
