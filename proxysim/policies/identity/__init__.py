"""Identity: what a proxy tells one side of the other. Forward proxies and reverse ones."""

from proxysim.policies.identity.base import FORWARDED, Identity
from proxysim.policies.identity.forward import IDENTITIES, Anonymous, Elite, Transparent
from proxysim.policies.identity.reverse import HIDDEN, ReverseIdentity

__all__ = [
    "FORWARDED",
    "HIDDEN",
    "IDENTITIES",
    "Anonymous",
    "Elite",
    "Identity",
    "ReverseIdentity",
    "Transparent",
]
