"""proxysim: what forward and reverse proxies do, simulated, live on sockets, and in theory."""
