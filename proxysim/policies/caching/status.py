"""Cache-Status: a cache says what it made of a request.

Source: RFC 9211.
"""

from __future__ import annotations

from proxysim.messages import Headers

__all__ = ["with_status"]


def with_status(
    headers: Headers,
    cache: str,
    *,
    hit: bool = False,
    fwd: str = "",
    fwd_status: int = 0,
    ttl: float | None = None,
    stored: bool = False,
    collapsed: bool = False,
) -> Headers:
    """*headers* with a last member of Cache-Status: what *cache* (its name, a token) did.

    *hit*: it answered by itself. *fwd*: why it asked further on (section 2.2), *fwd_status* with
    what status that was answered, whether that is *stored*, and whether the fetch was another's
    (*collapsed*). *ttl*: seconds for which the answer stays fresh, below 0 since it is stale.
    """
    said = [cache]
    if hit:
        said.append("hit")
    else:
        said.append(f"fwd={fwd}")
        if fwd_status:
            said.append(f"fwd-status={fwd_status}")
        if stored:
            said.append("stored")
        if collapsed:
            said.append("collapsed")
    if ttl is not None:
        said.append(f"ttl={int(ttl)}")
    return headers.append("cache-status", "; ".join(said))
