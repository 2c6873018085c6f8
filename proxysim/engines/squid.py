"""A forward proxy as Squid, with what both kinds of proxy have in Squid.

Source: squid-cache.org, configuration directives of 5.7.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from proxysim.engines.caching import capacity, eviction, largest_of
from proxysim.engines.configuration import Configuration, Draft
from proxysim.engines.squid_filters import access_lists
from proxysim.engines.subject import Subject
from proxysim.policies.identity.forward import TELLING
from proxysim.scenario.nodes import ForwardProxy, ProxyBase, ReverseProxy
from proxysim.scenario.serving import members

__all__ = ["FILE", "export", "of_both_kinds", "seconds"]

FILE = "squid.conf"
#: Where Debian has the program that checks passwords.
CHECKER = "/usr/lib/squid/basic_ncsa_auth"
PASSWORDS = "passwords"
HOSTS = "hosts"
#: Objects up to 4 MB, as Squid has it.
LARGEST = 4_194_304


def export(subject: Subject[ForwardProxy]) -> Configuration:
    """The forward proxy of *subject* as Squid."""
    draft, node, place = Draft(), subject.node, subject.place
    draft.listens.append((place.host, place.http))
    requests, answers = access_lists(subject, draft)
    body = [
        f"http_port {place.at()}",
        *of_both_kinds(subject, draft),
        "",
        "# CONNECT is a list of Squid's own.",
        *_login(subject, draft),
        *_tunnels(node, sorted({443, *_tls_ports(subject, draft)})),
        *_trusted(subject, draft),
        "",
        *requests,
        "http_access allow all",
        *answers,
        "http_reply_access allow all",
        "",
        *_identity(subject, draft),
        *_upstream(subject, draft),
    ]
    head = [
        f"{subject.name} of the scenario {subject.scenario.name}, by proxysim export squid.",
        f"Run it where this file stands: squid -N -f {FILE}",
    ]
    return draft.finished("squid", subject.name, FILE, head, "\n".join(body))


def seconds(time: float) -> str:
    """A time as Squid writes it; at least one second."""
    return f"{max(1, round(time))} seconds"


def of_both_kinds(
    subject: Subject[ForwardProxy] | Subject[ReverseProxy], draft: Draft
) -> Iterator[str]:
    """What a forward and a reverse proxy have in common: places, times, the cache."""
    node, directory = subject.node, subject.places.directory
    yield f"visible_hostname {subject.name}"
    yield f"pid_filename {directory / 'squid.pid'}"
    yield f"cache_log {directory / 'cache.log'}"
    yield f"coredump_dir {directory}"
    if own := subject.place.own:
        yield f"tcp_outgoing_address {own}"
    if isinstance(node, ForwardProxy) and any(rule.log for rule in node.filters):
        # Rules that only log leave their notes here.
        yield "logformat noted %ts.%03tu %>a %>Hs %rm %ru %note"
        yield f"access_log stdio:{directory / 'access.log'} noted"
    else:
        yield "access_log none"
    yield "pinger_enable off"
    yield "max_filedescriptors 8192"
    yield "icp_port 0"
    yield "shutdown_lifetime 1 seconds"
    yield f"client_idle_pconn_timeout {seconds(node.keep_alive)}"
    yield f"server_idle_pconn_timeout {seconds(node.keep_alive)}"
    yield from _deadlines(node, draft)
    yield from _cache(subject, draft)
    if (node.cores or 1) > 1:
        draft.differs(f"One process does the work, not {node.cores}: workers share no memory here.")
    for given, what in (
        (node.rate_limit, "bounds bytes, not requests, of who asks too often (rate_limit)"),
        (node.limits.proxy, "queues no requests for a place in the proxy (limits.proxy)"),
        (node.shedding, "turns nobody away for load (shedding)"),
    ):
        if given is not None:
            draft.lacks(f"Squid {what}.")


def _deadlines(node: ProxyBase, draft: Draft) -> Iterator[str]:
    deadlines = node.deadlines
    yield f"connect_timeout {'1 day' if deadlines.connect is None else seconds(deadlines.connect)}"
    if deadlines.first_byte is None:
        yield "read_timeout 1 day"
    else:
        yield f"read_timeout {seconds(deadlines.first_byte)}"
        draft.differs("read_timeout bounds every silence of a server, not the first alone.")
    if deadlines.total is not None:
        yield f"forward_timeout {seconds(deadlines.total)}"
        draft.differs("forward_timeout bounds how long a server is looked for, not its answer.")
    times = (deadlines.connect, deadlines.first_byte, deadlines.total, node.keep_alive)
    if any(time is not None and time != max(1, round(time)) for time in times):
        draft.differs("Squid knows whole seconds: times are rounded, and one at the least.")


def _cache(subject: Subject[ForwardProxy] | Subject[ReverseProxy], draft: Draft) -> Iterator[str]:
    cache = subject.node.cache
    for name in ("X-Cache", "X-Cache-Lookup"):
        yield f"reply_header_access {name} deny all"
    if cache is None or not cache.status:
        yield "reply_header_access Cache-Status deny all"
    if cache is None or cache.capacity == 0:
        yield "cache deny all"
        return
    yield f"cache_mem {capacity(cache, 'Squid', draft)} bytes"
    yield f"memory_replacement_policy {eviction(cache, 'Squid', draft)}"
    largest = largest_of(cache, "Squid", draft)
    if largest is None:
        largest = LARGEST
        draft.differs("Without cache.max_object Squid keeps answers up to 4 MB.")
    yield f"maximum_object_size {largest} bytes"
    yield f"maximum_object_size_in_memory {largest} bytes"
    yield f"collapsed_forwarding {'on' if cache.collapse else 'off'}"
    yield f"max_stale {seconds(cache.stale_if_error) if cache.stale_if_error else '0 seconds'}"
    yield f"negative_ttl {seconds(cache.negative_ttl) if cache.negative_ttl else '0 seconds'}"
    heuristic = cache.heuristic
    limit = max(1, round(heuristic.limit / 60))
    yield f"refresh_pattern . 0 {round(100 * heuristic.share)}% {limit}"
    if cache.collapse and cache.hit_for_miss:
        draft.lacks(
            "Squid does not remember what it could not keep: concurrent requests for it wait for"
            " the first of them, each time (cache.hit_for_miss)."
        )
    if cache.stale_while_revalidate:
        draft.lacks("Squid 5 gives out nothing stale while it asks anew (stale_while_revalidate).")
    draft.differs("Squid counts the memory of an answer in pages of 4 kB: fewer of them fit.")


def _login(subject: Subject[ForwardProxy], draft: Draft) -> Iterator[str]:
    login = subject.node.authentication
    if login is None:
        return
    lines = []
    for name, user in login.users.items():
        if user.password.startswith("pbkdf2_"):
            draft.lacks(
                f"Squid's own program cannot check PBKDF2: give {name} a password in {PASSWORDS},"
                " by htpasswd."
            )
        else:
            digest = hashlib.md5(user.password.encode(), usedforsecurity=False).hexdigest()
            lines.append(f"{name}:{digest}\n")
    draft.files[PASSWORDS] = "".join(lines)
    draft.differs(
        f"Passwords stand in {PASSWORDS} as MD5 without salt, which is no protection: make that"
        " file anew with htpasswd where they are worth something."
    )
    yield f"auth_param basic program {CHECKER} {subject.places.directory / PASSWORDS}"
    yield f"auth_param basic realm {login.realm}"
    yield "acl logged_in proxy_auth REQUIRED"
    yield "http_access deny !logged_in"


def _tunnels(node: ForwardProxy, ports: Sequence[int]) -> Iterator[str]:
    if node.tunnels:
        yield f"acl tunnel_ports port {' '.join(map(str, ports))}"
        yield "http_access deny CONNECT !tunnel_ports"
    else:
        yield "http_access deny CONNECT"


def _trusted(subject: Subject[ForwardProxy], draft: Draft) -> Iterator[str]:
    trusted = subject.node.trusted
    if trusted is None:
        return
    if trusted.field == "forwarded":
        draft.lacks("Squid does not read Forwarded: nobody is believed about clients.")
        return
    if trusted.addresses is None:
        draft.lacks(
            f"Squid does not count trusted proxies (hops: {trusted.hops}): nobody is believed."
        )
        return
    if trusted.hops is not None:
        draft.lacks(f"Squid does not count trusted proxies (hops: {trusted.hops}).")
    networks = [network for each in trusted.addresses for network in subject.networks(each)]
    yield f"acl believed src {' '.join(networks)}"
    yield "follow_x_forwarded_for allow believed"
    yield "acl_uses_indirect_client on"


def _identity(subject: Subject[ForwardProxy], draft: Draft) -> Iterator[str]:
    node = subject.node
    usual = "x-forwarded-for" if node.identity == "transparent" else "none"
    fields = node.forwarded or usual
    if fields in ("forwarded", "both"):
        draft.lacks("Squid does not write Forwarded.")
    if fields in ("x-forwarded-for", "both"):
        yield f"forwarded_for {'on' if node.identity == 'transparent' else 'off'}"
    else:
        yield "forwarded_for delete"
    if node.identity != "transparent":
        hidden = TELLING - ({"x-forwarded-for"} if fields in ("x-forwarded-for", "both") else set())
        yield from (f"request_header_access {name} deny all" for name in sorted(hidden))
    if node.identity == "elite":
        yield "via off"
        yield "reply_header_access Via deny all"
        yield "httpd_suppress_version_string on"


def _upstream(subject: Subject[ForwardProxy], draft: Draft) -> Iterator[str]:
    """Where everything goes: through a further proxy, or to the fronts of the sites."""
    node, document = subject.node, subject.scenario.document
    if node.dns is not None:
        yield f"positive_dns_ttl {seconds(node.dns.ttl)}"
    if node.limits.backend is not None:
        draft.lacks("Squid queues no requests for servers that are full (limits.backend).")
    room = "" if node.limits.backend is None else f" max-conn={node.limits.backend.in_flight}"
    if node.through is not None:
        place = subject.places[node.through]
        yield (
            f"cache_peer {place.host} parent {place.http} 0 no-query default"
            f" name={node.through}{room}"
        )
        yield "never_direct allow all"
        return
    yield ""
    yield "# In place of DNS: where the scenario's sites are. Without these lines it asks DNS."
    hosts = []
    for number, site in enumerate(document.sites):
        fronts = _fronts(subject, site)
        hosts.append(f"{subject.places[fronts[0]].host} {site}\n")
        yield f"acl site_{number} dstdomain -n {site}"
        for front in fronts:
            turns = "round-robin" if len(fronts) > 1 else "default"
            place, peer = subject.places[front], f"{front}_{number}"
            yield (
                f"cache_peer {place.host} parent {place.http} 0 no-query no-digest originserver"
                f" {turns} name={peer}{room}"
            )
            yield f"cache_peer_access {peer} allow site_{number} !CONNECT"
            yield f"cache_peer_access {peer} deny all"
        yield f"never_direct allow site_{number} !CONNECT"
        if node.tunnels and len(fronts) > 1:
            draft.lacks(f"Tunnels to {site} lead to {fronts[0]} alone.")
    draft.files[HOSTS] = "".join(hosts)
    yield f"hosts_file {subject.places.directory / HOSTS}"


def _fronts(subject: Subject[ForwardProxy], site: str) -> list[str]:
    """Those whom the name of *site* leads to, one by one."""
    nodes = subject.scenario.document.nodes
    return [
        member for front in subject.scenario.fronts(site) for member in members(front, nodes[front])
    ]


def _tls_ports(subject: Subject[ForwardProxy], draft: Draft) -> Iterator[int]:
    """The ports that tunnels lead to, where servers do not have the usual one."""
    if subject.node.through is not None or not subject.node.tunnels:
        return
    for site, said in subject.scenario.document.sites.items():
        port = subject.places[_fronts(subject, site)[0]].https
        if said.tls and port != 443:
            draft.differs(f"A tunnel leads to the port that it names: ask for {site}:{port}.")
            yield port
