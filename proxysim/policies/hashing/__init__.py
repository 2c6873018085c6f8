"""Hashing: what of a request is hashed, and how hash values become backends.

Everything here is the same in every process, on every machine. What is worked out for a set of
members is kept for the next time, so a backend that flaps does not make anybody start again.
"""

from __future__ import annotations

from proxysim.policies.hashing.digests import digest, hasher
from proxysim.policies.hashing.ketama import Ring, ketama_hash, ketama_ring
from proxysim.policies.hashing.keys import KEY_PARAMETERS, Key, key_of
from proxysim.policies.hashing.maglev import fill, maglev_table
from proxysim.policies.hashing.members import Members, members_of

__all__ = [
    "KEY_PARAMETERS",
    "Key",
    "Members",
    "Ring",
    "digest",
    "fill",
    "hasher",
    "ketama_hash",
    "ketama_ring",
    "key_of",
    "maglev_table",
    "members_of",
]
