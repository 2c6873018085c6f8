# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # 07 · When things fail
#
# **Servers hang, break and get slow. When does a proxy help, and when does it make things
# worse?**
#
# A proxy sees every request and every answer. So it can notice trouble, and act: try again, ask
# somebody else, answer from a copy, turn people away. Each of these helps at times. Each can
# hurt.

# %%
import pandas as pd
from IPython.display import Markdown, display
from ipywidgets import IntSlider, interact

import proxysim as ps
from proxysim.learn import check, predict
from proxysim.units import format_duration

storm = ps.load("retry-storm")


def answered(run, since=0.0, until=float("inf")):
    """Of what was asked between two times, the share that was answered properly."""
    table = run.requests[(run.requests["at"] >= since) & (run.requests["at"] < until)]
    return (table["outcome"] == "ok").mean()


# %% [markdown]
# ## Try again?
#
# The servers of a shop hang for four seconds; then they are as fast as before. The proxy waits
# for each answer for a second, then asks another server, up to four times in all. Surely that
# makes the shop more reliable.
#
# ## Predict
#
# The run goes on for almost a minute after the servers have recovered. **Of what visitors ask in
# the last half minute, which share is answered?**

# %%
recovered = predict(
    "07-storm",
    "Half a minute after a short failure is over, which share of the requests is answered?",
    "100%",  # <- your prediction
    unit="share",
)
recovered

# %% [markdown]
# ## See

# %%
run = ps.simulate(storm)
recovered.outcome(answered(run, since=50))

# %%
run.plot.outcomes()

# %% [markdown]
# Nobody is answered any more, to the end of the run. What piled up in those four seconds is late,
# so the proxy gives up and asks again. The servers finish the old requests all the same, for
# nobody. Each visitor's request has become four, more than the servers can do; so those are late
# too, and asked again. The cause is gone, and the trouble feeds itself. This is a **retry storm**.
#
# ## With and without
#
# The same visitors, with the proxy but without its retries; and without any proxy:

# %%
calm = ps.simulate(storm.set("nodes.edge.retry", None))
direct = ps.simulate(storm.without("edge"))


# %% jupyter={"source_hidden": true} tags=["hide-input"]
def attempts(run):
    """How often servers were asked, for each request; without a proxy, once."""
    return run.requests["attempts"].clip(lower=1).mean()


pd.DataFrame(
    {
        name: {
            "answered before": f"{answered(each, 0, 20):.0%}",
            "answered while the servers hang": f"{answered(each, 20, 24):.0%}",
            "answered in the last half minute": f"{answered(each, 50):.0%}",
            "attempts for each request": f"{attempts(each):.1f}",
        }
        for name, each in {
            "retries": run,
            "proxy without retries": calm,
            "no proxy": direct,
        }.items()
    }
)

# %% [markdown]
# No proxy at all is better than this one: whoever asks while the servers hang has to wait, and
# gets an answer in the end. Retries help against failures that are *rare*, and do not strike all
# servers at once. When everybody is slow, they add work exactly where there is too much of it.
#
# ## Ask who is least busy?
#
# Four servers, and the proxy asks whoever is least busy. In the middle of the run one of them
# breaks: it answers everything with an error, at once. **Which share of all requests does it get
# while it is broken?**

# %%
sink = predict(
    "07-sink",
    "Which share of the requests goes to the broken one of four servers?",
    "25%",  # <- your prediction
    unit="share",
)

failing = ps.load("fast-failing-backend").set("run.duration", "50s")


def given(run, server):
    """The share of the requests that a server was given while the second one was broken."""
    table = run.requests[(run.requests["at"] >= 20) & (run.requests["at"] < 40)]
    return (table["backend"] == server).mean()


least = ps.simulate(failing)
sink.outcome(given(least, "shop-2"))

# %%
least.plot.outcomes()

# %% [markdown]
# Who fails fast is never busy, so it is asked again and again: it has become a *sink*. "Least
# busy" is not always best. What helps is to remember failures: after three in a row, leave a
# server out for a while.

# %%
watched = ps.simulate(failing.set("nodes.edge.health.passive", {"failures": 3, "for": "10s"}))
blind = ps.simulate(failing.set("nodes.edge.balancer", "round_robin"))

# %% jupyter={"source_hidden": true} tags=["hide-input"]
pd.DataFrame(
    {
        name: {
            "share that the broken server gets": f"{given(each, 'shop-2'):.0%}",
            "requests that failed": f"{each.summary().requests['failed']:,}",
        }
        for name, each in {
            "least busy": least,
            "one after the other": blind,
            "least busy, and watched": watched,
        }.items()
    }
)

# %% [markdown]
# ## Answer from a copy
#
# Sometimes a proxy does what no server can: for a whole minute of the next run, *no* server
# answers. The edge has copies. They are out of date, but it may send them all the same
# (`stale_if_error`), and most people would rather read yesterday's page than none:

# %%
down = ps.load("stale-while-down")
stale = ps.simulate(down)
strict = ps.simulate(down.set("nodes.edge.cache.stale_if_error", "0s"))


# %% jupyter={"source_hidden": true} tags=["hide-input"]
def lost(run):
    requests = run.summary().requests
    return f"{requests['arrived'] - requests['ok']:,} of {requests['arrived']:,}"


display(
    Markdown(
        f"Requests without an answer: with old copies **{lost(stale)}**, "
        f"with fresh ones only **{lost(strict)}**."
    )
)

# %% [markdown]
# ## Turn people away
#
# The hardest decision: for half a minute twice as many come as the servers can serve. If all are
# let in, all wait, until they give up; and the servers work for those who have left. To let in
# only so many at a time (`shedding`) is rude to some, and serves the others:

# %%
crowd = ps.load("flash-crowd").set("run.duration", "75s")


def let_in(most):
    """Run the crowd, with at most so many requests let in at a time."""
    return ps.simulate(crowd.set("nodes.edge.shedding", {"in_flight": most}), views=False)


everybody = ps.simulate(crowd)
some = let_in(40)
display(Markdown("**Everybody is let in**"), everybody.plot.outcomes())
display(Markdown("**Forty at a time**"), some.plot.outcomes())


# %%
def show(most):
    found = let_in(most).summary()
    return f"{found.requests['ok']:,} served, half of them within " + format_duration(
        found.latency["p50"]
    )


_ = interact(show, most=IntSlider(40, 5, 300, description="at a time", continuous_update=False))

# %% [markdown]
# ## Exercise
#
# Back to the storm. Keep the retries, but bound them, so that the shop recovers. Change
# `nodes.edge.retry.budget`, which says how many retries there may be for each request that comes,
# and leave the rest.

# %%
mine = storm.set("nodes.edge.retry.budget", "90%")  # <- your change
check("07-budget", mine)

# %% [markdown]
# <details>
# <summary>Solution</summary>
#
# ```python
# check("07-budget", storm.set("nodes.edge.retry.budget", "20%"))
# ```
#
# With a fifth more requests at most, the servers still have room to catch up.
#
# </details>

# %% [markdown]
# ## What to remember
#
# * Retries multiply load when there is least room for it. Bound them by a budget.
# * Who fails fast looks idle. Watch for errors, not only for work.
# * Old copies keep a site alive; turning some away keeps it useful.
#
# Next: [08, capacity planning](08-capacity.ipynb).
