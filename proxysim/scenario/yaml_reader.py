"""YAML into plain dicts and lists, with the line of every part, and without its traps.

Only what a scenario needs is read: mappings with text keys, sequences, text, numbers, true, false
and null, one document a file. ``yes``, ``on``, ``1:30``, ``010`` and dates stay text. Refused are
tags that build objects, aliases that recur or explode, doubled keys, and files past the limits.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from proxysim.errors import ScenarioError

__all__ = ["LARGEST", "MAX_BYTES", "MAX_DEPTH", "MAX_PARTS", "Path", "Source", "decode", "read"]

MAX_BYTES = 10_000_000
MAX_PARTS = 100_000
MAX_DEPTH = 40
#: What tables and random streams can hold: 64 bits.
LARGEST = 2**63

WRITTEN = "Write out what the alias stands for."

Path = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_SCALARS = {
    "null": re.compile(r"(?:~|null|Null|NULL|)\Z"),
    "bool": re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"),
    "int": re.compile(r"[-+]?(?:0|[1-9][0-9_]{0,30})\Z"),
    "float": re.compile(
        r"[-+]?(?:(?:0|[1-9][0-9_]*)(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?\Z"
        r"|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z"
    ),
    "merge": re.compile(r"<<\Z"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """What a file said: its ``tree``, and the line (from 1) on which each part begins."""

    tree: dict[str, Any]
    place: str
    lines: dict[Path, int] = field(default_factory=dict)

    def at(self, path: Path) -> str:
        """``file:line`` of *path*, or of the nearest part around it; the file where unknown."""
        for length in range(len(path), -1, -1):
            if (line := self.lines.get(path[:length])) is not None:
                return f"{self.place}:{line}"
        return self.place


def decode(content: bytes, place: str) -> str:
    """The text of a file. Raises ScenarioError unless it is UTF-8 and of bearable size."""
    if len(content) > MAX_BYTES:
        raise ScenarioError(
            f"the file has {len(content) / 1e6:.0f} MB",
            place=place,
            mend=f"A scenario has at most {MAX_BYTES / 1e6:.0f} MB; is it the right file?",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ScenarioError(
            f"byte {content[error.start]:#04x} is not UTF-8 text",
            place=f"{place}:{line}",
            mend="Save the file as UTF-8.",
        ) from None


def read(text: str, place: str) -> Source:
    """The mapping that *text* holds. Raises ScenarioError, naming ``place:line``."""
    value, lines = _Reading(place).document(text)
    if value is None:
        raise ScenarioError("the file is empty", place=place, mend="It must begin: proxysim: 1")
    if not isinstance(value, dict):
        found = "a list" if isinstance(value, list) else f"the text {value!r}"[:60]
        raise ScenarioError(
            f"found {found} where the scenario should be",
            place=f"{place}:{lines.get((), 1)}",
            mend="A scenario is a mapping of keys to values; it begins: proxysim: 1",
        )
    return Source(value, place, lines)


def read_value(text: str, place: str) -> Any:
    """The value that *text* holds, whatever its kind. Raises ScenarioError."""
    return _Reading(place).document(text)[0]


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML's parts up to the tree of nodes; no constructor, so that nothing can be built."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self.parts = 0
        self.depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.parts += 1
        self.depth += 1
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self.parts > MAX_PARTS:
            raise _TooMuchError(f"it has more than {MAX_PARTS:,} parts", mark.line + 1)
        if self.depth > MAX_DEPTH:
            raise _TooMuchError(f"it is nested more than {MAX_DEPTH} deep", mark.line + 1)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _name, _pattern in _SCALARS.items():
    _Loader.add_implicit_resolver(_TAG + _name, _pattern, None)


class _TooMuchError(Exception):
    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


class _Reading:
    """One text being read: the lines found so far, and how much the aliases have unfolded."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.lines: dict[Path, int] = {}
        self.parts = 0

    def document(self, text: str) -> tuple[Any, dict[Path, int]]:
        try:
            root = _Loader(text).get_single_node()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            problem, mend = _explained(error, text, line)
            self.refuse(line, problem, mend)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            character = error.character if isinstance(error.character, int) else 0
            self.refuse(line, f"the character U+{character:04X} is not allowed", "Take it out.")
        except _TooMuchError as error:
            self.refuse(error.line, f"{error.problem}: no scenario needs that", "")
        if root is None:
            return None, self.lines
        self.lines[()] = root.start_mark.line + 1
        return self.value(root, ()), self.lines

    def value(self, node: Node, path: Path) -> Any:
        self.parts += 1
        line = node.start_mark.line + 1
        if self.parts > MAX_PARTS:
            self.refuse(line, f"its aliases unfold into more than {MAX_PARTS:,} parts", WRITTEN)
        if len(path) > MAX_DEPTH:
            self.refuse(line, "it holds itself through an alias, or is nested too deep", WRITTEN)
        if isinstance(node, ScalarNode):
            return self.scalar(node, line)
        self.expect_tag(node, line)
        if isinstance(node, SequenceNode):
            found = []
            for index, item in enumerate(node.value):
                self.lines.setdefault((*path, index), item.start_mark.line + 1)
                found.append(self.value(item, (*path, index)))
            return found
        assert isinstance(node, MappingNode)
        return self.mapping(node, path)

    def mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: list[tuple[str, Any]] = []
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self.refuse(
                    line,
                    "found a list or mapping as a key",
                    "A key is plain text; {{...}} of a template must be filled in first.",
                )
            if key_node.tag == _TAG + "merge":
                merged += self.merged(value_node, path)
                continue
            key = key_node.value
            if key in first:
                doubled = ".".join(map(str, (*path, key)))
                where = f"{doubled} is given twice, first in line {first[key]}"
                self.refuse(line, where, "Keep one of them.")
            first[key] = line
            self.lines[*path, key] = line
            found[key] = self.value(value_node, (*path, key))
        for key, value in merged:
            found.setdefault(key, value)
        return found

    def merged(self, node: Node, path: Path) -> Iterator[tuple[str, Any]]:
        """The entries that ``<<`` brings in; the first of several mappings wins."""
        for part in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(part, MappingNode):
                self.refuse(
                    node.start_mark.line + 1, "<< takes a mapping, or a list of them", WRITTEN
                )
            if len(path) > MAX_DEPTH:
                self.refuse(part.start_mark.line + 1, "<< merges a mapping into itself", WRITTEN)
            yield from self.mapping(part, (*path, "<<")).items()

    def scalar(self, node: ScalarNode, line: int) -> Hashable:
        kind = node.tag.removeprefix(_TAG)
        text = node.value
        if kind == "str" or kind == "merge" or node.tag == "!":
            return str(text)
        if kind not in _SCALARS or not _SCALARS[kind].match(text):
            self.expect_tag(node, line)
        match kind:
            case "null":
                return None
            case "bool":
                return str(text).lower() == "true"
            case "int":
                number = int(text.replace("_", ""))
                if abs(number) >= LARGEST:
                    self.refuse(line, f"found {text}", f"Give a number below {LARGEST:,}.")
                return number
            case _:
                bare = text.replace("_", "").lower()
                return float(bare.replace(".inf", "inf").replace(".nan", "nan"))

    def expect_tag(self, node: Node, line: int) -> None:
        if node.tag in (_TAG + "map", _TAG + "seq"):
            return
        tag = node.tag.replace(_TAG, "!!")
        self.refuse(
            line,
            f"found the tag {tag}, which a scenario may not use",
            "Take it out and write the value plainly.",
        )

    def refuse(self, line: int, problem: str, mend: str) -> NoReturn:
        raise ScenarioError(problem, place=f"{self.place}:{line}", mend=mend)


def _explained(error: yaml.MarkedYAMLError, text: str, line: int) -> tuple[str, str]:
    """What is wrong and the mend, for the mistakes that people make; else the parser's words."""
    problem = error.problem or "it cannot be read"
    if "'\\t'" in problem or "\\t" in problem:
        return "found a tab", "Use spaces: YAML takes no tabs."
    if "mapping values are not allowed" in problem or "but got ':'" in problem:
        written = text.splitlines()[line - 1].strip() if text else ""
        return (
            f"found a second ': ' in {written!r}",
            "Put what belongs to the first key in braces or on lines of its own, text in quotes.",
        )
    if "expected a single document" in problem or "but found another document" in problem:
        return "found a second document (---)", "Keep one scenario in a file."
    if "could not find expected ':'" in problem:
        return "found a line without ':'", "Write key: value; is something above not closed?"
    if "undefined alias" in problem:
        return problem.replace("found undefined alias", "no anchor is named"), "Define it above."
    context = f"{error.context}, " if error.context else ""
    mend = "Look at this line and the one above: indentation, brackets, quotes."
    return f"not YAML: {context}{problem}", mend
