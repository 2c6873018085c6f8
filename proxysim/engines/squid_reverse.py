"""A reverse proxy as Squid, which it calls an accelerator.

Source: squid-cache.org, ``http_port accel``, ``cache_peer``; as of 5.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from proxysim.engines.choice import Choice, choice_of
from proxysim.engines.configuration import Configuration, Draft
from proxysim.engines.squid import FILE, of_both_kinds
from proxysim.engines.subject import (
    Subject,
    hidden_fields,
    lack_of_resilience,
    whole_weights,
)
from proxysim.scenario.nodes import ReverseProxy

__all__ = ["BALANCERS", "export"]

HEAVIEST = 1000


@dataclass(frozen=True, slots=True)
class Method:
    """How a peer is chosen: the option of each, and whether they have their weights."""

    option: str
    weighted: bool = True


def _round_robin(choice: Choice) -> Method:
    choice.draft.differs("Squid's turns are only nearly equal.")
    return Method("round-robin", weighted=False)


def _weighted_round_robin(choice: Choice) -> Method:
    choice.draft.differs("Squid's turns come in an order of its own, and only nearly by weight.")
    return Method("round-robin")


def _stand_in(choice: Choice) -> Method:
    choice.draft.lacks(f"Squid has no {choice.name}: weighted round robin stands in.")
    return Method("round-robin")


def _source_hash(choice: Choice) -> Method:
    if hops := choice.parameters.get("trusted_hops", 0):
        choice.draft.lacks(f"The peer's address is hashed, not X-Forwarded-For's ({hops} hops).")
    choice.draft.differs("Squid hashes otherwise, so clients meet other servers than here.")
    return Method("sourcehash")


def _uri_hash(choice: Choice) -> Method:
    choice.draft.differs("CARP hashes the whole URL, so pages meet other servers than here.")
    return Method("carp")


def _keyed(choice: Choice) -> Method:
    """Squid hashes clients and URLs, each in one way."""
    kind, _ = choice.key
    if kind not in ("client", "uri"):
        choice.draft.lacks(f"Squid cannot hash by {kind}.")
        return _stand_in(choice)
    method = _source_hash(choice) if kind == "client" else _uri_hash(choice)
    choice.draft.lacks(f"Squid has no {choice.name}: its {method.option} stands in.")
    return method


def _priority(choice: Choice) -> Method:
    choice.draft.lacks("Squid has no tiers of servers (priority): all take turns.")
    return Method("round-robin")


def _sticky(choice: Choice) -> Method:
    choice.draft.lacks("Squid sets no cookies (sticky): every request is placed anew.")
    return Method("round-robin")


#: Scenario name -> how Squid does it.
BALANCERS: dict[str, Callable[[Choice], Method]] = {
    "round_robin": _round_robin,
    "weighted_round_robin": _weighted_round_robin,
    "random": _stand_in,
    "weighted_random": _stand_in,
    "least_connections": _stand_in,
    "power_of_two": _stand_in,
    "least_response_time": _stand_in,
    "peak_ewma": _stand_in,
    "source_hash": _source_hash,
    "uri_hash": _uri_hash,
    "ring": _keyed,
    "bounded_load": _keyed,
    "rendezvous": _keyed,
    "maglev": _keyed,
    "first_available": _stand_in,
    "priority": _priority,
    "sticky": _sticky,
}


def export(subject: Subject[ReverseProxy]) -> Configuration:
    """The reverse proxy of *subject* as Squid."""
    draft, node = Draft(), subject.node
    if not node.mode.reads and not subject.sites(tls=False):
        draft.lacks("Squid cannot pass TLS through by its server name in front of servers.")
        return draft.declined("squid", subject.name)
    body = [
        *_ports(subject, draft),
        *of_both_kinds(subject, draft),
        "",
        f"acl served dstdomain -n {' '.join(node.sites)}",
        "http_access deny !served",
        "http_access allow all",
        "http_reply_access allow all",
        "",
        *_servers(subject, draft),
        *_retries(subject, draft),
        *_identity(subject, draft),
    ]
    draft.differs("Squid answers 403, not 421, for hosts that it does not serve.")
    _tell_of_the_rest(subject, draft)
    head = [
        f"{subject.name} of the scenario {subject.scenario.name}, by proxysim export squid.",
        f"Run it where this file stands: squid -N -f {FILE}",
    ]
    return draft.finished("squid", subject.name, FILE, head, "\n".join(body))


def _ports(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    node, place = subject.node, subject.place
    if subject.sites(tls=False):
        yield f"http_port {place.at()} accel vhost"
        draft.listens.append((place.host, place.http))
    if not subject.sites(tls=True):
        return
    if not node.mode.to_clients:
        draft.lacks("Squid cannot pass TLS through by its server name: it is not served.")
        return
    file = f"{subject.name}.pem"
    draft.certificates[file] = tuple(subject.sites(tls=True))
    yield (
        f"https_port {place.at(tls=True)} accel vhost tls-cert={subject.places.directory / file}"
    )
    draft.listens.append((place.host, place.https))
    draft.differs(f"Clients may speak other versions of TLS than {node.tls_version}.")
    if node.early_data:
        draft.lacks("Squid takes no early data (early_data).")


def _servers(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    node = subject.node
    members = [member for member in subject.members() if member.weight > 0]
    choice = choice_of(node.balancer, members, draft)
    method = BALANCERS[choice.name](choice)
    weights, exact = whole_weights([member.weight for member in members], HEAVIEST)
    if method.weighted and not exact:
        draft.differs("Weights are rounded to whole numbers.")
    options = [method.option]
    if (room := node.limits.backend) is not None:
        options.append(f"max-conn={room.in_flight}")
        if room.queue != 0:
            draft.lacks("Squid queues no requests for servers that are full (limits.backend).")
    if (passive := node.health.passive) is not None:
        options.append(f"connect-fail-limit={passive.failures}")
        draft.differs(
            "Squid leaves a server out for failures to connect alone, until it can be connected to;"
            f" it tries that when it likes, not after {passive.for_:g} s."
        )
    if node.deadlines.connect is not None:
        options.append(f"connect-timeout={max(1, round(node.deadlines.connect))}")
    tls = node.mode.to_backends
    if tls:
        options += _verified(subject, draft)
    for member, weight in zip(members, weights, strict=True):
        port = member.place.https if tls else member.place.http
        weighed = f" weight={weight}" if method.weighted and weight != 1 else ""
        yield (
            f"cache_peer {member.place.host} parent {port} 0 no-query no-digest originserver"
            f" {' '.join(options)}{weighed} name={member.name}"
        )
    yield "never_direct allow all"


def _verified(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    """How servers are spoken TLS to."""
    yield "tls"
    # Debian's Squid is built with GnuTLS, by which it cannot read what begins with a ticket.
    yield "tls-options=NORMAL:-VERS-TLS1.3"
    draft.differs("Servers are spoken TLS 1.2 to, in the words of a Squid built with GnuTLS.")
    if subject.places.authority is None:
        yield "tls-flags=DONT_VERIFY_PEER"
        draft.differs("Servers' certificates are not verified: no authority is known.")
    else:
        yield f"tls-cafile={subject.places.authority}"
        draft.lacks("A Squid built with GnuTLS takes any certificate of a server.")


def _retries(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    retry = subject.node.retry
    attempts = 1 if retry is None else retry.attempts
    yield f"forward_max_tries {attempts}"
    if retry is None:
        return
    statuses = {reason for reason in retry.reasons if isinstance(reason, int)}
    yield f"retry_on_error {'on' if statuses else 'off'}"
    if statuses:
        draft.differs("Squid sends again after 403, 500, 501, 502, 503 and 504 alike.")
    draft.differs("Squid sends again where no connection was had, or it broke before the answer.")
    if retry.budget < 1:
        draft.lacks(f"Squid has no budget of retries ({retry.budget:.0%}).")
    if retry.backoff is not None:
        draft.lacks("Squid sends again at once: there is no back-off.")


def _identity(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    node = subject.node
    fields = node.forwarded or "x-forwarded-for"
    if fields in ("forwarded", "both"):
        draft.lacks("Squid does not write Forwarded.")
    told = fields in ("x-forwarded-for", "both")
    yield f"forwarded_for {'on' if told else 'delete'}"
    if told:
        draft.lacks("Squid tells no scheme and host by X-Forwarded-Proto and X-Forwarded-Host.")
    trusted = node.trusted
    if trusted is not None:
        if trusted.addresses is None or trusted.field == "forwarded" or trusted.hops is not None:
            draft.lacks(
                "Squid believes proxies by their addresses in X-Forwarded-For alone (trusted)."
            )
        if trusted.addresses is not None and trusted.field != "forwarded":
            networks = [each for name in trusted.addresses for each in subject.networks(name)]
            yield f"acl believed src {' '.join(networks)}"
            yield "follow_x_forwarded_for allow believed"
    if node.hide is False:
        return
    hidden = hidden_fields(subject, draft)
    yield from (f"reply_header_access {name} deny all" for name in hidden)
    draft.lacks("Squid leaves servers' names in Location and cookies.")


def _tell_of_the_rest(subject: Subject[ReverseProxy], draft: Draft) -> None:
    """What Squid has nothing for."""
    node = subject.node
    lack_of_resilience(subject, draft, "Squid")
    if node.compression is not None and node.compression.codings:
        draft.lacks("Squid compresses nothing (compression).")
    if node.health.active is not None:
        draft.lacks("Squid probes no servers over HTTP (health.active).")
    if node.health.slow_start is not None:
        draft.lacks("Squid brings servers back at once (health.slow_start).")
