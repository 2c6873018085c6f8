"""From a scenario to its workload and network."""

import textwrap

import pytest
import yaml

from proxysim.errors import ScenarioError, TopologyError, TraceError
from proxysim.scenario.build_topology import network_of
from proxysim.scenario.build_workload import workload_of
from proxysim.scenario.scenario import Scenario
from proxysim.workload import arrivals, distributions, popularity
from proxysim.workload.draws import ClosedGroup, OpenGroup
from proxysim.workload.replay import ReplayGroup

OFFICE = """
    proxysim: 1
    title: An office
    run: {duration: 50s, seed: 7}
    sites:
      news.example: {share: 60%, objects: 500, size: {lognormal: {mean: 40kB, sigma: 1.4}}}
      mail.example: {share: 40%, objects: 80, tls: true}
    nodes:
      staff:   {kind: clients, count: 80, arrivals: {poisson: 40/s}, through: gateway}
      gateway: {kind: forward_proxy}
      edge:    {kind: reverse_proxy, sites: [mail.example], backends: mail}
      mail:    {kind: server, count: 2, service: {exponential: 12ms}}
      web:     {kind: server, sites: [news.example]}
    links:
      - {between: [staff, gateway], latency: 0.5ms, bandwidth: 1Gbps}
      - {between: [gateway, web], latency: 40ms}
      - {between: [gateway, edge], latency: 30ms, shared: true}
      - {between: [edge, mail], latency: 1ms}
"""


def office(directory=None, **settings):
    tree = yaml.safe_load(textwrap.dedent(OFFICE))
    scenario = Scenario.checked(tree, name="office", directory=directory)
    return scenario.set({path.replace("__", "."): value for path, value in settings.items()})


def draws(scenario, group="staff", **options):
    return list(workload_of(scenario, **options).group(group).draws())


def test_arrivals_do_not_change_with_the_servers():
    base = draws(office())
    assert base
    assert draws(office(nodes__mail__count=9, nodes__mail__service="2s")) == base
    assert draws(office(), seed=7) == base
    assert draws(office(), seed=8) != base
    assert draws(office(), replication=1) != base
    moved = draws(office(nodes__staff__count=5))
    assert [d.at for d in moved] == [d.at for d in base]


@pytest.mark.parametrize(
    ("said", "built"),
    [
        ({"poisson": "40/s"}, arrivals.Poisson(40)),
        ("40/s", arrivals.Poisson(40)),
        ({"even": "30/min"}, arrivals.Even(0.5)),
        (
            {"bursty": {"calm": 1, "burst": 9, "calm_for": "2s", "burst_for": "100ms"}},
            arrivals.Bursty(1, 9, 2, 0.1),
        ),
        ({"ramp": {"start": 1, "end": 9}}, arrivals.Ramp(1, 9, 50)),
        ({"ramp": {"start": 1, "end": 9, "over": "5s"}}, arrivals.Ramp(1, 9, 5)),
        ({"daily": {"mean": 3, "profile": [1, 2]}}, arrivals.Daily(3, (1, 2), 86400)),
        (
            {"steps": [{"at": 0, "rate": 5}, {"at": "10s", "rate": 0}]},
            arrivals.Steps(((0, 5), (10, 0))),
        ),
    ],
)
def test_every_way_to_arrive_is_built(said, built):
    group = workload_of(office(nodes__staff__arrivals=said)).group("staff")
    assert isinstance(group, OpenGroup)
    assert group.arrivals == built


@pytest.mark.parametrize(
    ("said", "built"),
    [
        ("2s", distributions.Fixed(2)),
        ({"exponential": "2s"}, distributions.Exponential(2)),
        ({"lognormal": {"mean": "2s", "sigma": 1}}, distributions.Lognormal(2, 1)),
        ({"pareto": {"mean": "2s", "alpha": 1.5}}, distributions.Pareto(2, 1.5)),
        (
            {"hyperexponential": {"fast": "1s", "slow": "9s", "slow_share": "10%"}},
            distributions.Hyperexponential(1, 9, 0.1),
        ),
        ({"per_byte": {"speed": "1MB/s"}}, distributions.PerByte(1e6)),
        (
            {"per_byte": {"speed": "1MB/s", "plus": {"exponential": "1s"}}},
            distributions.PerByte(1e6, distributions.Exponential(1)),
        ),
    ],
)
def test_every_distribution_is_built(said, built):
    group = workload_of(office(nodes__staff__arrivals={"closed": {"think": said}})).group("staff")
    assert isinstance(group, ClosedGroup)
    assert group.think_time == built


@pytest.mark.parametrize(
    ("said", "built"),
    [
        (0.9, popularity.Zipf(0.9, 500)),
        ("uniform", popularity.Uniform(500)),
        ({"drifting": {"zipf": 1, "every": "5s"}}, popularity.Drifting),
    ],
)
def test_every_popularity_is_built(said, built):
    tree = yaml.safe_load(textwrap.dedent(OFFICE))
    tree["sites"]["news.example"]["popularity"] = said
    found = workload_of(Scenario.checked(tree, name="office")).sites[0].site.popularity
    assert found == built if not isinstance(built, type) else isinstance(found, built)


def test_a_log_decides_how_many_clients_there_are(tmp_path):
    (tmp_path / "log.csv").write_text(
        "time,client,url,size\n1,a,/x,5\n2,b,http://mail.example/y,5\n3,c,/x,5\n"
    )
    replay = {"replay": {"file": "log.csv", "site": "news.example"}}
    scenario = office(tmp_path)
    tree = scenario.to_dict()
    tree["nodes"]["staff"]["arrivals"] = replay
    folded = workload_of(Scenario.checked(tree, name="x", directory=tmp_path)).group("staff")
    del tree["nodes"]["staff"]["count"]
    scenario = Scenario.checked(tree, name="x", directory=tmp_path)
    workload = workload_of(scenario)
    group = workload.group("staff")
    assert isinstance(group, ReplayGroup)
    assert (group.count, folded.count) == (3, 80)
    assert [draw.site for draw in group.draws()] == [0, 1, 0]
    network = network_of(scenario, workload.counts)
    assert network.name(network.address("staff-3")) == "staff-3"


def test_a_log_that_is_missing_is_one_clear_error(tmp_path):
    scenario = office(tmp_path, nodes__staff__arrivals={"replay": {"file": "none.log"}})
    with pytest.raises(TraceError, match=r"none\.log: cannot be read"):
        workload_of(scenario)


@pytest.mark.parametrize("path", ["/all", "pages/{n}"])
def test_paths_that_do_not_tell_objects_apart_name_their_place(path):
    tree = yaml.safe_load(textwrap.dedent(OFFICE))
    tree["sites"]["mail.example"]["path"] = path
    with pytest.raises(ScenarioError, match=r"sites\.mail\.example\.path"):
        workload_of(Scenario.checked(tree, name="office"))


def test_the_network_checks_every_conversation():
    network = network_of(office())
    assert set(network.conversations) == {
        ("staff", "gateway"),
        ("gateway", "edge"),
        ("gateway", "web"),
        ("edge", "mail-1"),
        ("edge", "mail-2"),
    }
    assert network.route("gateway", "edge")[0].wire.shared
    assert network.rtt("edge", "mail-2") == pytest.approx(0.002)
    assert network.zone("web") == "servers' side"
    tree = office().to_dict()
    del tree["links"][1]
    with pytest.raises(TopologyError, match="'gateway' cannot reach 'web'"):
        network_of(Scenario.checked(tree, name="office"))
    del tree["links"]
    assert network_of(Scenario.checked(tree, name="office")).ideal
