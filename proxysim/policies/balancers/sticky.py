"""Sticky sessions: a client returns to the backend that its cookie names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from proxysim.errors import ScenarioError
from proxysim.messages import Request, Response
from proxysim.policies.backend import Backend
from proxysim.policies.balancers.nested import WITHIN, Check, MakeInner, Mark, Observe
from proxysim.policies.cookies import cookie as cookie_of
from proxysim.policies.hashing import digest
from proxysim.policies.parameters import Reader, Spec, Stated

__all__ = ["Sticky"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


def _read_name(found: object) -> str:
    if not isinstance(found, str) or not _TOKEN.match(found):
        raise ScenarioError(f"found {found!r}", mend="Give a cookie's name, such as backend.")
    return found


class Sticky:
    """Choose the backend that the request's *cookie* names; without one, by the balancer *within*.

    An answer to a client that does not yet carry its backend's cookie sets it, for the length of
    the session, and is marked ``private``, lest a cache hand one client's backend to all. The
    cookie's value is a hash of the backend's name, which it does not give away.

    Cost: O(1) a choice beside the balancer within; O(len(pool)) when the pool changes.

    Members: a client whose backend may not be chosen is placed anew, and its next answer sets the
    new cookie; when the old backend is back, the client stays where it is. One that joins gets only
    clients without a cookie.

    Source: HAProxy ``cookie NAME insert nocache`` with ``option redispatch``; nginx ``sticky
    cookie``.
    """

    __slots__ = ("_bound", "_mark", "_pool", "_within", "check", "cookie", "observe")

    parameters: ClassVar[Mapping[str, Reader]] = {
        "cookie": Stated("a cookie's name", _read_name),
        "within": WITHIN,
    }

    #: Only where the balancer within has them.
    check: Check
    observe: Observe

    def __init__(
        self, inner: MakeInner, cookie: str = "backend", within: Spec = "round_robin"
    ) -> None:
        self.cookie = cookie
        self._within = inner(within)
        self._pool: Sequence[Backend] = ()
        self._bound: dict[str, Backend] = {}
        self._mark: Mark | None = getattr(self._within, "mark", None)
        if hasattr(self._within, "observe"):
            self.observe = self._within.observe
        if hasattr(self._within, "check"):
            self.check = self._within.check

    @property
    def weighted(self) -> bool:
        """Whether the balancer within looks at weights."""
        return getattr(self._within, "weighted", True)

    def choose(self, request: Request, pool: Sequence[Backend]) -> Backend:
        if pool is not self._pool:
            self._bound = {_value(backend): backend for backend in pool}
            self._pool = pool
        bound = self._bound.get(cookie_of(request, self.cookie))
        return self._within.choose(request, pool) if bound is None else bound

    def mark(self, request: Request, response: Response, backend: Backend) -> Response:
        if self._mark is not None:
            response = self._mark(request, response, backend)
        value = _value(backend)
        if cookie_of(request, self.cookie) == value:
            return response
        secure = "; Secure" if request.scheme == "https" else ""
        headers = response.headers.add(
            "set-cookie", f"{self.cookie}={value}; Path=/; HttpOnly; SameSite=Lax{secure}"
        )
        return Response(response.status, headers.append("cache-control", "private"))

    def explain(self, request: Request, pool: Sequence[Backend]) -> dict[str, Any]:
        carried = cookie_of(request, self.cookie)
        for backend in pool:
            if _value(backend) == carried:
                return {"cookie": carried, "bound": True, "candidates": [backend.name]}
        within = self._within.explain(request, pool)
        return {
            "cookie": carried or None,
            "bound": False,
            "within": within,
            "candidates": within["candidates"],
        }


def _value(backend: Backend) -> str:
    return f"{digest(backend.name, b'cookie'):016x}"
