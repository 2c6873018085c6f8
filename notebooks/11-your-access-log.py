# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # 11 · Your own access log
#
# **What would a proxy have saved on a day that has been?**
#
# Every web server writes down what it was asked for: its *access log*. So the past can be played
# again, this time with a proxy in front. Here it is the log of a small blog, of one day; nothing
# in it is real, and nobody's address. At the end you put your own in its place. Nothing leaves
# your machine.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown, display
from ipywidgets import SelectionSlider, interact

import proxysim as ps
from proxysim.charts.palette import BLUE, VERMILLION
from proxysim.learn import check, predict

shipped = ps.shipped()["replay-access-log"].parent / "data" / "blog-access.log"
log = Path(shipped)  # <- later: Path("/path/to/your/access.log")
lines = log.read_text(encoding="utf-8").splitlines()

print(*lines[:3], sep="\n")

# %% [markdown]
# Each line is a request: who asked, when, for which page, with which result, and how many bytes
# the answer had.
#
# ## A scenario around it
#
# A scenario needs to say only what the log does not: how far away readers are, how long the
# server works for a page, and how long a copy may be used (`ttl`).

# %%
blog = ps.loads(
    f"""
proxysim: 1
title: A blog behind a cache
run: {{duration: 24h, warmup: 0s, seed: 3, window: 30min}}
sites:
  blog.example: {{ttl: 10min, compressible: 0%}}
nodes:
  readers:
    kind: clients
    arrivals: {{replay: {{file: "{log}", format: combined, site: blog.example}}}}
  edge: {{kind: reverse_proxy, sites: [blog.example], backends: origin, cache: {{capacity: 50MB}}}}
  origin: {{kind: server, workers: 4, service: {{exponential: 40ms}}}}
links:
  - {{between: [readers, edge], latency: 20ms, bandwidth: 20Mbps}}
  - {{between: [edge, origin], latency: 1ms}}
costs: typical
""",
    place="blog",
)

# %% [markdown]
# ## Predict
#
# A copy may be used for ten minutes. After that, the edge asks the server whether it is still
# good. **Which share of this day's requests would have been answered from a copy, without asking
# anybody?**

# %%
share = predict(
    "11-hits",
    "Which share of the day's requests would have been answered from a fresh copy?",
    "80%",  # <- your prediction
    unit="share",
)
share

# %% [markdown]
# ## See

# %%
run = ps.simulate(blog)
share.outcome(run.summary().hit_ratio["edge"])

# %% [markdown]
# A small site is read seldom: within ten minutes hardly anybody asks for the same page again.
# More requests find a copy that has become too old than one that is fresh.

# %%
run.plot.cache_split()

# %% [markdown]
# "Revalidated" is the second best: the server was asked, said "still good", and sent no bytes.
#
# ## With and without

# %%
without = ps.simulate(blog.without("edge"))

# %% jupyter={"source_hidden": true} tags=["hide-input"]
rows = [row for row in ps.differences(run, without) if row.section in ("latency", "servers")]
shown = [row.texts() for row in rows if row.label in ("p50", "requests received", "bytes sent")]
pd.DataFrame(
    [texts[1:3] for texts in shown],
    columns=["with edge", "without"],
    index=["half of the answers within", "requests at the server", "bytes from the server"],
)

# %% [markdown]
# ## How long may a copy be used?
#
# That is the one thing that only you can say: how long may a reader see an old page?

# %%
times = ("1min", "10min", "1h", "6h", "24h")


def with_ttl(ttl):
    """Run the day with copies that may be used so long."""
    return ps.simulate(blog.set("sites.blog.example.ttl", ttl), views=False).summary()


kept = {ttl: with_ttl(ttl) for ttl in times}

# %% jupyter={"source_hidden": true} tags=["hide-input"]
_, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
hits = [100 * found.hit_ratio["edge"] for found in kept.values()]
saved = [100 * found.byte_hit_ratio["edge"] for found in kept.values()]
ax.plot(times, hits, "o-", color=BLUE, label="of the requests")
ax.plot(times, saved, "s--", color=VERMILLION, label="of the bytes")
ax.set(xlabel="how long a copy may be used", ylabel="answered from a fresh copy, %", ylim=0)
ax.legend(frameon=False)
ax.grid(alpha=0.3)
ax.spines[["top", "right"]].set_visible(False)


# %%
def show(ttl):
    found = with_ttl(ttl)
    return f"{found.hit_ratio['edge']:.0%} of the requests need no server"


_ = interact(show, ttl=SelectionSlider(options=times, continuous_update=False))

# %% [markdown]
# The two curves are far apart: what everybody fetches (style sheets, logos) is small; what is
# large (pictures, recordings) is seldom fetched twice.
#
# ## Your own
#
# 1. Set `log`, at the top, to a log of yours: nginx's and Apache's formats are understood, and
#    with `format: auto` Squid's too. It may be gzipped.
# 2. Set `duration` to the time that it covers.
# 3. Run all cells again.
#
# Whether the numbers are *yours* depends on what the log does not say. What the run took for
# granted is noted with it:

# %% jupyter={"source_hidden": true} tags=["hide-input"]
display(Markdown("; ".join(note for notes in run.extra["replayed"].values() for note in notes)))

# %% [markdown]
# ## Exercise
#
# The shipped scenario `replay-access-log` plays the same day through *two* caches: the readers'
# own `gateway`, and the blog's `edge`. The edge finds next to nothing. Take the gateway away.
# **Which share does the edge find then?**

# %%
both = ps.simulate("replay-access-log")
answer = both.summary().hit_ratio["edge"]  # <- your answer
check("11-without-gateway", answer)

# %% [markdown]
# <details>
# <summary>Solution</summary>
#
# ```python
# alone = ps.simulate(ps.load("replay-access-log").without("gateway"))
# check("11-without-gateway", alone.summary().hit_ratio["edge"])
# ```
#
# The first cache on the way takes what is easy. What is left for the second are pages that nobody
# in front of it has asked for.
#
# </details>

# %% [markdown]
# ## What to remember
#
# * The past can be played again: your log says what a cache would have been worth.
# * How long copies may be used matters more than how many there is room for.
# * Requests and bytes are saved in different measure. Ask which of them you pay for.
