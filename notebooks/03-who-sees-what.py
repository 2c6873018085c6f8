# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # 03 · Who sees what
#
# **If I go through a proxy, who still knows that it was me, and what I read?**
#
# Four things can be learnt about a request: *who* asked (the client's address), from which
# *site*, which *page*, and what is *in* it. Parties learn them by taking part; eavesdroppers, by
# listening on a wire. The simulator writes down who learnt what, for every request.

# %%
import pandas as pd
from IPython.display import Markdown, display

import proxysim as ps
from proxysim.learn import check, predict

office = ps.load("office-forward-proxy").set({"run.duration": "60s", "run.warmup": "10s"})
run = ps.simulate(office)
without = ps.simulate(office.without("gateway"))

# %% [markdown]
# ## With and without
#
# First, the office with its gateway. A full ball: learnt for every request. An empty one: never.

# %%
run.plot.who_sees_what()

# %% [markdown]
# And the same people without it:

# %%
without.plot.who_sees_what()

# %% [markdown]
# Look at the row `web`, the servers. With the gateway they learn every page, and of nobody who it
# was.
#
# ## Predict
#
# So the proxy makes people anonymous. There is even a setting that hides more than this one:
# `elite`, which does not so much as admit that there is a proxy. With that, **of which share of
# the requests does the gateway itself know who asked?**

# %%
operator = predict(
    "03-operator",
    "With identity elite, of which share of the requests does the gateway know who asked?",
    "0%",  # <- your prediction
    unit="share",
)
operator

# %% [markdown]
# ## See


# %%
def who_is_known(run, party):
    """Of which share of its requests the party learns the client: as the peer, or as forwarded."""
    seen = run.views[run.views["observer"] == party].astype({"client": str, "peer": str})
    named = [
        client in (peer, *(part.strip() for part in str(chain).split(",")))
        for client, peer, chain in zip(
            seen["client"], seen["peer"], seen["forwarded_for"], strict=True
        )
    ]
    return (seen["requests"] * named).sum() / seen["requests"].sum()


elite = ps.simulate(office.set("nodes.gateway.identity", "elite"))
operator.outcome(who_is_known(elite, "gateway"))

# %% [markdown]
# All of them. A proxy does not make you anonymous: it moves the knowledge to whoever runs the
# proxy. What the three settings change is what *servers* are told:

# %%
settings = ("transparent", "anonymous", "elite")
identities = {name: ps.simulate(office.set("nodes.gateway.identity", name)) for name in settings}

# %% jupyter={"source_hidden": true} tags=["hide-input"]
pd.DataFrame(
    {
        name: [f"{who_is_known(found, party):.0%}" for party in ("gateway", "web")]
        for name, found in identities.items()
    },
    index=["the gateway knows who asked", "the servers know who asked"],
)

# %% [markdown]
# A `transparent` proxy writes your address into each request that it can read, in a line called
# `X-Forwarded-For`. It cannot write into a tunnel, so those requests stay unnamed even then.
# (Others call a proxy transparent that its clients do not know of; here it is one that tells.)
# (What is not shown here: cookies, log-ins and the habits of a browser give people away whatever
# the address.)
#
# ## Encrypted, up to where?
#
# In the pictures above some pages stay unread even by the gateway: they are encrypted all the
# way. "All the way" ends where somebody *ends* the encryption. At a shop, that is often its edge:

# %%
shop = ps.load("both-ends").set({"run.duration": "40s", "run.warmup": "10s"})
ends = ps.simulate(shop)
private = ends.views[ends.views["site"] == "account.shop.example"]
read = private[private["body"]].groupby("observer", observed=True)["requests"].sum()

display(
    Markdown(
        "Everybody's accounts are encrypted. Yet what is in them is read by: "
        f"**{', '.join(read.index)}**."
    )
)

# %% [markdown]
# The edge has to read what it decrypts, and passes it on in the clear to the servers: on the
# wires behind it (`edge>shop-1` and so on) anybody who listens can read it too. TLS that ends at
# a proxy is not encryption from end to end. With `tls: reencrypt` the wires behind are closed
# again; the edge itself still reads everything.
#
# ## Can the line be believed?
#
# A server that learns of clients only by `X-Forwarded-For` has to trust it. But it is only text,
# and a client can write into it too. Each proxy adds, at the right end, the address that it was
# asked by. So what proxies of your own have added stands at the *right*; whatever stands further
# left, anybody may have made up.
#
# In the next scenario three robots write the address of an honest partner into their requests.
# One proxy (`cdn`) stands before the edge, which turns away whoever asks too often. Suppose that
# somebody configured it to believe *two* entries from the right. **Which share of the honest
# partner's requests is turned away?**

# %%
partner = predict(
    "03-forged",
    "Which share of the honest partner's requests is turned away?",
    "5%",  # <- your prediction
    unit="share",
)

forged = ps.load("spoofed-forwarded-for")


def turned_away(run, group):
    """The share of a group's requests that is turned away."""
    asked = run.requests[run.counted]
    mine = asked[asked["client"].str.startswith(group)]
    return (mine["outcome"] == "rejected").mean()


believed = {hops: ps.simulate(forged.set("nodes.edge.trusted.hops", hops)) for hops in (1, 2)}
partner.outcome(turned_away(believed[2], "partner"))

# %% jupyter={"source_hidden": true} tags=["hide-input"]
pd.DataFrame(
    {
        f"believes {hops}": [f"{turned_away(found, who):.0%}" for who in ("partner", "robots")]
        for hops, found in believed.items()
    },
    index=["turned away of the partner's", "turned away of the robots'"],
)

# %% [markdown]
# One entry too many, and the robots are taken for the partner. Count your own proxies, and
# believe so many entries from the right.
#
# ## Exercise
#
# Here is the edge that believes too much. Mend it, by `nodes.edge.trusted.hops` alone.

# %%
mine = forged.set("nodes.edge.trusted.hops", 2)  # <- your change
check("03-trusted", mine)

# %% [markdown]
# <details>
# <summary>Solution</summary>
#
# ```python
# check("03-trusted", forged.set("nodes.edge.trusted.hops", 1))
# ```
#
# One proxy of one's own stands before the edge, the CDN, so one entry was written by somebody who
# can be trusted.
#
# </details>

# %% [markdown]
# ## What to remember
#
# * A proxy hides you from the server, never from the proxy's operator.
# * Encryption hides pages from everybody between its two ends. A proxy that ends it is an end.
# * `X-Forwarded-For` is true from the right, for as many entries as you have proxies, and no
#   further.
#
# Next: [04, load-balancing strategies compared](04-balancing.ipynb).
