"""A way through a topic with buttons, for notebooks; the talk itself is the same."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from proxysim.errors import ResultError
from proxysim.learn.progress import Progress
from proxysim.learn.talking import Ask, Draw, Say, Show, Step, Try

if TYPE_CHECKING:
    from proxysim.learn.ways import Way

__all__ = ["widget"]

_MARKS = {"right": "✓ ", "wrong": "≠ "}


def widget(way: Way, progress: Progress | None = None) -> Any:
    """*way* as a column of texts, ending with the buttons of the question that is open.

    Raises ResultError, with the command that brings it, where ipywidgets is not installed.
    """
    if find_spec("ipywidgets") is None:
        raise ResultError(
            "this needs ipywidgets, which is not installed",
            mend="pip install 'proxysim[notebook]'",
        )
    return _Column(way, progress).box


class _Column:
    """Carries a talk out: shows until something is asked, and goes on when it is answered."""

    def __init__(self, way: Way, progress: Progress | None) -> None:
        import ipywidgets

        self.widgets = ipywidgets
        self.box = ipywidgets.VBox([])
        self.way = way
        self.talk = way.walk(progress)
        self.go_on(None)

    def go_on(self, answer: str | None) -> None:
        try:
            step = self.talk.send(answer)
            while not isinstance(step, Ask):
                self.add(self.shown(step))
                step = next(self.talk)
            self.add(self.asked(step))
        except StopIteration:
            self.add(self.text("That is all."))

    def add(self, child: Any) -> None:
        self.box.children = (*self.box.children, child)

    def text(self, markdown: str) -> Any:
        from IPython.display import Markdown

        return self.output(Markdown(markdown))  # type: ignore[no-untyped-call]

    def output(self, shown: Any) -> Any:
        out = self.widgets.Output()
        out.append_display_data(shown)
        return out

    def shown(self, step: Step) -> Any:
        if isinstance(step, Say):
            head = "### " if step.tone == "title" else _MARKS.get(step.tone, "")
            return self.text(f"{head}{step.text}")
        if isinstance(step, Draw):
            return self.text(f"```text\n{step.text}\n```")
        if isinstance(step, Try):
            return self.text(f"```sh\n{step.command}\n```\n{step.found}")
        if isinstance(step, Show):
            from proxysim.learn.ways import drawn

            return self.output(drawn(self.way.figures, step.chart))
        raise TypeError(type(step).__name__)

    def asked(self, ask: Ask) -> Any:
        if ask.options:
            parts = [self.button(f"{key}  {text}" if key else text) for key, text in ask.options]
            answers = dict(zip(parts, (key for key, _ in ask.options), strict=True))
            for button in parts:
                button.on_click(lambda pressed: self.answered(parts, answers[pressed]))
            row = self.widgets.VBox(parts)
        else:
            field = self.widgets.Text(placeholder=f"such as {ask.example}")
            button = self.button("answer")
            parts = [field, button]
            button.on_click(lambda _: self.answered(parts, field.value))
            row = self.widgets.HBox(parts)
        return self.widgets.VBox([self.text(ask.text), row])

    def button(self, label: str) -> Any:
        layout = self.widgets.Layout(width="auto", height="auto", min_height="2.2em")
        return self.widgets.Button(description=label.replace("*", ""), layout=layout)

    def answered(self, parts: list[Any], answer: str) -> None:
        """Go on with *answer*; a question is answered once."""
        for part in parts:
            part.disabled = True
        self.go_on(answer)
