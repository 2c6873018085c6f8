"""Runs to play, and a browser to play them in."""

import os

import pytest

import proxysim as ps
from proxysim.stage import page as page_of
from tests.stage.browser import PROGRAM, chromium

SHORT = {
    "office-forward-proxy": {"run.duration": "4s"},
    "website-reverse-proxy": {"run.duration": "1.2s"},
    "both-ends": {"run.duration": "2s"},
    "hedging": {"run.duration": "3s"},
}
UNWARMED = {"run.warmup": 0}


def scenario(name, **settings):
    return ps.load(name).set(UNWARMED | SHORT.get(name, {}) | settings)


@pytest.fixture(scope="session")
def played():
    """Each of the scenarios, run once with all its spans."""
    made = {}

    def run(name):
        if name not in made:
            made[name] = ps.simulate(scenario(name), hops="all", explain=True)
        return made[name]

    return run


@pytest.fixture(scope="session")
def browser():
    """One that is not installed is skipped, or missed where PROXYSIM_REQUIRE_OPTIONAL=1 is set."""
    if PROGRAM is None:
        if os.environ.get("PROXYSIM_REQUIRE_OPTIONAL") == "1":
            pytest.fail("no chromium")
        pytest.skip("no chromium")
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser):
    found = browser.page()
    found.size(1300, 900)
    found.calm(False)
    yield found
    found.close()
    assert found.errors == []


@pytest.fixture(scope="session")
def files(tmp_path_factory, played):
    """Pages on disk, by name."""
    made = {}
    place = tmp_path_factory.mktemp("stage")

    def file(name, **options):
        key = name + repr(sorted(options))
        if key not in made:
            path = place / f"{len(made)}.html"
            path.write_text(page_of(played(name), **options), encoding="utf-8")
            made[key] = path.as_uri()
        return made[key]

    return file
