"""Catalogues: what belongs to an object is drawn once, and each thing by itself."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import ScenarioError
from proxysim.workload.catalogue import Catalogue, Site
from proxysim.workload.distributions import Exponential, Fixed, Lognormal
from proxysim.workload.popularity import Uniform, Zipf

SITE = Site("news.example", Zipf(0.9, 20_000), Lognormal(40_000, 1.4), cacheable=0.7)


def everything(catalogue, objects):
    return [(catalogue.size(o), catalogue.cacheable(o), catalogue.text(o)) for o in objects]


def test_objects_are_the_same_in_whatever_order_they_are_asked_for():
    forwards = everything(Catalogue(SITE, 7), range(20_000))
    backwards = everything(Catalogue(SITE, 7), reversed(range(20_000)))
    assert forwards == backwards[::-1]
    assert forwards != everything(Catalogue(SITE, 8), range(20_000))
    assert forwards != everything(Catalogue(SITE, 7, replication=1), range(20_000))


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"cacheable": 0.2}, (0, 2)),
        ({"compressible": 0.1}, (0, 1)),
        ({"size": Fixed(10)}, (1, 2)),
        ({"ttl": 1.0, "tls": True, "methods": {"POST": 1.0}, "share": 9.0}, (0, 1, 2)),
        ({"popularity": Uniform(30_000)}, (0, 1, 2)),
    ],
)
def test_changing_one_thing_changes_nothing_else(change, same):
    before = everything(Catalogue(SITE, 7), range(9000))
    after = everything(Catalogue(dataclasses.replace(SITE, **change), 7), range(9000))
    for index in range(3):
        equal = [b[index] for b in before] == [a[index] for a in after]
        assert equal == (index in same)


def test_shares_and_sizes_are_those_of_the_site():
    catalogue = Catalogue(SITE, 7)
    n = len(catalogue)
    sizes = catalogue.sizes()
    error = np.sqrt(np.expm1(1.4**2) / n)
    assert sizes.mean() == pytest.approx(40_000, rel=3.5 * error)
    for asked, share in ((catalogue.cacheable, 0.7), (catalogue.text, 0.6)):
        found = sum(asked(obj) for obj in range(n)) / n
        assert found == pytest.approx(share, abs=3.5 * np.sqrt(share * (1 - share) / n))


def test_no_block_of_objects_repeats_another():
    sizes = Catalogue(SITE, 7).sizes()
    beginnings = {tuple(sizes[at : at + 5]) for at in range(len(sizes) - 5)}
    assert len(beginnings) == len(sizes) - 5


def test_plain_python_values_come_out():
    catalogue = Catalogue(SITE, 7)
    assert type(catalogue.size(3)) is int
    assert type(catalogue.cacheable(3)) is bool
    assert type(catalogue.text(3)) is bool


@pytest.mark.parametrize(("size", "least"), [(Exponential(1.0), 1), (Fixed(0), 0), (Fixed(7), 7)])
def test_the_least_size_is_one_byte_unless_sizes_are_zero(size, least):
    assert Catalogue(Site("a", Uniform(500), size), 1).sizes().min() == least


@pytest.mark.parametrize("path", ["/{n}", "/pages/{n}.html", "/search?q={n}&lang=en"])
@given(obj=st.integers(0, 19_999))
def test_find_is_the_inverse_of_path(path, obj):
    catalogue = Catalogue(dataclasses.replace(SITE, path=path), 1)
    assert catalogue.find(catalogue.path(obj)) == obj


@pytest.mark.parametrize(
    "path",
    ["", "/", "/0", "/01", "/-1", "/1.0", "/²", "/20001", "1", "/x", "/1/", "/" + "9" * 5000],
)
def test_other_paths_are_no_objects(path):
    assert Catalogue(SITE, 1).find(path) is None


def test_the_first_object_is_the_most_popular_and_numbered_from_one():
    assert Catalogue(SITE, 1).path(0) == "/1"
    assert Catalogue(Site("a", Uniform(1), Fixed(1), path="/only"), 1).find("/only") == 0


def test_recorded_objects_follow_the_drawn_ones():
    catalogue = Catalogue(SITE, 1)
    before = everything(catalogue, range(100))
    logo, page = catalogue.record("/logo.png", 500), catalogue.record("/a/style.CSS?v=1", 40)
    assert (logo, page, len(catalogue)) == (20_000, 20_001, 20_002)
    assert catalogue.record("/logo.png", 900) == logo
    assert catalogue.record("/logo.png", 10) == logo
    assert (catalogue.size(logo), catalogue.path(logo), catalogue.find("/logo.png")) == (
        900,
        "/logo.png",
        logo,
    )
    assert not catalogue.text(logo)
    assert catalogue.text(page)
    assert everything(catalogue, range(100)) == before
    assert isinstance(catalogue.text(catalogue.record("/about", 1)), bool)
    assert isinstance(catalogue.cacheable(logo), bool)


@pytest.mark.parametrize(
    "change",
    [{"path": "x{n}"}, {"path": "/same"}, {"path": "/{n}/{n}"}, {"methods": {"GET": 0.0}}],
)
def test_sites_that_make_no_sense_are_refused(change):
    with pytest.raises(ScenarioError, match=r"sites\.news\.example"):
        dataclasses.replace(SITE, **change)
