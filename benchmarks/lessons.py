"""How long the figures of each lesson take: every run that a topic shows, from nothing.

``python -m benchmarks.lessons [--json]``. Processor time of one core, imports left out; the target
is three seconds a topic.
"""

from __future__ import annotations

import argparse
import json
import sys
from time import process_time

from proxysim.learn.experiments import answered
from proxysim.learn.topics import SEED, Topic, topics

__all__ = ["seconds_of"]

TARGET = 3.0
WARM = ("one-server", ("run.duration=30s",), ())


def seconds_of(topic: Topic) -> float:
    """Processor time that all experiments of *topic* take together."""
    answered.cache_clear()
    began = process_time()
    for experiment in topic.lesson.experiments.values():
        answered(experiment.setting, SEED)
    return process_time() - began


def main() -> int:
    """Print what each topic takes; 1 if one takes longer than the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    asked = parser.parse_args()
    answered(WARM, SEED)
    found = {name: seconds_of(topic) for name, topic in topics().items()}
    if asked.json:
        print(json.dumps({"seconds": found, "target": TARGET}, indent=2))
    else:
        for name, seconds in found.items():
            print(f"{name:16} {seconds:6.2f} s{'' if seconds < TARGET else '  too long'}")
        print(f"{'all':16} {sum(found.values()):6.2f} s")
    return int(max(found.values()) >= TARGET)


if __name__ == "__main__":
    sys.exit(main())
