"""Who really asks: what proxies before have said of it, and how far that can be trusted.

Each proxy on the way adds, at the right end of X-Forwarded-For or Forwarded, who it was asked by.
So the right end was written by the nearest proxy; whatever stands further left than the trusted
proxies reach is the client's to forge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from proxysim.errors import ScenarioError
from proxysim.messages import Request
from proxysim.policies.hosts import canonical
from proxysim.policies.memory import kept

__all__ = [
    "FIELDS",
    "Trusted",
    "client_of",
    "forwarded_element",
    "node_of",
    "parse_forwarded",
    "parse_forwarded_for",
]

#: The fields that tell of those before, as a scenario names them.
FIELDS = ("x-forwarded-for", "forwarded")

_REMEMBERED = 16384
#: Where only networks are trusted, more proxies than that are not followed.
_FURTHEST = 100
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = rf'{_TOKEN}=(?:{_TOKEN}|"(?:[^"\\]|\\.)*")'
_ELEMENT = rf"(?:{_PAIR})?(?:;(?:{_PAIR})?)*"
_PAIRS = re.compile(rf'({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")', re.DOTALL)
#: The last member of a list. What comes before may be broken, by whoever wrote that.
_LAST = re.compile(rf"(?:^|,)[ \t]*+({_ELEMENT})\Z", re.DOTALL)
_PORT = r"(?::(?:\d{1,5}|_[A-Za-z0-9._-]+))?\Z"
_BRACKETED = re.compile(rf"\[([0-9A-Fa-f:.]+)\]{_PORT}", re.ASCII)
_DOTTED = re.compile(rf"(\d+\.\d+\.\d+\.\d+){_PORT}", re.ASCII)
_OBFUSCATED = re.compile(r"_[A-Za-z0-9._-]+\Z", re.ASCII)


class Trusted:
    """Which proxies before this one are believed: the nearest *hops* of them, or those *networks*.

    A scenario calls the networks ``addresses``. With both, both must hold; with none, nobody is.
    *field* is the one that they write, and the only one that is read. The walk goes from the right:
    as long as the one who speaks is trusted, what it says of who asked it is believed. What is no
    address (``unknown``, an obfuscated name, junk) ends the walk, and the last one known is the
    client.

    O(hops believed); what is said of the last 16384 clients is remembered.

    Source: nginx ``set_real_ip_from`` with ``real_ip_recursive on``; Envoy
    ``xff_num_trusted_hops``; RFC 7239, section 8.1.
    """

    def __init__(
        self,
        hops: int | None = None,
        networks: Iterable[str] | None = None,
        field: str = "x-forwarded-for",
    ) -> None:
        if field not in FIELDS:
            raise ScenarioError(f"found {field!r} as a field", mend=f"Known: {', '.join(FIELDS)}")
        self.hops = hops
        self.networks = None if networks is None else [ip_network(text) for text in networks]
        self.field = field
        walk = partial(_walk, field, hops, self.networks)
        self._known = kept(_REMEMBERED)(walk)

    def client(self, request: Request) -> str:
        """The address that the client of *request* has, as far as that can be trusted."""
        said = request.headers.fields.get(self.field)
        return request.peer if said is None else self._known(said, request.peer)

    def unveiled(self, request: Request) -> Request:
        """*request* with its client as the peer, and as ``hop`` who it came from."""
        client = self.client(request)
        if client == request.peer:
            return request
        return request.with_peer(client, request.peer)


def client_of(request: Request, trusted: Trusted | int) -> str:
    """The address of the client of *request*, whatever it has forged; see :class:`Trusted`.

    A number is that of the nearest proxies whose X-Forwarded-For is believed.
    """
    return (_nearest(trusted) if isinstance(trusted, int) else trusted).client(request)


_nearest = lru_cache(128)(Trusted)


def parse_forwarded_for(text: str) -> tuple[str, ...]:
    """The addresses in an X-Forwarded-For, left to right, without ports; empty where none is."""
    return tuple(_from_right("x-forwarded-for", text))[::-1]


def parse_forwarded(text: str) -> tuple[Mapping[str, str], ...]:
    """The elements of a Forwarded, left to right: parameters in small letters, values unquoted.

    An element that breaks the grammar, or says a thing twice, says nothing; so does all that stands
    left of one. Source: RFC 7239, section 4.
    """
    return tuple(_elements_from_right(text))[::-1]


def forwarded_element(pairs: Mapping[str, str]) -> str:
    """One element of a Forwarded that says *pairs*, quoted where it must be."""
    return ";".join(f"{name}={_quoted(text)}" for name, text in pairs.items())


def node_of(address: str) -> str:
    """*address* as Forwarded writes a node: IPv6 in brackets, ``unknown`` for what is no address.

    A name that hides its bearer (``_gateway``) stays. Source: RFC 7239, section 6.
    """
    host = canonical(address)
    try:
        ip_address(host)
    except ValueError:
        return address if _OBFUSCATED.match(address) else "unknown"
    return f"[{host}]" if ":" in host else host


def _walk(
    field: str,
    hops: int | None,
    networks: Sequence[IPv4Network | IPv6Network] | None,
    said: str,
    peer: str,
) -> str:
    """Whom *peer*, and those whom it is believed about, were asked by."""
    if hops is None:
        hops = 0 if networks is None else _FURTHEST
    found = peer
    for address, _ in zip(_from_right(field, said), range(hops), strict=False):
        if not address or not (networks is None or _lies_in(networks, found)):
            break
        found = address
    return found


def _lies_in(networks: Sequence[IPv4Network | IPv6Network], host: str) -> bool:
    try:
        address = ip_address(canonical(host))
    except ValueError:
        return False
    return any(address in network for network in networks)


def _from_right(field: str, text: str) -> Iterator[str]:
    """The addresses that a field tells, the last first; empty where it is none."""
    if field == "forwarded":
        yield from (_address(element.get("for", "")) for element in _elements_from_right(text))
        return
    for member in reversed(text.split(",")):
        if stripped := member.strip(" \t"):
            yield _address(stripped)


def _elements_from_right(text: str) -> Iterator[Mapping[str, str]]:
    while text := text.rstrip(" \t,"):
        found = _LAST.search(text)
        if found is None:
            yield {}
            return
        text = text[: found.start()]
        pairs = _PAIRS.findall(found[1])
        if pairs:
            named = {name.lower(): token or _unescaped(quoted) for name, token, quoted in pairs}
            yield named if len(named) == len(pairs) else {}


def _address(node: str) -> str:
    """The address in ``192.0.2.1:80`` or ``[2001:db8::1]``, or alone; empty where it is none."""
    found = _BRACKETED.match(node) or _DOTTED.match(node)
    try:
        return str(ip_address(canonical(str(ip_address(found[1] if found else node)))))
    except ValueError:
        return ""


def _quoted(text: str) -> str:
    if re.fullmatch(_TOKEN, text):
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _unescaped(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
