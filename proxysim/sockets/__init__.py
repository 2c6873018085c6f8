"""The world of real sockets: asyncio carries out what the proxies ask."""
