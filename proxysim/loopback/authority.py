"""The certificates of one run: made for it, trusted in it, and kept in no file."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable
from typing import Any

from proxysim.sockets.tls import PROTOCOLS

__all__ = ["Authority"]

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Authority:
    """A certificate authority that all processes of a run share; *made* is trustme's.

    Clients verify what servers show in full, and trust nobody else.
    """

    def __init__(self, made: Any) -> None:
        self._made = made

    @classmethod
    def new(cls) -> Authority:
        """One of its own."""
        import trustme

        return cls(trustme.CA(organization_name="proxysim, for one live run"))

    @classmethod
    def of(cls, pems: tuple[bytes, bytes]) -> Authority | None:
        """The authority that another process has made; None for empty *pems*."""
        if not pems[0]:
            return None
        import trustme

        return cls(trustme.CA.from_pem(*pems))

    @property
    def pems(self) -> tuple[bytes, bytes]:
        """Its certificate and its key, for the other processes."""
        return self._made.cert_pem.bytes(), self._made.private_key_pem.bytes()

    def server(self, names: Iterable[str], version: str) -> ssl.SSLContext:
        """What a server speaks that answers for *names*, by TLS of at most *version*."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = VERSIONS[version]
        context.set_alpn_protocols(PROTOCOLS)
        _load(context, self._made.issue_cert(*names))
        return context

    def chain(self, names: Iterable[str]) -> bytes:
        """Key and certificates (PEM) for another program that answers for *names*."""
        return bytes(self._made.issue_cert(*names).private_key_and_cert_chain_pem.bytes())

    def client(self) -> ssl.SSLContext:
        """What a client speaks that trusts this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(PROTOCOLS)
        self._made.configure_trust(context)
        return context


def _load(context: ssl.SSLContext, leaf: Any) -> None:
    """Have *context* show *leaf*; it can only be read from a file, which is in memory if it can."""
    if not hasattr(os, "memfd_create"):
        leaf.configure_cert(context)
        return
    with os.fdopen(os.memfd_create("certificate"), "wb") as file:
        file.write(leaf.private_key_and_cert_chain_pem.bytes())
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
