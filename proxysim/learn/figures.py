"""Figures in lessons: read from runs when a text first needs them, never typed into it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from string import Formatter
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from proxysim.errors import ResultError, did_you_mean
from proxysim.learn.arithmetic import names_in, value_of
from proxysim.learn.experiments import Setting, answered, found_at
from proxysim.learn.quantities import written

__all__ = ["Experiment", "Figure", "Figures", "Part", "names_used", "unit_of"]

_SHARES = ("hit_ratio", "byte_hit_ratio", "utilisation", "sees", "shares")


class Part(BaseModel):
    """A part of a lesson's file; what it does not know, it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Experiment(Part):
    """A run that anybody can repeat; ``found`` says what came of it, in a template."""

    run: str
    set: tuple[str, ...] = ()
    without: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    found: str = ""

    @property
    def setting(self) -> Setting:
        """What is run."""
        return self.run, self.set, self.without


class Figure(Part):
    """A number: ``read`` from an experiment (``slow latency.p99``), or a sum of other figures.

    ``unit`` says how it is written; where none is given it goes by what is read.
    """

    read: str = ""
    is_: str = ""
    unit: str = ""

    @classmethod
    def of(cls, value: Any) -> Any:
        """From a file: ``slow latency.p99``, or ``{is: slow / fast, unit: times}``."""
        if isinstance(value, str):
            return {"read": value, "unit": unit_of(value.partition(" ")[2])}
        if isinstance(value, dict) and "read" in value:
            return {"unit": unit_of(value["read"].partition(" ")[2]), **value}
        if isinstance(value, dict) and "is" in value:
            value = dict(value)
            return {"is_": value.pop("is"), **value}
        return value


def unit_of(path: str) -> str:
    """The unit of what stands at *path* in what is told of a run; none for a plain number."""
    parts = path.replace("without.", "").split(".")
    if parts[0] in _SHARES:
        return "share"
    if parts[0] == "differences":
        return {"latency": "s", "bytes carried": "B"}.get(parts[1], "")
    return {"latency": "s", "first_byte": "s", "bytes": "B", "throughput": "1/s"}.get(parts[0], "")


class Figures(Mapping[str, Any]):
    """The *figures* of a lesson at *seed*, each worked out when it is first asked for.

    As a mapping it gives values in base units; :meth:`fill` writes them into a template.
    """

    def __init__(
        self, experiments: Mapping[str, Experiment], figures: Mapping[str, Figure], seed: int
    ) -> None:
        self.experiments, self.figures, self.seed = experiments, figures, seed
        self._found: dict[str, float | None] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._found:
            self._found[name] = self._worked_out(name)
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.figures)

    def __len__(self) -> int:
        return len(self.figures)

    def _worked_out(self, name: str) -> float | None:
        figure = self.figures.get(name)
        if figure is None:
            raise ResultError(f"no figure {name!r}", mend=f"{did_you_mean(name, self.figures)}.")
        if figure.is_:
            return float(value_of(figure.is_, self))
        experiment, _, path = figure.read.partition(" ")
        return found_at(answered(self.experiments[experiment].setting, self.seed), path)

    def broken(self, claims: Iterable[str]) -> list[str]:
        """Those of *claims* that do not hold at this seed, of what was worked out so far."""
        told = [claim for claim in claims if names_in(claim) <= self._found.keys()]
        return [claim for claim in told if not value_of(claim, self)]

    def text(self, name: str) -> str:
        """The figure *name* as people read it, with its unit; of shares, ``none`` and ``all``."""
        value, unit = self[name], self.figures[name].unit
        if unit == "share" and value in (0, 1):
            return "all" if value else "none"
        return written(value, unit)

    def fill(self, template: str) -> str:
        """*template* with every ``{figure}`` written out."""
        return template.format_map(_Texts(self))


class _Texts(dict[str, str]):
    def __init__(self, figures: Figures) -> None:
        super().__init__()
        self._figures = figures

    def __missing__(self, name: str) -> str:
        return self._figures.text(name)


def names_used(template: str) -> set[str]:
    """The figures that *template* writes out."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


class Stock(Part):
    """A file of lessons: its ``experiments``, and the ``figures`` that are read from them."""

    experiments: dict[str, Experiment]
    figures: dict[str, Annotated[Figure, BeforeValidator(Figure.of)]]

    def at(self, seed: int) -> Figures:
        """The figures at *seed*."""
        return Figures(self.experiments, self.figures, seed)

    @cached_property
    def unknown(self) -> set[str]:
        """Experiments that figures are read from, and that there are none of."""
        read = {figure.read.partition(" ")[0] for figure in self.figures.values() if figure.read}
        return read - set(self.experiments)
