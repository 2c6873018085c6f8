"""``docs/http-caching.md`` names every test of a caching rule, and none that there is not."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "http-caching.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`(test_\w+)`", PAGE))
DEFINED = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


def names_in(*patterns):
    files = [file for pattern in patterns for file in (ROOT / "tests").glob(pattern)]
    return {name for file in files for name in DEFINED.findall(file.read_text(encoding="utf-8"))}


def test_every_test_of_a_rule_is_on_the_page():
    assert names_in("proxies/test_caching_*.py", "policies/test_caching_*.py") - NAMED == set()


def test_every_test_on_the_page_is_there():
    assert NAMED - names_in("**/test_*.py") == set()


def test_every_rule_has_a_test():
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    rules = [row for row in rows if not row.startswith(("| Rule", "|---"))]
    assert len(rules) > 40
    assert [row for row in rules if "`test_" not in row] == []
