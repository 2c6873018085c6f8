"""Access logs: each format is read as its makers say, and nothing in a log is fatal."""

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxysim.errors import TraceError
from proxysim.workload.traces import FORMATS, combined, read_trace, squid, table
from proxysim.workload.traces.trace import Entry

REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "semicomplete-access.log"
MAY = 1431857103.0  # 17 May 2015, 10:05:03 in Greenwich


def line(
    request="GET /a HTTP/1.1", client="10.0.0.1", time="17/May/2015:10:05:03 +0000", rest="200 5"
):
    return f'{client} - - [{time}] "{request}" {rest}'


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (line(), Entry(MAY, "10.0.0.1", "GET", "", "/a", 200, 5)),
        (
            line(rest='304 - "-" "a \\"quoted\\" agent"'),
            Entry(MAY, "10.0.0.1", "GET", "", "/a", 304, 0),
        ),
        (line(client="2001:db8::1"), Entry(MAY, "2001:db8::1", "GET", "", "/a", 200, 5)),
        (line(time="17/May/2015:12:05:03 +0200"), Entry(MAY, "10.0.0.1", "GET", "", "/a", 200, 5)),
        (line(time="17/May/2015:06:35:03 -0330"), Entry(MAY, "10.0.0.1", "GET", "", "/a", 200, 5)),
        (line('GET /a?b=\\"c\\" HTTP/1.1'), Entry(MAY, "10.0.0.1", "GET", "", '/a?b="c"', 200, 5)),
        (line("GET /a b HTTP/1.0"), Entry(MAY, "10.0.0.1", "GET", "", "/a%20b", 200, 5)),
        (line("GET /old"), Entry(MAY, "10.0.0.1", "GET", "", "/old", 200, 5)),
        (
            line("GET https://WWW.example.org/x?y=1 HTTP/1.1"),
            Entry(MAY, "10.0.0.1", "GET", "www.example.org", "/x?y=1", 200, 5, True),
        ),
        (
            line("CONNECT mail.example:443 HTTP/1.1"),
            Entry(MAY, "10.0.0.1", "CONNECT", "mail.example", "/", 200, 5, True),
        ),
        (line("OPTIONS * HTTP/1.1"), Entry(MAY, "10.0.0.1", "OPTIONS", "", "*", 200, 5)),
        (
            'h - a user [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5',
            Entry(MAY, "h", "GET", "", "/", 200, 5),
        ),
    ],
)
def test_combined_lines(text, entry):
    assert combined.parse(text) == entry


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        line("-"),
        line(""),
        line("\\x16\\x03\\x01\\x00"),
        line("\x16\x03\x01 /a"),
        line("GET HTTP/1.1"),
        line("get /a HTTP/1.1"),
        line("GET ftp:// HTTP/1.1"),
        line("GET http://[::1 HTTP/1.1"),
        line("CONNECT nowhere HTTP/1.1"),
        line(time="17/Mai/2015:10:05:03 +0000"),
        line(time="31/Feb/2015:10:05:03 +0000"),
        line(time="17/May/2015:25:05:03 +0000"),
        line(rest="200 many"),
        line(rest="2000 5"),
        line(rest="200"),
        line(rest=f"200 {'9' * 40}"),
    ],
)
def test_combined_lines_that_hold_no_request(text):
    with pytest.raises(ValueError, match=r"\w"):
        combined.parse(text)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (
            "1286536308.779    180 10.0.0.2 TCP_MISS/200 411 GET http://a.example/x?y - X/- a/b",
            Entry(1286536308.599, "10.0.0.2", "GET", "a.example", "/x?y", 200, 411),
        ),
        (
            "1286536309.000 2000 10.0.0.2 TCP_TUNNEL/200 3919 CONNECT mail.example:443 bob X/- -",
            Entry(1286536307.0, "10.0.0.2", "CONNECT", "mail.example", "/", 200, 3919, True),
        ),
        (
            "1286536309.000 0 ::1 TCP_IMS_HIT/304 250 GET http://a.example/ - HIER_NONE/- -",
            Entry(1286536309.0, "::1", "GET", "a.example", "/", 304, 250),
        ),
    ],
)
def test_squid_lines(text, entry):
    assert squid.parse(text) == entry


@pytest.mark.parametrize(
    "text",
    [
        "1286536309.000 0 ::1 NONE/400 250 NONE error:invalid-request - HIER_NONE/- -",
        "1286536309.000 0 ::1 TCP_MISS 250 GET http://a.example/ - HIER_NONE/- -",
        "nan 0 ::1 TCP_MISS/200 250 GET http://a.example/ - HIER_NONE/- -",
        "1286536309.000 -5 ::1 TCP_MISS/200 250 GET http://a.example/ - HIER_NONE/- -",
        "1286536309.000 0 ::1 TCP_MISS/200 x GET http://a.example/ - HIER_NONE/- -",
        "1286536309.000 0 ::1 TCP_MISS/2xx 5 GET http://a.example/ - HIER_NONE/- -",
        "1286536309.000 0 ::1",
    ],
)
def test_squid_lines_that_hold_no_request(text):
    with pytest.raises(ValueError, match=r"\w"):
        squid.parse(text)


@pytest.mark.parametrize(
    ("header", "row", "entry"),
    [
        ("time,client,url,size", "1.5,bob,/a,7", Entry(1.5, "bob", "GET", "", "/a", 200, 7)),
        (
            "\ufeffSize, URL ,extra,client,time,status,method",
            '7,"http://a.example/x,y",?,bob,2015-05-17T10:05:03Z,404,head',
            Entry(MAY, "bob", "HEAD", "a.example", "/x,y", 404, 7),
        ),
        (
            "time,client,url,size",
            "2015-05-17T12:05:03+02:00,bob,/a,-",
            Entry(MAY, "bob", "GET", "", "/a", 200, 0),
        ),
        (
            "time,client,url,size",
            "2015-05-17 10:05:03,bob,/a,0",
            Entry(MAY, "bob", "GET", "", "/a", 200, 0),
        ),
    ],
)
def test_csv_rows(header, row, entry):
    assert table.parser_of(header)(row) == entry


@pytest.mark.parametrize(
    "row",
    ["", "1,bob,/a", "1,bob,/a,7,8", "soon,bob,/a,7", "inf,bob,/a,7", "1,,/a,7", "1,bob,a,7",
     "1,bob,/a,-7", "1,bob,/a,7.5", '1,"bob,/a,7', f"1,bob,/a,{'9' * 30}"],
)  # fmt: skip
def test_csv_rows_that_hold_no_request(row):
    with pytest.raises(ValueError, match=r"\w"):
        table.parser_of("time,client,url,size")(row)


LOGS = {
    "combined": [line(f"GET /{n} HTTP/1.1", f"10.0.0.{n}") for n in range(9)],
    "squid": [
        f"{n}.000 1 10.0.0.{n} TCP_MISS/200 411 GET http://a.example/{n} - X/- -" for n in range(9)
    ],
    "csv": ["time,client,url,size", *(f"{n},c{n},http://a.example/{n},5" for n in range(9))],
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", LOGS)
def test_each_format_is_recognised_also_zipped_and_with_rubbish_between(tmp_path, name, zipped):
    lines = [*LOGS[name][:4], "rubbish", "", *LOGS[name][4:], "\xff\x00"]
    data = "\r\n".join(lines).encode("latin-1")
    file = tmp_path / "access.log"
    file.write_bytes(gzip.compress(data) if zipped else data)
    trace = read_trace(file)
    assert (trace.format, len(trace), len(trace.clients)) == (name, 9, 9)
    assert trace.skipped.count == 2
    assert trace.skipped.samples[0].startswith("line 5: ")
    assert "2 lines skipped: line 5" in str(trace.skipped)
    same = read_trace(file, name)
    assert (same.time == trace.time).all()
    assert same.objects == trace.objects
    assert len(read_trace(file, limit=3)) == 3


def written(tmp_path, rows):
    file = tmp_path / "log.csv"
    file.write_text("\n".join(["time,client,url,size,status", *rows]))
    return read_trace(file)


def test_entries_are_sorted_by_time_and_equal_times_stay(tmp_path):
    trace = written(tmp_path, ["5,b,/1,1,200", "2,a,/2,1,304", "5,a,/3,1,206", "2,b,/4,1,404"])
    assert trace.time.tolist() == [2, 2, 5, 5]
    assert [trace.objects[obj][1] for obj in trace.object] == ["/2", "/4", "/1", "/3"]
    assert trace.clients == ["b", "a"]
    assert trace.client.tolist() == [1, 0, 0, 1]
    assert trace.conditional.tolist() == [True, False, False, False]
    assert trace.ranged.tolist() == [False, False, False, True]


def test_a_thousand_equal_times_stay_in_order(tmp_path):
    trace = written(tmp_path, [f"{n % 2},a,/{n},1,200" for n in range(1000)])
    assert trace.object.tolist() == [*range(0, 1000, 2), *range(1, 1000, 2)]


def test_an_object_is_as_large_as_its_largest_whole_answer(tmp_path):
    trace = written(
        tmp_path,
        ["1,a,/x,10,200", "2,a,/x,30,200", "3,a,/x,99,500", "4,a,/y,7,206", "5,a,/y,3,206",
         "6,a,http://h.example/x,4,200"],
    )  # fmt: skip
    assert trace.objects == [("", "/x"), ("", "/y"), ("h.example", "/x")]
    assert trace.object_size.tolist() == [30, 7, 4]
    assert trace.hosts == ["", "h.example"]


def test_times_run_from_zero_and_are_scaled(tmp_path):
    trace = written(tmp_path, ["100,a,/x,1,200", "110,a,/x,1,200", "140,a,/x,1,200"])
    assert trace.ats().tolist() == [0, 10, 40]
    assert trace.ats(speed=4).tolist() == [0, 2.5, 10]
    spread = trace.ats(spread=80)
    np.testing.assert_allclose(spread, [0, 20, 80], rtol=1e-4)
    assert spread[-1] < 80


@pytest.mark.parametrize(
    "data",
    [b"", b"\n\n", b"nothing here\n" * 70, b"time,client,url,size\n", b"\x1f\x8b",
     b"\x1f\x8bxxxxxx", b"\x00" * 200_000, gzip.compress(b"rubbish", mtime=0)],
)  # fmt: skip
@pytest.mark.parametrize("format", FORMATS)
def test_a_log_without_a_request_is_one_clear_error(tmp_path, data, format):
    file = tmp_path / "access.log"
    file.write_bytes(data)
    with pytest.raises(TraceError) as caught:
        read_trace(file, format)
    assert "access.log" in str(caught.value)
    assert caught.value.mend


@pytest.mark.parametrize("where", ["missing.log", "."])
def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path, where):
    with pytest.raises(TraceError, match="cannot be read"):
        read_trace(tmp_path / where)


def test_an_unknown_format_is_told_what_is_known(tmp_path):
    with pytest.raises(TraceError, match="Did you mean 'squid'"):
        read_trace(tmp_path / "x", "squidd")


def test_an_archive_cut_short_gives_what_it_holds(tmp_path):
    data = gzip.compress("\n".join(LOGS["combined"] * 500).encode(), compresslevel=1)
    file = tmp_path / "access.log.gz"
    file.write_bytes(data[: len(data) // 2])
    trace = read_trace(file)
    assert 0 < len(trace) < 4500
    assert "damaged" in str(trace.skipped)


def test_a_line_without_end_is_skipped_whole(tmp_path):
    file = tmp_path / "access.log"
    file.write_text("\n".join([LOGS["combined"][0], "x" * 300_000, LOGS["combined"][1]]))
    trace = read_trace(file)
    assert (len(trace), trace.skipped.count) == (2, 1)
    assert trace.skipped.samples[0].startswith("line 2: longer")


@given(st.lists(st.text(max_size=120), max_size=8), st.sampled_from(sorted(LOGS)))
def test_no_text_is_fatal(tmp_path_factory, lines, name):
    file = tmp_path_factory.mktemp("fuzz") / "access.log"
    file.write_text("\n".join([*LOGS[name], *lines]), encoding="utf-8", errors="replace")
    assert len(read_trace(file)) >= 9


@given(st.text(max_size=200))
def test_parsers_raise_nothing_but_value_errors(text):
    for parse in (combined.parse, squid.parse, table.parser_of("time,client,url,size")):
        try:
            parse(text)
        except ValueError:
            pass


@pytest.mark.skipif(not REAL.exists(), reason="the real log is not part of the project")
def test_the_real_log_is_read_whole():
    trace = read_trace(REAL)
    assert (len(trace), len(trace.clients), trace.skipped.count) == (10_000, 1753, 0)
    statuses = Counter(trace.status.tolist())
    assert {status: statuses[status] for status in (200, 304, 404, 301, 206)} == {
        200: 9126, 304: 445, 404: 213, 301: 164, 206: 45,
    }  # fmt: skip
    assert trace.ats(spread=300.0)[-1] < 300
    assert trace.conditional.sum() == 445
