"""A cache that tells what it does, for whoever wants to be shown; it decides as without."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from proxysim.messages import Body, Headers, Request, Response
from proxysim.policies.caching.explaining import unstorable, word_for
from proxysim.policies.caching.invalidation import Target, target
from proxysim.proxies.cache import Cache
from proxysim.proxies.entries import Stored, Ticket

__all__ = ["TellingCache"]

#: Told of a deed: its name, the request on whose behalf (None: nobody's), the target, the variant
#: of it, and more.
Tell = Callable[[str, Request | None, Target, str, Mapping[str, Any]], None]


class TellingCache(Cache):
    """A :class:`Cache` that calls ``tell`` with each of its deeds.

    They are ``looked``, ``stored``, ``renewed``, ``refused``, ``dropped`` and ``flushed``; see
    :class:`proxysim.results.diary.Deed`.
    """

    tell: Tell
    _asked_by: dict[Stored, Request]
    _reason: str
    _storing: Hashable

    @classmethod
    def of(cls, cache: Cache, tell: Tell) -> TellingCache:
        """*cache*, to be used in its place from now on."""
        found = cls.__new__(cls)
        vars(found).update(vars(cache))
        found.tell = tell
        found._asked_by = {}
        found._reason = "evicted"
        found._storing = None
        return found

    def find(self, request: Request, codings: tuple[str | None, ...] = (None,)) -> Stored | None:
        """As ``Cache.find``."""
        stored = super().find(request, codings)
        where = target(request)
        if stored is None:
            word = "other" if where in self._kept else "nothing"
            self.tell("looked", request, where, "", {"found": word})
            return None
        age = stored.age(self.clock())
        word = word_for(request, age, stored.lifetime, stored.window, strict=stored.strict)
        said = {"age": age, "lifetime": stored.lifetime, "window": stored.window}
        self.tell("looked", request, where, _variant(stored), {"found": word, **said})
        return stored

    def ticket(
        self,
        request: Request,
        said: Response,
        response: Response,
        coding: str | None,
        asked: float,
    ) -> Ticket | None:
        """As ``Cache.ticket``."""
        ticket = super().ticket(request, said, response, coding, asked)
        if ticket is None:
            self._refuse(request, target(request), "", unstorable(request, said))
        else:
            self._asked_by[ticket.stored] = request
        return ticket

    def keep(self, stored: Stored, body: Body | None) -> None:
        """As ``Cache.keep``."""
        request = self._asked_by.pop(stored, None)
        outdated = stored.asked < self._changed.get(stored.target, stored.asked)
        self._storing = stored.key
        super().keep(stored, body)
        self._storing = None
        where, variant = stored.target, _variant(stored)
        if self._by_key.get(stored.key) is stored:
            size = (body.length or 0) if body is not None else 0
            more = {"size": size, "lifetime": stored.lifetime}
            self.tell("stored", request, where, variant, more)
        elif outdated:
            self._refuse(request, where, variant, "it was asked for before the page was changed")
        else:
            self._refuse(request, where, variant, "it is too large, or not asked for often enough")

    def outgrown(self, stored: Stored) -> None:
        """As ``Cache.outgrown``."""
        super().outgrown(stored)
        request = self._asked_by.pop(stored, None)
        self._refuse(request, stored.target, _variant(stored), "it is too large")

    def discard(self, stored: Stored) -> None:
        """As ``Cache.discard``."""
        before = self._storing, self._reason
        self._storing, self._reason = None, "changed" if self._reason == "changed" else "obsolete"
        super().discard(stored)
        self._storing, self._reason = before

    def invalidate(self, request: Request, response: Response) -> None:
        """As ``Cache.invalidate``."""
        self._reason = "changed"
        super().invalidate(request, response)
        self._reason = "evicted"

    def flush(self) -> None:
        """As ``Cache.flush``."""
        super().flush()
        self.tell("flushed", None, ("", "", 0, ""), "", {})

    def _renewed(self, stored: Stored, said: Response, new: Headers, asked: float) -> Stored:
        fresh = super()._renewed(stored, said, new, asked)
        if self._by_key.get(stored.key) is fresh:
            more = {"lifetime": fresh.lifetime}
            self.tell("renewed", None, stored.target, _variant(stored), more)
        return fresh

    def _forget(self, key: Hashable) -> None:
        stored = self._by_key.get(key)
        super()._forget(key)
        if stored is not None:
            why = "replaced" if key == self._storing else self._reason
            self.tell("dropped", None, stored.target, _variant(stored), {"why": why})

    def _refuse(self, request: Request | None, where: Target, variant: str, why: str) -> None:
        self.tell("refused", request, where, variant, {"why": why})


def _variant(stored: Stored) -> str:
    """What tells an answer from others to the same target: its coding, and selected fields."""
    fields = () if stored.selection is None else stored.selection.fields
    parts = [stored.coding or "", *(f"{name}: {_text(value)}" for name, value in fields)]
    return ", ".join(part for part in parts if part)


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(str(one[0] if isinstance(one, tuple) else one) for one in value)
    return str(value or "-")
