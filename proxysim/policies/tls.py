"""TLS: how many round trips a handshake takes, and who can read what a proxy carries."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Handshake", "Mode", "Version", "round_trips"]


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


class Mode(StrEnum):
    """What a reverse proxy does with its clients' TLS."""

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
