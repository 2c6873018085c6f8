"""A dask cluster as a crew: many machines make the runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from proxysim.errors import ResultError, RunError
from proxysim.studies.store import code_digest

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Cluster"]

Given = TypeVar("Given")
Made = TypeVar("Made")


class Cluster:
    """The workers of the dask scheduler at *address*, such as ``tcp://10.0.0.1:8786``.

    They need the same proxysim, and the files that a scenario names at the same place. ResultError
    where nobody answers within *patience* seconds, there is no worker, or one has other code.
    """

    def __init__(self, address: str, patience: float = 10.0) -> None:
        self.address = address
        self.patience = patience

    def each(
        self, task: Callable[[Given], Made], things: Sequence[Given]
    ) -> Generator[Made, None, None]:
        """As each is finished, by whichever worker."""
        with self._client() as client:
            from distributed import KilledWorker, as_completed
            from distributed.client import FutureCancelledError

            futures = client.map(task, things, pure=False, batch_size=100)
            try:
                finished = as_completed(futures, loop=client.loop)  # type: ignore[no-untyped-call]
                for future in finished:
                    yield future.result()
            except KilledWorker:
                raise RunError(
                    "a run ended the workers that tried it, most likely for lack of memory",
                    place=self.address,
                    mend="Give workers more memory, or take shorter runs.",
                ) from None
            except FutureCancelledError:
                raise RunError(
                    "the cluster went away", place=self.address, mend="Start it again, and go on."
                ) from None
            finally:
                client.cancel(futures)  # type: ignore[no-untyped-call]

    @contextmanager
    def _client(self) -> Generator[Client, None, None]:
        try:
            from distributed import Client
        except ImportError:
            raise ResultError(
                "a cluster needs dask", place=self.address, mend="pip install 'proxysim[dask]'"
            ) from None
        quiet = logging.getLogger("distributed")
        before = quiet.level
        quiet.setLevel(logging.CRITICAL)  # what is wrong is said here
        try:
            client = Client(  # type: ignore[no-untyped-call]
                self.address, timeout=self.patience, set_as_default=False
            )
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ResultError(
                f"no dask cluster can be reached: {reason}",
                place=self.address,
                mend="Start one with `dask scheduler` and `dask worker`, and give its address,"
                " such as tcp://127.0.0.1:8786",
            ) from None
        finally:
            quiet.setLevel(before)
        with closing(client):
            self._check(client)
            yield client

    def _check(self, client: Client) -> None:
        """ResultError unless there are workers, and all have the code that is here."""
        try:
            found: dict[str, Any] = client.run(code_digest)
        except ImportError as error:
            raise ResultError(
                f"its workers have no proxysim: {error}", place=self.address, mend="Install it."
            ) from None
        if not found:
            raise ResultError(
                "the cluster has no workers", place=self.address, mend="Start some: dask worker."
            )
        if others := sorted(name for name, digest in found.items() if digest != code_digest()):
            raise ResultError(
                f"the worker {others[0]} has another version of proxysim",
                place=self.address,
                mend="Install the same version on all workers.",
            )
