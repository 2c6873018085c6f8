"""A sequential run: each request waits until the one before it is answered, and nothing goes on.

Policies are told the time at which a request was due, and nothing runs by itself. So no decision
depends on how long anything takes, and another world, run in the same way, decides the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from proxysim.scenario.happenings import steps_of
from proxysim.sim.faults import turn
from proxysim.sim.meters import meters_of
from proxysim.sim.proxies import ProxyNode
from proxysim.workload.sequence import in_sequence

if TYPE_CHECKING:
    from proxysim.sim.world import World

__all__ = ["Sequence"]


class Sequence:
    """The requests of *world*, one after another."""

    def __init__(self, world: World) -> None:
        self.world = world

    def run(self, progress: Callable[[float], None] | None) -> None:
        """Run them all."""
        world, env = self.world, self.world.env
        document = world.scenario.document
        steps = steps_of(document.events)
        meters = meters_of(world, world.nodes.values())
        for due in in_sequence(world.workload.groups, world.duration):
            while steps and steps[0].at <= due.at:
                step = steps.pop(0)
                world.moment = due.at
                nodes, wires = world.hit_by(step.event), world.wires_of(step.event)
                turn(world, step.event, nodes, wires, begins=step.begins)
            world.moment = due.at
            world.shift = due.at - env.time
            world.clients[due.group].ask(due.draw)
            env.turn_while(self._busy, env.time + document.run.drain)
            for exchange, clients in tuple(world.open.items()):
                clients.in_flight(exchange)
                exchange.cancel()
                del world.open[exchange]
            if progress is not None:
                progress(min(1.0, due.at / world.duration))
        world.read_totals(world.duration)
        world.count_sights()
        for meter in meters:
            world.recorder.node_window(meter.row(0.0, world.duration))

    def _busy(self) -> bool:
        """Whether anything goes on but tunnels that stand open, and what the silent hold."""
        world = self.world
        if world.open:
            return True
        for node in world.nodes.values():
            if node.silent:
                continue
            if isinstance(node, ProxyNode):
                tasks = (*node.inside.values(), *node.beside)
                if any(task is not None and task.tunnel is None for task in tasks):
                    return True
            elif node.busy or node.queue:
                return True
        return False
