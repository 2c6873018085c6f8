"""A scenario on real sockets: real processes, addresses, TLS and bytes on this machine's loopback.

====================  ===========================================================================
``running``           the run: processes begun, requests sent, reports joined
``crew``, ``child``   processes, and the conversation with them (``orders``)
``parts``             what a process is: servers, one proxy, or all clients
``alarm``, ``desk``   exact timers; workers and queues kept to absolute times
``origin``            a server on its socket, ``proxy_node`` a proxy on its own, ``group`` clients
``watching``          what a proxy's generators ask for, and how long that takes
``ways``, ``door``    connections out, over links (``crossing``, ``slow_start``), and in
``sessions``          TLS sessions that are resumed
``drag``              what makes a proxy slow
``stories``           what became of each request; ``joining`` makes the run of it, and ``spans``
``unlike``            what of a scenario cannot be done here
====================  ===========================================================================
"""

from __future__ import annotations

from proxysim.loopback.running import live

__all__ = ["live"]
