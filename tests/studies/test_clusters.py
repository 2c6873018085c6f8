"""A dask cluster of real worker processes makes the very bytes that this machine makes."""

import json
import socket

import pytest
from typer.testing import CliRunner

import proxysim as ps
from proxysim.cli import app
from proxysim.errors import ResultError
from proxysim.studies.clusters import Cluster
from proxysim.studies.running import Job, run_all
from proxysim.studies.store import code_digest

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.live

SHORT = {"run.duration": "1.5s", "run.warmup": "0.5s"}
OVER = {"nodes.shop.workers": "2..4"}


def local(workers):
    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0",
        silence_logs=50,
    )  # fmt: skip


@pytest.fixture(scope="module")
def cluster():
    with local(2) as found:
        yield found.scheduler_address


def test_it_makes_the_same_bytes(cluster, tmp_path):
    scenario = ps.load("unequal-servers").set(SHORT)
    here = ps.sweep(scenario, OVER, replications=3, workers=2)
    there = ps.sweep(scenario, OVER, replications=3, dask=cluster, store=tmp_path)
    assert there.to_json() == here.to_json()
    assert there.frame().to_csv() == here.frame().to_csv()
    again = ps.sweep(scenario, OVER, replications=3, workers=1, store=tmp_path)
    assert again.already == 9
    assert again.to_json() == here.to_json()


def test_from_the_shell(cluster):
    arguments = ["sweep", "unequal-servers", "--over", "nodes.shop.workers=2..3", "--json"]
    arguments += ["--replications", "2", "--no-store"]
    arguments += [part for path, value in SHORT.items() for part in ("--set", f"{path}={value}")]
    there = CliRunner().invoke(app, [*arguments, "--dask", cluster])
    here = CliRunner().invoke(app, [*arguments, "--workers", "1"])
    assert there.exit_code == here.exit_code == 0, there.output
    assert there.stdout == here.stdout
    assert json.loads(there.stdout)["runs"] == 4


def test_an_error_there_names_its_settings_here(cluster):
    scenario = ps.load("replay-access-log")
    path = next(f"nodes.{name}.arrivals.replay.file" for name, node in
                scenario.document.nodes.items() if node.kind == "clients")  # fmt: skip
    with pytest.raises(
        ps.ScenarioError, match=r"with file=nowhere\.log, drain=3s, replication \d: "
    ):
        ps.sweep(scenario, [{path: "nowhere.log", "run.drain": "3s"}], dask=cluster)


def test_workers_of_another_version_are_refused():
    found = {"tcp://a": code_digest(), "tcp://b": "another"}

    class Client:
        def run(self, _function):
            return found

    with pytest.raises(ResultError, match="worker tcp://b has another version"):
        Cluster("tcp://a")._check(Client())
    found.pop("tcp://b")
    Cluster("tcp://a")._check(Client())


def test_a_cluster_without_workers_is_refused():
    with local(0) as empty:
        with pytest.raises(ResultError, match="has no workers"):
            run_all([Job(ps.load("one-server"), 1)], crew=Cluster(empty.scheduler_address))


@pytest.mark.parametrize("address", ["nowhere", "tcp://", "ftp://127.0.0.1:1", ""])
def test_an_address_that_is_none_is_told(address):
    with pytest.raises(ResultError, match="no dask cluster can be reached") as found:
        run_all([Job(ps.load("one-server"), 1)], crew=Cluster(address, patience=1))
    assert "dask scheduler" in str(found.value)


def test_a_cluster_that_nobody_reaches_has_a_message_and_a_status(monkeypatch):
    monkeypatch.setattr(Cluster.__init__, "__defaults__", (1.0,))
    with socket.socket() as taken:  # bound, so that nobody else listens there
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        found = CliRunner().invoke(
            app,
            ["sweep", "one-server", "--over", "load=1,2", "--no-store", "--dask", address],
        )
    assert found.exit_code == 2
    assert found.stderr.startswith(f"error: {address}: no dask cluster can be reached")
    assert found.stdout == ""
