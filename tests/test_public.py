"""The public names: lazy, complete, and the same run whichever way it is asked for."""

import json
import os
import subprocess
import sys

import pytest

import proxysim as ps

HEAVY = {"matplotlib", "networkx", "numpy", "pandas", "pydantic", "scipy", "simpy", "yaml"}
SHORT = {"run.duration": "20s", "run.warmup": "2s"}


def python(code, **environment):
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout.splitlines()[-1])


ASKED = "from typer.testing import CliRunner as R; from proxysim.cli import app; assert '{}' in "


@pytest.mark.parametrize(
    "code",
    [
        "import proxysim",
        "import proxysim; dir(proxysim); proxysim.__version__; proxysim.ProxysimError",
        "import proxysim.cli",
        ASKED.format("scenarios") + "R().invoke(app, ['--help']).stdout",
        ASKED.format("--without") + "R().invoke(app, ['run', '--help']).stdout",
    ],
)
def test_what_is_not_used_is_not_imported(code):
    loaded = python(f"import json, sys\n{code}\nprint(json.dumps([*sys.modules]))")
    # A command's options are typer's business, which may check them with pydantic.
    assert not (HEAVY - {"pydantic"} if "run" in code else HEAVY) & set(loaded)
    rooms = {name.split(".")[1] for name in loaded if name.startswith("proxysim.")}
    assert rooms <= {"cli", "errors"}


def test_loading_needs_no_tables():
    code = "import proxysim; proxysim.load('both-ends')"
    loaded = python(f"import json, sys\n{code}\nprint(json.dumps([*sys.modules]))")
    assert not {"matplotlib", "pandas", "scipy", "simpy"} & set(loaded)


def test_simulating_and_summing_up_needs_no_data_frames():
    code = (
        "import proxysim as ps; s = ps.load('one-server').set('run.duration', '21s');"
        "ps.simulate(s).summary()"
    )
    loaded = python(f"import json, sys\n{code}\nprint(json.dumps([*sys.modules]))")
    assert not {"matplotlib", "pandas"} & set(loaded)


def test_every_public_name_is_there():
    for name in ps.__all__:
        assert getattr(ps, name) is not None
    assert set(ps.__all__) <= set(dir(ps))
    assert ps.__version__ != "unknown"
    with pytest.raises(AttributeError, match="simulat"):
        _ = ps.simulat


def test_one_run_however_the_scenario_is_given(tmp_path):
    scenario = ps.load("one-server").set(SHORT)
    file = tmp_path / "one-server.yaml"
    file.write_text(scenario.to_yaml(), encoding="utf-8")
    run = ps.simulate(scenario)
    assert ps.simulate(file).digests() == run.digests() == ps.simulate(str(file)).digests()
    assert ps.simulate(scenario, seed=2).digests() != run.digests()
    assert run.manifest["question"] == scenario.question
    assert len(run.table("hops")) == 0


def test_a_shipped_name_will_do():
    run = ps.simulate("one-server", keep="none", views=False)
    assert run.scenario == "one-server"
    assert run.seed == ps.load("one-server").document.run.seed


DIGESTS = """
import json, proxysim as ps
found = [
    ps.simulate(ps.load(name).set({"run.duration": "8s", "run.warmup": "1s"}), hops=5).digests()
    for name in ("office-forward-proxy", "website-reverse-proxy", "both-ends")
]
print(json.dumps(found))
"""


def test_tables_do_not_depend_on_the_hash_seed():
    one, other = (python(DIGESTS, PYTHONHASHSEED=seed) for seed in ("1", "4242"))
    assert one == other
    assert len(set(one)) == 3


@pytest.mark.parametrize("balancer", ["round_robin", "random", "power_of_two", "source_hash"])
def test_another_balancer_is_sent_the_same_requests(balancer):
    scenario = ps.load("website-reverse-proxy").set({"run.duration": "4s", "run.warmup": "1s"})
    run = ps.simulate(scenario, views=False)
    other = ps.simulate(scenario.set("nodes.edge.balancer", balancer), views=False)
    asked = ["id", "client", "site", "path", "method", "at"]
    assert run.requests[asked].equals(other.requests[asked])
    assert not run.requests["backend"].astype(str).equals(other.requests["backend"].astype(str))


@pytest.mark.parametrize("seed", ["7", -1, 1.5])
def test_only_a_whole_number_seeds_a_run(seed):
    with pytest.raises(ps.ScenarioError, match=r"seed: found .*whole number"):
        ps.simulate("one-server", seed=seed)
