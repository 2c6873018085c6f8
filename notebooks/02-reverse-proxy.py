# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # 02 · What a reverse proxy does
#
# **What does one proxy at the door of a shop save the servers behind it?**
#
# A reverse proxy stands in front of servers. To visitors it *is* the shop. Behind it, it
#
# * **balances**: it gives every request to one of its servers, here to the one that has least to
#   do;
# * **shields**: it notices who does not answer, and leaves them out;
# * **caches**: what it has a copy of, no server is asked for;
# * **ends TLS** (the encryption behind the padlock in a browser): it does that work for all of
#   them.

# %%
import pandas as pd
from IPython.display import Markdown, display

import proxysim as ps
from proxysim.learn import check, predict
from proxysim.units import format_duration

shop = ps.load("website-reverse-proxy").set({"run.duration": "85s", "run.warmup": "15s"})
run = ps.simulate(shop)
run.plot.topology()

# %% [markdown]
# Two things are wrong with these servers, as always something is. The fourth is an old machine,
# half as fast as the others. And in the middle of the run, the second goes down for a while.
#
# ## Predict
#
# First *without* the edge: each visitor keeps to one of the four servers, as they do where only a
# name service spreads them. **Which share of all requests gets no proper answer?**

# %%
lost = predict(
    "02-lost",
    "Without the proxy, which share of the requests gets no proper answer?",
    "2%",  # <- your prediction
    unit="share",
)
lost

# %% [markdown]
# ## See

# %%
without = ps.simulate(shop.without("edge"))


def unanswered(run):
    """The share of the requests that got no proper answer."""
    counts = run.summary().requests
    return 1 - counts["ok"] / counts["arrived"]


lost.outcome(unanswered(without))

# %% [markdown]
# And with the edge? Below, each request is drawn at the moment at which it was asked.

# %% jupyter={"source_hidden": true} tags=["hide-input"]
display(Markdown("**With edge**"), run.plot.outcomes())
display(Markdown("**Without**"), without.plot.outcomes())

# %% jupyter={"source_hidden": true} tags=["hide-input"]
display(
    Markdown(
        f"With the edge, {run.summary().requests['arrived'] - run.summary().requests['ok']} of "
        f"{run.summary().requests['arrived']:,} requests went wrong; without it, "
        f"{without.summary().requests['arrived'] - without.summary().requests['ok']:,}."
    )
)

# %% [markdown]
# While the second server was gone, its visitors got errors. The fourth server had more visitors
# than it can serve, so it turned some away all the time. The edge noticed the one, and gave the
# other less to do.
#
# ## Who does the work?

# %% jupyter={"source_hidden": true} tags=["hide-input"]
display(Markdown("**With edge**"), run.plot.load())
display(Markdown("**Without**"), without.plot.load())

# %% [markdown]
# Notice the sum, too. With the edge the servers are asked for far less: the rest came from
# copies.
#
# ## With and without, in figures

# %% jupyter={"source_hidden": true} tags=["hide-input"]
servers = next(row for row in ps.differences(run, without) if row.label == "requests received")
received = {"with edge": servers.with_proxy, "without": servers.without}

pd.DataFrame(
    {
        name: {
            "half of the answers within (p50)": format_duration(found.latency["p50"]),
            "all but one in a hundred within (p99)": format_duration(found.latency["p99"]),
            "requests that servers had to answer": f"{received[name]:,}",
            "how busy the old server is": f"{found.utilisation['shop-4']:.0%}",
        }
        for name, found in {"with edge": run.summary(), "without": without.summary()}.items()
    }
)

# %% jupyter={"source_hidden": true} tags=["hide-input"]
tls = next(row for row in ps.differences(run, without) if row.label == "processor time for TLS")
display(
    Markdown(
        f"For encryption the servers' processors work {tls.texts()[2]} without the edge, and "
        f"{tls.texts()[1]} with it: visitors talk TLS with the edge alone."
    )
)

# %% [markdown]
# ## Whom does it hide?
#
# Many say: a reverse proxy hides the client. It is the other way round. Visitors see one address,
# the edge's, and never learn which servers there are. The servers do not see the visitors'
# addresses either, unless the edge tells them, in a line that it adds to each request
# (`X-Forwarded-For`). This one does:

# %% jupyter={"source_hidden": true} tags=["hide-input"]
at_servers = run.views[run.views["observer"].str.startswith("shop")]
display(
    Markdown(
        f"From the servers' view, messages come from {at_servers['peer'].nunique()} address; the "
        f"added line names {at_servers['forwarded_for'].nunique():,} visitors."
    )
)

# %% [markdown]
# ## Exercise
#
# How much of this is the cache's doing? Take it away, with `shop.set("nodes.edge.cache", None)`,
# and run that. **How busy is the old server, `shop-4`, then?**

# %%
answer = run.summary().utilisation["shop-4"]  # <- your answer
check("02-no-cache", answer)

# %% [markdown]
# <details>
# <summary>Solution</summary>
#
# ```python
# bare = ps.simulate(shop.set("nodes.edge.cache", None))
# check("02-no-cache", bare.summary().utilisation["shop-4"])
# ```
#
# Balancing alone is not enough: the servers have nearly all they can do. Yet even so they lose
# fewer requests than without the edge, since the work is where there is room for it.
#
# </details>

# %% [markdown]
# ## What to remember
#
# * A reverse proxy works for servers: it balances, shields, caches, and ends TLS.
# * It hides the *servers* from clients. Servers learn of clients what the proxy tells them.
# * One server's trouble becomes everybody's a little, instead of some people's altogether.
#
# Next: [03, who sees what](03-who-sees-what.ipynb).
