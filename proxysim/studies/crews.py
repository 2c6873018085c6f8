"""Who carries out many jobs: this process, worker processes beside it, or a dask cluster."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Sequence
from typing import Protocol, TypeVar

from proxysim.errors import ResultError, RunError

__all__ = ["Alone", "Crew", "Processes", "cores", "crew_of"]

Given = TypeVar("Given")
Made = TypeVar("Made")


#: Seconds after which a process without work ends itself, as when whoever gave it work was killed.
_IDLE = 10


class Crew(Protocol):
    """Does a task for each of several things, in any order and anywhere."""

    def each(
        self, task: Callable[[Given], Made], things: Sequence[Given]
    ) -> Generator[Made, None, None]:
        """What *task* makes of each of *things*, as it is finished; closed, it stops the rest.

        The task, the things and what is made of them can be pickled.
        """
        ...


class Alone:
    """This process does all, in order."""

    def each(
        self, task: Callable[[Given], Made], things: Sequence[Given]
    ) -> Generator[Made, None, None]:
        """One after the other."""
        yield from map(task, things)


class Processes:
    """*workers* processes on this machine, kept by joblib for a while after their work."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def each(
        self, task: Callable[[Given], Made], things: Sequence[Given]
    ) -> Generator[Made, None, None]:
        """As each is finished. RunError where a process dies: out of memory, most likely."""
        from joblib import Parallel, delayed
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        parallel = Parallel(
            n_jobs=self.workers, backend="loky", return_as="generator_unordered", batch_size=1,
            idle_worker_timeout=_IDLE,
        )  # fmt: skip
        made = parallel(delayed(task)(thing) for thing in things)
        try:
            for one in made:  # noqa: UP028
                yield one  # `yield from` would close it outside, where it warns
        except TerminatedWorkerError:
            raise RunError(
                "a worker process was ended from outside, most likely for lack of memory",
                mend="Take fewer workers, or shorter runs.",
            ) from None
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that some is not used is meant
                made.close()


def crew_of(workers: int | None, jobs: int) -> Crew:
    """A crew of *workers* (default: the cores of this machine), no more than there are *jobs*."""
    wanted = cores() if workers is None else workers
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
        raise ResultError(f"found {workers!r}", place="workers", mend="Give 1 or more.")
    count = min(wanted, jobs)
    return Processes(count) if count > 1 else Alone()


def cores() -> int:
    """The processors that this process may use, as containers and affinities limit them."""
    from joblib import cpu_count

    return int(cpu_count())
