"""Every mistake names the file, the line, the path, what was found, and what would be accepted."""

import pickle

import pytest

from proxysim import simulate
from proxysim.errors import ScenarioError
from proxysim.scenario import from_dict, load, loads
from proxysim.scenario.mistakes import DocumentError

TEXT = """\
proxysim: 1
title: A shop
run: {duration: 120s, warmup: 10s}
sites:
  shop.example: {tls: true, share: 3}
  blog.example: {share: 1}
nodes:
  staff:    {kind: clients, arrivals: {poisson: 40/s}, through: gateway}
  gateway:
    kind: forward_proxy
    filters: [{deny: {domain: blog.example}}]
  edge:
    kind: reverse_proxy
    sites: [shop.example]
    tls: terminate
    compression: [zstd, br]
    cache: {eviction: lru, capacity: 64MB}
    balancer: round_robin
    health: {passive: {failures: 3, for: 10s}}
    backends: [shop]
  shop: {kind: server, count: 4, workers: 8, service: {exponential: 60ms}, speed: [1, 1, 1, 0.5]}
  blog: {kind: server, sites: [blog.example]}
links:
  - {between: [staff, gateway], latency: 1ms}
  - {between: [edge, shop]}
events:
  - {at: 60s, node: shop-2, down_for: 20s}
  - {at: 90s, link: [edge, shop-3], extra_latency: 200ms, for: 15s}
costs: {request: 40us}
"""

MISTAKES = [
    # what is written, what is put there instead, line, path, what the message must say
    ("kind: server, count", "kind: servr, count", 21, "nodes.shop.kind", "Did you mean 'server'"),
    ("kind: server, count", "count", 21, "nodes.shop.kind", "is missing"),
    ("workers: 8", "wokers: 8", 21, "nodes.shop.wokers", "Did you mean 'workers'"),
    ("workers: 8", "workers: 0", 21, "nodes.shop.workers", "found 0. Expected a number"),
    ("workers: 8", "workers: 8.5", 21, "nodes.shop.workers", "found 8.5. Expected a whole number"),
    ("workers: 8", "workers: '8'", 21, "nodes.shop.workers", "found '8'. Expected a whole"),
    ("60ms", "60 millis", 21, "nodes.shop.service.exponential", "such as 10ms"),
    ("exponential", "exponental", 21, "nodes.shop.service.exponental", "'exponential'"),
    ("count: 4", "count: 3", 21, "nodes.shop", "speed lists 4 values for count: 3"),
    ("eviction: lru", "evction: lru", 17, "nodes.edge.cache.evction", "Did you mean 'eviction'"),
    ("eviction: lru", "eviction: LRU", 17, "nodes.edge.cache.eviction", "Did you mean 'lru'"),
    ("capacity: 64MB", "capacty: 64MB", 17, "nodes.edge.cache.capacty", "Did you mean 'capacity'"),
    (", capacity: 64MB", "", 17, "nodes.edge.cache.capacity", "is missing. Say how much it holds"),
    ("for: 10s", "for: soon", 19, "nodes.edge.health.passive.for", "found 'soon'"),
    ("balancer: round_robin", "balancer: leastconn", 18, "nodes.edge.balancer", "least_conn"),
    ("balancer: round_robin", "balancer: {p2c: {choice: 2}}", 18, "nodes.edge.balancer", "choices"),
    ("balancer: round_robin", "balancer: 3", 18, "nodes.edge.balancer", "a name"),
    ("[zstd, br]", "[zstd, brotli]", 16, "nodes.edge.compression.1", "found 'brotli'"),
    ("[zstd, br]", "gzip", 16, "nodes.edge.compression", "Expected a list: [gzip]"),
    ("tls: terminate", "tls: off", 15, "nodes.edge.tls", "found 'off'. Known: none"),
    ("tls: terminate", "tls: none", 15, "nodes.edge.tls", "shop.example is a site with tls: true"),
    ("tls: terminate", "tls_version: 1.4", 15, "nodes.edge.tls_version", "Known: 1.2, 1.3"),
    ("tls: terminate", "tls_version: 1.2\n    early_data: true", 16, "nodes.edge.early_data",
     "Take it out, or tls_version: 1.3"),
    ("tls: terminate", "tls: passthrough\n    early_data: true", 16, "nodes.edge.early_data",
     "Set it at the servers"),
    ("tls: true", "tls: yes", 5, "sites.shop.example.tls", "Expected true or false"),
    ("  shop.example:", "  Shop!:", 5, "sites.Shop!", "a host in small letters"),
    ("share: 3", "share: 300%", 5, "sites.shop.example.share", "above 100%"),
    (", share: 3", "", 5, "sites.shop.example.share", "Give every site a share, or none"),
    ("poisson: 40/s", "poison: 40/s", 8, "nodes.staff.arrivals.poison", "Did you mean 'poisson'"),
    ("{poisson: 40/s}", "{poisson: 1, even: 2}", 8, "nodes.staff.arrivals", "exactly one of"),
    ("{poisson: 40/s}", "poisson", 8, "nodes.staff.arrivals", "without a value"),
    ("{poisson: 40/s}", "{}", 8, "nodes.staff.arrivals", "found nothing"),
    ("through: gateway", "through: gatway", 8, "nodes.staff.through", "Did you mean 'gateway'"),
    ("through: gateway", "through: blog", 8, "nodes.staff.through", "blog is of kind server"),
    ("backends: [shop]", "backends: [shop-2]", 20, "nodes.edge.backends.0", "Name the group, shop"),
    ("backends: [shop]", "backends: []", 20, "nodes.edge.backends", "at least one server group"),
    ("backends: [shop]", "backends: edge", 20, "nodes.edge.backends", "edge -> edge"),
    ("sites: [shop.example]", "sites: [shp.example]", 14, "nodes.edge.sites.0", "'shop.example'"),
    ("sites: [blog.example]", "sites: []", 6, "sites.blog.example", "nobody serves it"),
    ("[blog.example]}", "[blog.example, shop.example]}", 22, "nodes.blog.sites", "already served"),
    ("{domain: blog.example}", "casino", 11, "nodes.gateway.filters.0.deny", "keys of: domain"),
    ("domain: blog", "domian: blog", 11, "nodes.gateway.filters.0.deny.domian", "'domain'"),
    ("domain: blog.example", "url: 're:('", 11, "nodes.gateway.filters.0.deny.url", "expression"),
    ("[staff, gateway]", "[staff, gateway, edge]", 24, "links.0.between", "at most 2"),
    ("[staff, gateway]", "[staff, gatewy]", 24, "links.0.between.1", "Did you mean 'gateway'"),
    ("[staff, gateway]", "[staff, staff]", 24, "links.0.between", "to itself"),
    ("[staff, gateway]", "[shop, edge]", 25, "links.1.between", "already joined by link 0"),
    ("[staff, gateway]", "[staff-1, gateway]", 24, "links.0.between.0", "Name the group, staff"),
    ("node: shop-2", "node: shop-5", 27, "events.0.node", "no node is called 'shop-5'"),
    ("node: shop-2", "node: staff", 27, "events.0.node", "Name a server or a proxy"),
    ("down_for: 20s", "flush: true", 27, "events.0.flush", "shop-2 has no cache"),
    ("down_for: 20s", "flush: false", 27, "events.0.flush", "Expected true"),
    ("down_for: 20s", "fail: 30%", 27, "events.0", "Say how long it lasts"),
    ("node: shop-2, down_for: 20s", "node: edge, fail: 30%, for: 5s", 27, "events.0.fail",
     "edge is a proxy"),
    ("down_for: 20s", "down_for: 2s, for: 3s", 27, "events.0", "takes no for"),
    ("down_for: 20s", "bandwidth: 1Mbps", 27, "events.0", "found bandwidth to happen to a node"),
    ("link: [edge, shop-3]", "link: [staff, shop-3]", 28, "events.1.link", "no link joins"),
    (", for: 15s", "", 28, "events.1", "Say how long it lasts"),
    ("duration: 120s", "duration: 5s", 3, "run", "warmup (10 s) leaves nothing"),
    ("proxysim: 1", "proxysim: 2", 1, "proxysim", "found 2. Expected 1"),
    ("title: A shop", "titel: A shop", 2, "titel", "Did you mean 'title'"),
    ("title: A shop", "title: 2024", 2, "title", "put numbers and dates in quotes"),
    ("request: 40us", "reqest: 40us", 29, "costs", "Did you mean 'request'"),
    ("tls: terminate", "costs: {request_head: 1kB}", 15, "nodes.edge.costs.request_head",
     "for the whole scenario, costs: {request_head: 1kB}"),
    ("costs: {request: 40us}", "costs: typicl", 29, "costs", "Did you mean 'typical'"),
    ("costs: {request: 40us}", "costs: {request: 4kB}", 29, "costs.request", "found '4kB'"),
    ("costs: {request: 40us}", "costs: none.yaml", 29, "costs", "cannot be read"),
    ("  edge:\n", "  edge 1:\n", 12, "nodes.edge 1", "A name has letters"),
    ("[zstd, br]", "{codings: [br], types: [text]}", 16, "nodes.edge.compression.types.0",
     "text/* for all of its kind"),
    ("[zstd, br]", "{codings: [br], level: {gzip: 9}}", 16, "nodes.edge.compression",
     "a level for gzip, which is not among the codings"),
    ("tls: terminate", "hide: [X Mine]", 15, "nodes.edge.hide.0", "the name of a field"),
    ("through: gateway}", "credentials: {user: 'a:b', password: x}}", 8,
     "nodes.staff.credentials.user", "Leave out colons"),
    ("link: [edge, shop-3]", "link: [edge, edge]", 28, "events.1.link", "names edge twice"),
    ("balancer: round_robin", "balancer: {priority: {tiers: [[shap-1]]}}", 18,
     "nodes.edge.balancer", "no backend or group is called 'shap-1'. Did you mean 'shop-1'?"),
    ("balancer: round_robin", "balancer: [random]", 18, "nodes.edge.balancer", "least_connections"),
    ("eviction: lru", "admission: 3", 17, "nodes.edge.cache.admission", "second_hit"),
    ("tls: terminate", "limits: {proxy: {queue: 9}}", 15, "nodes.edge.limits.proxy.in_flight",
     "is missing. Add in_flight: Most at a time."),
    ("  blog: {", "  shop-3: {", 22, "nodes.shop-3", "a member of shop"),
]  # fmt: skip


def _mistakes(text: str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        loads(text, "my.yaml")
    return caught.value


def test_the_text_that_is_spoilt_below_is_right():
    assert loads(TEXT).title == "A shop"


@pytest.mark.parametrize(("written", "instead", "line", "path", "says"), MISTAKES)
def test_a_mistake_says_where_and_what_and_how_to_mend_it(written, instead, line, path, says):
    assert written in TEXT
    error = _mistakes(TEXT.replace(written, instead, 1))
    told = str(error).splitlines()
    (mine,) = [text for text in told if text.startswith(f"my.yaml:{line}: {path}: ")]
    assert says in mine


def test_all_mistakes_are_told_together_in_the_files_order_and_each_once():
    error = _mistakes(
        TEXT.replace("60ms", "60").replace("workers", "workrs").replace("tls: t", "tls: x")
        .replace("at: 90s", "att: 90s").replace("tls: true", "tsl: true")
    )  # fmt: skip
    places = [line.split(": ")[0] for line in str(error).splitlines()]
    assert places == ["my.yaml:5", "my.yaml:15", "my.yaml:21", "my.yaml:28"]
    assert len(error.mistakes) == 4


def test_a_long_list_of_mistakes_is_cut():
    error = _mistakes(TEXT.replace("title: A shop", "\n".join(f"x{n}: 1" for n in range(40))))
    assert len(str(error).splitlines()) == 11
    assert str(error).endswith("... and 31 more")


def test_messages_stay_short_whatever_was_found():
    error = _mistakes(TEXT.replace("60ms", "x" * 100_000))
    assert len(str(error)) < 500


def test_an_error_survives_being_sent_to_another_process():
    error = _mistakes(TEXT.replace("workers", "workrs"))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_loops_of_proxies_are_found():
    text = TEXT.replace("    filters:", "    through: beyond\n    filters:").replace(
        "links:", "  beyond: {kind: forward_proxy, through: gateway}\nlinks:"
    )
    assert "gateway -> beyond -> gateway" in str(_mistakes(text))
    inner = "  inner: {kind: reverse_proxy, sites: [shop.example], backends: edge}\nlinks:"
    text = TEXT.replace("backends: [shop]", "backends: [shop, inner]").replace("links:", inner)
    assert "edge -> inner -> edge" in str(_mistakes(text))


def test_two_proxies_may_not_claim_one_site():
    second = "  other: {kind: reverse_proxy, sites: [shop.example], backends: shop}\nlinks:"
    assert "shop.example is already served by edge" in str(
        _mistakes(TEXT.replace("links:", second))
    )


def test_an_inner_proxy_serves_what_it_is_sent():
    inner = "  inner: {kind: reverse_proxy, sites: [blog.example], backends: shop}\nlinks:"
    text = TEXT.replace("backends: [shop]", "backends: inner").replace("links:", inner)
    assert "inner does not serve shop.example" in str(_mistakes(text))


def test_weights_and_shares_may_not_all_be_zero():
    text = TEXT.replace("speed: [1, 1, 1, 0.5]", "weight: 0")
    assert "nodes.edge.backends: all have weight 0" in str(_mistakes(text))
    text = TEXT.replace("share: 3", "share: 0").replace("share: 1", "share: 0")
    assert "has a share of 0" in str(_mistakes(text))


def test_somebody_must_ask():
    text = TEXT.replace(
        "  staff:    {kind: clients, arrivals: {poisson: 40/s}, through: gateway}",
        "  staff: {kind: router}",
    )
    assert "nobody asks" in str(_mistakes(text))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("office-forward-prox", "Did you mean 'office-forward-proxy'"),
        ("nowhere/x.yaml", "nowhere/x.yaml: there is no such file"),
        ("", "there is no scenario ''"),
        ("office", "Did you mean 'office-forward-proxy'"),
        ("a\0b", "cannot be read"),
        (".", "cannot be read"),
    ],
)
def test_what_cannot_be_loaded_is_said_with_what_can(name, says):
    with pytest.raises(ScenarioError) as caught:
        load(name)
    assert says in str(caught.value)
    assert "\0" not in str(caught.value)


@pytest.mark.parametrize(
    "tree", [None, [], "x", {"a": object()}, {1: 2}, {"a": b"x"}, {"a": 10**30}]
)
def test_plain_data_is_checked_too(tree):
    with pytest.raises(ScenarioError):
        from_dict(tree)


def test_a_key_named_like_the_kind_does_not_confuse_the_path():
    error = _mistakes(TEXT.replace("workers: 8", "workers: 0, server: {workers: 1}"))
    assert {".".join(map(str, mistake.path)) for mistake in error.mistakes} == {
        "nodes.shop.workers",
        "nodes.shop.server",
    }


@pytest.mark.parametrize(
    ("written", "instead", "place", "says"),
    [
        ("[staff, gateway]", "[staff, edge]", "23: links: ", "'staff' cannot reach 'gateway'"),
        ("{poisson: 40/s}", "{replay: {file: none.log}}",
         "8: nodes.staff.arrivals.replay.file: ", "none.log: cannot be read"),
    ],
)  # fmt: skip
def test_what_shows_only_in_use_is_said_with_its_line_too(written, instead, place, says):
    assert written in TEXT
    wires = "  - {between: [gateway, edge], latency: 2ms}\n  - {between: [gateway, blog]}\nevents:"
    text = TEXT.replace("events:", wires)
    scenario = loads(text.replace(written, instead, 1), "my.yaml")
    with pytest.raises(ScenarioError) as caught:
        simulate(scenario)
    assert str(caught.value).startswith(f"my.yaml:{place}")
    assert says in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert pickle.loads(pickle.dumps(scenario)).at(("nodes",)) == "my.yaml:7"
    with pytest.raises(ScenarioError, match=r"^my with run\.seed = 2: "):
        simulate(scenario.set("run.seed", 2))


@pytest.mark.parametrize("found", [None, 123, 4.5, b"one-server", ["one-server"], {"proxysim": 1}])
def test_what_is_no_name_and_no_text_is_one_clear_error(found):
    for opened in (load, loads, simulate):
        with pytest.raises(ScenarioError, match=r"^found .* should be\. Give"):
            opened(found)
