"""Numbers by which worlds ask chance: of attempts, answers and handshakes, of probes.

A request's attempts count from 1. What else happens to it by chance has numbers far from those, so
that no two things share one; every world uses the same.
"""

from __future__ import annotations

__all__ = ["ANSWER", "APART", "HANDSHAKE", "PROBES"]

#: How far apart the numbers of two racers' attempts begin.
APART = 20
#: What is added to an attempt's number for its answer.
ANSWER = 1000
#: The opening of a connection.
HANDSHAKE = 2000
#: Probes of one backend are so many numbers apart: more than there are pairs of proxy and backend.
PROBES = 2**20
