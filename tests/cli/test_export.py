"""``proxysim export``: configurations as text, in files, as JSON; and what is refused."""

import json
import ssl

import pytest
from typer.testing import CliRunner

from proxysim.cli import app
from proxysim.engines import ENGINES

SHOP = "website-reverse-proxy"


def exported(*arguments, status=0):
    found = CliRunner().invoke(app, ["export", *map(str, arguments)])
    assert found.exit_code == status, found.output
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_it_prints_the_configuration_with_all_that_is_not_in_it(engine):
    text = exported(engine, SHOP).stdout
    (found,) = json.loads(exported(engine, SHOP, "--json").stdout)
    assert found["configuration"] == text
    assert found["node"] == "edge"
    flat = " ".join(text.replace("#", " ").split())
    for sentence in [*found["not_expressed"], *found["differs"]]:
        assert sentence.endswith(".")
        assert " ".join(sentence.split()) in flat


def test_the_same_scenario_gives_the_same_bytes():
    assert exported("squid", "both-ends").stdout == exported("squid", "both-ends").stdout


def test_it_writes_what_the_program_needs(tmp_path):
    told = exported("nginx", SHOP, "--out", tmp_path)
    place = tmp_path / "edge"
    assert {file.name for file in place.iterdir()} == {"nginx.conf", "edge.pem", "authority.pem"}
    assert (place / "edge.pem").stat().st_mode & 0o077 == 0
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(place / "edge.pem")
    assert told.stdout == ""
    assert "wrote nginx.conf" in told.stderr
    before = (place / "edge.pem").read_bytes()
    exported("nginx", SHOP, "--out", tmp_path)
    assert (place / "edge.pem").read_bytes() == before, "a certificate that is there is kept"


def test_places_are_given_by_name():
    text = exported("haproxy", SHOP, "--place", "shop-2=10.0.0.7:80", "--place",
                    "edge=[::1]:81:444").stdout  # fmt: skip
    assert "server shop-2 10.0.0.7:80 " in text
    assert "bind [::1]:444 ssl" in text


def test_a_field_may_be_varied():
    text = exported("nginx", SHOP, "--set", "nodes.edge.balancer=random").stdout
    assert "        random;" in text


def test_all_proxies_that_it_can_be_are_exported_and_others_told():
    found = exported("nginx", "both-ends")
    assert found.stdout.startswith("# edge of the scenario both-ends")
    assert found.stderr == "gateway: nginx is no forward proxy: it serves no CONNECT.\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["apache", SHOP], "no engine is called 'apache'"),
        (["nginx", "nowhere"], "there is no scenario 'nowhere'"),
        (["nginx", SHOP, "--node", "edgy"], "Did you mean 'edge'?"),
        (["nginx", SHOP, "--node", "shop"], "no proxy is called 'shop'"),
        (["nginx", SHOP, "--place", "shop-2"], "Give an address and one or two ports"),
        (["nginx", SHOP, "--place", "shop-2=10.0.0.7:99999"], "one or two ports"),
        (["nginx", SHOP, "--place", "shop-9=10.0.0.7:80"], "no proxy or server 'shop-9'"),
        (["nginx", "office-forward-proxy"], "there is nothing to export"),
        (["squid", "one-server"], "there is nothing to export"),
    ],
)
def test_what_cannot_be_exported_is_told(arguments, told):
    found = exported(*arguments, status=2)
    assert told in found.stderr
    assert found.stdout == ""


def test_where_it_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("kept")
    found = exported("nginx", SHOP, "--out", tmp_path / "file", status=2)
    assert "cannot be written to" in found.stderr
