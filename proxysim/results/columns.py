"""The columns of a run's tables: the contract that every world fills and everyone else reads.

Times are seconds from the run's start, spans are seconds, sizes are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "CACHE_STATES",
    "CODINGS",
    "HOPS",
    "METHODS",
    "NODES",
    "OUTCOMES",
    "REQUESTS",
    "VIEWS",
    "Column",
    "Outcome",
]


class Outcome:
    """What became of a request, as the code that the requests table keeps."""

    OK, BLOCKED, REJECTED, TIMED_OUT, FAILED, IN_FLIGHT = range(6)

    @staticmethod
    def of(status: int, *, blocked: bool) -> int:
        """The outcome of a complete answer with *status*; *blocked*: a filter turned it away."""
        if blocked:
            return Outcome.BLOCKED
        if status < 500:
            return Outcome.REJECTED if status == 429 else Outcome.OK
        if status == 503:
            return Outcome.REJECTED
        return Outcome.TIMED_OUT if status == 504 else Outcome.FAILED


#: Names of the codes of :class:`Outcome`, in order.
OUTCOMES = ("ok", "blocked", "rejected", "timed_out", "failed", "in_flight")

#: What a cache made of a request. ``none``: no cache was on its way. ``bypass``: one was, but may
#: not answer such requests. ``hit`` and ``stale`` were answered from the store.
CACHE_STATES = ("none", "bypass", "miss", "hit", "stale", "revalidated", "coalesced")

#: Content codings; ``identity`` is none.
CODINGS = ("identity", "gzip", "br", "zstd")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "OTHER")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its numpy type, and the names behind its codes.

    ``names`` is None for plain numbers, a tuple where the codes are fixed, and ``"text"`` where
    the names are collected during the run (clients, sites, paths, nodes).
    """

    name: str
    dtype: str
    names: tuple[str, ...] | str | None = None
    says: str = ""


REQUESTS = (
    Column("id", "int64", says="the same in every world"),
    Column("client", "int32", "text", "the member that asked, such as staff-7"),
    Column("site", "int16", "text", "the host asked for"),
    Column("path", "int32", "text", "the path asked for"),
    Column("method", "int8", METHODS),
    Column("at", "float64", says="when the client wanted it"),
    Column("first_byte", "float64", says="when the first byte of the answer reached the client"),
    Column("end", "float64", says="when the last byte of the answer reached the client"),
    Column("latency", "float64", says="end - at"),
    Column("status", "int16", says="0 where no answer came"),
    Column("outcome", "int8", OUTCOMES),
    Column("served_by", "int32", "text", "the node that made or kept the answer"),
    Column("backend", "int32", "text", "the server that the last proxy chose; empty where none"),
    Column("cache", "int8", CACHE_STATES),
    Column("attempts", "int16", says="fetches made for it by the proxies, at least 1 if any"),
    Column("encrypted", "bool", says="the client's connection carried TLS"),
    Column("coding", "int8", CODINGS),
    Column("bytes_up", "int64", says="body bytes the client sent"),
    Column("bytes_down", "int64", says="body bytes the client received"),
    Column("wait", "float64", says="queueing: for workers, cores, connections, another's fetch"),
    Column("service", "float64", says="in a server's worker"),
    Column("network", "float64", says="on links: latency, transfer, handshakes' round trips"),
    Column("cpu", "float64", says="on the cores of proxies and servers: TLS, coding, handling"),
)

HOPS = (
    Column("request", "int64", says="id; below 0 for what runs by itself, such as probes"),
    Column("node", "int32", "text", "where; for a link A>B"),
    Column(
        "step", "int16", "text", "what: connect, tls, network, queue, service, cpu, transfer, ..."
    ),
    Column("start", "float64"),
    Column("end", "float64"),
)

NODES = (
    Column("node", "int32", "text"),
    Column("start", "float64", says="of the window"),
    Column("end", "float64"),
    Column("utilisation", "float64", says="mean share of workers or cores busy; nan without"),
    Column("queue", "float64", says="mean number waiting"),
    Column("in_flight", "float64", says="mean number of requests in the node"),
    Column("rate", "float64", says="requests received a second"),
    Column("hits", "int64", says="hit and stale"),
    Column("misses", "int64", says="miss, revalidated and coalesced"),
    Column("hit_bytes", "int64"),
    Column("miss_bytes", "int64"),
    Column("bytes", "int64", says="body bytes sent by the node; for a link A>B, carried by it"),
)

VIEWS = (
    Column("observer", "int32", "text", "the party that sees: a node, or a link A>B for its wire"),
    Column("client", "int32", "text", "the member that really asked"),
    Column("site", "int16", "text", "the host that was really asked for"),
    Column(
        "peer", "int32", "text", "whose address is at the other end of the observer's connection"
    ),
    Column("forwarded_for", "int32", "text", "the X-Forwarded-For chain, members named; or empty"),
    Column("host", "bool", says="the site's name is visible to the observer"),
    Column("url", "bool", says="path and fields are visible"),
    Column("body", "bool", says="contents are visible"),
    Column("requests", "int64", says="how many were seen so"),
)
