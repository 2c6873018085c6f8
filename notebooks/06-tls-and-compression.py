# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # 06 · TLS and compression
#
# **Encrypting and compressing cost work and time. Where should they be done?**
#
# Before two machines can talk privately they have to agree on keys, in a *handshake* of messages
# back and forth (the protocol is called **TLS**). Each message travels as long as the way is. So
# it matters *with whom* a visitor shakes hands: with a server far away, or with a proxy nearby.

# %%
import matplotlib.pyplot as plt
import pandas as pd
from ipywidgets import FloatLogSlider, interact

import proxysim as ps
from proxysim.charts.palette import BLUE, VERMILLION
from proxysim.learn import check, predict
from proxysim.units import format_bytes, format_duration

bank = ps.load("tls-at-edge")
direct = ps.simulate(bank.without("edge"), hops="all")
direct.plot.topology()

# %% [markdown]
# The bank's servers stand across an ocean. This picture is without a proxy: what stands in the
# middle is only a place where wires meet. Here is where the time of one visitor's request goes:

# %%
direct.plot.waterfall()

# %% [markdown]
# ## Predict
#
# Now a reverse proxy is put in the middle. That is one more machine that everything has to pass,
# and the wires stay as long as they were. **Within which time is half of the answers there?**

# %%
half = predict(
    "06-one-more-hop",
    f"Without the edge: {format_duration(direct.summary().latency['p50'])}. And with it?",
    direct.summary().latency["p50"],  # <- your prediction, such as "400ms"
    unit="s",
)
half

# %% [markdown]
# ## See

# %%
run = ps.simulate(bank, hops="all")
half.outcome(run.summary().latency["p50"])

# %%
run.plot.waterfall()

# %% [markdown]
# "A proxy only adds latency" is wrong. The visitor shakes hands with the edge, over the short
# way. The edge has connections to the servers, made long ago and kept open, so the long way is
# crossed once: for the request itself.
#
# ## With and without, and three ways in between
#
# * `terminate`: TLS ends at the edge. The servers are spared the work.
# * `passthrough`: the edge passes bytes on without reading them. TLS ends at the servers.
# * `reencrypt`: TLS ends at the edge, which opens a second one to the servers.

# %%
modes = {
    mode: ps.simulate(bank.set("nodes.edge.tls", mode))
    for mode in ("terminate", "passthrough", "reencrypt")
}


# %% jupyter={"source_hidden": true} tags=["hide-input"]
def busy_with_tls(run, kind):
    """Processor time for TLS at the edge, or at the servers together."""
    return sum(f.get("tls_cpu") or 0 for f in run.facts.values() if f.get("kind") == kind)


def reads_pages(run, party):
    """Whether a party sees what is in the pages."""
    seen = run.views[run.views["observer"].str.startswith(party)]
    return "yes" if seen["body"].any() else "no"


pd.DataFrame(
    {
        name: {
            "half of the answers within": format_duration(each.summary().latency["p50"]),
            "the edge works for TLS": format_duration(busy_with_tls(each, "reverse_proxy")),
            "the servers work for TLS": format_duration(busy_with_tls(each, "server")),
            "the edge can read the pages": reads_pages(each, "edge"),
            "a listener behind it can": reads_pages(each, "edge>"),
        }
        for name, each in {"without": direct, **modes}.items()
    }
)

# %% [markdown]
# Passthrough is private and as slow as no proxy at all. To be quick, the edge has to read; with
# `reencrypt`, at least nobody behind it can.
#
# ## Compression: on a slow wire
#
# Text has much in it that can be said more briefly. To *compress* it costs the edge some work,
# and makes the page several times smaller. First for people on a train, each with a slow phone:

# %%
train = ps.load("compression-slow-link")
plain = ps.simulate(train.set("nodes.edge.compression", []))

smaller = predict(
    "06-train",
    f"Uncompressed, half of the pages are there within "
    f"{format_duration(plain.summary().latency['p50'])}. And compressed, with gzip?",
    "1.5s",  # <- your prediction
    unit="s",
)
gzip = ps.simulate(train)
smaller.outcome(gzip.summary().latency["p50"])

# %% [markdown]
# ## And on a fast one
#
# The same site, for people in the same building as the edge. Does compression help them as much?

# %%
office = ps.load("compression-fast-link").set("run.duration", "40s")
codings = {"none": [], "gzip": ["gzip"], "brotli": ["br"], "zstd": ["zstd"]}
fast = {name: ps.simulate(office.set("nodes.edge.compression", c)) for name, c in codings.items()}

# %% jupyter={"source_hidden": true} tags=["hide-input"]
pd.DataFrame(
    {
        name: {
            "half of the pages within": format_duration(each.summary().latency["p50"]),
            "sent to the readers": format_bytes(each.summary().bytes["edge>readers"]),
            "the edge's processor is busy": f"{each.summary().utilisation['edge']:.0%}",
        }
        for name, each in fast.items()
    }
)

# %% [markdown]
# On a fast wire gzip makes people wait *longer*: a page is through before gzip is done with it,
# and as the processor is busy, pages queue for it. Younger codings do the same for less work.
#
# Where is the border? It depends on the wire:


# %%
def with_wire(megabits, coding):
    """Run the train with wires of so many megabits a second, and a coding or none."""
    wire = train.set({"links.0.bandwidth": f"{megabits}Mbps", "run.duration": "30s"})
    return ps.simulate(wire.set("nodes.edge.compression", coding), views=False)


def half_within(megabits, coding):
    return with_wire(megabits, coding).summary().latency["p50"]


wires = (1.5, 5, 15, 50, 150, 500, 1500)
curves = {
    name: [half_within(megabits, coding) for megabits in wires]
    for name, coding in {"none": [], "gzip": ["gzip"]}.items()
}

# %% jupyter={"source_hidden": true} tags=["hide-input"]
_, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
ax.loglog(wires, curves["none"], "o-", color=VERMILLION, label="uncompressed")
ax.loglog(wires, curves["gzip"], "s--", color=BLUE, label="gzip")
ax.set(xlabel="the reader's wire, Mbit/s", ylabel="half of the pages within, s")
ax.set_xticks(wires, [f"{megabits:g}" for megabits in wires])
ax.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
ax.minorticks_off()
ax.legend(frameon=False)
ax.grid(alpha=0.3)
ax.spines[["top", "right"]].set_visible(False)


# %%
def compare(megabits):
    return pd.DataFrame(
        {
            name: [format_duration(half_within(round(megabits, 1), coding))]
            for name, coding in {"uncompressed": [], "gzip": ["gzip"]}.items()
        },
        index=[f"{megabits:.1f} Mbit/s"],
    )


wire = FloatLogSlider(20, min=0, max=3, description="Mbit/s", continuous_update=False)
_ = interact(compare, megabits=wire)

# %% [markdown]
# ## Exercise
#
# Back to the fast wire of `compression-fast-link`. Choose `nodes.edge.compression` so that half
# of the pages are there sooner than without any compression.

# %%
mine = ps.load("compression-fast-link")  # <- .set("nodes.edge.compression", [...])
check("06-coding", mine)

# %% [markdown]
# <details>
# <summary>Solution</summary>
#
# ```python
# check("06-coding", ps.load("compression-fast-link").set("nodes.edge.compression", ["zstd"]))
# ```
#
# What counts is the sum of two times: to compress, and to send what is left. Only a coding that
# is quicker than the wire shortens it.
#
# </details>

# %% [markdown]
# ## What to remember
#
# * Handshakes cross the whole way. A proxy nearby that ends TLS makes the way short.
# * Where TLS ends, somebody reads.
# * Compression trades the processor's time for the wire's. On slow wires it wins, on fast ones it
#   may lose.
#
# Next: [07, when things fail](07-when-things-fail.ipynb).
