"""A reverse proxy as nginx: http for what it reads, stream for TLS that it passes through.

Source: nginx.org, the modules core, http, proxy, upstream, gzip, limit_req, limit_conn, realip,
ssl, stream, ssl_preread; as of 1.22.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proxysim.engines.caching import nginx_cache
from proxysim.engines.configuration import Configuration, Draft
from proxysim.engines.nginx_balancers import Method, method_of
from proxysim.engines.nginx_identity import forwarding_maps, identity, trusted
from proxysim.engines.subject import (
    Member,
    Subject,
    lack_of_resilience,
    milliseconds,
    per_minute,
    whole_weights,
)
from proxysim.policies.compression import TYPES
from proxysim.scenario.nodes import ReverseProxy

__all__ = ["FILE", "export"]

FILE = "nginx.conf"
STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
#: As long as nginx lets a connection take to open at all.
LONGEST_CONNECT = 75.0
FOREVER = "1d"
#: What nginx can pass on to the next server for, besides error and timeout.
STATUSES = frozenset({403, 404, 429, 500, 502, 503, 504})
IN = "    "


def export(subject: Subject[ReverseProxy]) -> Configuration:
    """The reverse proxy of *subject* as nginx."""
    draft, node = Draft(), subject.node
    members = subject.members()
    plain, secure = subject.sites(tls=False), subject.sites(tls=True)
    body = [
        f"worker_processes {node.cores or 1};",
        "pid nginx.pid;",
        "error_log error.log;",
        *_passthrough_module(node, secure),
        "events { worker_connections 4096; }",
        "",
    ]
    if plain or node.mode.reads:
        body += _block("http", _http(subject, draft, members, plain, secure))
    if secure and not node.mode.reads:
        body += _block("stream", _stream(subject, draft, members, secure))
    _tell_of_the_rest(subject, draft)
    head = [
        f"{subject.name} of the scenario {subject.scenario.name}, by proxysim export nginx.",
        f"Run it where this file stands: nginx -p . -c {FILE} -g 'daemon off;'",
    ]
    return draft.finished("nginx", subject.name, FILE, head, "\n".join(body))


def _passthrough_module(node: ReverseProxy, secure: Sequence[str]) -> list[str]:
    if node.mode.reads or not secure:
        return []
    return ["# Where Debian has stream; take this out where nginx has it built in.",
            f"load_module {STREAM};"]  # fmt: skip


# http: what is read.


def _http(
    subject: Subject[ReverseProxy],
    draft: Draft,
    members: Sequence[Member],
    plain: Sequence[str],
    secure: Sequence[str],
) -> Iterator[str]:
    node = subject.node
    yield "access_log off;"
    yield "server_tokens off;"
    yield "absolute_redirect off;"
    for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        yield f"{name}_temp_path {name}_temp;"
    yield f"keepalive_timeout {milliseconds(node.keep_alive)};"
    yield "keepalive_requests 1000000;"
    yield "client_max_body_size 0;"
    yield from trusted(subject, draft)
    yield from forwarding_maps(subject)
    limits = list(_limits(subject, draft))
    yield from (line for line, _ in limits if line)
    method = method_of(node.balancer, members, draft, stream=False)
    yield from method.maps
    tls = node.mode.to_backends
    yield from _block("upstream backends", _upstream(subject, draft, members, method, tls=tls))
    zone, caching = nginx_cache(subject, draft)
    yield from zone
    yield from _compression(subject, draft)
    inside = [*_proxying(subject, draft, tls), *caching, *(line for _, line in limits if line)]
    if plain:
        yield from _server(subject, plain, [f"listen {subject.place.at()}"], [], inside)
        draft.listens.append((subject.place.host, subject.place.http))
    if secure and node.mode.to_clients:
        yield from _server(
            subject,
            secure,
            [f"listen {subject.place.at(tls=True)} ssl"],
            _tls(subject, draft),
            inside,
        )
        draft.listens.append((subject.place.host, subject.place.https))


def _server(
    subject: Subject[ReverseProxy],
    sites: Sequence[str],
    listen: Sequence[str],
    tls: Sequence[str],
    inside: Sequence[str],
) -> Iterator[str]:
    """The server for *sites*, and one for hosts that are none of them."""
    yield ""
    yield from _block(
        "server", [f"{listen[0]} default_server;", *tls, 'return 421 "not served here\\n";']
    )
    location = _block("location /", [*inside, f"proxy_pass {_scheme(subject)}://backends;"])
    yield from _block(
        "server", [f"{listen[0]};", f"server_name {' '.join(sites)};", *tls, *location]
    )


def _scheme(subject: Subject[ReverseProxy]) -> str:
    return "https" if subject.node.mode.to_backends else "http"


def _upstream(
    subject: Subject[ReverseProxy],
    draft: Draft,
    members: Sequence[Member],
    method: Method,
    *,
    tls: bool,
) -> Iterator[str]:
    node = subject.node
    zone = "backends" if node.mode.reads or not tls else "passed_on"
    yield f"zone {zone} 256k;  # what is known of servers is known to all workers"
    yield from method.directives
    weights, exact = whole_weights([member.weight for member in members], 1000)
    if method.weighted and not exact:
        draft.differs("Weights are rounded to whole numbers.")
    passive = node.health.passive
    trouble = "max_fails=0"
    if passive is not None:
        trouble = f"max_fails={passive.failures} fail_timeout={max(1, round(passive.for_))}s"
        draft.differs(
            f"nginx counts {passive.failures} failures within fail_timeout, not in a row; what"
            " counts is what proxy_next_upstream names, and with one server nothing does."
        )
    room = node.limits.backend
    for member, weight in zip(members, weights, strict=True):
        parts = [f"server {member.place.at(tls=tls)}"]
        if member.weight == 0:
            parts.append("down")
        elif method.weighted and weight != 1:
            parts.append(f"weight={weight}")
        parts.append(trouble)
        if room is not None:
            parts.append(f"max_conns={room.in_flight}")
        if member.name in method.backup:
            parts.append("backup")
        yield f"{' '.join(parts)};  # {member.name}"
    if zone == "backends":
        yield from _kept(node)
    if room is not None and room.queue != 0:
        draft.lacks(
            "nginx queues no requests for servers that are full (limits.backend.queue), outside its"
            " commercial version: it turns them away."
        )


def _kept(node: ReverseProxy) -> Iterator[str]:
    yield "keepalive 64;"
    yield f"keepalive_timeout {milliseconds(node.keep_alive)};"
    yield "keepalive_requests 1000000;"


def _proxying(subject: Subject[ReverseProxy], draft: Draft, tls: bool) -> Iterator[str]:
    deadlines = subject.node.deadlines
    yield "proxy_http_version 1.1;"
    yield 'proxy_set_header Connection "";'
    yield "proxy_set_header Host $http_host;"
    yield from identity(subject, draft)
    yield from _own(subject)
    connect = LONGEST_CONNECT if deadlines.connect is None else deadlines.connect
    yield f"proxy_connect_timeout {milliseconds(min(connect, LONGEST_CONNECT))};"
    if deadlines.first_byte is None:
        yield f"proxy_read_timeout {FOREVER};"
    else:
        yield f"proxy_read_timeout {milliseconds(deadlines.first_byte)};"
        draft.differs("proxy_read_timeout bounds every silence of a server, not the first alone.")
    if deadlines.total is not None:
        yield f"proxy_next_upstream_timeout {milliseconds(deadlines.total)};"
        draft.differs(
            "After deadlines.total nginx begins no further try; one under way goes on, and servers"
            " are not told how long is left."
        )
    yield from _retries(subject, draft)
    if tls:
        yield "proxy_ssl_server_name on;"
        yield "proxy_ssl_session_reuse on;"
        if subject.places.authority is not None:
            yield "proxy_ssl_verify on;"
            yield f"proxy_ssl_trusted_certificate {subject.places.authority};"
            yield "proxy_ssl_name $host;"
        else:
            draft.differs("Servers' certificates are not verified: no authority is known.")


def _own(subject: Subject[ReverseProxy]) -> Iterator[str]:
    if own := subject.place.own:
        yield f"proxy_bind {own};  # so that servers can tell who asks"


def _retries(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    retry = subject.node.retry
    if retry is None or retry.attempts == 1:
        yield "proxy_next_upstream off;"
        return
    reasons = []
    if {"connect", "reset"} & retry.reasons:
        reasons.append("error")
        if not {"connect", "reset"} <= retry.reasons:
            draft.differs("For nginx no connection and one that breaks are both an error.")
    if "timeout" in retry.reasons:
        reasons.append("timeout")
    statuses = sorted(reason for reason in retry.reasons if isinstance(reason, int))
    reasons += [f"http_{status}" for status in statuses if status in STATUSES]
    if lacking := [str(status) for status in statuses if status not in STATUSES]:
        draft.lacks(f"nginx sends nothing again after a status of {_ranges(lacking)}.")
    yield f"proxy_next_upstream {' '.join(reasons) or 'off'};"
    yield f"proxy_next_upstream_tries {retry.attempts};"
    if retry.budget < 1:
        draft.lacks(f"nginx has no budget of retries ({retry.budget:.0%}).")
    if retry.backoff is not None:
        draft.lacks("nginx sends again at once: there is no back-off.")


def _ranges(statuses: Sequence[str]) -> str:
    return ", ".join(statuses) if len(statuses) <= 4 else f"{statuses[0]} ... {statuses[-1]}"


# Limits.


def _limits(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[tuple[str, str]]:
    """Limits: what stands in http, and what in a location."""
    node = subject.node
    if (rate := node.rate_limit) is not None:
        key = "$binary_remote_addr" if rate.by == "client" else '"all"'
        written, exact = per_minute(rate.rate)
        if not exact:
            draft.differs(f"The rate limit is rounded to {written}.")
        burst = f" burst={rate.burst - 1} nodelay" if rate.burst > 1 else ""
        yield (
            f"limit_req_zone {key} zone=rate:10m rate={written};",
            f"limit_req zone=rate{burst};",
        )
        yield "", "limit_req_status 429;"
    shedding = node.shedding
    if shedding is not None and shedding.in_flight is not None:
        yield (
            'limit_conn_zone "all" zone=under_way:1m;',
            f"limit_conn under_way {shedding.in_flight};",
        )
        yield "", "limit_conn_status 503;"
        if shedding.first:
            draft.lacks("nginx keeps no part of a limit for some sites (shedding.first).")
    if shedding is not None and shedding.queue_delay is not None:
        draft.lacks("nginx does not bound how long requests queue (shedding.queue_delay).")
    if node.limits.proxy is not None:
        draft.lacks(
            "nginx queues no requests for a place in the proxy (limits.proxy): as many as come are"
            " passed on."
        )


def _compression(subject: Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    wanted = subject.node.compression
    if wanted is None or not wanted.codings:
        return
    if lacking := [coding for coding in wanted.codings if coding != "gzip"]:
        draft.lacks(f"nginx codes {' and '.join(lacking)} with modules of others alone.")
    if "gzip" not in wanted.codings:
        return
    types = wanted.types
    if types is None:
        types = [
            *sorted(TYPES),
            "text/css",
            "text/csv",
            "text/javascript",
            "text/plain",
            "text/xml",
        ]
        draft.differs("nginx compresses the types listed, not all that is text.")
    elif any(each.endswith("/*") for each in types):
        draft.lacks("nginx knows no ranges of types such as text/*: those stay as they are.")
    named = [each for each in types if not each.endswith("/*") and each != "text/html"]
    if "text/html" not in types and wanted.types is not None:
        draft.differs("nginx always compresses text/html.")
    yield "gzip on;"
    yield f"gzip_comp_level {wanted.level.get('gzip', 6)};"
    yield f"gzip_min_length {wanted.min_size};"
    yield "gzip_proxied any;"
    yield "gzip_vary on;"
    if named:
        yield f"gzip_types {' '.join(named)};"


def _tls(subject: Subject[ReverseProxy], draft: Draft) -> list[str]:
    node = subject.node
    file = f"{subject.name}.pem"
    draft.certificates[file] = tuple(subject.sites(tls=True))
    lines = [
        f"ssl_certificate {file};",
        f"ssl_certificate_key {file};",
        f"ssl_protocols TLSv{node.tls_version};",
        "ssl_session_cache shared:sessions:10m;",
    ]
    return [*lines, "ssl_early_data on;"] if node.early_data else lines


# stream: what is passed through.


def _stream(
    subject: Subject[ReverseProxy], draft: Draft, members: Sequence[Member], secure: Sequence[str]
) -> Iterator[str]:
    node = subject.node
    method = method_of(node.balancer, members, draft, stream=True)
    yield "access_log off;"
    yield from method.maps
    yield from _block("upstream passed_on", _upstream(subject, draft, members, method, tls=True))
    yield from _block(
        "map $ssl_preread_server_name $whither",
        [*(f"{site} passed_on;" for site in secure), 'default "";'],
    )
    connect = LONGEST_CONNECT if node.deadlines.connect is None else node.deadlines.connect
    yield from _block(
        "server",
        [
            f"listen {subject.place.at(tls=True)};",
            "ssl_preread on;",
            f"proxy_connect_timeout {milliseconds(min(connect, LONGEST_CONNECT))};",
            "proxy_next_upstream off;",
            *_own(subject),
            "proxy_pass $whither;",
        ],
    )
    draft.listens.append((subject.place.host, subject.place.https))


def _tell_of_the_rest(subject: Subject[ReverseProxy], draft: Draft) -> None:
    """What nginx has nothing for."""
    lack_of_resilience(subject, draft, "nginx")
    health = subject.node.health
    if health.active is not None:
        draft.lacks("nginx probes no servers (health.active), outside its commercial version.")
    if health.slow_start is not None:
        draft.lacks("nginx brings servers back at once (health.slow_start).")


def _block(head: str, lines: Sequence[str] | Iterator[str]) -> list[str]:
    return [f"{head} {{", *(f"{IN}{line}" if line else "" for line in lines), "}"]
