# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # 00 · A first request through both proxies
#
# **Somebody in an office opens a page of a shop. Who stands in between, and what for?**
#
# You need no knowledge of networks for this lesson, only of three words:
#
# * a **client** asks: here, people's browsers;
# * a **server** answers: here, the shop's machines;
# * a **proxy** stands in between. It takes the request, and asks on somebody's behalf.
#
# There are two kinds of proxy, and they differ in *whose behalf*. A **forward proxy** works for
# clients: the office has set it up, and everybody in the office goes through it. A **reverse
# proxy** works for servers: the shop has set it up, and everybody who wants the shop has to go
# through it.
#
# Run each cell with Shift and Enter. Nothing here is real traffic: a *simulator* plays it
# through, request by request, always in the same way; so you may change anything and run it
# again.

# %%
import pandas as pd

import proxysim as ps
from proxysim.learn import check, predict
from proxysim.units import format_duration

# %% [markdown]
# ## The place
#
# `both-ends` is a *scenario*: a short file that says who is there, and over which wires they
# talk. Staff sit in an office, whose forward proxy is called `gateway`. Other visitors come from
# home. The shop has a reverse proxy, `edge`, and servers behind it.

# %%
scenario = ps.load("both-ends").set({"run.duration": "60s", "run.warmup": "10s"})
run = ps.simulate(scenario, hops="all")
run.plot.topology()

# %% [markdown]
# ## One request, step by step
#
# Time runs downwards. Each arrow is a message; each box says who works, and for how long.

# %%
run.plot.sequence()

# %% [markdown]
# The request crosses the office to the gateway. The gateway asks the shop, in its own name. What
# it takes for the shop is the edge, which picks one of the servers. The answer goes back the same
# way.
#
# The same request again, to see where its time went:

# %%
run.plot.waterfall()

# %% [markdown]
# ## Predict
#
# Many people in the office use the shop, and they all go through the gateway. **How many
# different visitors does the shop's edge see coming from that office?**
#
# Write down what you expect, before you look. A wrong guess is worth more than none.

# %%
staff = scenario.document.nodes["staff"].count
seen = predict(
    "00-visitors",
    f"The office has {staff} people. As how many visitors does the edge see them?",
    staff,  # <- your prediction
)
seen

# %% [markdown]
# ## See
#
# A run keeps a table of who saw what, `run.views`. In it, `peer` is the address that a message
# came from.


# %%
def visitors_from_the_office(run):
    """As how many different peers the edge sees the staff."""
    at_edge = run.views[run.views["observer"] == "edge"]
    return at_edge[at_edge["client"].str.startswith("staff")]["peer"].nunique()


seen.outcome(visitors_from_the_office(run))

# %% [markdown]
# One: the gateway. That is what a proxy does, whatever its kind: *it asks in its own name*.
#
# ## Watch it
#
# Two seconds, slowed down: each mark is a request on its way, and comes back filled. Click one to
# look into it.

# %%
moment = ps.simulate(scenario.set({"run.duration": "2s", "run.warmup": "0s"}), hops="all")
moment.play()

# %% [markdown]
# ## With and without
#
# How do we know that it was the proxy? We take it away and let the very same people ask for the
# very same pages at the very same moments. Whatever is different then, the proxy did.

# %%
no_gateway = ps.simulate(scenario.without("gateway"))


def half_within(run, group):
    """The time within which half of the group's answers are there."""
    table = run.requests[run.counted]
    mine = table[table["client"].str.startswith(group) & (table["outcome"] == "ok")]
    return format_duration(mine["latency"].median())


# %% jupyter={"source_hidden": true} tags=["hide-input"]
pd.DataFrame(
    {
        name: [visitors_from_the_office(found), half_within(found, "staff")]
        for name, found in {"with gateway": run, "without": no_gateway}.items()
    },
    index=["visitors that the edge sees from the office", "half of the staff's answers within"],
)

# %% [markdown]
# The gateway hides the staff from the shop; and it keeps copies of what came back, so they wait
# less for what one of them has read before. Now the other one:

# %%
no_edge = ps.simulate(scenario.without("edge"))
received = next(row for row in ps.differences(run, no_edge) if row.label == "requests received")

# %% jupyter={"source_hidden": true} tags=["hide-input"]
pd.DataFrame(
    {
        "with edge": [f"{received.with_proxy:,}", half_within(run, "visitors")],
        "without": [f"{received.without:,}", half_within(no_edge, "visitors")],
    },
    index=["requests that reach the servers", "half of the visitors' answers within"],
)

# %% [markdown]
# The edge keeps copies too, for everybody in the world: the shop's servers have less to do, and
# visitors wait less.
#
# ## Whose side is it on?
#
# The picture below says it in full. Each row is somebody who took part, or somebody who listens
# on a wire; a full ball means that they learnt it for every request.

# %%
run.plot.who_sees_what()

# %% [markdown]
# Notice what is *not* the difference between the two kinds. Both stand in the middle; through
# both, arrows go in the same direction; here, the same program plays both roles. The difference
# is who set it up, and whom it serves.
#
# ## Exercise
#
# Your company wants the requests of its staff checked before they leave the building. Which proxy
# does it need, `"forward"` or `"reverse"`?

# %%
answer = "reverse"  # <- your answer
check("whose-side", answer)

# %% [markdown]
# <details>
# <summary>Solution</summary>
#
# ```python
# check("whose-side", "forward")
# ```
#
# Staff are clients, and the company speaks for them. A reverse proxy would stand before servers,
# and the servers that staff ask for are not the company's.
#
# </details>

# %% [markdown]
# ## What to remember
#
# * A proxy asks in its own name. Whoever answers sees the proxy, not who stands behind it.
# * A **forward** proxy is set up by those who ask, a **reverse** proxy by those who answer.
# * A proxy's effect is a *difference*: the same requests, with it and without it.
#
# Next: [01, what a forward proxy does](01-forward-proxy.ipynb).
