"""What an export makes: a configuration, and in plain words what of the scenario is not in it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Configuration", "Draft"]

WIDTH = 98


@dataclass(frozen=True, slots=True)
class Configuration:
    """A proxy of a scenario as a real program's configuration.

    ``file`` holds ``text``; ``files`` stand beside it, and so do ``certificates``: PEM files with a
    chain and its key for the hosts given, to be supplied. ``listens`` are the addresses and ports.
    ``not_expressed`` says, a sentence each, what the program cannot do; ``differs`` what it does in
    its own way. Without ``text`` it can be nothing of the kind, and the sentences say why.
    """

    engine: str
    node: str
    file: str
    text: str
    files: Mapping[str, str] = field(default_factory=dict)
    certificates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    listens: Sequence[tuple[str, int]] = ()
    not_expressed: Sequence[str] = ()
    differs: Sequence[str] = ()

    def write(self, directory: Path) -> list[Path]:
        """Write the files, but for certificates, into *directory*; which they are. OSError."""
        directory.mkdir(parents=True, exist_ok=True)
        written = []
        for name, text in {self.file: self.text, **self.files}.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
        return written

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "engine": self.engine,
            "node": self.node,
            "file": self.file if self.text else None,
            "configuration": self.text or None,
            "files": dict(self.files),
            "certificates": {name: list(hosts) for name, hosts in self.certificates.items()},
            "listens": [f"{host}:{port}" for host, port in self.listens],
            "not_expressed": list(self.not_expressed),
            "differs": list(self.differs),
        }


class Draft:
    """A configuration that is being written: what goes with it, and what has to be said of it."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.certificates: dict[str, Sequence[str]] = {}
        self.listens: list[tuple[str, int]] = []
        self.not_expressed: list[str] = []
        self.differing: list[str] = []

    def lacks(self, sentence: str) -> None:
        """Say what the program cannot do."""
        if sentence not in self.not_expressed:
            self.not_expressed.append(sentence)

    def differs(self, sentence: str) -> None:
        """Say what the program does in its own way."""
        if sentence not in self.differing:
            self.differing.append(sentence)

    def finished(
        self, engine: str, node: str, file: str, head: Sequence[str], body: str
    ) -> Configuration:
        """The configuration of *body*, below *head* and all that is to be said, as comments."""
        lines = [f"# {line}" for line in head]
        for title, sentences in (
            ("Not expressed here:", self.not_expressed),
            ("Done otherwise:", self.differing),
        ):
            if sentences:
                lines += ["#", f"# {title}"]
                for sentence in sentences:
                    lines += textwrap.wrap(
                        sentence, WIDTH, initial_indent="#  - ", subsequent_indent="#    "
                    )
        text = "\n".join(lines) + "\n\n" + body.strip("\n") + "\n"
        return self._made(engine, node, file, text)

    def declined(self, engine: str, node: str) -> Configuration:
        """No configuration, and why."""
        return self._made(engine, node, "", "")

    def _made(self, engine: str, node: str, file: str, text: str) -> Configuration:
        return Configuration(
            engine,
            node,
            file,
            text,
            dict(self.files),
            dict(self.certificates),
            tuple(self.listens),
            tuple(self.not_expressed),
            tuple(self.differing),
        )
