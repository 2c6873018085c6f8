"""Pages are whole, escaped, and load nothing."""

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from proxysim.results.comparison import Difference
from proxysim.results.html import report_html, summary_html
from proxysim.results.recorder import Recorder

EVIL = '<script>alert("x")</script>&'
VOID = {"meta", "img", "br"}
PNG = b"\x89PNG\r\n\x1a\n...."


class Balanced(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def read(page):
    parser = Balanced()
    parser.feed(page)
    parser.close()
    assert not parser.open
    return parser


def recorded(name="office", **given):
    recorder = Recorder(10.0)
    node = recorder.texts["node"][name]
    recorder.node_window((node, 0.0, 10.0, 0.5, 0, 0, 0, 1, 1, 0, 0, 0))
    about = {"world": "sim", "scenario": name, "scenario_hash": "", "seed": 1}
    return recorder.finish(**about | given)


@given(st.text(min_size=1, max_size=30))
def test_names_are_text_and_never_markup(name):
    page = read(summary_html(recorded(name).summary()))
    assert {tag for tag, _ in page.seen} <= {
        "div", "style", "p", "strong", "table", "caption", "tbody", "tr", "td",
    }  # fmt: skip


def test_the_table_takes_its_colours_from_the_page():
    page = summary_html(recorded().summary())
    assert not re.search(r"(?<!-)\bcolor: (?!inherit)|#[0-9a-f]{3}", page)


def test_a_report_is_whole_and_escaped():
    run = recorded(
        EVIL,
        events=[
            {"at": 1.0, "until": None, "label": EVIL, "node": EVIL},
            {"at": 1.0, "until": 2.0, "label": "slow", "node": None, "link": ["edge", "web"]},
        ],
        extra={"title": EVIL, "question": EVIL, "watch_for": EVIL},
    )
    text = report_html(
        run,
        [(EVIL, f"<svg>{EVIL}</svg>"), ("photo", PNG)],
        others={EVIL * 2: recorded("other")},
        differences=[Difference(EVIL, EVIL, 1, 2)],
    )
    page = read(text)
    assert "<script" not in text
    assert "".join(page.words).count("alert") >= 8
    pictures = [attrs["src"] for tag, attrs in page.seen if tag == "img"]
    assert [source.split(";")[0] for source in pictures] == ["data:image/svg+xml", "data:image/png"]
    assert "edge - web" in page.words
    assert all(attrs["alt"] for tag, attrs in page.seen if tag == "img")


def test_a_report_loads_nothing():
    page = read(report_html(recorded(), [("photo", PNG)]))
    assert not {tag for tag, _ in page.seen} & {"script", "link", "iframe", "object"}
    for _, attrs in page.seen:
        assert "href" not in attrs
        assert attrs.get("src", "data:").startswith("data:")
    assert "default-src 'none'" in report_html(recorded())
    assert "color-scheme: light dark" in report_html(recorded())


def test_runs_stand_side_by_side():
    text = report_html(recorded("a"), others={"b": recorded("b")})
    words = read(text).words
    # Each caption once, though each run has a line of its own below it.
    assert words.count("hit ratio") == 1
    assert words.index("requests") < words.index("hit ratio") < words.index("utilisation")
    assert words.count("50.0%") == 4  # hit ratio and utilisation of each
    assert "-" in words
