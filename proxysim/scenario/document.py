"""A scenario as it is written: the root of the grammar.

What one field alone can get wrong is checked here; what needs several nodes at once (who serves a
site, who is behind whom) is checked in :mod:`proxysim.scenario.consistency`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from proxysim.errors import ScenarioError, did_you_mean
from proxysim.policies.filters.schedule import moment
from proxysim.scenario.draws import Popularity, SizeDistribution
from proxysim.scenario.nodes import Node
from proxysim.scenario.quantities import (
    Bandwidth,
    Duration,
    FieldError,
    Grammar,
    Host,
    Name,
    Ratio,
    Share,
    Size,
)

__all__ = ["Document", "Event", "Link", "RunSettings", "Site"]


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


LONGEST = 10 * 365.25 * 86400.0  # s
MOST_WINDOWS = 20_000


def _moment(found: str) -> str:
    try:
        moment(found)
    except ScenarioError as error:
        raise FieldError(error.problem, mend=error.mend) from None
    return found


class RunSettings(Grammar):
    """How long the run is, and from which seed."""

    duration: Duration = Field(default=60.0, description="How long requests arrive.")
    warmup: Duration = Field(default=0.0, description="What the summary leaves out at first.")
    seed: Annotated[int, Field(ge=0, lt=2**63, strict=True)] = 1
    starts: Annotated[str, AfterValidator(_moment)] = Field(
        default="Mon 00:00", description="When in the week it begins, for schedules."
    )
    drain: Duration = Field(default=60.0, description="How long slow requests may take to end.")
    window: Duration | None = Field(
        default=None, description="Width of the time windows of the nodes table."
    )

    @model_validator(mode="after")
    def _warmup_inside(self) -> Self:
        if self.duration <= 0:
            raise FieldError("found duration: 0", mend="Give a time above zero.")
        if self.warmup >= self.duration:
            raise FieldError(
                f"warmup ({self.warmup:g} s) leaves nothing of duration ({self.duration:g} s)",
                mend="Make warmup shorter, or duration longer.",
            )
        if self.window is not None and self.window <= 0:
            raise FieldError("found window: 0", mend="Give a time above zero.")
        for name in ("duration", "drain"):
            if (found := getattr(self, name)) > LONGEST:
                raise FieldError(
                    f"found {name}: {found:g} s", mend="A run may last ten years at most."
                )
        if self.window is not None and self.duration / self.window > MOST_WINDOWS:
            raise FieldError(
                f"window ({self.window:g} s) cuts the run into {self.duration / self.window:.3g}"
                " windows",
                mend=f"Make it wider: at most {MOST_WINDOWS:,} windows.",
            )
        return self


class Site(Grammar):
    """A name that clients ask for, and the objects behind it."""

    share: Share | None = Field(
        default=None, description="Of all requests, relative to the other sites. Default: equal."
    )
    objects: Annotated[int, Field(ge=1, le=10_000_000)] = Field(
        default=1000, description="How many there are."
    )
    popularity: Popularity = Field(
        default=Popularity(zipf=0.9), description="Which of them is asked for how often."
    )
    size: SizeDistribution = Field(
        default=SizeDistribution(fixed=10_000), description="Drawn once for each."
    )
    ttl: Duration = Field(default=3600.0, description="Cache-Control: max-age of its objects.")
    cacheable: Ratio = Field(default=1.0, description="Share of objects that a cache may keep.")
    compressible: Ratio = Field(default=0.6, description="Share of objects that are text.")
    tls: bool = Field(default=False, description="Whether it is asked for over TLS.")
    methods: dict[str, Ratio] = Field(
        default={"GET": 1.0},
        description="Share of each method; 100% in all.",
        json_schema_extra={"propertyNames": {"enum": list(METHODS)}},
    )
    upload: Size = Field(default=0, description="Length of the body of POST, PUT and PATCH.")
    path: str = Field(default="/{n}", description="Of object n.")

    @field_validator("methods")
    @classmethod
    def _whole(cls, found: dict[str, float]) -> dict[str, float]:
        for name in found:
            if name not in METHODS:
                raise FieldError(f"no method is called {name!r}", mend=did_you_mean(name, METHODS))
        if abs(sum(found.values()) - 1) > 1e-9:
            raise FieldError(
                f"the methods add up to {100 * sum(found.values()):g}%",
                mend="Make it 100%, such as {GET: 95%, POST: 5%}",
            )
        return found

    @field_validator("path")
    @classmethod
    def _of_objects(cls, found: str) -> str:
        rest = found.replace("{n}", "", 1)
        if not found.startswith("/") or rest == found or set(rest) & set("{} \n"):
            raise FieldError(
                f"found {found!r}", mend="Begin with / and put {n} where the number goes: /item/{n}"
            )
        return found


class Link(Grammar):
    """A wire between two nodes; each direction has its own ``bandwidth``.

    Between groups every pair of members has a wire of its own, unless ``shared``.
    """

    between: Annotated[list[Name], Field(min_length=2, max_length=2)]
    latency: Duration = Field(default=0.0, description="One way.")
    jitter: Duration = Field(default=0.0, description="Mean of an exponential extra latency.")
    bandwidth: Bandwidth | None = Field(default=None, description="Default: no limit.")
    loss: Ratio = Field(default=0.0, description="Chance that a head or handshake is lost.")
    shared: bool = Field(default=False, description="One wire for all pairs of members.")
    slow_start: bool = Field(default=False, description="Whether TCP has to find its speed.")


class Event(Grammar):
    """Something that happens to a node or a link ``at`` a time."""

    at: Duration
    for_: Duration | None = Field(default=None, alias="for", description="How long it lasts.")
    node: Name | None = None
    link: Annotated[list[Name], Field(min_length=2, max_length=2)] | None = None
    down_for: Duration | None = Field(
        default=None, description="Refuses connections, resets requests under way."
    )
    silent_for: Duration | None = Field(default=None, description="Answers nothing.")
    drain_for: Duration | None = Field(
        default=None, description="Reverse proxies send it nothing new; it finishes what it has."
    )
    restart_for: Duration | None = Field(
        default=None,
        description="Down, and reverse proxies are told, both when it goes and when it is back.",
    )
    slow: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        default=None, description="Factor on the node's demands, for ``for``."
    )
    fail: Ratio | None = Field(
        default=None, description="Share of requests that a server answers 500, at once."
    )
    flush: Literal[True] | None = Field(default=None, description="Empty the node's cache.")
    extra_latency: Duration | None = None
    loss: Ratio | None = None
    bandwidth: Bandwidth | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.node is None) == (self.link is None):
            found = "neither node nor link" if self.node is None else "both node and link"
            raise FieldError(f"found {found}", mend="Say where it happens: one of them.")
        of_nodes = {"down_for", "silent_for", "drain_for", "restart_for", "slow", "fail", "flush"}
        of_links = {"extra_latency", "loss", "bandwidth"}
        given = (of_nodes | of_links) & self.model_fields_set
        possible = of_nodes if self.node is not None else of_links
        if len(given) != 1 or not given <= possible:
            where = "a node" if self.node is not None else "a link"
            raise FieldError(
                f"found {' and '.join(sorted(given)) or 'nothing'} to happen to {where}",
                mend=f"Give one of: {', '.join(sorted(possible))}",
            )
        effect = next(iter(given))
        lasts = effect in {"slow", "fail"} or effect in of_links
        if lasts and self.for_ is None:
            raise FieldError(f"{effect} has no end", mend="Say how long it lasts, for: 20s")
        if not lasts and self.for_ is not None:
            raise FieldError(f"{effect} takes no for", mend="Take it out.")
        return self


def _name_or_steps(found: Any) -> Any:
    if not isinstance(found, str | dict):
        raise FieldError(
            "found neither a profile nor steps", mend="Give a name, typical, or {request: 40us}."
        )
    return found


class Document(Grammar):
    """A whole scenario file."""

    proxysim: Literal[1] = Field(description="The version of the grammar.")
    title: str = Field(description="What it shows, in a line.")
    question: str = Field(default="", description="What a run of it answers.")
    watch_for: str = Field(default="", description="What to look at in the answer.")
    run: RunSettings = RunSettings()
    sites: Annotated[dict[Host, Site], Field(min_length=1)]
    nodes: Annotated[dict[Name, Node], Field(min_length=1)]
    links: list[Link] | None = Field(
        default=None, description="Default: everyone who talks is joined by an ideal wire."
    )
    events: list[Event] = Field(default=[])
    costs: Annotated[str | dict[str, Any], BeforeValidator(_name_or_steps)] = Field(
        default={}, description="What steps cost, or the name of a profile. Default: nothing."
    )
