"""What a scenario says of its nodes: clients, proxies of both kinds, servers, routers."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from proxysim.policies.fields import HOP_BY_HOP
from proxysim.policies.tls import Mode
from proxysim.scenario.caching import Cache
from proxysim.scenario.compressing import Codings, Compression
from proxysim.scenario.draws import Arrivals, TimeDistribution
from proxysim.scenario.filtering import Authentication, Files, Rule
from proxysim.scenario.identity import Forwarded, Trusted
from proxysim.scenario.menus import Balancer
from proxysim.scenario.quantities import (
    FIELD_NAME,
    Count,
    Duration,
    FieldError,
    Grammar,
    Host,
    Name,
    Weight,
    alternatives,
)
from proxysim.scenario.resilience import (
    Breaker,
    Deadlines,
    Health,
    Hedge,
    Limits,
    RateLimit,
    Retry,
    Shedding,
)

__all__ = ["Clients", "ForwardProxy", "Node", "ProxyBase", "ReverseProxy", "Router", "Server"]

_TOKEN = re.compile(FIELD_NAME)
#: Fields that clients send by themselves, or that only concern a connection.
_MANAGED = HOP_BY_HOP | {"accept-encoding", "content-length", "host", "proxysim-request"}

Speed = Annotated[float, Field(gt=0, le=1e6, strict=True)]


def _as_text(found: object) -> object:
    return str(found) if isinstance(found, float) else found


TlsVersion = Annotated[
    Literal["1.2", "1.3"],
    BeforeValidator(_as_text),
    WithJsonSchema({"enum": ["1.2", "1.3", 1.2, 1.3]}),
]
#: What both say who can end TLS.
TLS_VERSION = "Of the TLS that it ends: 1.2 or 1.3."
EARLY_DATA = "Take a GET, HEAD or OPTIONS with the hello of clients that were there before: 0-RTT."


FieldName = Annotated[str, Field(pattern=FIELD_NAME)]
Hidden = Annotated[
    Annotated[bool, Tag("one")] | Annotated[list[FieldName], Tag("many")],
    Discriminator(alternatives),
]
Names = Annotated[
    Annotated[Name, Tag("one")] | Annotated[list[Name], Tag("many")], Discriminator(alternatives)
]
Speeds = Annotated[
    Annotated[Speed, Tag("one")] | Annotated[list[Speed], Tag("many")],
    Discriminator(alternatives),
]
Weights = Annotated[
    Annotated[Weight, Tag("one")] | Annotated[list[Weight], Tag("many")],
    Discriminator(alternatives),
]


class NodeBase(Grammar):
    zone: str | None = Field(
        default=None,
        description="Whose network the node stands in, for the pictures. Default: by its kind.",
    )


class Credentials(Grammar):
    """Who clients say that they are, and their password."""

    user: str
    password: str

    @field_validator("user")
    @classmethod
    def _tellable(cls, found: str) -> str:
        if ":" in found or not found.isprintable():
            raise FieldError(
                f"found the user name {found!r}", mend="Leave out colons and control characters."
            )
        return found


class Dns(Grammar):
    """What it costs to resolve a name, and how long the answer lasts."""

    lookup: Duration = Field(description="How long it takes.")
    ttl: Duration = Field(default=60.0, description="How long the answer lasts.")


class Clients(NodeBase):
    """A group of clients that ask for the scenario's sites."""

    kind: Literal["clients"]
    count: Count = Field(default=1, description="How many they are.")
    arrivals: Arrivals = Field(description="When requests come, from the group as a whole.")
    through: Name | None = Field(
        default=None, description="The forward proxy they are set up to use."
    )
    sites: Annotated[list[Host], Field(min_length=1)] | None = Field(
        default=None, description="Default: all sites, by their shares."
    )
    credentials: Credentials | None = Field(
        default=None, description="Told to the forward proxy. Default: nobody logs in."
    )
    fields: dict[str, str] = Field(
        default={},
        description="Further fields of their requests, such as {x-forwarded-for: 192.0.2.1}.",
    )
    accept_encoding: Codings = Field(
        default=["zstd", "br", "gzip"], description="Codings they take."
    )
    connections: Count | None = Field(
        default=None, description="Most connections a member opens to one host. Default: no bound."
    )
    keep_alive: Duration = Field(default=60.0, description="How long an idle connection is kept.")
    patience: Duration | None = Field(
        default=None, description="How long a client waits for an answer. Default: for ever."
    )
    dns: Dns | None = Field(
        default=None,
        description="Where each resolves names itself. Default: names cost nothing.",
    )

    @field_validator("fields")
    @classmethod
    def _sendable(cls, found: dict[str, str]) -> dict[str, str]:
        for name, text in found.items():
            if not _TOKEN.fullmatch(name) or name.lower() in _MANAGED or not text.isprintable():
                raise FieldError(
                    f"found the field {name!r}: {text!r}",
                    mend="Give a field's name and a line of text; what concerns the connection,"
                    " the body and the proxy is set for you.",
                )
        return found


class ProxyBase(NodeBase):
    """What both kinds of proxy have."""

    cores: Count | None = Field(default=None, description="Default: as many as it needs.")
    cache: Cache | None = Field(default=None, description="Default: none.")
    forwarded: Forwarded | None = Field(
        default=None,
        description="Where it writes whom it was asked by. Default: in x-forwarded-for, unless its"
        " identity hides that.",
    )
    trusted: Trusted | None = Field(
        default=None,
        description="Whom it believes about clients. Default: the other end is the client.",
    )
    deadlines: Deadlines = Deadlines()
    keep_alive: Duration = Field(default=60.0, description="How long idle connections are kept.")
    limits: Limits = Limits()
    rate_limit: RateLimit | None = Field(default=None, description="Default: none.")
    shedding: Shedding | None = Field(default=None, description="Default: none.")
    costs: dict[str, Any] = Field(
        default={}, description="Overrides of the scenario's costs, but for heads."
    )

    @model_validator(mode="after")
    def _queue_to_delay(self) -> Self:
        delayed = self.shedding is not None and self.shedding.queue_delay is not None
        if delayed and self.limits.proxy is None:
            raise FieldError(
                "shedding has a queue_delay, but there is no queue",
                mend="Give limits: {proxy: {in_flight: ...}} too.",
            )
        return self


class ForwardProxy(ProxyBase):
    """A proxy on the clients' side."""

    kind: Literal["forward_proxy"]
    identity: Literal["transparent", "anonymous", "elite"] = Field(
        default="transparent",
        description="Whether it tells who asks, only that it is there, or nothing.",
    )
    authentication: Authentication | None = Field(
        default=None, description="Who may use it. Default: anybody."
    )
    filters: list[Rule] = Field(
        default=[], description="The first rule that matches decides; none: allowed."
    )
    categories: dict[Name, Files] = Field(
        default={},
        description="Files of hosts for rules: hosts files, lists of domains. Looked for beside"
        " the scenario.",
    )
    through: Name | None = Field(default=None, description="A further forward proxy beyond it.")
    dns: Dns | None = Field(default=None, description="Default: names cost nothing.")
    tunnels: bool = Field(default=True, description="Whether CONNECT is served.")

    @model_validator(mode="after")
    def _tells_of_nobody(self) -> Self:
        if self.identity == "elite" and self.forwarded not in (None, "none"):
            raise FieldError(
                f"found forwarded: {self.forwarded} with identity: elite, which tells of nobody",
                mend="Take one of the two out.",
            )
        if self.identity == "elite" and self.cache is not None and self.cache.status:
            raise FieldError(
                "found cache.status with identity: elite, which does not show that it is there",
                mend="Take one of the two out.",
            )
        return self


class ReverseProxy(ProxyBase):
    """A proxy on the servers' side."""

    kind: Literal["reverse_proxy"]
    sites: Annotated[list[Host], Field(min_length=1)] = Field(description="What it answers for.")
    backends: Names = Field(description="Server groups or further reverse proxies.")
    balancer: Balancer = "round_robin"
    tls: Literal["terminate", "passthrough", "reencrypt", "none"] = Field(
        default="terminate",
        description="End it here; leave it to the servers; end it and begin anew; have none.",
    )
    tls_version: TlsVersion = Field(default="1.3", description=TLS_VERSION)
    early_data: bool = Field(default=False, description=EARLY_DATA)
    compression: Compression | None = Field(
        default=None, description="Codings it may apply, the best liked first. Default: none."
    )
    health: Health = Health()
    retry: Retry | None = Field(default=None, description="Default: never.")
    hedge: Hedge | None = Field(default=None, description="Default: never.")
    breaker: Breaker | None = Field(default=None, description="Default: none.")
    hide: Hidden = Field(
        default=True,
        description="Take what tells of the servers off answers. A list: these fields as well.",
    )

    @field_validator("backends")
    @classmethod
    def _some(cls, found: str | list[str]) -> str | list[str]:
        if not found:
            raise FieldError(
                "found an empty list", mend="Name at least one server group or reverse proxy."
            )
        return found

    @property
    def mode(self) -> Mode:
        """What ``tls`` means: what the proxy sees, and with whom it shakes hands."""
        return Mode(self.tls)

    @property
    def backend_names(self) -> list[str]:
        return [self.backends] if isinstance(self.backends, str) else list(self.backends)


class Server(NodeBase):
    """A group of origin servers: members are NAME-1, NAME-2, ... (NAME alone where count is 1)."""

    kind: Literal["server"]
    count: Count = Field(default=1, description="How many members it has.")
    sites: list[Host] = Field(default=[], description="Sites it answers for in its own name.")
    workers: Count = Field(default=1, description="Requests served at a time, by each member.")
    queue: Annotated[int, Field(ge=0, strict=True)] | None = Field(
        default=None, description="Most requests that wait for a worker. Default: no bound."
    )
    service: TimeDistribution = Field(
        default=TimeDistribution(fixed=0.0), description="How long a worker takes over a request."
    )
    speed: Speeds = Field(default=1.0, description="Divides the demand; one, or one a member.")
    weight: Weights = Field(default=1.0, description="For balancers; one, or one a member.")
    cores: Count | None = Field(default=None, description="For TLS. Default: as many as workers.")
    tls_version: TlsVersion = Field(default="1.3", description=TLS_VERSION)
    early_data: bool = Field(default=False, description=EARLY_DATA)
    on_disconnect: Literal["finish", "abort"] = Field(
        default="finish", description="What it does with work that nobody waits for any more."
    )
    keep_alive: Duration = Field(default=60.0, description="How long idle connections are kept.")

    @model_validator(mode="after")
    def _lists_fit(self) -> Self:
        for name in ("speed", "weight"):
            given = getattr(self, name)
            if isinstance(given, list) and len(given) != self.count:
                raise FieldError(
                    f"{name} lists {len(given)} values for count: {self.count}",
                    mend=f"Give one {name} for all, or one for each member;"
                    " when you vary count, set both together.",
                )
        return self


class Router(NodeBase):
    """A node that only passes traffic on."""

    kind: Literal["router"]


Node = Annotated[
    Clients | ForwardProxy | ReverseProxy | Server | Router, Field(discriminator="kind")
]
