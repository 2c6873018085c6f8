"""What is said of a scenario though nothing is wrong with it."""

import pytest

from proxysim.scenario import from_dict
from proxysim.scenario.notes import notes_of


def office(*rules, directory=".", **proxy):
    tree = {
        "proxysim": 1,
        "title": "An office",
        "sites": {"open.example": {}, "bank.example": {"tls": True}, "mail.example": {"tls": True}},
        "nodes": {
            "staff": {"kind": "clients", "arrivals": 1, "through": "inner"},
            "guests": {"kind": "clients", "arrivals": 1, "sites": ["mail.example"]},
            "inner": {"kind": "forward_proxy", "through": "gateway"},
            "gateway": {"kind": "forward_proxy", "filters": list(rules), **proxy},
            "web": {"kind": "server", "sites": ["open.example", "bank.example", "mail.example"]},
        },
    }
    return notes_of(from_dict(tree, directory=directory))


@pytest.mark.parametrize(
    ("rule", "unseen"),
    [
        ({"deny": {"url": "*/ads/*"}}, "url of what goes through tunnels: all of bank"),
        ({"deny": {"method": "POST"}}, "method"),
        ({"deny": {"content_type": "video/*", "size": "1MB"}}, "content type or size"),
        ({"deny": {"url": "*", "domain": "bank.example"}}, "all of bank.example"),
        ({"deny": {"url": "*", "domain": "open.example"}}, None),
        ({"deny": {"method": ["POST", "CONNECT"]}}, None),
        ({"deny": {"domain": "example", "port": 443, "client": "inner"}}, None),
    ],
)
def test_a_rule_that_tunnels_escape_is_told(rule, unseen):
    notes = office(rule)
    assert len(notes) == (unseen is not None)
    assert all(note.startswith("gateway: filters.0 (deny ") and unseen in note for note in notes)


def test_lines_of_a_list_that_are_left_out_are_told(tmp_path):
    bad = "".join(f"bad_/{number}\n" for number in range(7))
    (tmp_path / "ads.txt").write_text(f"ads.example\n{bad}\xe9.example\n", encoding="latin-1")
    (tmp_path / "fine.txt").write_text("0.0.0.0 ads.example\n")
    categories = {"ads": ["ads.txt", "fine.txt"]}
    (note,) = office({"deny": {"category": "ads"}}, categories=categories, directory=tmp_path)
    assert note.startswith("gateway: category ads leaves out 8 lines of ads.txt: line 2 (bad_/0), ")
    assert note.endswith("line 6 (bad_/4), ...")
