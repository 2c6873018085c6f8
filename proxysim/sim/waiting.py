"""How waiting, racing and running beside are carried out in simulated time."""

from __future__ import annotations

from functools import partial
from typing import Any

from proxysim.proxies.effects import TIMED_OUT, Race, Sleep, Spawn, Wait, Won
from proxysim.sim.exchange import Account
from proxysim.sim.tasks import PENDING, Task, carries
from proxysim.workload.numbers import APART


@carries(Sleep)
def sleep(task: Task, effect: Sleep) -> Any:
    """Let time pass."""
    task.turn += 1
    turn, began = task.turn, task.node.env.time

    def wake(_: Any) -> None:
        if not task.over and task.turn == turn:
            _waited(task, began)
            task.reply(None)

    task.node.env.after(effect.seconds, wake)
    return PENDING


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

    signal.waiters.append(partial(node.env.soon, resume))
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
    _waited(task, began)


def _waited(task: Task, began: float) -> None:
    task.account.wait += task.node.env.time - began
    if task.node.world.hop is not None and task.call is not None:
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
    node, world = task.node, task.node.world
    began = node.env.time
    entered = [began]  # when each of the racers did
    over = False

    def enter(generator: Any, attempt: int) -> None:
        who = len(task.racers)
        racer = Task(node, generator, Account(), task.call)
        racer.ended, racer.attempt = partial(ended, who), attempt
        task.racers = (*task.racers, racer)
        racer.start()

    def ended(who: int, value: Any) -> None:
        nonlocal over
        if over:
            return
        over = True
        timer.meet()
        racers, task.racers = task.racers, ()
        for number, racer in enumerate(racers):
            task.account.attempts += racer.account.attempts
            task.attempt = max(task.attempt, racer.attempt)
            if number != who:
                racer.close()
        # Until the winner had set out, the request waited for one that came to nothing.
        task.account.wait += entered[who] - began
        task.inherit(racers[who])
        task.reply(Won(who, value))

    def second() -> None:
        if not over and not task.over:
            entered.append(node.env.time)
            enter(effect.second(), task.attempt + APART)

    timer = world.deadlines.set(effect.after, second)
    enter(effect.first, task.attempt)
    return PENDING
