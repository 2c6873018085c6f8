"""Users and their groups: who has logged in to the proxy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from proxysim.errors import ScenarioError, did_you_mean
from proxysim.messages import Request
from proxysim.policies.authentication import Authentication

__all__ = ["Group", "User"]


class User:
    """Matches requests of the users named, as they have logged in to the proxy.

    O(1).

    Source: Squid ``acl proxy_auth``.
    """

    __slots__ = ("_authentication", "_users")

    in_tunnels: ClassVar[bool] = True

    def __init__(self, users: Iterable[str], authentication: Authentication | None = None) -> None:
        self._authentication = _known(authentication)
        self._users = frozenset(users)
        for name in self._users:
            if name not in self._authentication.users:
                mend = did_you_mean(name, self._authentication.users)
                raise ScenarioError(f"no user is called {name!r}", mend=mend)

    def matches(self, request: Request, now: float) -> bool:
        return self._authentication.user_of(request) in self._users


class Group(User):
    """Matches requests of all users that are in one of the groups named.

    O(1).

    Source: Squid ``external_acl_type`` with ``ext_unix_group_acl``.
    """

    __slots__ = ()

    def __init__(self, groups: Iterable[str], authentication: Authentication | None = None) -> None:
        users = _known(authentication).users
        known = {group for user in users.values() for group in user.groups}
        for name in (listed := set(groups)):
            if name not in known:
                raise ScenarioError(f"nobody is in group {name!r}", mend=did_you_mean(name, known))
        super().__init__(
            [name for name, user in users.items() if listed & user.groups], authentication
        )


def _known(authentication: Authentication | None) -> Authentication:
    if authentication is None:
        raise ScenarioError(
            "nobody logs in to this proxy", mend="Give it authentication, with its users."
        )
    return authentication
