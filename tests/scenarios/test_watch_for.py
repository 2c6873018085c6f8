"""What a shipped scenario tells people to compare with can be run."""

import re

import pytest

from proxysim.scenario import load, shipped
from proxysim.scenario.paths import parse_assignment

#: nodes.edge.cache.collapse=true, events=[], nodes.gateway.filters.0.deny={domain: tube.example}
ASSIGNMENT = re.compile(r"(?<![\w.])[a-z]\w*(?:\.[\w-]+)*=(?:\{[^}]*\}|\[[^]]*\]|[\w.%/-]*[\w%])")


@pytest.mark.parametrize("name", shipped())
def test_what_to_compare_with_can_be_set(name):
    scenario = load(name)
    for assignment in ASSIGNMENT.findall(scenario.watch_for):
        assert scenario.set(*parse_assignment(assignment)) != scenario, assignment
    for node in re.findall(r"--without ([\w-]+)", scenario.watch_for):
        assert scenario.without(node).removed == (node,)
