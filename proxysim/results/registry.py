"""Where charts are put by those who draw them, and found by a run that is asked for one.

Results know no chart and no stage: a room above registers what it draws or plays, and is imported
when the first of them is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from proxysim.errors import did_you_mean

__all__ = ["Plots", "lookup", "names", "player", "register", "register_player"]

Draw = Callable[..., Any]

#: The package that registers the charts, imported when they are first needed.
provider: str | None = "proxysim.charts"

#: The package that registers the player.
stage: str = "proxysim.stage"

_charts: dict[str, Draw] = {}
_players: list[Draw] = []


def register(name: str, function: Draw) -> Draw:
    """Make ``run.plot.NAME(...)`` call ``function(run, ...)``; a later one takes the name over."""
    _charts[name] = function
    return function


def register_player(function: Draw) -> Draw:
    """Make ``run.play(...)`` call ``function(run, ...)``; a later one takes over."""
    _players[:] = [function]
    return function


def player() -> Draw:
    """What plays a run."""
    if not _players:
        importlib.import_module(stage)
    return _players[0]


def names() -> list[str]:
    """The charts there are, sorted."""
    _provide()
    return sorted(_charts)


def lookup(name: str) -> Draw:
    """The function registered as *name*; AttributeError with the nearest name where none is."""
    if name not in _charts:
        _provide()
    try:
        return _charts[name]
    except KeyError:
        raise AttributeError(f"no chart {name!r}. {did_you_mean(name, _charts)}.") from None


def _provide() -> None:
    if provider is not None:
        importlib.import_module(provider)


class Plots:
    """The charts of one run: ``run.plot.latency(ax=None)``; ``dir(run.plot)`` lists them."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):  # what copy, pickle and notebooks probe for is no chart
            raise AttributeError(name)
        draw = lookup(name)
        run = self._run

        def chart(*args: Any, **options: Any) -> Any:
            return draw(run, *args, **options)

        chart.__name__ = chart.__qualname__ = name
        chart.__doc__ = draw.__doc__
        return chart

    def __dir__(self) -> list[str]:
        return names()
