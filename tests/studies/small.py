"""A small shop, quick to run: two servers behind a proxy that retries."""

import proxysim as ps

SHOP = ps.loads(
    """
proxysim: 1
title: A small shop
run: {duration: 12s, warmup: 2s, seed: 3}
sites: {shop.example: {objects: 50, size: 2kB, cacheable: 0%}}
nodes:
  visitors: {kind: clients, count: 20, arrivals: {poisson: 100/s}}
  edge:
    kind: reverse_proxy
    sites: [shop.example]
    balancer: least_connections
    health: {passive: {failures: 1, for: 60s}}
    retry: {attempts: 2, budget: 100%}
    backends: shop
  shop: {kind: server, count: 2, workers: 1, service: {exponential: 12ms}}
links:
  - {between: [visitors, edge]}
  - {between: [edge, shop], bandwidth: 10Mbps, latency: 1ms}
""",
    "small-shop",
)
