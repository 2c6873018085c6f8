"""What steps cost: processor seconds, and bytes on the wire. Values with their sources, no clock.

What a scenario does not mention costs nothing, so that a run without costs is a pure queueing
model. Times are processor seconds on one core.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from proxysim.errors import ScenarioError, did_you_mean
from proxysim.units import bandwidth, duration, size

__all__ = ["NOTHING", "PROFILES", "TYPICAL", "Coding", "Costs", "from_mapping"]


@dataclass(frozen=True, slots=True)
class Coding:
    """A content coding: processor seconds a byte of the content, and how many times it shrinks."""

    seconds_per_byte: float = 0.0
    ratio: float = 1.0


#: Codings at their levels, and without one at the usual level. Source: measured with zlib, brotli
#: and zstd on 64 kB of text, one x86-64 core.
_MEASURED = {
    "gzip": Coding(1 / 81e6, 5.1),
    "gzip-1": Coding(1 / 241e6, 4.0),
    "gzip-6": Coding(1 / 81e6, 5.1),
    "br": Coding(1 / 136e6, 4.9),
    "br-4": Coding(1 / 136e6, 4.9),
    "br-11": Coding(1 / 1e6, 6.1),
    "zstd": Coding(1 / 716e6, 4.5),
    "zstd-3": Coding(1 / 716e6, 4.5),
}
#: How many times text shrinks, in no time.
_RATIOS = {name: Coding(ratio=coding.ratio) for name, coding in _MEASURED.items()}


@dataclass(frozen=True, slots=True)
class Costs:
    """What each step of a request costs a node.

    Tasks of :meth:`work` are ``request`` (one that a proxy passes on, or a tunnel that it opens),
    ``hit`` (in its place, one that it answers itself), ``tls_full`` and ``tls_resumed`` (a
    handshake, on the side that accepts), ``tls_client`` (a full one, on the side that connects),
    ``encrypt`` and ``decrypt`` (each byte of a body that it sends or receives over TLS), and
    ``compress:CODING`` (each byte of the content).
    """

    request: float = 0.0
    hit: float = 0.0
    tls_handshake: float = 0.0
    tls_resumed: float = 0.0
    tls_client: float = 0.0
    encrypt: float = 0.0
    compress: Mapping[str, Coding] = field(default_factory=lambda: _RATIOS)
    request_head: int = 0
    response_head: int = 0
    decrypt: float = 0.0
    _each: dict[str, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        each = {
            "request": self.request,
            "hit": self.hit,
            "tls_full": self.tls_handshake,
            "tls_resumed": self.tls_resumed,
            "tls_client": self.tls_client,
            "encrypt": self.encrypt,
            "decrypt": self.decrypt,
        }
        for name, coding in self.compress.items():
            each[f"compress:{name}"] = coding.seconds_per_byte
        object.__setattr__(self, "_each", each)

    def work(self, task: str, size: float = 1.0) -> float:
        """Processor seconds that *task* takes for *size* bytes or items; KeyError for no task."""
        return self._each[task] * size

    def compressed(self, size: int, coding: str) -> int:
        """Bytes that are left of *size* bytes of text in *coding*; KeyError for no coding."""
        return math.ceil(size / self.compress[coding].ratio)


#: Every step is free.
NOTHING = Costs()

#: One core of an x86-64 server of today, rounded.
TYPICAL = Costs(
    # NGINX, "Testing the Performance of NGINX and NGINX Plus Web Servers": 74,000 answers of 1 kB a
    # second on one core. To answer one request and ask another is taken as twice that.
    request=27e-6,
    hit=13.5e-6,
    # `openssl speed` (OpenSSL 3.0, one x86-64 core): ECDSA P-256 16 us to sign and 45 us to
    # verify, X25519 26 us an operation. Accepting takes two of X25519 and a signature; resuming,
    # with a fresh exchange (psk_dhe_ke), two of X25519; connecting two of X25519 and, with a chain
    # of one issuer, two verifications.
    tls_handshake=70e-6,
    tls_resumed=52e-6,
    tls_client=140e-6,
    # The same, AES-128-GCM in records of 16 KiB: 5.0 GB/s, either way.
    encrypt=0.2e-9,
    decrypt=0.2e-9,
    compress=_MEASURED,
    # Assumed: a browser's request with a short cookie; an answer with the usual caching fields.
    request_head=500,
    response_head=400,
)

#: Scenario name -> costs.
PROFILES: dict[str, Costs] = {"nothing": NOTHING, "typical": TYPICAL}

_TIMES = ("request", "hit", "tls_handshake", "tls_resumed", "tls_client")
_HEADS = ("request_head", "response_head")
_BYTES = ("encrypt", "decrypt")
_KEYS = (*_TIMES, *_BYTES, "compress", *_HEADS)


def from_mapping(
    found: str | Mapping[str, Any], base: Costs = NOTHING, place: str = "costs"
) -> Costs:
    """The costs that a scenario writes: a profile's name, or steps that differ from *base*.

    Times as ``40us``; work on bytes as a speed, ``5GB/s``, or as a bare number of seconds a byte;
    heads as ``500B``; ``compress: {zstd: {speed: 700MB/s, ratio: 4.5}}``, or ``gzip-9`` for a
    level. The key ``profile`` names another base. Raises
    :class:`~proxysim.errors.ScenarioError` with the key under *place*.
    """
    if isinstance(found, str):
        return _profile(found, place)
    if not isinstance(found, Mapping):
        raise ScenarioError(
            f"found {found!r}",
            place=place,
            mend=f"Give {' or '.join(PROFILES)}, or steps: {_KEYS}.",
        )
    if "profile" in found:
        base = _profile(found["profile"], f"{place}.profile")
    changes: dict[str, Any] = {}
    for key, value in found.items():
        where = f"{place}.{key}"
        if key in _TIMES:
            changes[key] = _read(duration, value, where)
        elif key in _HEADS:
            changes[key] = _read(size, value, where)
        elif key in _BYTES:
            changes[key] = _per_byte(value, where)
        elif key == "compress":
            changes[key] = _codings(value, base.compress, where)
        elif key != "profile":
            raise ScenarioError(
                f"no step is called {key!r}", place=place, mend=did_you_mean(str(key), _KEYS)
            )
    return replace(base, **changes)


def _profile(name: object, place: str) -> Costs:
    if not isinstance(name, str) or name not in PROFILES:
        raise ScenarioError(
            f"no profile is called {name!r}", place=place, mend=did_you_mean(str(name), PROFILES)
        )
    return PROFILES[name]


def _codings(found: object, base: Mapping[str, Coding], place: str) -> dict[str, Coding]:
    if not isinstance(found, Mapping):
        raise ScenarioError(
            f"found {found!r}",
            place=place,
            mend="Give codings, {zstd: {speed: 700MB/s, ratio: 4.5}}.",
        )
    codings = dict(base)
    for name, parts in found.items():
        where = f"{place}.{name}"
        usual, _, level = str(name).partition("-")
        if name not in base and not (usual in base and level.isdecimal()):
            raise ScenarioError(
                f"no coding is called {name!r}", place=place, mend=did_you_mean(str(name), base)
            )
        if not isinstance(parts, Mapping):
            raise ScenarioError(f"found {parts!r}", place=where, mend="Give speed and ratio.")
        if name not in base and not {"speed", "ratio"} <= parts.keys():
            raise ScenarioError(
                "this level has no figures yet", place=where, mend="Give its speed and its ratio."
            )
        coding = codings.get(name, Coding())
        for key, value in parts.items():
            if key == "speed":
                coding = replace(coding, seconds_per_byte=_per_byte(value, f"{where}.speed"))
            elif key == "ratio":
                coding = replace(coding, ratio=_shrinks(value, f"{where}.ratio"))
            else:
                raise ScenarioError(
                    f"a coding has no {key!r}",
                    place=where,
                    mend=did_you_mean(str(key), ("speed", "ratio")),
                )
        codings[name] = coding
    return codings


def _per_byte(found: object, place: str) -> float:
    if isinstance(found, str):
        return 1 / float(_read(bandwidth, found, place))
    return float(_read(duration, found, place))


def _shrinks(found: object, place: str) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not 1 <= found <= 1000:
        raise ScenarioError(f"found {found!r}", place=place, mend="Give a number from 1 to 1000.")
    return float(found)


def _read(reader: Any, found: object, place: str) -> Any:
    try:
        return reader(found)
    except ScenarioError as error:
        raise ScenarioError(error.problem, place=place, mend=error.mend) from None
