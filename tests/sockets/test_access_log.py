"""Lines of the access log: whatever a client says, one line that can be read back."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from proxysim.messages import Headers, Request
from proxysim.sockets.access_log import AccessLog
from proxysim.workload.traces import combined

# What a field may hold: httptools lets neither controls nor ends of lines pass.
SAID = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))


def line_of(path, agent, target="/page"):
    log = AccessLog(path, clock=lambda: 0.0)
    request = Request("GET", "http", "shop.example", 80, target, Headers([("user-agent", agent)]))
    wire = SimpleNamespace(peer="127.0.0.1")
    log(SimpleNamespace(request=request, wire=wire, version="1.1", status=200, sent=4))
    log.close()
    text = path.read_bytes().decode("latin-1")
    path.unlink()
    return text


def test_quotes_and_backslashes_are_escaped(tmp_path):
    written = line_of(tmp_path / "log", 'a" 200 4 "-" "b\\')
    assert written == (
        '127.0.0.1 - - [01/Jan/1970:00:00:00 +0000] "GET /page HTTP/1.1" 200 4 "-" '
        '"a\\" 200 4 \\"-\\" \\"b\\\\"\n'
    )


def test_what_a_client_says_is_one_line_that_is_read_back(tmp_path_factory):
    place = tmp_path_factory.mktemp("logs") / "log"

    @given(SAID)
    def holds(agent):
        written = line_of(place, agent)
        assert written.count("\n") == 1
        entry = combined.parse(written.rstrip("\n"))
        assert (entry.client, entry.path, entry.status, entry.size) == (
            "127.0.0.1",
            "/page",
            200,
            4,
        )

    holds()
