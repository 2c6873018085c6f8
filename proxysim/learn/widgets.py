"""A way through a topic with buttons, for notebooks; the talk itself is the same."""

from __future__ import annotations

import html
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from proxysim.errors import ProxysimError, ResultError
from proxysim.learn.progress import Progress
from proxysim.learn.talking import Ask, Draw, Say, Show, Step, Try

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from proxysim.learn.ways import Way

__all__ = ["widget"]

_MARKS = {"right": "✓ ", "wrong": "≠ "}
_CHOICE = "proxysim-choice"
#: A button breaks what it says into lines, where it is too long for one.
_STYLE = """<style>
.proxysim-choice { white-space: normal; text-align: left; line-height: 1.35; padding: .3em .9em }
</style>"""


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
        self.box = ipywidgets.VBox([ipywidgets.HTML(_STYLE)])
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
        except ProxysimError as error:  # a notebook shows nothing of what a button raises
            self.add(self.text(f"{_MARKS['wrong']}{error}"))

    def add(self, child: Any) -> None:
        self.box.children = (*self.box.children, child)

    def text(self, markdown: str) -> Any:
        from IPython.display import Markdown

        return self.output(Markdown(markdown))  # type: ignore[no-untyped-call]

    def verbatim(self, text: str) -> Any:
        """*text* as it is written; lines that are too long are scrolled, not broken."""
        style = "white-space: pre; overflow-x: auto; line-height: 1.25; margin: .4em 0 .4em 2em"
        return self.widgets.HTML(f'<pre style="{style}">{html.escape(text)}</pre>')

    def chart(self, axes: Axes) -> Any:
        """A picture of *axes*: an Output wants it in base 64, which ``Image`` sees to."""
        from IPython.display import Image

        picture, size = axes._repr_png_()  # type: ignore[attr-defined]
        return self.output(Image(picture, width=size["width"]))  # type: ignore[no-untyped-call]

    def output(self, shown: Any) -> Any:
        out = self.widgets.Output()
        out.append_display_data(shown)
        return out

    def shown(self, step: Step) -> Any:
        if isinstance(step, Say):
            head = "### " if step.tone == "title" else _MARKS.get(step.tone, "")
            return self.text(f"{head}{step.text}")
        if isinstance(step, Draw):
            return self.verbatim(step.text)
        if isinstance(step, Try):
            return self.widgets.VBox([self.verbatim(f"$ {step.command}"), self.text(step.found)])
        if isinstance(step, Show):
            from proxysim.learn.ways import drawn

            return self.chart(drawn(self.way.figures, step.chart))
        raise TypeError(type(step).__name__)

    def asked(self, ask: Ask) -> Any:
        if ask.options:
            parts = [self.button(f"{key}  {text}" if key else text) for key, text in ask.options]
            answers = dict(zip(parts, (key for key, _ in ask.options), strict=True))
            for button in parts:
                button.on_click(lambda pressed: self.pressed(parts, pressed, answers[pressed]))
            row = self.widgets.VBox(parts)
        else:
            field = self.widgets.Text(placeholder=f"such as {ask.example}")
            button = self.button("answer")
            parts = [field, button]
            button.on_click(lambda _: self.answered(parts, field.value))
            field.on_msg(
                lambda _, told, __: (
                    self.answered(parts, field.value) if told.get("event") == "submit" else None
                )
            )
            row = self.widgets.HBox(parts)
        return self.widgets.VBox([self.text(ask.text), row])

    def button(self, label: str) -> Any:
        layout = self.widgets.Layout(width="auto", height="auto", min_height="2.2em")
        return self.widgets.Button(description=label.replace("*", ""), layout=layout).add_class(
            _CHOICE
        )

    def pressed(self, parts: list[Any], button: Any, answer: str) -> None:
        """Go on with *answer* and mark its button among the others."""
        if len(parts) > 1:
            button.icon = "hand-point-right"
        self.answered(parts, answer)

    def answered(self, parts: list[Any], answer: str) -> None:
        """Go on with *answer*; a question is answered once. The runs that it takes are told of."""
        for part in parts:
            part.disabled = True
        waiting = self.text("*running it ...*")
        self.add(waiting)
        self.go_on(answer)
        self.box.children = tuple(child for child in self.box.children if child is not waiting)
