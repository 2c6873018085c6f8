"""TLS: which handshake there is, how many round trips it takes, and who can read what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["SAFE", "Handshake", "Mode", "Terms", "Version", "round_trips"]

#: Methods that a client may send as early data: it could be replayed (RFC 8470, section 4).
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Version(StrEnum):
    """Versions of the protocol."""

    TLS12 = "1.2"
    TLS13 = "1.3"


class Handshake(StrEnum):
    """How two ends agree on their keys."""

    FULL = "full"  # certificate and signature
    RESUMED = "resumed"  # a ticket from before
    EARLY = "early"  # the same, with the request in the first flight; TLS 1.3, safe methods only


_ROUND_TRIPS = {
    (Version.TLS13, Handshake.FULL): 1,
    (Version.TLS13, Handshake.RESUMED): 1,
    (Version.TLS13, Handshake.EARLY): 0,
    (Version.TLS12, Handshake.FULL): 2,
    (Version.TLS12, Handshake.RESUMED): 1,
    (Version.TLS12, Handshake.EARLY): 1,
}


def round_trips(handshake: Handshake, version: Version = Version.TLS13) -> int:
    """Round trips before the first request can leave, beyond TCP's own.

    Source: RFC 8446, sections 2 and 2.3; RFC 5246, section 7.3. TLS 1.2 has no early data, so
    there it is a resumption.
    """
    return _ROUND_TRIPS[version, handshake]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the side that accepts TLS agrees to: the *version*, and whether it takes *early_data*.

    Who has not been there before shakes hands in full; who has, resumes, for less work; and where
    early data is taken, by TLS 1.3 alone, sends a safe request with the hello. O(1).

    Source: RFC 8446, section 2.3; RFC 8470, section 3.
    """

    version: Version = Version.TLS13
    early_data: bool = False

    def handshake(self, method: str, *, resumed: bool) -> Handshake:
        """The handshake with which a request by *method* begins a connection."""
        if not resumed:
            return Handshake.FULL
        early = self.early_data and self.version is Version.TLS13 and method in SAFE
        return Handshake.EARLY if early else Handshake.RESUMED

    def round_trips(self, handshake: Handshake) -> int:
        """Round trips before the first request can leave, beyond TCP's own."""
        return round_trips(handshake, self.version)


class Mode(StrEnum):
    """What a reverse proxy does with its clients' TLS.

    With ``terminate`` it ends it, and speaks plainly to the servers; with ``reencrypt`` it ends it,
    and begins another to them; with ``passthrough`` it hands on what it cannot read, to a server
    chosen by the name in the hello; with ``none`` there is none. Only where it ends TLS can it
    route, cache and compress by what is asked. O(1).

    Source: HAProxy ``bind ... ssl``, ``server ... ssl`` and ``mode tcp`` with ``req.ssl_sni``; RFC
    6066, section 3, for the name.
    """

    TERMINATE = "terminate"  # ends it; plain to the backends
    REENCRYPT = "reencrypt"  # ends it; a second one to the backends
    PASSTHROUGH = "passthrough"  # hands it on unread, by the server name in the hello
    NONE = "none"  # there is none

    @property
    def reads(self) -> bool:
        """Whether the proxy sees requests, so that it can route, cache and compress them."""
        return self is not Mode.PASSTHROUGH

    @property
    def to_clients(self) -> bool:
        """Whether the proxy itself shakes hands with clients."""
        return self in (Mode.TERMINATE, Mode.REENCRYPT)

    @property
    def to_backends(self) -> bool:
        """Whether the proxy itself shakes hands with backends."""
        return self is Mode.REENCRYPT
