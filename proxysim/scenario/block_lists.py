"""The files that a proxy's categories name, read once as long as they stay as they are."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from functools import lru_cache

from proxysim.errors import ScenarioError
from proxysim.policies.filters import BlockList, Names, read_list
from proxysim.scenario.nodes import ForwardProxy

__all__ = ["categories_of", "files_of", "list_in"]


def files_of(node: ForwardProxy, directory: pathlib.Path) -> Iterator[tuple[str, pathlib.Path]]:
    """Category and path of each file that *node* names."""
    for category, files in node.categories.items():
        for file in [files] if isinstance(files, str) else files:
            yield category, directory / file


def categories_of(node: ForwardProxy, directory: pathlib.Path) -> dict[str, Names]:
    """The hosts in each category of *node*. Raises ScenarioError for a file that is not there."""
    found: dict[str, list[Names]] = {category: [] for category in node.categories}
    for category, path in files_of(node, directory):
        found[category].append(list_in(path).names)
    return {category: Names.union(lists) for category, lists in found.items()}


def list_in(path: pathlib.Path) -> BlockList:
    """The block list in the file *path*, in UTF-8. Raises ScenarioError."""
    try:
        state = path.stat()
        return _read(os.fspath(path.absolute()), state.st_mtime_ns, state.st_size)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ScenarioError(
            f"the list cannot be read: {reason}",
            place=os.fspath(path),
            mend="Give a file of hosts, looked for beside the scenario.",
        ) from None


@lru_cache(maxsize=64)
def _read(path: str, changed: int, size: int) -> BlockList:
    with pathlib.Path(path).open(encoding="utf-8-sig", errors="replace") as lines:
        return read_list(lines)
