"""The stage: watch the requests of a run move, by its very spans.

``run.play()`` gives a page that plays the run, as a notebook shows it; ``page`` the same as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proxysim.results import registry
from proxysim.stage.chapters import MOST
from proxysim.stage.page import Stage, document
from proxysim.stage.trace import staged

if TYPE_CHECKING:
    from proxysim.results.run import Run
    from proxysim.scenario import Scenario

__all__ = ["MOST", "Stage", "page", "play", "staged"]


def page(
    run: Run,
    other: Run | None = None,
    *,
    scenario: Scenario | None = None,
    labels: tuple[str, str] = ("", ""),
    predict: dict[str, Any] | None = None,
    most: int = MOST,
    since: float | None = None,
    until: float | None = None,
) -> str:
    """A self-contained page that plays *run*, and *other* beside it under the same clock.

    Of each at most *most* requests that arrive in [*since*, *until*) seconds are shown; their spans
    must have been kept (``hops="all"``), ResultError otherwise. *predict* is asked before it plays:
    ``{"question": ..., "choices": [...], "answer": 0, "because": ...}``.
    """
    runs = [run] if other is None else [run, other]
    panes = [staged(one, scenario=scenario, most=most, since=since, until=until) for one in runs]
    shown = list(labels) if other is not None else [""]
    return document(panes, shown, predict)


def play(run: Run, other: Run | None = None, **options: Any) -> Stage:
    """The same as :func:`page`, as a notebook shows it: ``run.play()``."""
    return Stage(page(run, other, **options))


registry.register_player(play)
