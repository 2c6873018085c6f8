"""Requests that two readers might take differently, and what is to become of each.

Each is the bytes that a client sends. A number is the status of the refusal, after which the
connection closes; ``CLEAN`` means that one request reaches the origin, in a form that leaves no
doubt. In none of them may ``/smuggled`` be asked for.
"""

from __future__ import annotations

CLEAN = 0

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n"


def get(*lines: bytes, line: bytes = b"GET /page HTTP/1.1", host: bool = True) -> bytes:
    fields = [b"Host: shop.example"] if host else []
    return b"\r\n".join([line, *fields, *lines, b"", b""])


def post(*lines: bytes, body: bytes = b"") -> bytes:
    return get(*lines, line=b"POST /page HTTP/1.1") + body


def chunked(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", body=body)


WHOLE = b"5\r\nhello\r\n0\r\n\r\n"

CASES: dict[str, tuple[bytes, int]] = {
    # Lines and their ends.
    "lf line ends": (b"GET /page HTTP/1.1\nHost: shop.example\n\n", 400),
    "lf after a field": (b"GET /page HTTP/1.1\r\nHost: shop.example\n\r\n", 400),
    "lf at the end of the head": (b"GET /page HTTP/1.1\r\nHost: shop.example\r\n\n", 400),
    "cr in a value": (get(b"X: a\rb"), 400),
    "cr alone between fields": (get(b"X: a\rTransfer-Encoding: chunked"), 400),
    "nul in a value": (get(b"X: a\0b"), 400),
    "control in a value": (get(b"X: a\x01b"), 400),
    "delete in a value": (get(b"X: a\x7fb"), 400),
    "vertical tab before a value": (post(b"Transfer-Encoding:\x0bchunked", body=WHOLE), 400),
    "folded field": (get(b"X: a", b" b"), 400),
    "folded host": (b"GET /page HTTP/1.1\r\nHost:\r\n shop.example\r\n\r\n", 400),
    "folded transfer coding": (post(b"Transfer-Encoding:\r\n chunked", body=WHOLE), 400),
    "space before the first field": (b"GET /page HTTP/1.1\r\n Host: shop.example\r\n\r\n", 400),
    "space before a colon": (post(b"Transfer-Encoding : chunked", body=WHOLE), 400),
    "tab before a colon": (post(b"Content-Length\t: 5", body=b"hello"), 400),
    "field without a name": (get(b": a"), 400),
    "field without a colon": (get(b"nonsense"), 400),
    "brackets in a name": (get(b"X(y): a"), 400),
    "control in a name": (get(b"X\x01: a"), 400),
    "high byte in a name": (get(b"X\xff: a"), 400),
    # The request line.
    "no version": (b"GET /page\r\nHost: shop.example\r\n\r\n", 505),
    "line of 0.9 alone": (b"GET /page\r\n", 505),
    "version 0.9": (get(line=b"GET /page HTTP/0.9"), 505),
    "version 1.2": (get(line=b"GET /page HTTP/1.2"), 400),
    "version 2.0": (get(line=b"GET /page HTTP/2.0"), 505),
    "version 1.10": (get(line=b"GET /page HTTP/1.10"), 400),
    "version 11": (get(line=b"GET /page HTTP/11"), 400),
    "small http": (get(line=b"GET /page http/1.1"), 400),
    "space after the version": (get(line=b"GET /page HTTP/1.1 "), 400),
    "two targets": (get(line=b"GET /page /smuggled HTTP/1.1"), 400),
    "tab in the line": (get(line=b"GET\t/page HTTP/1.1"), 400),
    "space before the method": (get(line=b" GET /page HTTP/1.1"), 400),
    "small method": (get(line=b"get /page HTTP/1.1"), 400),
    "unknown method": (get(line=b"SMUGGLE /page HTTP/1.1"), 400),
    "control in the target": (get(line=b"GET /pa\x01ge HTTP/1.1"), 400),
    "high byte in the target": (get(line=b"GET /p\xe4ge HTTP/1.1"), 400),
    "high byte in the query": (get(line=b"GET /page?\xe4 HTTP/1.1"), 400),
    "nul in the target": (get(line=b"GET /pa\0ge HTTP/1.1"), 400),
    "fragment in the target": (get(line=b"GET /page#top HTTP/1.1"), 400),
    "target without a slash": (get(line=b"GET page HTTP/1.1"), 400),
    "star for a get": (get(line=b"GET * HTTP/1.1"), 400),
    "other scheme": (get(line=b"GET ftp://shop.example/page HTTP/1.1"), 400),
    "absolute target of another scheme": (
        get(line=b"GET https://shop.example/page HTTP/1.1"),
        400,
    ),
    "absolute target without a host": (get(line=b"GET http:///page HTTP/1.1"), 400),
    "user in the target": (get(line=b"GET http://a@shop.example/page HTTP/1.1"), 400),
    "http/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "empty lines before": (b"\r\n\r\n" + get(), CLEAN),
    "absolute target and another host": (
        get(b"Host: other.example", line=b"GET http://shop.example/page HTTP/1.1", host=False),
        CLEAN,
    ),
    # Host.
    "no host": (get(host=False), 400),
    "no host in 1.0": (get(line=b"GET /page HTTP/1.0", host=False), 400),
    "two hosts": (get(b"Host: other.example"), 400),
    "two equal hosts": (get(b"Host: shop.example"), 400),
    "empty host": (get(b"Host:", host=False), 400),
    "list of hosts": (get(b"Host: shop.example, other.example", host=False), 400),
    "host with a path": (get(b"Host: shop.example/page", host=False), 400),
    "host with a user": (get(b"Host: a@shop.example", host=False), 400),
    "host with a space": (get(b"Host: shop.example other.example", host=False), 400),
    "host with a bad port": (get(b"Host: shop.example:80x", host=False), 400),
    "host with port 0": (get(b"Host: shop.example:0", host=False), 400),
    "host with a large port": (get(b"Host: shop.example:99999", host=False), 400),
    "host with a quote": (get(b'Host: shop.example"', host=False), 400),
    "absolute target and a bad host": (
        get(b"Host: a b", line=b"GET http://shop.example/page HTTP/1.1", host=False),
        400,
    ),
    "absolute target and no host": (
        get(line=b"GET http://shop.example/page HTTP/1.1", host=False),
        400,
    ),
    # Lengths.
    "length with a sign": (post(b"Content-Length: +5", body=b"hello"), 400),
    "negative length": (post(b"Content-Length: -5", body=b"hello"), 400),
    "hexadecimal length": (post(b"Content-Length: 0x5", body=b"hello"), 400),
    "length that is no number": (post(b"Content-Length: five", body=b"hello"), 400),
    "length with a fraction": (post(b"Content-Length: 5.0", body=b"hello"), 400),
    "length with an underscore": (post(b"Content-Length: 5_0", body=b"hello"), 400),
    "empty length": (post(b"Content-Length:", body=b"hello"), 400),
    "length of two numbers": (post(b"Content-Length: 5 5", body=b"hello"), 400),
    "list of equal lengths": (post(b"Content-Length: 5, 5", body=b"hello"), 400),
    "list of lengths": (post(b"Content-Length: 0, 5", body=SMUGGLED), 400),
    "two equal lengths": (
        post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
        400,
    ),
    "two lengths": (post(b"Content-Length: 0", b"Content-Length: 44", body=SMUGGLED), 400),
    "length beyond all bounds": (
        post(b"Content-Length: 99999999999999999999999", body=b"hello"),
        400,
    ),
    "length just beyond 64 bits": (
        post(b"Content-Length: 18446744073709551617", body=b"h"),
        400,
    ),
    "length with zeros before": (post(b"Content-Length: 0005", body=b"hello"), CLEAN),
    "length in arabic digits": (post("Content-Length: ٥".encode(), body=b"hello"), 400),
    # Transfer codings.
    "length, then coding": (
        post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED),
        400,
    ),
    "coding, then length": (
        post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n" + SMUGGLED),
        400,
    ),
    "coding in 1.0": (
        get(b"Transfer-Encoding: chunked", line=b"POST /page HTTP/1.0") + WHOLE,
        400,
    ),
    "chunked twice": (
        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=WHOLE),
        400,
    ),
    "chunked twice in a list": (post(b"Transfer-Encoding: chunked, chunked", body=WHOLE), 400),
    "gzip, then chunked": (post(b"Transfer-Encoding: gzip, chunked", body=WHOLE), 400),
    "chunked, then gzip": (post(b"Transfer-Encoding: chunked, gzip", body=WHOLE), 400),
    "gzip alone": (post(b"Transfer-Encoding: gzip", body=WHOLE), 400),
    "identity": (post(b"Transfer-Encoding: identity", body=b""), 400),
    "identity, then chunked": (post(b"Transfer-Encoding: identity, chunked", body=WHOLE), 400),
    "empty coding": (post(b"Transfer-Encoding:", body=WHOLE), 400),
    "unknown coding": (post(b"Transfer-Encoding: xchunked", body=WHOLE), 400),
    "coding with a comma before": (post(b"Transfer-Encoding: ,chunked", body=WHOLE), 400),
    "coding with a parameter": (post(b"Transfer-Encoding: chunked;a=b", body=WHOLE), 400),
    "quoted coding": (post(b'Transfer-Encoding: "chunked"', body=WHOLE), 400),
    "coding with a nul": (post(b"Transfer-Encoding: chunked\0", body=WHOLE), 400),
    "coding on two lines": (
        post(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked", body=WHOLE),
        400,
    ),
    "coding in capitals": (post(b"Transfer-Encoding: Chunked", body=WHOLE), CLEAN),
    # Chunks.
    "size with 0x": (chunked(b"0x5\r\nhello\r\n0\r\n\r\n"), 400),
    "size with a sign": (chunked(b"+5\r\nhello\r\n0\r\n\r\n"), 400),
    "negative size": (chunked(b"-5\r\nhello\r\n0\r\n\r\n"), 400),
    "size with an underscore": (chunked(b"5_0\r\nhello\r\n0\r\n\r\n"), 400),
    "space before a size": (chunked(b" 5\r\nhello\r\n0\r\n\r\n"), 400),
    "space after a size": (chunked(b"5 \r\nhello\r\n0\r\n\r\n"), 400),
    "no size": (chunked(b"\r\nhello\r\n0\r\n\r\n"), 400),
    "size that is no number": (chunked(b"g\r\nhello\r\n0\r\n\r\n"), 400),
    "size beyond 64 bits": (chunked(b"10000000000000005\r\nhello\r\n0\r\n\r\n"), 400),
    "lf after a size": (chunked(b"5\nhello\r\n0\r\n\r\n"), 400),
    "cr after a size": (chunked(b"5\rhello\r\n0\r\n\r\n"), 400),
    "chunk longer than its size": (chunked(b"5\r\nhello!\r\n0\r\n\r\n"), 400),
    "chunk without an end": (chunked(b"5\r\nhello0\r\n\r\n"), 400),
    "lf after a chunk": (chunked(b"5\r\nhello\n0\r\n\r\n"), 400),
    "extension that ends in lf": (chunked(b"5;a\nhello\r\n0\r\n\r\n"), 400),
    "extension with a control": (chunked(b"5;a=\x01\r\nhello\r\n0\r\n\r\n"), 400),
    "quoted extension without an end": (chunked(b'5;a="\r\nhello\r\n0\r\n\r\n'), 400),
    "extension": (chunked(b"5;a=b\r\nhello\r\n0;c\r\n\r\n"), CLEAN),
    "zeros before a size": (chunked(b"0005\r\nhello\r\n000\r\n\r\n"), CLEAN),
    "length as a trailer": (chunked(b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"), 400),
    "coding as a trailer": (chunked(b"5\r\nhello\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n"), 400),
    "trailer that is no field": (chunked(b"5\r\nhello\r\n0\r\nnonsense\r\n\r\n"), 400),
    "lf behind the last chunk": (chunked(b"5\r\nhello\r\n0\r\n\n"), 400),
    # Fields of one connection.
    "host named in connection": (get(b"Connection: close, Host"), CLEAN),
    "length named in connection": (
        post(b"Connection: close, Content-Length", b"Content-Length: 5", body=b"hello"),
        CLEAN,
    ),
    "coding named in connection": (
        post(b"Connection: close, Transfer-Encoding", b"Transfer-Encoding: chunked", body=WHOLE),
        CLEAN,
    ),
    "field named in connection": (get(b"Connection: close, X-Own", b"X-Own: 1"), CLEAN),
    "fields of this hop": (
        get(b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"TE: gzip"),
        CLEAN,
    ),
    "upgrade with a body": (
        post(
            b"Connection: upgrade",
            b"Upgrade: h2c",
            b"Content-Length: 5",
            body=b"hello",
        ),
        CLEAN,
    ),
    "upgrade with chunks": (
        post(
            b"Connection: upgrade",
            b"Upgrade: h2c",
            b"Transfer-Encoding: chunked",
            body=WHOLE,
        ),
        CLEAN,
    ),
    "field that is no field": (get(b"Proxy: http://evil.example"), CLEAN),
    "forwarded chain named in connection": (
        get(b"Connection: close, X-Forwarded-For", b"X-Forwarded-For: 192.0.2.66"),
        CLEAN,
    ),
    # What programs behind a gateway cannot tell apart (CGI, WSGI).
    "coding with an underscore": (
        post(b"Transfer_Encoding: chunked", b"Content-Length: 5", body=b"hello"),
        400,
    ),
    "length with an underscore in its name": (post(b"Content_Length: 5", body=b"hello"), 400),
    "forged sender with an underscore": (get(b"X_Forwarded_For: 192.0.2.66"), 400),
    "other field with an underscore": (get(b"X_Own_Field: 1"), CLEAN),
    # Bodies where hardly anybody looks for one.
    "chunks of an options": (
        get(b"Transfer-Encoding: chunked", line=b"OPTIONS /page HTTP/1.1") + WHOLE,
        CLEAN,
    ),
    "expectation with more before it": (
        post(b"Expect: y 100-continue", b"Content-Length: 5", body=b"hello"),
        417,
    ),
    "two expectations": (
        post(b"Expect: 100-continue", b"Expect: x", b"Content-Length: 5", body=b"hello"),
        417,
    ),
    # What is not for a reverse proxy, and what cannot be.
    "tunnel": (get(line=b"CONNECT shop.example:443 HTTP/1.1"), 405),
    "other expectation": (post(b"Expect: a-miracle", b"Content-Length: 5", body=b"hello"), 417),
    "more after the last request": (get(b"Connection: close") + SMUGGLED, CLEAN),
}
