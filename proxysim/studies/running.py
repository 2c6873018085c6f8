"""Many runs, here or on many processors, and the same to the last bit wherever they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxysim.errors import ProxysimError, ResultError
from proxysim.results.columns import Outcome
from proxysim.results.summary import Summary
from proxysim.scenario import Scenario
from proxysim.studies.crews import Alone, Crew, crew_of
from proxysim.studies.metrics import Metric

__all__ = ["Job", "Progress", "Result", "carried_out", "run_all", "whole"]

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One run to be made; *label* says of which settings, where something goes wrong in it."""

    scenario: Scenario
    seed: int
    replication: int = 0
    label: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What a job found: its *summary*, the *values* of the metrics by name (None: no such thing).

    *latencies* of the ok answers that the summary counts, ascending, in seconds, where asked for.
    """

    summary: Summary
    values: dict[str, float | None]
    latencies: NDArray[np.float64] | None = None


def whole(found: object, place: str, least: int = 0) -> int:
    """*found* as a whole number, numpy's too; ResultError for another, or one below *least*."""
    try:
        number = index(found)  # type: ignore[arg-type]
    except TypeError:
        number = least - 1
    if number < least or isinstance(found, bool):
        mend = f"Give a whole number of at least {least}."
        raise ResultError(f"found {found!r}", place=place, mend=mend)
    return number


def run_all(
    jobs: Sequence[Job],
    metrics: Sequence[Metric] = (),
    *,
    latencies: bool = False,
    workers: int | None = None,
    crew: Crew | None = None,
    progress: Progress | None = None,
) -> list[Result]:
    """The results of *jobs*, in their order; see :func:`carried_out`."""
    found: dict[int, Result] = dict(
        carried_out(
            jobs, metrics, latencies=latencies, workers=workers, crew=crew, progress=progress
        )
    )
    return [found[number] for number in range(len(jobs))]


def carried_out(
    jobs: Sequence[Job],
    metrics: Sequence[Metric] = (),
    *,
    latencies: bool = False,
    workers: int | None = None,
    crew: Crew | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[int, Result]]:
    """Each of *jobs* by its number, with its result, as they are finished.

    By *workers* processes (default: as many as there are cores), or whatever *crew* is given;
    neither their number nor the order changes a bit of any result. *progress* is told the share
    done. An error names the *label* and replication of its job, and ends the rest; so does closing
    the iterator, or an interrupt.
    """
    crew = crew_of(workers, len(jobs)) if crew is None else crew
    told = progress or _nobody
    told(0.0)
    within = _share_within(told, len(jobs)) if isinstance(crew, Alone) else None
    task = partial(_carry_out, metrics=tuple(metrics), latencies=latencies, progress=within)
    with closing(crew.each(task, [*enumerate(map(_settled, jobs))])) as finished:
        for done, (number, result) in enumerate(finished, start=1):
            if isinstance(result, Exception):
                raise _named(result, jobs[number])
            told(done / len(jobs))
            yield number, result


def _carry_out(
    numbered: tuple[int, Job],
    metrics: Sequence[Metric],
    latencies: bool,
    progress: Callable[[int, float], None] | None = None,
) -> tuple[int, Result | Exception]:
    from proxysim.sim import simulate

    number, job = numbered
    try:
        run = simulate(
            job.scenario,
            seed=job.seed,
            replication=job.replication,
            views=False,
            progress=progress and partial(progress, number),
        )
        values = {metric.name: metric.value(run) for metric in metrics}
        kept = None
        if latencies:
            ok = run.counted & (run.column("outcome") == Outcome.OK)
            kept = np.sort(run.column("latency")[ok])
        return number, Result(run.summary(), values, kept)
    except Exception as error:  # handed over whole, to be raised where the job has a name
        return number, error


def _settled(job: Job) -> Job:
    """*job* as it is the same in any working directory."""
    directory = job.scenario.directory.resolve()
    return replace(job, scenario=replace(job.scenario, directory=directory))


def _named(error: Exception, job: Job) -> Exception:
    where = f"{job.label or job.scenario.name}, replication {job.replication}"
    if isinstance(error, ProxysimError):
        error.problem = f"with {where}: {error.problem}"
    else:
        error.add_note(f"in {job.scenario.name} with {where}, seed {job.seed}")
    return error


def _share_within(told: Progress, jobs: int) -> Callable[[int, float], None]:
    return lambda number, share: told((number + share) / jobs)


def _nobody(_: Any) -> None:
    """Whom nothing is told."""
