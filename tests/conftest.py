"""Settings that all tests share."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# What runs in the background may ignore interrupts, and so would all that the tests begin.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "proxysim", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("proxysim")


@pytest.fixture
def installed():
    """Tells whether an engine is there; where it is not, the test goes no further."""

    from proxysim.engines import running
    from proxysim.errors import ScenarioError

    def there(engine):
        try:
            return running.program(engine)
        except ScenarioError as error:
            if os.environ.get("PROXYSIM_REQUIRE_OPTIONAL") == "1":
                pytest.fail(str(error))
            pytest.skip(str(error))

    return there
