"""Requests that say how many proxies they may pass: answered here, or passed on with one less."""

from __future__ import annotations

from collections.abc import Callable

from proxysim.messages import Request
from proxysim.policies.max_forwards import passed_on, the_end
from proxysim.proxies.effects import Handling, Send

__all__ = ["bounded"]


def bounded(respond: Callable[[Request], Handling], request: Request) -> Handling:
    """Answer *request* by *respond*, or, where it may go no further, for whoever it was meant for.

    Source: RFC 9110, section 7.6.2.
    """
    going = passed_on(request)
    if going is None:
        yield Send(the_end(request))
    else:
        yield from respond(going)
