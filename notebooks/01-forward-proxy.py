# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # 01 · What a forward proxy does
#
# **How much of an office's web traffic never has to leave the building?**
#
# A forward proxy stands at the door of an office. Three things it does there:
#
# * it **filters**: some pages may not be asked for;
# * it **caches**: it keeps copies of what came back, for the next who asks;
# * it **hides**: outside, everybody looks like the proxy.

# %%
import pandas as pd
from IPython.display import Markdown, display
from ipywidgets import IntSlider, interact

import proxysim as ps
from proxysim.learn import check, predict
from proxysim.units import format_bytes, format_duration

office = ps.load("office-forward-proxy")

# %% [markdown]
# Staff read news, look things up in a wiki, and write mail. The wire to the internet is slow, and
# everybody shares it. The rules say: no casino, no advertising, and the wiki is only to be read.
#
# ## Predict
#
# Of all requests that staff make, some are answered by the gateway itself: from its copies, or
# because a rule forbids them. **Which share never leaves the building?**

# %%
stays = predict(
    "01-stays",
    "Which share of the office's requests never leaves the building?",
    "20%",  # <- your prediction
    unit="share",
)
stays

# %% [markdown]
# ## See

# %%
run = ps.simulate(office, hops=20)
asked = run.requests[run.counted]
from_a_copy = (asked["cache"] == "hit").mean()
forbidden = (asked["outcome"] == "blocked").mean()

stays.outcome(from_a_copy + forbidden)

# %% jupyter={"source_hidden": true} tags=["hide-input"]
display(
    Markdown(
        f"{from_a_copy:.0%} are answered from a copy, {forbidden:.0%} are forbidden. The other "
        f"{1 - from_a_copy - forbidden:.0%} have to go out."
    )
)

# %%
run.plot.topology()

# %% [markdown]
# ## With and without
#
# The same requests, at the same moments, with nobody at the door. In the picture, p50 is the time
# within which half of the answers are there, p99 the time within which all are but one in a
# hundred.

# %%
without = ps.simulate(office.without("gateway"))
run.plot.with_without(without, labels=("with gateway", "without"))

# %% [markdown]
# Many answers come at once, because they never travel. The line to the internet carries far fewer
# bytes. And what is forbidden no longer reaches any server.
#
# The picture of all waiting times says more than one number. For each time, it shows how many
# requests took *longer*:

# %%
run.plot.with_without_latency(without, labels=("with gateway", "without"))

# %% [markdown]
# Two kinds of request: those that find a copy, and those that have to go out. The second kind
# still goes the whole way. To pass through a proxy next door costs it next to nothing; and as the
# line carries less, it even waits a little less for others.
#
# ## A copy has to be there first
#
# The cache begins empty. Watch how it fills:

# %%
run.plot.hit_rate()

# %% [markdown]
# How large does it have to be? Here is the share it finds, for several sizes.


# %%
def with_capacity(megabytes):
    """Run the office with a cache of so many megabytes."""
    smaller = office.set("nodes.gateway.cache.capacity", f"{megabytes}MB")
    return ps.simulate(smaller, views=False)


def row(megabytes):
    found = with_capacity(megabytes).summary()
    return {
        "found there": f"{found.hit_ratio['gateway']:.0%}",
        "half of all answers within": format_duration(found.latency["p50"]),
        "brought in from the internet": format_bytes(found.bytes["web>gateway"]),
    }


sizes = (1, 5, 20, 50, 200)
pd.DataFrame([row(megabytes) for megabytes in sizes], index=[f"{size} MB" for size in sizes])

# %% [markdown]
# The first megabytes bring most, since a few pages are read by everybody. At some size everything
# that was ever asked for fits in, and more room brings nothing. Try sizes of your own:


# %%
def show(megabytes):
    return with_capacity(megabytes).plot.cache_split()


_ = interact(show, megabytes=IntSlider(10, 1, 60, description="MB", continuous_update=False))

# %% [markdown]
# ## What it cannot read it cannot keep
#
# Mail is encrypted. The browser asks the gateway only for a **tunnel** to the mail server, and
# what goes through it is for these two alone. So what share of the mail comes from the gateway's
# cache? Many believe that a proxy caches everything that passes.

# %%
mail = predict(
    "01-encrypted",
    "Which share of the requests to the encrypted site is answered from the cache?",
    "30%",  # <- your prediction
    unit="share",
)
mail.outcome((asked[asked["site"] == "mail.example"]["cache"] == "hit").mean())

# %% [markdown]
# Not one. Today most sites are encrypted, and this is why caches have moved: from the office,
# which cannot read the pages, to the site itself, which can. That is the next lesson.
#
# ## Exercise
#
# Memory is dear. Give the gateway a cache of at most thirty megabytes with which it still finds
# more than six in ten of the pages it looks up. Change nothing else.

# %%
mine = office.set("nodes.gateway.cache.capacity", "10MB")  # <- your change
check("01-small-cache", mine)

# %% [markdown]
# <details>
# <summary>Solution</summary>
#
# ```python
# check("01-small-cache", office.set("nodes.gateway.cache.capacity", "30MB"))
# ```
#
# The table above brackets it. What is left out are pages that hardly anybody reads twice.
#
# </details>

# %% [markdown]
# ## What to remember
#
# * A forward proxy works for clients: it filters, caches and hides.
# * What it answers from a copy is answered at once; what it has to fetch takes about as long as
#   before.
# * It can keep, and filter by page, only what it can read. Of a tunnel it knows which site it
#   leads to, when, and how much goes through; of what is said inside, nothing.
#
# Next: [02, what a reverse proxy does](02-reverse-proxy.ipynb).
