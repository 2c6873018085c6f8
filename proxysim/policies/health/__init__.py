"""Health: how a proxy finds out which of its backends are well. One file a way.

Each says who is unwell and knows nothing of the others; :class:`~proxysim.proxies.fleet.Fleet`
puts together what they say.
"""

from __future__ import annotations

from proxysim.policies.health.base import Ejector
from proxysim.policies.health.checks import FIRST_STATES, HealthChecks
from proxysim.policies.health.outliers import OutlierEjection
from proxysim.policies.health.passive import PassiveHealth
from proxysim.policies.health.slow_start import SlowStart
from proxysim.policies.health.success_rate import SuccessRate

__all__ = [
    "FIRST_STATES",
    "Ejector",
    "HealthChecks",
    "OutlierEjection",
    "PassiveHealth",
    "SlowStart",
    "SuccessRate",
]
