"""What the steps of our own proxy cost on this machine: measured, for the simulator to reckon with.

Every figure is processor time of the proxy's process, not time on the clock: what else the machine
does hardly enters it. Requests come one at a time, so nothing is saved by doing several at once.
Rounds of all figures are interleaved, and medians told.
"""

from __future__ import annotations

import os
import platform
import ssl
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from proxysim.errors import RunError
from proxysim.loopback.calibrate_codings import PAGE, coded, levels
from proxysim.loopback.calibrate_stage import LARGE, SMALL, Asker, Stage, staged
from proxysim.sockets.coding import LEVELS

__all__ = ["Calibration", "Figure", "calibrate"]

#: Rounds, and most seconds that they may take before no other is begun.
FULL = (9, 15.0)
QUICK = (3, 2.0)
REQUESTS, HANDSHAKES, LARGE_ONES = 150, 30, 8
WARMING = 0.2
PACKAGES = ("proxysim", "httptools", "brotli", "zstandard", "cryptography")


@dataclass(frozen=True, slots=True)
class Figure:
    """What one step costs: seconds, or seconds a byte, in each round; and how that was found.

    ``ratio`` is how many times a coding makes a page smaller, 0 for what is no coding.
    """

    step: str
    how: str
    per_byte: bool
    rounds: tuple[float, ...]
    ratio: float = 0.0

    @property
    def value(self) -> float:
        """The median of the rounds; 0 where it is too little to be told from nothing."""
        return max(0.0, median(self.rounds))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What steps cost on a machine, and when, where and with what that was ``measured``.

    ``hurried``: the machine was too busy for all the rounds that were meant.
    """

    figures: tuple[Figure, ...]
    measured: Mapping[str, str]
    details: Mapping[str, float] = field(default_factory=dict)
    hurried: bool = False

    def costs(self) -> dict[str, Any]:
        """The steps as :func:`proxysim.costs.from_mapping` reads them, in seconds."""
        found: dict[str, Any] = {}
        codings: dict[str, dict[str, Any]] = {}
        for figure in self.figures:
            _, _, coding = figure.step.partition("compress ")
            if not coding:
                found[figure.step] = figure.value
                continue
            said = {"speed": figure.value, "ratio": max(1.0, figure.ratio)}
            codings[coding] = said
            name, _, level = coding.partition("-")
            if int(level) == LEVELS[name]:
                codings[name] = said
        return {**found, "compress": codings}

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "measured": dict(self.measured),
            "costs": self.costs(),
            "details": dict(self.details),
            "hurried": self.hurried,
            "figures": [
                {
                    "step": figure.step,
                    "value": figure.value,
                    "unit": "s/B" if figure.per_byte else "s",
                    "least": min(figure.rounds),
                    "most": max(figure.rounds),
                    "rounds": len(figure.rounds),
                    "ratio": figure.ratio or None,
                    "how": figure.how,
                }
                for figure in self.figures
            ],
        }

    def to_yaml(self) -> str:
        """The profile that ``proxysim run NAME --costs FILE`` reads, each figure with its story."""
        lines = [
            "# What steps cost on one machine, in processor time of one core, as measured there by",
            "# proxysim calibrate. For: proxysim run NAME --costs FILE",
            "measured:",
            *(f"  {name}: {_quoted(text)}" for name, text in self.measured.items()),
            "",
        ]
        codings = []
        for figure in self.figures:
            _, _, coding = figure.step.partition("compress ")
            if coding:
                codings.append(figure)
                continue
            lines += [f"# {figure.how}; {_spread(figure)}", f"{figure.step}: {_written(figure)}"]
        if codings:
            lines += ["", f"# {codings[0].how}", "compress:"]
        for figure in codings:
            coding = figure.step.removeprefix("compress ")
            name, _, level = coding.partition("-")
            said = f"{{speed: {_written(figure)}, ratio: {max(1.0, figure.ratio):.2f}}}"
            if int(level) == LEVELS[name]:
                lines.append(f"  {name}: {said}  # at its usual level")
            lines.append(f"  {coding}: {said}")
        return "\n".join(lines) + "\n"


def calibrate(
    *, quick: bool = False, progress: Callable[[float], None] | None = None
) -> Calibration:
    """Measure what steps cost here: some 20 seconds, or *quick* in some 4.

    *progress* is told the share done. Raises :class:`~proxysim.errors.RunError` where the loopback
    cannot be used.
    """
    try:
        return _calibrate(*(QUICK if quick else FULL), list(levels(every=not quick)), progress)
    except OSError as error:
        raise RunError(
            f"the proxies could not be asked on the loopback: {error}",
            mend="Try again; if it stays so, something here keeps 127.0.0.1 from being used.",
        ) from None


def _calibrate(
    rounds: int,
    seconds: float,
    asked: Sequence[tuple[str, int]],
    progress: Callable[[float], None] | None,
) -> Calibration:
    spent: list[dict[str, float]] = []
    codings: list[dict[str, tuple[float, float]]] = []
    with staged() as stage:
        clients = ssl.create_default_context(cadata=stage.authority.decode())
        _round(stage, clients, WARMING)  # code is loaded, caches are filled
        deadline = time.monotonic() + seconds
        while len(spent) < rounds and (not spent or time.monotonic() < deadline):
            spent.append(_round(stage, clients))
            codings.append({f"{coding}-{level}": coded(coding, level) for coding, level in asked})
            if progress is not None:
                progress(len(spent) / rounds)
        loop = stage.loop
    return Calibration(
        (*_figures(spent), *_coding_figures(codings)),
        {"date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", **_machine(), "loop": loop},
        {
            f"request_{kind}": median(each[kind] for each in spent)
            for kind in ("forward", "reverse")
        },
    )


def _round(stage: Stage, clients: ssl.SSLContext, share: float = 1.0) -> dict[str, float]:
    """Processor seconds of the proxies for each of the things that figures are made of.

    With *share* fewer of each are done.
    """
    ports = stage.ports
    found: dict[str, float] = {}

    def each(name: str, count: int, act: Callable[[], object]) -> None:
        count = max(1, round(share * count))
        before = stage.spent()
        for _ in range(count):
            act()
        found[name] = (stage.spent() - before) / count

    def kept(name: str, port: str, target: str, count: int, tls: bool = False) -> None:
        with Asker(ports[port], clients if tls else None) as asker:
            asker.get(target)
            each(name, count, partial(asker.get, target))

    kept("forward", "forward", "http://calibration.example/small", REQUESTS)
    kept("reverse", "reverse", "/small", REQUESTS)
    kept("hit", "cache", "/small", REQUESTS)
    kept("large hit", "cache", "/large", LARGE_ONES)
    kept("large hit over tls", "tls cache", "/large", LARGE_ONES, tls=True)
    kept("large", "reverse", "/large", LARGE_ONES)
    kept("large from tls", "reverse to tls", "/large", LARGE_ONES)
    kept("fresh", "reverse, fresh", "/small", HANDSHAKES)
    kept("fresh to tls", "reverse to tls, fresh", "/small", HANDSHAKES)
    each("greeting", HANDSHAKES, partial(_greet, ports["cache"]))
    each("full", HANDSHAKES, partial(_greet, ports["tls cache"], clients))
    session = _greet(ports["tls cache"], clients)
    each("resumed", HANDSHAKES, partial(_greet, ports["tls cache"], clients, session))
    return found


def _greet(
    port: int, tls: ssl.SSLContext | None = None, session: ssl.SSLSession | None = None
) -> Any:
    """Connect, ask for a stored page, and leave; the TLS session that could be resumed."""
    with Asker(port, tls, session) as asker:
        asker.get("/small")
        if session is not None and not asker.socket.session_reused:
            raise RunError("a TLS session is not resumed here, so what that costs is not known")
        return asker.socket.session if tls is not None else None


def _figures(spent: list[dict[str, float]]) -> list[Figure]:
    def figure(step: str, how: str, reckon: Callable[[dict[str, float]], float]) -> Figure:
        return Figure(step, how, step in ("encrypt", "decrypt"), tuple(map(reckon, spent)))

    kB, MB = SMALL // 1000, LARGE // 1_000_000  # noqa: N806 - as units are written
    return [
        figure(
            "request",
            f"An answer of {kB} kB passed on, on kept connections; the mean of a forward and a"
            " reverse proxy",
            lambda each: (each["forward"] + each["reverse"]) / 2,
        ),
        figure("hit", f"An answer of {kB} kB from the cache", lambda each: each["hit"]),
        figure(
            "tls_handshake",
            "A connection over TLS 1.3 accepted (ECDSA P-256), less one without TLS",
            lambda each: each["full"] - each["greeting"],
        ),
        figure(
            "tls_resumed",
            "The same, resumed by a ticket",
            lambda each: each["resumed"] - each["greeting"],
        ),
        figure(
            "tls_client",
            "A connection over TLS 1.3 opened to a server, less one without TLS",
            lambda each: each["fresh to tls"] - each["fresh"],
        ),
        figure(
            "encrypt",
            f"{MB} MB from the cache over TLS, less the same without",
            lambda each: (each["large hit over tls"] - each["large hit"]) / LARGE,
        ),
        figure(
            "decrypt",
            f"{MB} MB from a server over TLS, less the same without",
            lambda each: (each["large from tls"] - each["large"]) / LARGE,
        ),
    ]


def _coding_figures(codings: list[dict[str, tuple[float, float]]]) -> list[Figure]:
    how = f"{PAGE // 1000} kB of the text that origins on sockets hold, coded at once"
    return [
        Figure(f"compress {name}", how, True, tuple(each[name][0] for each in codings), ratio=ratio)
        for name, (_, ratio) in codings[0].items()
    ]


def _machine() -> dict[str, str]:
    found = {
        "machine": f"{_processor()}, {os.cpu_count()} processors",
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "openssl": ssl.OPENSSL_VERSION,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """What the machine calls its processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, text = line.partition(":")
            if name.strip() == "model name":
                return " ".join(text.split())
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _written(figure: Figure) -> str:
    if not figure.per_byte:
        return f"{figure.value * 1e6:.4g}us"
    return f"{1e-6 / figure.value:.4g}MB/s" if figure.value else "0"


def _spread(figure: Figure) -> str:
    """From the least to the most of the rounds."""
    ends = min(figure.rounds), max(figure.rounds)
    if figure.per_byte:
        low, high = (f"{each * 1e9:.3g}" for each in ends)
        return f"{low} to {high} ns a byte in {len(figure.rounds)} rounds"
    low, high = (f"{each * 1e6:.3g}" for each in ends)
    return f"{low} to {high} us in {len(figure.rounds)} rounds"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
