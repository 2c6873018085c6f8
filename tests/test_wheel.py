"""The wheel, installed elsewhere: the scenarios are inside, and one runs by name."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def checked(*command, **options):
    found = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    place = tmp_path_factory.mktemp("wheel")
    checked(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps",
        "--wheel-dir", place, ROOT,
    )  # fmt: skip
    (found,) = place.glob("proxysim-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    place = tmp_path_factory.mktemp("site")
    checked(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
        "--target", place, wheel,
    )  # fmt: skip
    return place


def test_it_holds_what_a_checkout_ships(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for file in (ROOT / "scenarios").rglob("*"):
        if file.suffix in (".yaml", ".log"):
            assert f"proxysim/scenario/library/{file.relative_to(ROOT / 'scenarios')}" in names
    assert "proxysim/py.typed" in names
    assert not any(name.startswith(("tests/", "scenarios/", "docs/")) for name in names)


@pytest.mark.parametrize("name", ["one-server", "replay-access-log"])
def test_a_shipped_scenario_runs_by_name(installed, name, tmp_path):
    # -P: not from where it stands; PYTHONPATH goes before the checkout that is being developed.
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    where = "import proxysim; print(proxysim.__file__)"
    found = checked(sys.executable, "-P", "-c", where, cwd=tmp_path, env=environment)
    assert Path(found.strip()).is_relative_to(installed)
    text = checked(
        sys.executable, "-P", "-m", "proxysim", "run", name, "--json", "--keep", "none",
        cwd=tmp_path, env=environment,
    )  # fmt: skip
    summary = json.loads(text)
    assert summary["scenario"] == name
    assert summary["requests"]["ok"] > 1000
    assert not list(tmp_path.iterdir())
