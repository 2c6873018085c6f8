# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # 05 · Caching, and what to let go
#
# **A cache is full, and something new comes in. What should it throw out?**
#
# A cache keeps copies of pages, so that the next who asks need not wait for the server. Its room
# is limited. When it is full, a rule says what has to go. The best known is **LRU**, *least
# recently used*: whatever nobody has asked for the longest time. It sounds sensible, and mostly
# is.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from ipywidgets import IntSlider, interact

import proxysim as ps
from proxysim.charts.palette import BLUE, GREY, VERMILLION
from proxysim.learn import check, predict
from proxysim.units import format_duration

crawled = ps.load("scan-pollution").set({"run.warmup": "55s", "run.duration": "115s"})
quiet = crawled.set("nodes.crawler.arrivals", "0.001/s")


def found(run, group="visitors"):
    """Of what a group asks for, the share that the edge finds in its cache."""
    asked = run.requests[run.counted]
    mine = asked[asked["client"].str.startswith(group)]
    return mine["cache"].isin(["hit"]).mean()


# %% [markdown]
# ## With and without
#
# A shop sells a few things often and most things seldom. Its edge keeps a fifth of all pages,
# with LRU. What is that worth?

# %%
run = ps.simulate(quiet)
without = ps.simulate(quiet.without("edge"))
servers = next(row for row in ps.differences(run, without) if row.label == "requests received")
received = {"with edge": servers.with_proxy, "without": servers.without}

# %% jupyter={"source_hidden": true} tags=["hide-input"]
pd.DataFrame(
    {
        name: {
            "answered from the cache": f"{found(each):.0%}",
            "requests at the servers": f"{received[name]:,}",
            "half of the answers within": format_duration(each.summary().latency["p50"]),
        }
        for name, each in {"with edge": run, "without": without}.items()
    }
)

# %% [markdown]
# Room for a fifth of the pages, and most requests find what they want: the popular pages stay,
# since somebody asks for them again and again.
#
# ## Predict
#
# Now a crawler comes, as search engines send them. A few times it reads through the shop's
# archive, thousands of old pages, each of them once. The visitors do what they did before.
# **Which share of the visitors' requests finds a copy now?**

# %%
share = predict(
    "05-crawler",
    f"Before it was {found(run):.0%}. Which share of the visitors' requests finds a copy now?",
    f"{found(run):.0%}",  # <- your prediction
    unit="share",
)
share

# %% [markdown]
# ## See

# %%
lru = ps.simulate(crawled)
share.outcome(found(lru))

# %% [markdown]
# The archive's pages are the most *recently* used, so LRU keeps them; to make room it throws out
# what visitors read. Nobody ever asks for the archive again. Here is how it goes over time,
# beside a younger rule, S3-FIFO, which lets a page stay only once it has been asked for twice:

# %%
s3fifo = ps.simulate(crawled.set("nodes.edge.cache.eviction", "s3fifo"))


# %% jupyter={"source_hidden": true} tags=["hide-input"]
def over_time(run, every=3):
    """When, and which share of the visitors' requests found a copy then."""
    table = run.requests[run.requests["client"].str.startswith("visitors")]
    hits = (table["cache"] == "hit").groupby((table["at"] // every) * every).mean()
    return hits[hits.index >= 40]


_, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
for name, each, style, colour in (
    ("no crawler", run, ":", GREY),
    ("LRU", lru, "-", VERMILLION),
    ("S3-FIFO", s3fifo, "--", BLUE),
):
    hits = over_time(each)
    ax.plot(hits.index, 100 * hits, style, color=colour, label=name)
for start in (60, 75, 90, 105):
    ax.axvspan(start, start + 4, color="0.9")
ax.set(
    xlabel="seconds; the crawler reads in the grey bands", ylabel="found in the cache, %", ylim=0
)
ax.legend(frameon=False, ncols=3)
ax.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## Rules compared
#
# All of these were given the same requests. With the crawler, and without it:

# %%
rules = ("random", "fifo", "lru", "sieve", "s3fifo", "wtinylfu")
short = {"run.warmup": "55s", "run.duration": "95s"}
results = {
    rule: [
        found(ps.simulate(each.set(short).set("nodes.edge.cache.eviction", rule), views=False))
        for each in (quiet, crawled)
    ]
    for rule in rules
}

# %% jupyter={"source_hidden": true} tags=["hide-input"]
_, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
at = np.arange(len(rules))
calm, busy = (100 * np.array(column) for column in zip(*results.values(), strict=True))
for shift, values, label, colour, hatch in (
    (-0.2, calm, "quiet", BLUE, ""),
    (0.2, busy, "crawled", VERMILLION, "//"),
):
    bars = ax.bar(at + shift, values, 0.38, label=label, color=colour, hatch=hatch)
    ax.bar_label(bars, fmt="%.0f", fontsize=8)
ax.set_xticks(at, rules)
ax.set(ylabel="found in the cache, %")
ax.legend(frameon=False, ncols=2, loc="upper left", bbox_to_anchor=(0, 1.15))
ax.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# In quiet times even throwing out at random is not much worse. The rules differ in what they do
# about pages that come once. How does size change that?


# %%
def show(megabytes):
    smaller = crawled.set(short).set("nodes.edge.cache.capacity", f"{megabytes}MB")
    shares = {
        rule: found(ps.simulate(smaller.set("nodes.edge.cache.eviction", rule), views=False))
        for rule in ("lru", "s3fifo")
    }
    text = ", ".join(f"{rule}: {share:.0%}" for rule, share in shares.items())
    display(Markdown(f"With {megabytes} MB, visitors find: {text}"))


show(4)
show(40)
_ = interact(show, megabytes=IntSlider(16, 1, 80, description="MB", continuous_update=False))

# %% [markdown]
# ## When everybody wants the same page
#
# A cache can also do harm. On a site that shows the score of a match, one page is asked for
# hundreds of times a second, and is good for ten seconds. When its time is over, the next visitor
# finds no copy; nor do all others, until the new page is there. **How many requests go to the
# servers each time, for that one page?**

# %%
herd = predict(
    "05-stampede",
    "For one page that goes out of date, how many requests reach the servers at once?",
    1,  # <- your prediction
)

match = ps.load("cache-stampede").set("run.duration", "45s")
stampede = ps.simulate(match)


def asked_at_once(run):
    """How often the servers are asked for the page within two seconds of its going out of date."""
    table = run.requests
    page = table[(table["site"] == "live.example") & (table["cache"] == "miss")]
    return page.groupby(page["at"] // 2).size().max()


herd.outcome(asked_at_once(stampede))

# %%
stampede.plot.outcomes()

# %% [markdown]
# Most of them are turned away. With `collapse: true` one visitor's request goes to a server and
# the others wait for the same answer:

# %%
collapsed = ps.simulate(match.set("nodes.edge.cache.collapse", True))

# %% jupyter={"source_hidden": true} tags=["hide-input"]
pd.DataFrame(
    {
        name: {
            "requests at the servers at once": asked_at_once(each),
            "turned away": f"{each.summary().requests['rejected']:,}",
        }
        for name, each in {"each for itself": stampede, "collapse": collapsed}.items()
    }
)

# %% [markdown]
# ## Exercise
#
# Back to the crawler. Suppose that your proxy knows LRU and nothing else. It can still be told
# what to let *in*: that is `nodes.edge.cache.admission`. Make the edge find more than thirty-six
# in a hundred of all requests, the crawler's included, by that setting alone. (`docs/policies.md`
# lists what there is, under [Admission](../docs/policies.md#admission).)

# %%
mine = ps.load("scan-pollution")  # <- .set("nodes.edge.cache.admission", ...)
check("05-admission", mine)

# %% [markdown]
# <details>
# <summary>Solution</summary>
#
# ```python
# check("05-admission", ps.load("scan-pollution").set("nodes.edge.cache.admission", "second_hit"))
# ```
#
# What is let in only when it is asked for a second time never lets the archive in.
#
# </details>

# %% [markdown]
# ## What to remember
#
# * A small cache does much, because a few pages make up most of what is asked for.
# * *Recently used* is not *used again*. Rules that wait for a second request survive crawlers.
# * A cache that forgets a popular page sends everybody to the servers at once, unless it
#   collapses.
#
# Next: [06, TLS and compression](06-tls-and-compression.ipynb).
