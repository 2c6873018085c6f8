"""Replay: the log's own clients ask the log's own requests again."""

import pytest

from proxysim.errors import TraceError
from proxysim.workload.arrivals import Poisson
from proxysim.workload.catalogue import Catalogue, Site
from proxysim.workload.distributions import Fixed
from proxysim.workload.draws import OpenGroup, Seat
from proxysim.workload.popularity import Uniform
from proxysim.workload.replay import ReplayGroup
from proxysim.workload.traces import read_trace

ROWS = [
    "10,ann,http://news.example/a,100,200,GET",
    "11,bob,http://news.example/a,0,304,GET",
    "13,ann,https://mail.example/m,7,206,GET",
    "14,eve,http://other.example/o,1,200,GET",
    "20,bob,/local,5,200,POST",
    "30,bob,/late,5,200,GET",
]


@pytest.fixture
def trace(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("\n".join(["time,client,url,size,status,method", *ROWS]))
    return read_trace(file)


def seat(names=("news.example", "mail.example"), **change):
    catalogues = [Catalogue(Site(name, Uniform(10), Fixed(1)), 1) for name in names]
    given = {"name": "log", "index": 1, "groups": 2, "count": 1, "sites": list(range(len(names))),
             "catalogues": catalogues, "seed": 1, "duration": 15.0}  # fmt: skip
    return Seat(**(given | change))


def test_requests_are_those_of_the_log(trace):
    place = seat()
    group = ReplayGroup.of(trace, place, site="mail.example")
    draws = list(group.draws())
    assert [(d.id, d.at, d.member, d.site, d.method) for d in draws] == [
        (1, 0.0, 0, 0, "GET"),
        (3, 1.0, 1, 0, "GET"),
        (5, 3.0, 0, 1, "GET"),
        (7, 10.0, 1, 1, "POST"),
    ]
    paths = [place.catalogues[d.site].path(d.object) for d in draws]
    assert paths == ["/a", "/a", "/m", "/local"]
    assert [place.catalogues[d.site].size(d.object) for d in draws] == [100, 100, 7, 5]
    assert [d.recorded.status for d in draws] == [200, 304, 206, 200]
    assert [d.recorded.conditional for d in draws] == [False, True, False, False]
    assert [d.recorded.ranged for d in draws] == [False, False, True, False]
    assert [d.recorded.encrypted for d in draws] == [False, False, True, False]
    assert group.elsewhere == {"other.example": 1}
    assert (group.beyond, group.count) == (1, 3)
    assert list(group.draws()) == draws


def test_a_count_of_ones_own_folds_the_clients(trace):
    group = ReplayGroup.of(trace, seat(count=1), site="mail.example", fold=True)
    assert group.count == 1
    assert {draw.member for draw in group.draws()} == {0}


def test_a_log_without_hosts_is_for_the_only_site(trace):
    place = seat(("news.example",))
    group = ReplayGroup.of(trace, place, speed=2.0)
    assert [place.catalogues[0].path(d.object) for d in group.draws()] == [
        "/a", "/a", "/local", "/late",
    ]  # fmt: skip
    assert group.elsewhere == {"mail.example": 1, "other.example": 1}


def test_spread_brings_the_whole_log_into_the_run(trace):
    group = ReplayGroup.of(trace, seat(), site="mail.example", spread=15.0)
    assert len(list(group.draws())) == 5
    assert group.beyond == 0


@pytest.mark.parametrize(
    ("names", "site", "says"),
    [
        (("news.example", "mail.example"), None, "name no host"),
        (("news.example", "mail.example"), "mial.example", "Did you mean 'mail.example'"),
    ],
)
def test_a_log_that_does_not_fit_the_sites_is_one_clear_error(trace, names, site, says):
    with pytest.raises(TraceError, match=says):
        ReplayGroup.of(trace, seat(names), site=site)


def test_a_log_of_other_hosts_only_is_one_clear_error(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("\n".join(["time,client,url,size", "1,a,http://x.example/,1"]))
    with pytest.raises(TraceError, match=r"it asks for x\.example.*Add its hosts"):
        ReplayGroup.of(read_trace(file), seat())


def test_a_tunnel_is_replayed_as_one_encrypted_request(tmp_path):
    file = tmp_path / "access.log"
    file.write_text("1.000 5 c TCP_TUNNEL/200 3919 CONNECT mail.example:443 - X/- -\n")
    (draw,) = ReplayGroup.of(read_trace(file), seat()).draws()
    assert (draw.method, draw.site, draw.recorded.encrypted) == ("GET", 1, True)
    assert draw.recorded.size == 3919


def test_drawn_requests_do_not_feel_the_recorded_ones(trace):
    def others(place):
        return list(OpenGroup(place, Poisson(20.0)).draws())

    place = seat()
    before = others(place)
    ReplayGroup.of(trace, place, site="mail.example")
    assert others(place) == before
