"""A reverse proxy as HAProxy: mode http for what it reads, mode tcp for TLS that it passes through.

Source: HAProxy 2.6 configuration manual.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from proxysim.engines.caching import haproxy_cache, haproxy_keeps
from proxysim.engines.configuration import Configuration, Draft
from proxysim.engines.haproxy_balancers import Method, method_of
from proxysim.engines.subject import (
    Member,
    Subject,
    hidden_fields,
    lack_of_resilience,
    milliseconds,
    servers_in_locations,
    whole_weights,
)
from proxysim.scenario.nodes import ReverseProxy

__all__ = ["FILE", "export"]

FILE = "haproxy.cfg"
FOREVER = "1d"
HEAVIEST = 256
#: Statuses after which HAProxy can send again.
STATUSES = frozenset({401, 403, 404, 408, 425, 500, 501, 502, 503, 504})
#: Trusted proxies are followed so far where only their addresses are known.
FURTHEST = 5
MISDIRECTED = 'http-request return status 421 content-type text/plain string "not served here"'
IN = "    "


def export(subject: Subject[ReverseProxy]) -> Configuration:
    """The reverse proxy of *subject* as HAProxy."""
    draft, node = Draft(), subject.node
    members = subject.members()
    plain, secure = subject.sites(tls=False), subject.sites(tls=True)
    body = [
        *_section("global", [f"nbthread {node.cores or 1}", "maxconn 4096"]),
        *_section("defaults", _defaults(subject, draft)),
    ]
    if plain or node.mode.reads:
        body += _read(subject, draft, members, plain, secure)
    if secure and not node.mode.reads:
        body += _passed_through(subject, draft, members, secure)
    _tell_of_the_rest(subject, draft)
    head = [
        f"{subject.name} of the scenario {subject.scenario.name}, by proxysim export haproxy.",
        f"Run it where this file stands: haproxy -db -C . -f {FILE}",
    ]
    return draft.finished("haproxy", subject.name, FILE, head, "\n".join(body))


def _defaults(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    node, deadlines = subject.node, subject.node.deadlines
    yield "mode http"
    yield "option http-keep-alive"
    yield "http-reuse safe"
    if own := subject.place.own:
        yield f"source {own}  # so that servers can tell who asks"
    yield f"timeout client {FOREVER}"
    yield f"timeout http-keep-alive {milliseconds(node.keep_alive)}"
    yield f"timeout connect {_or_forever(deadlines.connect)}"
    yield f"timeout server {_or_forever(deadlines.first_byte)}"
    if deadlines.first_byte is not None:
        draft.differs("timeout server bounds every silence of a server, not the first alone.")
    if deadlines.total is not None:
        draft.lacks("HAProxy has no deadline for all tries together (deadlines.total).")
    room = node.limits.backend
    yield f"timeout queue {_or_forever(None if room is None else room.timeout)}"


def _or_forever(seconds: float | None) -> str:
    return FOREVER if seconds is None else milliseconds(seconds)


# mode http: what is read.


def _read(
    subject: Subject[ReverseProxy],
    draft: Draft,
    members: Sequence[Member],
    plain: Sequence[str],
    secure: Sequence[str],
) -> Iterator[str]:
    node, place = subject.node, subject.place
    binds = []
    if plain:
        binds.append(f"bind {place.at()}")
        draft.listens.append((place.host, place.http))
    if secure and node.mode.to_clients:
        file = f"{subject.name}.pem"
        draft.certificates[file] = tuple(secure)
        version = f"ssl-min-ver TLSv{node.tls_version} ssl-max-ver TLSv{node.tls_version}"
        early = " allow-0rtt" if node.early_data else ""
        binds.append(f"bind {place.at(tls=True)} ssl crt {file} alpn http/1.1 {version}{early}")
        draft.listens.append((place.host, place.https))
    frontend = [
        *binds,
        f"acl served req.hdr(host),host_only,lower -m str {' '.join([*plain, *secure])}",
        f"{MISDIRECTED} unless served",
        *_who_asks(subject, draft),
        *_limits(subject, draft),
        "default_backend servers",
    ]
    yield from _section("frontend clients", frontend)
    if node.rate_limit is not None:
        yield from _section("backend rates", [_table(subject)])
    yield from _section("backend servers", _backend(subject, draft, members))
    if haproxy_keeps(subject):
        yield from _section("cache kept", haproxy_cache(subject, draft))


def _who_asks(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    """What is believed, and what is told, of clients."""
    node = subject.node
    yield "http-request set-var(txn.hop) src"
    trusted = node.trusted
    if trusted is not None and trusted.field == "forwarded":
        draft.lacks("HAProxy 2.6 does not read Forwarded: nobody is believed about clients.")
    elif trusted is not None:
        networks = [
            network for each in trusted.addresses or () for network in subject.networks(each)
        ]
        hops = trusted.hops or FURTHEST
        if trusted.hops is None:
            draft.differs(f"No more than {FURTHEST} trusted proxies are followed.")
        for hop in range(1, hops + 1):
            told = f"req.hdr_ip(x-forwarded-for,-{hop})"
            believed = f" {{ src {' '.join(networks)} }}" if networks else ""
            yield f"http-request set-src {told} if {{ {told} -m found }}{believed}"
    fields = node.forwarded or "x-forwarded-for"
    if fields in ("x-forwarded-for", "both"):
        yield "http-request add-header X-Forwarded-For %[var(txn.hop)]"
        yield "http-request set-header X-Forwarded-Proto https if { ssl_fc }"
        yield "http-request set-header X-Forwarded-Proto http unless { ssl_fc }"
        yield "http-request set-header X-Forwarded-Host %[req.hdr(host),host_only]"
    else:
        for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"):
            yield f"http-request del-header {name}"
    yield "http-request del-header X-Forwarded-Port"
    if fields in ("forwarded", "both"):
        for scheme, condition in (("https", "if"), ("http", "unless")):
            yield (
                "http-request add-header Forwarded"
                f" for=%[var(txn.hop)];host=%[req.hdr(host),host_only];proto={scheme}"
                f" {condition} {{ ssl_fc }}"
            )
        draft.differs("In Forwarded, addresses of IPv6 stand without quotes and brackets.")
    else:
        yield "http-request del-header Forwarded"
    yield f'http-request add-header Via "1.1 {subject.name}"'


def _limits(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    node = subject.node
    if (rate := node.rate_limit) is not None:
        by, fetch = ("0", "src") if rate.by == "client" else ("0", "int(1)")
        period = _period(subject)
        most = max(rate.burst, round(rate.rate * period))
        yield f"http-request track-sc{by} {fetch} table rates"
        yield f"http-request deny deny_status 429 if {{ sc_http_req_rate({by}) gt {most} }}"
        draft.differs(
            f"HAProxy has no token bucket: who has made more than {most} requests in {period} s is"
            " refused."
        )
    shedding = node.shedding
    if shedding is not None and shedding.in_flight is not None:
        yield f"http-request deny deny_status 503 if {{ be_conn(servers) ge {shedding.in_flight} }}"
        draft.differs(
            "Shedding counts the requests at and for the servers, not those from a cache."
        )
        if shedding.first:
            draft.lacks("HAProxy keeps no part of a limit for some sites (shedding.first).")
    if shedding is not None and shedding.queue_delay is not None:
        draft.lacks("HAProxy does not shorten the queue in lasting overload (queue_delay).")
    if node.limits.proxy is not None:
        draft.lacks(
            "HAProxy queues for servers, not for a place in the proxy (limits.proxy): as many as"
            " come are passed on."
        )


def _period(subject: Subject[ReverseProxy]) -> int:
    """Seconds in which an empty bucket fills: as many requests as it holds may come in them."""
    rate = subject.node.rate_limit
    assert rate is not None
    return max(1, round(rate.burst / rate.rate))


def _table(subject: Subject[ReverseProxy]) -> str:
    rate = subject.node.rate_limit
    assert rate is not None
    kind = "ipv6" if rate.by == "client" else "integer"
    period = _period(subject)
    return f"stick-table type {kind} size 100k expire {10 * period}s store http_req_rate({period}s)"


def _backend(
    subject: Subject[ReverseProxy], draft: Draft, members: Sequence[Member]
) -> Iterator[str]:
    node = subject.node
    method = method_of(node.balancer, members, draft, stream=False)
    yield from method.lines
    yield from _retries(subject, draft)
    yield from _checks(subject, draft)
    if haproxy_keeps(subject):
        yield "filter cache kept"
        yield "http-request cache-use kept"
        yield "http-response cache-store kept"
    yield from _compression(subject, draft)
    if node.hide is not False:
        hidden = hidden_fields(subject, draft)
        yield from (f"http-response del-header {name}" for name in hidden)
        pattern = servers_in_locations(subject)
        yield f"http-response replace-header Location '{pattern}' '/\\1'"
        draft.differs("Cookies for a domain of the servers' keep it.")
    yield from _servers(subject, draft, members, method, tls=node.mode.to_backends)


def _servers(
    subject: Subject[ReverseProxy],
    draft: Draft,
    members: Sequence[Member],
    method: Method,
    *,
    tls: bool,
) -> Iterator[str]:
    node = subject.node
    weights, exact = whole_weights([member.weight for member in members], HEAVIEST)
    if method.weighted and not exact:
        draft.differs(f"Weights are rounded to whole numbers of at most {HEAVIEST}.")
    room, common = node.limits.backend, _trouble(subject, draft)
    if tls and node.mode.reads:
        common += " ssl sni req.hdr(host),host_only"
        if subject.places.authority is not None:
            common += f" verify required ca-file {subject.places.authority}"
        else:
            common += " verify none"
            draft.differs("Servers' certificates are not verified: no authority is known.")
    for member, weight in zip(members, weights, strict=True):
        parts = [f"server {member.name} {member.place.at(tls=tls)}"]
        if method.weighted or member.weight == 0:
            parts.append(f"weight {weight}")
        more = method.servers.get(member.name, "")
        if room is not None and "maxconn" not in more:
            parts.append(f"maxconn {room.in_flight}")
            if room.queue == 0:
                draft.differs("HAProxy has no empty queue: one request waits for a full server.")
            if room.queue is not None:
                parts.append(f"maxqueue {max(1, room.queue)}")
        yield " ".join(part for part in (*parts, more, common.strip()) if part)


def _trouble(subject: Subject[ReverseProxy], draft: Draft) -> str:
    """How servers are watched, for the line of each."""
    health = subject.node.health
    active, passive = health.active, health.passive
    said = ""
    if active is not None:
        said += (
            f" check inter {milliseconds(active.interval)} rise {active.rise} fall {active.fall}"
        )
    elif passive is not None:
        said += f" check inter {milliseconds(passive.for_)} rise 1 fall 1000000"
    if passive is not None:
        said += f" observe layer7 error-limit {passive.failures} on-error mark-down"
        draft.differs(
            "A server that is left out for its failures comes back when probes succeed, the first"
            f" {passive.for_:g} s later, not by itself; for that HAProxy probes servers."
            if active is None
            else "A server that is left out for its failures comes back when probes succeed."
        )
    if health.slow_start is not None:
        said += f" slowstart {max(1, round(health.slow_start))}s"
        if not said.startswith(" check"):
            draft.differs("Without checks no server ever comes back slowly.")
    return said


def _retries(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    retry = subject.node.retry
    if retry is None or retry.attempts == 1:
        yield "retries 0"
        return
    words = {"connect": "conn-failure", "reset": "empty-response", "timeout": "response-timeout"}
    reasons = [word for reason, word in words.items() if reason in retry.reasons]
    statuses = sorted(reason for reason in retry.reasons if isinstance(reason, int))
    reasons += [str(status) for status in statuses if status in STATUSES]
    if lacking := [str(status) for status in statuses if status not in STATUSES]:
        draft.lacks(f"HAProxy sends nothing again after a status of {', '.join(lacking[:4])}...")
    if "reset" in retry.reasons:
        draft.differs("An answer that breaks off in its head is not asked for again.")
    yield f"retries {retry.attempts - 1}"
    yield "option redispatch 1"
    yield f"retry-on {' '.join(reasons)}"
    yield "http-request disable-l7-retry unless { method GET HEAD OPTIONS TRACE PUT DELETE }"
    if retry.budget < 1:
        draft.lacks(f"HAProxy has no budget of retries ({retry.budget:.0%}).")
    if retry.backoff is not None:
        draft.lacks("HAProxy sends again at once: there is no back-off.")


def _checks(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    active = subject.node.health.active
    if active is None:
        return
    host = subject.node.sites[0]
    expected = ",".join(active.expect)
    yield "option httpchk"
    path = re.sub(r"""([\\'"#$])""", r"\\\1", active.path)
    yield f"http-check send meth GET uri {path} ver HTTP/1.1 hdr Host {host}"
    yield f"http-check expect status {expected}"
    yield f"timeout check {milliseconds(active.timeout)}"
    if active.first != "up":
        draft.lacks("HAProxy takes servers to be up before the first probe (health.active.first).")


def _compression(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    wanted = subject.node.compression
    if wanted is None or not wanted.codings:
        return
    if lacking := [coding for coding in wanted.codings if coding != "gzip"]:
        draft.lacks(f"HAProxy does not code {' and '.join(lacking)}.")
    if "gzip" not in wanted.codings:
        return
    draft.lacks(f"HAProxy 2.6 compresses answers of any length (min_size: {wanted.min_size}).")
    draft.lacks(f"HAProxy codes at its own level, not at {wanted.level.get('gzip', 6)}.")
    yield "filter compression"
    yield "compression algo gzip"
    types = wanted.types or ["text/", "application/javascript", "application/json",
                             "application/xml", "image/svg+xml"]  # fmt: skip
    yield f"compression type {' '.join(each.removesuffix('*') for each in types)}"
    draft.differs("A type stands for all that begin with it.")


# mode tcp: what is passed through.


def _passed_through(
    subject: Subject[ReverseProxy], draft: Draft, members: Sequence[Member], secure: Sequence[str]
) -> Iterator[str]:
    node, place = subject.node, subject.place
    draft.listens.append((place.host, place.https))
    yield from _section(
        "frontend passing",
        [
            "mode tcp",
            f"bind {place.at(tls=True)}",
            "tcp-request inspect-delay 10s",
            "tcp-request content accept if { req.ssl_hello_type 1 }",
            f"use_backend passed_on if {{ req.ssl_sni -i -m str {' '.join(secure)} }}",
        ],
    )
    method = method_of(node.balancer, members, draft, stream=True)
    lines = ["mode tcp", "retries 0", *method.lines]
    health = node.health
    if health.passive is not None or health.active is not None:
        draft.lacks("Servers are not watched where TLS is passed through (health).")
        node = node.model_copy(update={"health": type(health)()})
        subject = Subject(subject.scenario, subject.name, node, subject.places)
    yield from _section(
        "backend passed_on", [*lines, *_servers(subject, draft, members, method, tls=True)]
    )


def _tell_of_the_rest(subject: Subject[ReverseProxy], draft: Draft) -> None:
    """What HAProxy has nothing for."""
    lack_of_resilience(subject, draft, "HAProxy")


def _section(head: str, lines: Sequence[str] | Iterator[str]) -> list[str]:
    return [head, *(f"{IN}{line}" for line in lines), ""]
