"""The live world: asyncio carries the effects out, on real sockets of the loopback."""
