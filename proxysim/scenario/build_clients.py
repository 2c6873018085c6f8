"""What a scenario's clients tell of themselves."""

from __future__ import annotations

from proxysim.messages import Headers
from proxysim.policies.authentication import credentials
from proxysim.scenario.nodes import Clients

__all__ = ["UPLOADING", "fields_of"]

#: Methods whose requests bring the body that the site's ``upload`` says.
UPLOADING = frozenset({"POST", "PUT", "PATCH"})


def fields_of(node: Clients) -> tuple[Headers, Headers]:
    """The fields of what *node* asks of servers, and of what it asks of its forward proxy."""
    accept = ", ".join(node.accept_encoding)
    own = Headers([*([("accept-encoding", accept)] if accept else []), *node.fields.items()])
    if node.credentials is None:
        return own, own
    login = credentials(node.credentials.user, node.credentials.password)
    return own, own.set("proxy-authorization", login)
