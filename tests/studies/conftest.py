"""What tests of studies share."""

import os

import pytest

from proxysim.engines import running
from proxysim.errors import ScenarioError


@pytest.fixture
def installed():
    """Tells whether an engine is there; where it is not, the test is skipped, or missed in CI."""

    def there(engine):
        try:
            running.program(engine)
        except ScenarioError as error:
            if os.environ.get("PROXYSIM_REQUIRE_OPTIONAL") == "1":
                pytest.fail(str(error))
            pytest.skip(str(error))

    return there
