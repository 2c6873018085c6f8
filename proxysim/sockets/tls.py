"""TLS: certificates given or made, chosen by the name that a client asks for; HTTP/1.1 only."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from proxysim.errors import ScenarioError

__all__ = ["Certificates", "client_context", "server_context", "succeed"]

PROTOCOLS = ["http/1.1"]
LOCAL = ("localhost", "127.0.0.1", "::1")


class Certificates:
    """A certificate authority of our own, for trying things out; *names* are what it vouches for.

    ``authority`` is its certificate, as PEM: what clients must be told to trust. ``leaf`` is the
    key and the chain of what it vouches for, as PEM, for servers that read them from a file.
    """

    def __init__(self, names: Iterable[str]) -> None:
        import trustme

        made = trustme.CA(organization_name="proxysim, for trying things out")
        self.authority: bytes = made.cert_pem.bytes()
        self._made = made
        self._leaf = made.issue_cert(*dict.fromkeys((*names, *LOCAL)))
        self.leaf: bytes = self._leaf.private_key_and_cert_chain_pem.bytes()

    def server_context(self) -> ssl.SSLContext:
        """What a server with these certificates speaks."""
        context = _server()
        self._leaf.configure_cert(context)
        _name_asked_for(context, {})
        return context

    def client_context(self) -> ssl.SSLContext:
        """What a client that trusts this authority, and nobody else, speaks."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(PROTOCOLS)
        self._made.configure_trust(context)
        return context


def server_context(pairs: Sequence[tuple[Path, Path]]) -> ssl.SSLContext:
    """What a server speaks that has *pairs* of certificate and key, as PEM files.

    The first certificate that names the host that a client asks for is used, else the first of all.
    Raises ScenarioError for a file that cannot be used.
    """
    contexts = []
    by_name: dict[str, ssl.SSLContext] = {}
    for certificate, key in pairs:
        context = _server()
        try:
            context.load_cert_chain(certificate, key, password=_no_password)
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or error.reason if isinstance(error, OSError) else error  # type: ignore[attr-defined]
            raise ScenarioError(
                f"the certificate cannot be used: {reason}",
                place=f"{certificate}, {key}",
                mend="Give a certificate (chain) and its key, without a pass phrase, as PEM files.",
            ) from None
        contexts.append(context)
        for name in _names(certificate):
            by_name.setdefault(name, context)
    _name_asked_for(contexts[0], by_name)
    return contexts[0]


def succeed(context: ssl.SSLContext, successor: ssl.SSLContext) -> None:
    """Let *successor* speak on the connections that *context* accepts from now on."""
    asked = successor.sni_callback

    def pass_on(connection: Any, name: Any, _: ssl.SSLContext) -> None:
        connection.context = successor
        if asked is not None:
            asked(connection, name, successor)

    context.sni_callback = pass_on


def client_context(authority: Path | None = None) -> ssl.SSLContext:
    """What a client speaks that trusts *authority* (a PEM file), or else the system's own.

    Raises ScenarioError for a file that cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise ScenarioError(
            f"the authority's certificate cannot be used: {error}",
            place=str(authority),
            mend="Give a PEM file.",
        ) from None
    context.set_alpn_protocols(PROTOCOLS)
    return context


def _server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(PROTOCOLS)
    return context


def _name_asked_for(context: ssl.SSLContext, by_name: Mapping[str, ssl.SSLContext]) -> None:
    """Let the name that a client asks for choose the certificate, and be remembered."""

    def asked(connection: Any, name: str | None, _: ssl.SSLContext) -> None:
        name = (name or "").lower()
        connection.server_name = name
        parent = f"*.{name.partition('.')[2]}"
        chosen = by_name.get(name) or by_name.get(parent)
        if chosen is not None:
            connection.context = chosen

    context.sni_callback = asked


def _names(certificate: Path) -> list[str]:
    """The hosts that the first certificate of a file vouches for."""
    from cryptography import x509

    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in names.get_values_for_type(x509.DNSName)]


def _no_password() -> str:
    """Never ask at the terminal."""
    return ""
