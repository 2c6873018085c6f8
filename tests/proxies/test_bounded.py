"""Max-Forwards: who answers a request that says how far it may go."""

from __future__ import annotations

import pytest

from proxysim.policies.identity import Anonymous
from proxysim.proxies.forward import ForwardProxy
from tests.proxies.origin import Site, get, said
from tests.proxies.parts import Clock


@pytest.mark.parametrize(
    ("method", "text", "passed"),
    [
        ("OPTIONS", "5", "4"),
        ("TRACE", "1", "0"),
        ("OPTIONS", "0010", "9"),
        ("OPTIONS", "", ""),
        ("TRACE", "none", "none"),
        ("TRACE", "-1", "-1"),
        ("GET", "0", "0"),
    ],
)
def test_it_goes_on_with_one_less_to_go(method, text, passed):
    site = Site(said())
    asked = {"max_forwards": text} if text else {}
    (request,) = site.ask(get(method=method, **asked)).asked
    assert request.headers.get("max-forwards") == passed


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 204), ("TRACE", 405)])
@pytest.mark.parametrize("text", ["0", "000"])
def test_it_is_answered_where_it_may_go_no_further(method, status, text):
    got = Site(said()).ask(get(method=method, max_forwards=text))
    assert (got.status, got.asked) == (status, [])


def test_a_forward_proxy_counts_too():
    proxy = ForwardProxy("gateway", Clock(), Anonymous())
    assert next(proxy.handle(get(method="OPTIONS", max_forwards="0"))).response.status == 204
    fetch = next(proxy.handle(get(method="OPTIONS", max_forwards="2")))
    assert fetch.request.headers.get("max-forwards") == "1"
    fetch = next(proxy.handle(get(max_forwards="0")))
    assert fetch.request.headers.get("max-forwards") == "0"
