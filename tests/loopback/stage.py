"""A small world with both kinds of proxy, for live runs that take a moment."""

from __future__ import annotations

from typing import Any

from proxysim.scenario import Scenario, from_dict

__all__ = ["both_proxies", "one_queue"]


def one_queue(**changes: Any) -> Scenario:
    """Clients and one server, nothing between them."""
    return from_dict(
        {
            "proxysim": 1,
            "title": "one queue",
            "run": {"duration": 1.0, "seed": 5, "drain": "20s"},
            "sites": {"app.example": {"objects": 50, "cacheable": "0%", "size": "2kB"}},
            "nodes": {
                "users": {"kind": "clients", "count": 20, "arrivals": {"poisson": "40/s"}},
                "server": {
                    "kind": "server",
                    "sites": ["app.example"],
                    "service": {"exponential": "10ms"},
                },
            },
        }
    ).set(changes)


def both_proxies(**changes: Any) -> Scenario:
    """Staff behind a gateway that filters and caches; a shop behind an edge that ends TLS.

    A closed loop of guests asks the edge directly; the gateway has tunnels to it. A server of the
    shop is down for a while, and another fails.
    """
    return from_dict(
        {
            "proxysim": 1,
            "title": "both proxies",
            "run": {"duration": 4.0, "seed": 3, "drain": "20s"},
            "sites": {
                "shop.example": {
                    "share": "40%",
                    "tls": True,
                    "objects": 20,
                    "size": "30kB",
                    "methods": {"GET": "80%", "POST": "10%", "HEAD": "10%"},
                    "upload": "3kB",
                },
                "news.example": {"share": "40%", "objects": 10, "size": {"exponential": "5kB"}},
                "ads.example": {"share": "20%", "objects": 5},
            },
            "nodes": {
                "staff": {
                    "kind": "clients",
                    "count": 5,
                    "arrivals": {"poisson": "20/s"},
                    "through": "gateway",
                    "connections": 2,
                },
                "guests": {
                    "kind": "clients",
                    "count": 3,
                    "sites": ["shop.example"],
                    "arrivals": {"closed": {"think": {"exponential": "200ms"}}},
                    "patience": "10s",
                },
                "gateway": {
                    "kind": "forward_proxy",
                    "identity": "anonymous",
                    "filters": [{"deny": {"domain": "ads.example"}, "because": "advertising"}],
                    "cache": {"capacity": "1MB"},
                    "dns": {"lookup": "2ms", "ttl": "1min"},
                },
                "edge": {
                    "kind": "reverse_proxy",
                    "sites": ["shop.example"],
                    "backends": "shop",
                    "balancer": "least_connections",
                    "compression": ["gzip"],
                    "retry": {"attempts": 2},
                },
                "shop": {"kind": "server", "count": 3, "service": {"exponential": "4ms"}},
                "web": {"kind": "server", "sites": ["news.example", "ads.example"]},
            },
            "links": [
                {"between": ["staff", "gateway"]},
                {"between": ["gateway", "web"], "latency": "2ms", "bandwidth": "100Mbps"},
                {"between": ["gateway", "edge"], "latency": "1ms"},
                {"between": ["guests", "edge"], "latency": "1ms"},
                {"between": ["edge", "shop"]},
            ],
            "events": [
                {"at": "1s", "node": "shop-2", "down_for": "1s"},
                {"at": "2.5s", "node": "shop-3", "fail": "50%", "for": "1s"},
            ],
        }
    ).set(changes)
