"""The proxies themselves, free of clock and socket: generators of effects that a world carries out.

``effects`` is what they can ask; ``proxy`` what both kinds share; ``forward`` and ``reverse`` what
they differ in: whose side they are on; ``cache`` what they keep.
"""
