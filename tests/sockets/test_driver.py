"""The driver, effect by effect, with generators that are no proxies."""

from __future__ import annotations

import asyncio

import pytest

from proxysim.messages import Failure, Request
from proxysim.policies.backend import Backend
from proxysim.proxies.effects import (
    TIMED_OUT,
    Connect,
    Fetch,
    Race,
    Signal,
    Sleep,
    Spawn,
    Wait,
    Won,
    Work,
)
from proxysim.sockets.dialling import is_here
from proxysim.sockets.driver import Driver
from proxysim.sockets.upstream import Upstreams


def driven(play):
    """Run the coroutine *play* with a driver; nothing may be left of it."""

    def test():
        async def whole():
            driver = Driver(Upstreams())
            async with asyncio.timeout(60):
                await play(driver)
            await driver.close()
            assert asyncio.all_tasks() == {asyncio.current_task()}

        asyncio.run(whole())

    test.__name__ = play.__name__
    return test


class Logged:
    """Generators that note what becomes of them."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def run(self, name, *effects, value=None):
        try:
            self.log.append(f"{name} begins")
            yield from effects
            self.log.append(f"{name} ends")
            return value
        finally:
            self.log.append(f"{name} is closed")


@driven
async def test_the_value_of_a_generator_is_the_value_of_its_run(driver):
    def steps():
        assert (yield Work("tls")) is None
        assert (yield Sleep(0.001)) is None
        return "done"

    assert await driver.run(steps()) == "done"


@driven
async def test_a_cancelled_run_closes_its_generator(driver):
    notes = Logged()
    task = asyncio.create_task(driver.run(notes.run("it", Sleep(60))))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert notes.log == ["it begins", "it is closed"]


@driven
async def test_a_signal_resumes_all_its_waiters_and_never_inside_the_call(driver):
    signal, heard = Signal(), []

    def listen():
        heard.append((yield Wait(signal)))

    tasks = [asyncio.create_task(driver.run(listen())) for _ in range(2)]
    await asyncio.sleep(0)
    signal.set("now")
    assert heard == []
    await asyncio.gather(*tasks)
    await driver.run(listen())  # set already
    assert heard == ["now"] * 3


@driven
async def test_a_wait_that_is_too_long_or_cancelled_leaves_the_signal(driver):
    signal = Signal()

    def listen(deadline):
        return (yield Wait(signal, deadline))

    assert await driver.run(listen(0.001)) is TIMED_OUT
    task = asyncio.create_task(driver.run(listen(None)))
    await asyncio.sleep(0)
    assert len(signal.waiters) == 1
    task.cancel()
    await asyncio.wait([task])
    assert signal.waiters == []


@driven
async def test_a_spawned_generator_outlives_its_spawner(driver):
    notes, done = Logged(), Signal()

    def spawner():
        yield Spawn(notes.run("beside", Wait(done)))

    await driver.run(spawner())
    assert notes.log == ["beside begins"]
    done.set()
    await asyncio.sleep(0.01)
    assert notes.log == ["beside begins", "beside ends", "beside is closed"]


@driven
async def test_a_spawned_generator_can_be_ended_at_once(driver):
    """Even before the world has had a turn: what it holds, it gives back."""
    notes = Logged()

    def spawner():
        running = yield Spawn(notes.run("beside", Sleep(60)))
        running.close()
        assert notes.log == ["beside begins", "beside is closed"]

    await driver.run(spawner())


@driven
async def test_the_first_of_a_race_wins_alone_when_it_is_quick(driver):
    notes = Logged()

    def race():
        first = notes.run("first", Sleep(0.001), value="a")
        return (yield Race(first, 60.0, lambda: notes.run("second")))

    assert await driver.run(race()) == Won(0, "a")
    assert notes.log == ["first begins", "first ends", "first is closed"]


@driven
async def test_the_second_of_a_race_starts_late_and_the_loser_is_closed(driver):
    notes = Logged()

    def race():
        first = notes.run("first", Sleep(60))
        second = notes.run("second", Sleep(0.001), value="b")
        return (yield Race(first, 0.001, lambda: second))

    assert await driver.run(race()) == Won(1, "b")
    assert "first is closed" in notes.log
    assert "first ends" not in notes.log


@driven
async def test_a_cancelled_race_closes_both(driver):
    notes = Logged()

    def race():
        yield Race(notes.run("first", Sleep(60)), 0.0, lambda: notes.run("second", Sleep(60)))

    task = asyncio.create_task(driver.run(race()))
    while notes.log != ["first begins", "second begins"]:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])
    assert {"first is closed", "second is closed"} <= set(notes.log)


@driven
async def test_a_mistake_beside_is_reported_and_ends_nothing_else(driver):
    reported = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))

    def mistaken():
        yield Sleep(0)
        raise ZeroDivisionError

    def spawner():
        yield Spawn(mistaken())
        yield Sleep(0.01)
        return "fine"

    assert await driver.run(spawner()) == "fine"
    assert [type(error) for error in reported] == [ZeroDivisionError]


@driven
async def test_names_that_nobody_knows_are_unresolved(driver):
    nowhere = Backend("nowhere", "nowhere.example", 80)

    def both():
        request = Request("GET", "http", "nowhere.example", 80, "/")
        return (yield Fetch(nowhere, request)), (yield Connect(nowhere))

    assert await driver.run(both()) == (Failure("unresolved"), Failure("unresolved"))


def test_an_address_of_this_machine_is_known_as_such():
    assert is_here("127.0.0.1")
    assert is_here("127.8.9.10")
    for elsewhere in ("192.0.2.1", "2001:db8::1", "localhost", ""):
        assert not is_here(elsewhere)
