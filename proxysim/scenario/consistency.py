"""What no field alone can get wrong: names that must exist, loops, sites that nobody serves.

Whether links carry everyone to whom they talk is seen when the network is built.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from proxysim.errors import did_you_mean
from proxysim.scenario.bounds import unbounded
from proxysim.scenario.document import Document, Event
from proxysim.scenario.fleets import unwatchable
from proxysim.scenario.mistakes import Mistake
from proxysim.scenario.nodes import Clients, ForwardProxy, Node, ReverseProxy, Server
from proxysim.scenario.serving import behind, fronts, group_of, member_of, members
from proxysim.scenario.yaml_reader import Path

__all__ = ["inconsistencies"]

N = TypeVar("N", Clients, ForwardProxy, ReverseProxy, Server)


def inconsistencies(document: Document) -> list[Mistake]:
    """The mistakes in *document* that take several of its parts to see."""
    misnamed = [*_sites(document), *_backends(document)]
    # A site whose server is misspelt is served by nobody; that is said once.
    unserved = [] if misnamed else _fronts(document)
    others = (_cast, _shares, _through, _tls, _links, _events, unwatchable, unbounded)
    return [*misnamed, *unserved, *(mistake for check in others for mistake in check(document))]


def _cast(document: Document) -> Iterator[Mistake]:
    """Somebody asks, and no two bear one name."""
    if not _of(document, Clients):
        yield Mistake(
            ("nodes",),
            "nobody asks for anything",
            "Add a node with kind: clients, such as"
            " visitors: {kind: clients, arrivals: {poisson: 40/s}}",
        )
    for name in document.nodes:
        if group := member_of(name, document):
            yield Mistake(
                ("nodes", name), f"this is also the name of a member of {group}", "Rename one."
            )


def _shares(document: Document) -> Iterator[Mistake]:
    given = [name for name, site in document.sites.items() if site.share is not None]
    if given and len(given) < len(document.sites):
        for name, site in document.sites.items():
            if site.share is None:
                yield Mistake(
                    ("sites", name, "share"),
                    f"is missing, while {given[0]} has one",
                    "Give every site a share, or none.",
                )
        return
    for name, node in _of(document, Clients).items():
        asked = [
            document.sites[site] for site in node.sites or document.sites if site in document.sites
        ]
        if asked and not any(site.share is None or site.share > 0 for site in asked):
            yield Mistake(
                ("nodes", name, "sites") if node.sites else ("sites",),
                f"all that {name} asks for has a share of 0",
                "Give one of the sites a share above 0.",
            )


def _sites(document: Document) -> Iterator[Mistake]:
    """Every site that a node names exists, and is named once."""
    for name, node in document.nodes.items():
        listed = getattr(node, "sites", None) or []
        for index, site in enumerate(listed):
            path: Path = ("nodes", name, "sites", index)
            if site not in document.sites:
                yield _no_site(path, site, document)
            elif site in listed[:index]:
                yield Mistake(path, f"{site} is listed twice", "Keep one of them.")
        if isinstance(node, ForwardProxy | ReverseProxy) and node.shedding is not None:
            for index, site in enumerate(node.shedding.first):
                path = ("nodes", name, "shedding", "first", index)
                if site not in document.sites:
                    yield _no_site(path, site, document)
                elif isinstance(node, ReverseProxy) and site not in node.sites:
                    yield Mistake(
                        path, f"{name} does not serve {site}", f"It serves: {', '.join(node.sites)}"
                    )
        replay = node.arrivals.replay if isinstance(node, Clients) else None
        if replay and replay.site is not None and replay.site not in document.sites:
            yield _no_site(("nodes", name, "arrivals", "replay", "site"), replay.site, document)


def _no_site(path: Path, site: str, document: Document) -> Mistake:
    return Mistake(path, f"no site is called {site!r}", did_you_mean(site, document.sites))


def _no_node(path: Path, name: str, document: Document) -> Mistake:
    return Mistake(path, f"no node is called {name!r}", did_you_mean(name, _names(document)))


def _through(document: Document) -> Iterator[Mistake]:
    """``through`` names forward proxies, and leads out in the end."""
    proxies = _of(document, ForwardProxy)
    for name, node in document.nodes.items():
        if isinstance(node, Clients | ForwardProxy) and node.through is not None:
            path = ("nodes", name, "through")
            if isinstance(node, Clients) and node.dns is not None:
                yield Mistake(
                    ("nodes", name, "dns"),
                    f"{name} leave names to {node.through}",
                    f"Take it out, or put it at nodes.{node.through}.dns.",
                )
            yield from _expected(document, path, node.through, proxies, "forward proxy")
    ways = {
        name: [node.through] if node.through in proxies else [] for name, node in proxies.items()
    }
    for loop in _loops(ways):
        yield Mistake(
            ("nodes", loop[0], "through"),
            f"a request would go round for ever: {' -> '.join([*loop, loop[0]])}",
            "Take one of these through away.",
        )


def _backends(document: Document) -> Iterator[Mistake]:
    """``backends`` names servers and reverse proxies, that can take what comes."""
    proxies = _of(document, ReverseProxy)
    possible: dict[str, Node] = {**proxies, **_of(document, Server)}
    for name, node in proxies.items():
        for index, backend in enumerate(node.backend_names):
            path: Path = ("nodes", name, "backends")
            if not isinstance(node.backends, str):
                path = (*path, index)
            if backend in node.backend_names[:index]:
                yield Mistake(path, f"{backend} is listed twice", "Give it a weight instead.")
            yield from _expected(document, path, backend, possible, "server or reverse proxy")
            if backend in proxies and backend != name:
                lacking = [site for site in node.sites if site not in proxies[backend].sites]
                if lacking:
                    yield Mistake(
                        path,
                        f"{backend} does not serve {lacking[0]}, which {name} would send it",
                        f"Add it to nodes.{backend}.sites.",
                    )
        weights = [_weights(document.nodes.get(backend)) for backend in node.backend_names]
        if all(weights) and not any(weight > 0 for group in weights for weight in group):
            yield Mistake(
                ("nodes", name, "backends"), "all have weight 0", "Give one of them some weight."
            )
    ways = {
        name: [backend for backend in node.backend_names if backend in proxies]
        for name, node in proxies.items()
    }
    for loop in _loops(ways):
        yield Mistake(
            ("nodes", loop[0], "backends"),
            f"a request would go round for ever: {' -> '.join([*loop, loop[0]])}",
            "Take one of these backends away.",
        )


def _tls(document: Document) -> Iterator[Mistake]:
    proxies = _of(document, ReverseProxy)
    # Behind a proxy that ends TLS everything is plain.
    plain = {
        backend
        for node in proxies.values()
        if node.tls == "terminate"
        for backend in node.backend_names
    }
    for name, node in proxies.items():
        known = [site for site in node.sites if site in document.sites]
        encrypted = [site for site in known if document.sites[site].tls]
        if node.tls == "none" and encrypted and name not in plain:
            yield Mistake(
                ("nodes", name, "tls"),
                f"found none, but {encrypted[0]} is a site with tls: true",
                "Choose terminate, passthrough or reencrypt, or make the site plain.",
            )
    for name, end in document.nodes.items():
        path = ("nodes", name, "early_data")
        if not isinstance(end, ReverseProxy | Server) or not end.early_data:
            continue
        if end.tls_version == "1.2":
            yield Mistake(path, "TLS 1.2 has no early data", "Take it out, or tls_version: 1.3.")
        elif isinstance(end, ReverseProxy) and not end.mode.to_clients:
            yield Mistake(
                path,
                f"with tls: {end.tls} it does not end TLS itself",
                "Set it at the servers that do, or choose terminate or reencrypt.",
            )


def _fronts(document: Document) -> Iterator[Mistake]:
    """Every site is served, and by one proxy, or by servers alone."""
    hidden = behind(document)
    for site in document.sites:
        found = fronts(document, site)
        if not found:
            yield Mistake(
                ("sites", site),
                "nobody serves it",
                "Add it to the sites of a server, or of a reverse proxy before servers.",
            )
            continue
        proxies = _of(document, ReverseProxy)
        if found[0] not in proxies:
            continue
        for name, node in document.nodes.items():
            claims = isinstance(node, ReverseProxy | Server) and site in node.sites
            if claims and name != found[0] and name not in hidden:
                yield Mistake(
                    ("nodes", name, "sites"),
                    f"{site} is already served by {found[0]}",
                    f"A site has one front: take it from one of the two, or put {name} among the"
                    f" backends of {found[0]}.",
                )


def _links(document: Document) -> Iterator[Mistake]:
    joined: dict[frozenset[str], int] = {}
    for index, link in enumerate(document.links or []):
        ends = frozenset(link.between)
        for number, end in enumerate(link.between):
            if end not in document.nodes:
                group = group_of(end, document)
                yield Mistake(
                    ("links", index, "between", number),
                    f"no node is called {end!r}",
                    f"Name the group, {group}: each member has such a wire."
                    if group
                    else did_you_mean(end, document.nodes),
                )
        if len(ends) == 1:
            yield Mistake(
                ("links", index, "between"),
                f"joins {link.between[0]} to itself",
                "Name two different nodes.",
            )
        elif ends in joined:
            yield Mistake(
                ("links", index, "between"),
                f"{' and '.join(link.between)} are already joined by link {joined[ends]}",
                "Keep one of the two.",
            )
        joined.setdefault(ends, index)


def _events(document: Document) -> Iterator[Mistake]:
    for index, event in enumerate(document.events):
        if event.node is not None:
            yield from _event_of_node(document, ("events", index), event, event.node)
        else:
            yield from _event_of_link(document, ("events", index), event.link or [])


def _event_of_node(document: Document, path: Path, event: Event, name: str) -> Iterator[Mistake]:
    group = group_of(name, document)
    if group is None:
        yield _no_node((*path, "node"), name, document)
        return
    node = document.nodes[group]
    if not isinstance(node, Server | ForwardProxy | ReverseProxy):
        yield Mistake(
            (*path, "node"),
            f"{name} is of kind {node.kind}, to which nothing can happen",
            "Name a server or a proxy.",
        )
    elif (event.drain_for or event.restart_for) is not None and group not in behind(document):
        what = "drain_for" if event.drain_for is not None else "restart_for"
        yield Mistake(
            (*path, what),
            f"{name} is no reverse proxy's backend, so there is nobody to be told",
            f"Backends: {', '.join(sorted(behind(document))) or 'none'}",
        )
    elif event.fail is not None and not isinstance(node, Server):
        yield Mistake(
            (*path, "fail"), f"{name} is a proxy", "Name a server: who fails so answers by itself."
        )
    elif event.flush and not (isinstance(node, ForwardProxy | ReverseProxy) and node.cache):
        with_cache = [
            other
            for other, proxy in document.nodes.items()
            if isinstance(proxy, ForwardProxy | ReverseProxy) and proxy.cache
        ]
        yield Mistake(
            (*path, "flush"),
            f"{name} has no cache",
            f"Nodes with a cache: {', '.join(with_cache) or 'none'}",
        )


def _event_of_link(document: Document, path: Path, ends: list[str]) -> Iterator[Mistake]:
    groups = [group_of(end, document) for end in ends]
    for number, (end, group) in enumerate(zip(ends, groups, strict=True)):
        if group is None:
            yield _no_node((*path, "link", number), end, document)
    if ends[0] == ends[1]:
        yield Mistake((*path, "link"), f"names {ends[0]} twice", "Name two different nodes.")
        return
    if None in groups or document.links is None:
        return
    if not any(set(link.between) == set(groups) for link in document.links):
        known = ", ".join(f"[{', '.join(link.between)}]" for link in document.links)
        yield Mistake(
            (*path, "link"), f"no link joins {' and '.join(ends)}", f"Links: {known or 'none'}"
        )


def _expected(
    document: Document, path: Path, name: str, possible: Mapping[str, Node], what: str
) -> Iterator[Mistake]:
    """A mistake unless *name* is among the *possible* nodes."""
    if name in possible:
        return
    if name in document.nodes:
        kind = document.nodes[name].kind
        known = ", ".join(sorted(possible)) or "none"
        yield Mistake(path, f"{name} is of kind {kind}, not a {what}", f"There are: {known}")
    elif group := group_of(name, document):
        yield Mistake(path, f"{name} is one member of {group}", f"Name the group, {group}.")
    else:
        yield Mistake(path, f"no {what} is called {name!r}", did_you_mean(name, possible))


def _loops(ways: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The loops along *ways*, each told once."""
    loops = []
    done: set[str] = set()
    for start in ways:
        trail = {start: iter(ways[start])} if start not in done else {}
        while trail:
            name, further = next(reversed(trail.items()))
            onward = next(further, None)
            if onward is None:
                done.add(name)
                del trail[name]
            elif onward in trail:
                loops.append([*trail][[*trail].index(onward) :])
            elif onward not in done:
                trail[onward] = iter(ways[onward])
    return loops


def _weights(node: Node | None) -> list[float]:
    if not isinstance(node, Server):
        return [1.0]
    return node.weight if isinstance(node.weight, list) else [node.weight]


def _of(document: Document, kind: type[N]) -> dict[str, N]:
    return {name: node for name, node in document.nodes.items() if isinstance(node, kind)}


def _names(document: Document) -> list[str]:
    """What an event may call a node: the groups, and the members of small ones."""
    names = list(document.nodes)
    for name, node in document.nodes.items():
        if isinstance(node, Server) and 1 < node.count <= 20:
            names += members(name, node)
    return names
