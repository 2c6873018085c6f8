"""How waiting, racing and running beside are carried out in simulated time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from proxysim.proxies.effects import TIMED_OUT, Race, Sleep, Spawn, Wait, Won
from proxysim.sim.exchange import Account
from proxysim.sim.tasks import PENDING, Task, carries


@carries(Sleep)
def sleep(task: Task, effect: Sleep) -> Any:
    """Let time pass."""
    task.account.wait += effect.seconds
    _later(task, effect.seconds, None)
    return PENDING


def _later(task: Task, seconds: float, reply: Any) -> None:
    task.turn += 1
    turn = task.turn

    def wake(_: Any) -> None:
        if task.turn == turn:
            task.reply(reply)

    task.node.env.after(seconds, wake)


@carries(Wait)
def wait(task: Task, effect: Wait) -> Any:
    """Wait for a signal."""
    signal, node = effect.signal, task.node
    began = node.env.time
    if signal.is_set:
        _charge(task, began)
        return signal.value
    task.turn += 1
    turn = task.turn
    deadline = None
    if effect.deadline is not None:
        deadline = node.world.deadlines.set(effect.deadline, lambda: resume(TIMED_OUT))

    def resume(value: Any) -> None:
        if task.over or task.turn != turn:
            return
        task.turn += 1
        if deadline is not None:
            deadline.meet()
        _charge(task, began)
        task.reply(value)

    signal.waiters.append(lambda value: node.world.later(partial(resume, value)))
    return PENDING


def _charge(task: Task, began: float) -> None:
    """Book the time since *began*: as waiting, unless for a fetch that *task* began itself."""
    account = task.account
    spawned, task.spawned = task.spawned, None
    if spawned is not None and spawned.served_by:
        account.add_times(spawned)
        account.attempts += spawned.attempts
        account.cache = spawned.cache
        account.backend = spawned.backend
        account.served_by = spawned.served_by
        return
    account.wait += task.node.env.time - began
    if task.node.world.hop is not None:
        task.node.span(task.call, "wait", began)


@carries(Spawn)
def spawn(task: Task, effect: Spawn) -> Any:
    """Run a generator beside this one, from now on."""
    account = Account()
    task.spawned = account
    beside = Task(task.node, effect.generator, account, task.call)
    task.node.adopt(beside)
    beside.start()
    return beside


@carries(Race)
def race(task: Task, effect: Race) -> Any:
    """Run a generator, and after a while another beside it, until one has ended."""
    node = task.node
    over = False

    def ended(who: int) -> Callable[[Any], None]:
        def end(value: Any) -> None:
            nonlocal over
            if not over:
                over = True
                winner = task.racers[who]
                for racer in task.racers:
                    if racer is not winner:
                        racer.close()
                task.racers = ()
                account = winner.account
                task.account.add_times(account)
                task.account.attempts += account.attempts
                for field in ("cache", "coding", "backend", "served_by"):
                    setattr(task.account, field, getattr(account, field))
                task.reply(Won(who, value))

        return end

    def second() -> None:
        if not over and not task.over:
            racer = Task(node, effect.second(), Account(), task.call)
            racer.ended, racer.attempt = ended(1), task.attempt + 100
            task.racers = (*task.racers, racer)
            racer.start()

    first = Task(node, effect.first, Account(), task.call)
    first.ended, first.attempt = ended(0), task.attempt
    task.racers = (first,)
    node.world.deadlines.set(effect.after, second)
    first.start()
    return PENDING
