"""What a reader takes of a body: as much as there is, and not much else between its pieces."""

import pytest

from proxysim.sockets.heads import Refused
from proxysim.sockets.limits import Limits
from proxysim.sockets.reading import BARREN, ResponseReader

HEAD = b"HTTP/1.1 200 OK\r\n"


class Taken:
    """A source that keeps count."""

    def __init__(self):
        self.size = 0
        self.whole = False

    def feed(self, data):
        self.size += len(data)

    def finish(self, trailers=()):
        self.whole = True


@pytest.fixture
def reading():
    taken = Taken()
    return ResponseReader(lambda _: taken, Limits()), taken


@pytest.mark.parametrize("piece", [1_000, BARREN + 1, 3 * BARREN])
def test_a_body_may_come_in_pieces_of_any_length(reading, piece):
    """Over TLS a loop may hand over more at once than a socket ever does."""
    reader, taken = reading
    size = 4 * BARREN
    reader.feed(HEAD + b"Content-Length: %d\r\n\r\n" % size)
    for first in range(0, size, piece):
        reader.feed(bytes(min(piece, size - first)))
    assert (taken.size, taken.whole) == (size, True)


def test_more_about_the_body_than_body_is_refused(reading):
    reader, _ = reading
    reader.feed(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;")
    for _ in range(BARREN // 1000):
        reader.feed(b"x" * 1000)
    with pytest.raises(Refused):
        reader.feed(b"x" * 1000)
