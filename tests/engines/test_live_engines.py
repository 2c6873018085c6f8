"""The real programs in our proxies' place: what a scenario says, they do."""

from __future__ import annotations

import base64
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import pytest

from proxysim.engines import ENGINES, Place, running
from proxysim.engines.running import start
from proxysim.errors import RunError, ScenarioError
from proxysim.messages import Headers, Request
from proxysim.policies.backend import Backend
from proxysim.policies.balancers import build_balancer
from proxysim.policies.identity import ReverseIdentity
from proxysim.scenario import from_dict
from proxysim.sockets.tls import Certificates
from tests.sockets.programs import free_port

pytestmark = pytest.mark.live

REVERSE = [name for name, kinds in ENGINES.items() if not isinstance(kinds["reverse_proxy"], str)]


def scenario(members=3, sites=None, spare=None, **edge):
    shop = {"kind": "server", "count": members, "weight": [3, 1, 1][:members]}
    return from_dict(
        {
            "proxysim": 1,
            "title": "x",
            "sites": sites or {"shop.example": {}},
            "nodes": {
                "users": {"kind": "clients", "arrivals": 1},
                "edge": {
                    "kind": "reverse_proxy",
                    "sites": [*(sites or ["shop.example"])],
                    "backends": "shop",
                    **edge,
                },
                "shop": shop if members > 1 else {"kind": "server"},
            },
        }
    )


def office(directory=".", **gateway):
    return from_dict(
        {
            "proxysim": 1,
            "title": "x",
            "sites": {"news.example": {}, "casino.example": {}, "mail.example": {"tls": True}},
            "nodes": {
                "staff": {"kind": "clients", "arrivals": 1, "through": "gateway"},
                "gateway": {"kind": "forward_proxy", **gateway},
                "web": {
                    "kind": "server",
                    "sites": ["news.example", "casino.example", "mail.example"],
                },
            },
        },
        directory=directory,
    )


@pytest.fixture
def stand(origin, installed):
    """Origins and an engine in front of them."""
    with ExitStack() as stack:

        def standing(engine, asked, node, tls_ports=(), **options):
            installed(engine)
            names = (
                asked.members(asked.document.nodes[node].backends) if node == "edge" else ["web"]
            )
            origins = {name: origin(name) for name in names}
            places = {
                name: Place("127.0.0.1", found.port, found.port) for name, found in origins.items()
            }
            for name, port in tls_ports:
                places[name] = Place("127.0.0.1", places[name].http, port)
            places[node] = Place("127.0.0.1", free_port(), free_port())
            found = stack.enter_context(start(engine, asked, node, places, **options))
            return found, origins

        yield standing


def shared(engine, origins):
    """How many requests each origin was asked; Squid, which says so, is not exact."""
    found = [len(each.asked) for each in origins.values()]
    return found if engine != "squid" else [4 * round(each / 4) for each in found]


@pytest.mark.parametrize("engine", REVERSE)
def test_equal_turns(engine, stand, client):
    under_way, origins = stand(engine, scenario(balancer="round_robin"), "edge")
    asked = client(under_way.listens[0])
    for number in range(12):
        assert asked.get(f"/{number}")[0] == 200
    assert shared(engine, origins) == [4, 4, 4]


@pytest.mark.parametrize("engine", REVERSE)
def test_turns_by_weight(engine, stand, client):
    under_way, origins = stand(engine, scenario(balancer="weighted_round_robin"), "edge")
    asked = client(under_way.listens[0])
    for number in range(20):
        assert asked.get(f"/{number}")[0] == 200
    assert shared(engine, origins) == [12, 4, 4]


def test_nginx_gives_smooth_turns_in_the_same_order_as_ours(stand, client):
    under_way, _ = stand("nginx", scenario(balancer="weighted_round_robin"), "edge")
    asked = client(under_way.listens[0])
    theirs = [asked.get(f"/{number}")[2].split()[0].decode() for number in range(15)]
    ours = build_balancer("weighted_round_robin", Random(0))
    pool = [Backend(f"shop-{number}", weight=weight) for number, weight in ((1, 3), (2, 1), (3, 1))]
    request = Request("GET", "http", "shop.example", 80, "/")
    assert theirs == [ours.choose(request, pool).name for _ in range(15)]


@pytest.mark.parametrize("engine", REVERSE)
def test_servers_are_told_who_asks_and_clients_not_who_answers(engine, stand, client):
    under_way, origins = stand(engine, scenario(members=1), "edge")
    status, headers, _ = client(under_way.listens[0]).get("/a", **{"X-Forwarded-For": "192.0.2.1"})
    assert status == 200
    assert "x-powered-by" not in headers
    told = origins["shop"].asked[0][1]
    assert "127.0.0.1" in told["x-forwarded-for"]
    assert told["host"] == "shop.example"
    assert "edge" in told["via"]


@pytest.mark.parametrize("engine", ["nginx", "haproxy"])
def test_they_forward_as_our_own_proxy_does(engine, stand, client):
    under_way, origins = stand(engine, scenario(members=1, forwarded="both"), "edge")
    headers = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "forged.example"}
    client(under_way.listens[0]).get("/a", **headers)
    told = origins["shop"].asked[0][1]
    sent = Headers([("host", "shop.example"), ("x-forwarded-for", "192.0.2.1")])
    request = Request("GET", "http", "shop.example", 80, "/a", sent, "127.0.0.1")
    ours = ReverseIdentity("edge", forwarded="both").rewrite(request).headers
    for name in ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "via"):
        assert told[name] == ours.get(name), name


@pytest.mark.parametrize("engine", ["nginx", "haproxy"])
def test_the_client_that_trusted_proxies_tell_of_is_the_one_that_is_limited(engine, stand, client):
    settings = {
        "rate_limit": {"rate": "1/min", "burst": 2},
        "trusted": {"addresses": ["127.0.0.0/8", "10.0.0.0/8"]},
    }
    under_way, _ = stand(engine, scenario(members=1, **settings), "edge")
    asked = client(under_way.listens[0])
    said = ["192.0.2.1", "192.0.2.2, 10.0.0.1", "192.0.2.1, 10.0.0.9", "192.0.2.2"]
    statuses = [asked.get("/a", **{"X-Forwarded-For": who})[0] for who in [*said, *said]]
    assert statuses == [200] * 4 + [429] * 4


def test_haproxy_gives_the_cookie_that_we_would(stand, client):
    under_way, _ = stand("haproxy", scenario(balancer="sticky"), "edge")
    for _ in range(2):
        asked = client(under_way.listens[0])
        _, headers, body = asked.get("/private")
        cookie = headers["set-cookie"].partition(";")[0]
        again = [asked.get("/private", Cookie=cookie)[2].split()[0] for _ in range(4)]
        assert set(again) == {body.split()[0]}
        request = Request("GET", "http", "shop.example", 80, "/", Headers([("cookie", cookie)]))
        ours = build_balancer("sticky", Random(0))
        pool = [Backend(f"shop-{number}") for number in (1, 2, 3)]
        assert ours.choose(request, pool).name == body.split()[0].decode()


@pytest.mark.parametrize("engine", ["nginx", "haproxy"])
def test_a_tier_behind_the_first_is_asked_when_that_is_away(engine, stand, client):
    balancer = {"priority": {"tiers": [["shop-1"], ["shop-2", "shop-3"]]}}
    retry = {"attempts": 3, "on": ["connect", "reset"]}
    health = {"passive": {"failures": 1, "for": "60s"}}
    under_way, origins = stand(
        engine, scenario(balancer=balancer, retry=retry, health=health), "edge"
    )
    asked = client(under_way.listens[0])
    before = {asked.get("/a")[2].split()[0] for _ in range(4)}
    origins["shop-1"].leave()
    after = [asked.get("/a") for _ in range(6)]
    assert before == {b"shop-1"}
    assert {status for status, _, _ in after} == {200}
    assert {body.split()[0] for _, _, body in after} == {b"shop-2", b"shop-3"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have 127.0.0.1 alone")
@pytest.mark.parametrize("engine", ENGINES)
def test_servers_can_tell_the_proxys_address(engine, origin, installed, client):
    installed(engine)
    shop = origin("shop")
    places = {
        "shop": Place("127.0.0.1", shop.port, shop.port),
        "edge": Place("127.45.0.9", free_port(), free_port()),
    }
    with start(engine, scenario(members=1), "edge", places) as under_way:
        assert client(under_way.listens[0]).get("/a")[0] == 200
    assert shop.peers == ["127.45.0.9"]


@pytest.mark.parametrize("engine", REVERSE)
def test_an_answer_is_kept_and_a_private_one_is_not(engine, stand, client):
    under_way, origins = stand(engine, scenario(members=1, cache={"capacity": "10MB"}), "edge")
    asked = client(under_way.listens[0])
    bodies = [asked.get(path)[2] for path in ("/a", "/a", "/private", "/private", "/a")]
    assert bodies[0] == bodies[1] == bodies[4]
    assert origins["shop"].paths() == ["/a", "/private", "/private"]


@pytest.mark.parametrize(("engine", "at_once"), [("nginx", 1), ("squid", 2), ("haproxy", 3)])
def test_what_is_private_is_waited_for_each_time_as_we_say(engine, at_once, stand, client):
    """Three who ask at once: one by one, two behind the first, or all, who share nothing."""
    cache = {"capacity": "10MB", "collapse": True}
    under_way, origins = stand(engine, scenario(members=1, cache=cache), "edge")
    origins["shop"].pause = 0.4
    clients = [client(under_way.listens[0]) for _ in range(3)]
    for _ in range(2):
        origins["shop"].most = 0
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda each: each.get("/private")[0], clients))
        assert answers == [200] * 3
        assert origins["shop"].most == at_once


@pytest.mark.parametrize("engine", REVERSE)
def test_hosts_that_are_not_served_are_turned_away(engine, stand, client):
    under_way, origins = stand(engine, scenario(members=1), "edge")
    assert client(under_way.listens[0], "other.example").get("/")[0] in (421, 403)
    assert origins["shop"].asked == []


@pytest.mark.parametrize("engine", ["nginx", "haproxy"])
def test_a_failed_answer_is_asked_for_again_elsewhere(engine, stand, client):
    retry = {"attempts": 2, "on": [503]}
    under_way, origins = stand(engine, scenario(balancer="round_robin", retry=retry), "edge")
    for found in list(origins.values())[:1]:
        found.fails["/a"] = 503
    asked = client(under_way.listens[0])
    assert [asked.get("/a")[0] for _ in range(6)] == [200] * 6


@pytest.mark.parametrize("engine", ["nginx", "haproxy"])
def test_text_is_compressed_for_who_takes_it(engine, stand, client):
    under_way, _ = stand(engine, scenario(members=1, compression=["gzip"]), "edge")
    asked = client(under_way.listens[0])
    plain, coded = asked.get("/a"), asked.get("/a", **{"Accept-Encoding": "gzip"})
    assert coded[1]["content-encoding"] == "gzip"
    assert len(coded[2]) < len(plain[2]) / 5


@pytest.mark.parametrize("engine", ["nginx", "haproxy"])
def test_who_asks_too_often_is_refused(engine, stand, client):
    limit = {"rate": "1/min", "burst": 3}
    under_way, _ = stand(engine, scenario(members=1, rate_limit=limit), "edge")
    asked = client(under_way.listens[0])
    found = Counter(asked.get(f"/{number}")[0] for number in range(8))
    assert found[200] in (3, 4)
    assert found[429] == 8 - found[200]


@pytest.mark.parametrize("engine", REVERSE)
def test_tls_is_ended(engine, stand, client, trusting):
    made = Certificates(["shop.example"])
    sites = {"shop.example": {"tls": True}}
    under_way, origins = stand(
        engine, scenario(members=1, sites=sites), "edge", certificate=lambda hosts: made.leaf
    )
    asked = client(under_way.listens[0], tls=trusting(made.authority))
    assert asked.get("/a")[0] == 200
    assert origins["shop"].paths() == ["/a"]


@pytest.mark.parametrize("engine", REVERSE)
def test_tls_is_begun_anew_to_servers_that_are_vouched_for(
    engine, stand, client, trusting, origin, tmp_path
):
    made, other = Certificates(["shop.example"]), Certificates(["shop.example"])
    secure = origin("secure", made.server_context())
    sites = {"shop.example": {"tls": True}}
    authority = tmp_path / "authority.pem"
    refused = {200} if engine == "squid" else {502, 503}  # it says that it takes any
    for vouching, expected in ((made, {200}), (other, refused)):
        authority.write_bytes(vouching.authority)
        under_way, _ = stand(
            engine,
            scenario(members=1, sites=sites, tls="reencrypt"),
            "edge",
            tls_ports=[("shop", secure.port)],
            certificate=lambda hosts: made.leaf,
            authority=authority,
        )
        asked = client(under_way.listens[0], tls=trusting(made.authority))
        assert asked.get("/a")[0] in expected
    assert len(secure.asked) == (2 if engine == "squid" else 1)


@pytest.mark.parametrize("engine", ["nginx", "haproxy"])
def test_redirections_lead_back_through_the_proxy(engine, stand, client):
    under_way, _ = stand(engine, scenario(members=1), "edge")
    assert client(under_way.listens[0]).get("/moved")[1]["location"] == "/new?page=2"


@pytest.mark.parametrize("engine", ["nginx", "haproxy"])
def test_tls_is_passed_through_by_its_name(engine, stand, client, trusting, origin):
    made = Certificates(["shop.example"])
    secure = origin("secure", made.server_context())
    sites = {"shop.example": {"tls": True}}
    under_way, _ = stand(
        engine,
        scenario(members=1, sites=sites, tls="passthrough"),
        "edge",
        tls_ports=[("shop", secure.port)],
    )
    asked = client(under_way.listens[0], tls=trusting(made.authority))
    assert asked.get("/a")[2].startswith(b"secure /a")
    assert len(secure.asked) == 1
    with pytest.raises(OSError):
        client(under_way.listens[0], "other.example", tls=trusting(made.authority))


def headers_of_proxies(headers):
    """The fields of an answer that tell of a proxy."""
    return headers.keys() & {"via", "cache-status", "x-cache", "x-cache-lookup"}


def test_squid_blocks_keeps_and_hides(stand, client):
    filters = [
        {"deny": {"domain": "casino.example"}},
        {"redirect": {"url": "*/old/*"}, "to": "http://news.example/new"},
        {"deny": {"method": "POST"}},
    ]
    asked = office(identity="elite", filters=filters, cache={"capacity": "10MB"})
    under_way, origins = stand("squid", asked, "gateway")
    web = origins["web"]
    through = client(under_way.listens[0], "news.example")
    assert [through.get("http://news.example/a")[0] for _ in range(2)] == [200, 200]
    assert web.paths() == ["/a"]
    assert headers_of_proxies(through.get("http://news.example/a")[1]) == set()
    assert web.asked[0][1].keys().isdisjoint({"via", "x-forwarded-for", "forwarded"})
    blocked = client(under_way.listens[0], "casino.example")
    assert blocked.get("http://casino.example/")[0] == 403
    assert blocked.get("http://deep.casino.example/")[0] == 403
    status, headers, _ = through.get("http://news.example/old/story")
    assert (status, headers["location"]) == (302, "http://news.example/new")
    assert web.paths() == ["/a"]


def test_squid_judges_answers_by_lists_of_their_own_and_notes_what_is_logged(
    stand, client, tmp_path
):
    (tmp_path / "bad.txt").write_text("0.0.0.0 casino.example\n||unheard-of.example^\n")
    filters = [
        {"log": {"url": "*/watched/*"}},
        {"deny": {"category": "bad"}},
        {"deny": {"content_type": "text/*", "url": "re:/pages/[0-9]+$"}},
        {"allow": {"port": "1-65535", "client": "127.0.0.0/8", "schedule": "00:00-24:00"}},
        {"deny": {"method": "GET"}},
    ]
    asked = office(tmp_path, filters=filters, categories={"bad": "bad.txt"})
    under_way, origins = stand("squid", asked, "gateway")
    through = client(under_way.listens[0], "news.example")
    found = {
        path: through.get(f"http://news.example{path}")[0]
        for path in ("/a", "/pages/12", "/pages/x", "/watched/a")
    }
    assert found == {"/a": 200, "/pages/12": 403, "/pages/x": 200, "/watched/a": 200}
    assert client(under_way.listens[0], "c").get("http://casino.example/")[0] == 403
    assert origins["web"].paths() == [*found]
    log = under_way.directory / "access.log"
    deadline = time.monotonic() + 30
    while "/watched/a" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    noted = [line for line in log.read_text().splitlines() if "rule_0:%20matched" in line]
    assert len(noted) == 1
    assert "/watched/a" in noted[0]


def test_squid_lets_in_who_logs_in(stand, client):
    users = {"ada": {"password": "lovelace"}}
    under_way, origins = stand("squid", office(authentication={"users": users}), "gateway")
    asked = client(under_way.listens[0], "news.example")
    word = base64.b64encode(b"ada:lovelace").decode()
    wrong = base64.b64encode(b"ada:byron").decode()
    assert asked.get("http://news.example/a")[0] == 407
    assert asked.get("http://news.example/a", **{"Proxy-Authorization": f"Basic {wrong}"})[0] == 407
    assert asked.get("http://news.example/a", **{"Proxy-Authorization": f"Basic {word}"})[0] == 200
    assert len(origins["web"].asked) == 1


def test_squid_serves_tunnels(stand, client, trusting, origin):
    made = Certificates(["mail.example"])
    secure = origin("secure", made.server_context())
    under_way, _ = stand("squid", office(), "gateway", tls_ports=[("web", secure.port)])
    connection = http.client.HTTPSConnection(
        *under_way.listens[0], context=trusting(made.authority), timeout=60
    )
    connection.set_tunnel("mail.example", secure.port)
    connection.request("GET", "/inbox")
    assert connection.getresponse().read().startswith(b"secure /inbox")
    connection.close()
    refused = http.client.HTTPConnection(*under_way.listens[0], timeout=60)
    refused.set_tunnel("mail.example", 25)
    with pytest.raises(OSError, match="403"):
        refused.request("GET", "/")
    refused.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_is_left_of_it(engine, stand, installed):
    installed(engine)
    places = {name: Place("127.0.0.1", free_port(), 1) for name in ("edge", "shop")}
    seen = []

    def broken_off():
        with start(engine, scenario(members=1), "edge", places) as found:
            seen.append(found)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert not seen[0].directory.exists()
    assert list(running.SHARED.glob(f"proxysim{os.getpid()}x*")) == []
    gone(seen[0].pid)
    with pytest.raises(OSError):
        socket.create_connection(seen[0].listens[0], timeout=5)


KILLED = """
import sys, time
from proxysim.engines import Place
from proxysim.engines.running import start
from tests.engines.test_live_engines import scenario

places = {"edge": Place("127.0.0.1", int(sys.argv[2]), 1)}
with start(sys.argv[1], scenario(members=1), "edge", places) as found:
    print(found.pid, found.directory, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("engine", ["nginx"])  # which has workers, too
def test_it_ends_with_us_though_we_be_killed(engine, installed):
    installed(engine)
    port = free_port()
    ours = subprocess.Popen(
        [sys.executable, "-c", KILLED, engine, str(port)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    with ours:
        pid, directory = ours.stdout.readline().split()
        ours.kill()
    gone(int(pid))
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    shutil.rmtree(directory)
    for file in running.SHARED.glob(f"proxysim{ours.pid}x*"):
        file.unlink()


def gone(group):
    """Wait until no process of *group* runs; the dead are init's, who asks after them some time."""
    deadline = time.monotonic() + 60
    while running_in(group):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def running_in(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, of = file.read_text().rpartition(")")[2].split()[:3]
            found.append(int(of) == group and state != "Z")
    return any(found) if found else True


@pytest.mark.parametrize("engine", ENGINES)
def test_a_port_in_use_is_told(engine, installed):
    installed(engine)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = Place("127.0.0.1", taken.getsockname()[1], 1)
        with pytest.raises(RunError, match="cannot be listened on"):
            with start(engine, scenario(members=1), "edge", {"edge": place}):
                pass


def test_what_an_engine_cannot_be_is_told(installed):
    installed("nginx")
    with pytest.raises(ScenarioError, match="nginx is no forward proxy"):
        with start("nginx", office(), "gateway"):
            pass


def test_an_engine_that_does_not_start_tells_why(installed, monkeypatch):
    installed("nginx")
    monkeypatch.setattr(running, "_command", lambda *_: ["/usr/bin/env", "false"])
    with pytest.raises(RunError, match="nginx has not started"):
        with start(
            "nginx", scenario(members=1), "edge", {"edge": Place("127.0.0.1", free_port(), 1)}
        ):
            pass


def test_an_engine_that_is_missing_is_told(monkeypatch):
    monkeypatch.setattr(running, "PLACES", ())
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ScenarioError, match="apt-get install haproxy"):
        with start("haproxy", scenario(), "edge"):
            pass
