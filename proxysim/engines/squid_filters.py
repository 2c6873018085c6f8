"""Filters as Squid's access lists: a rule is a line, its conditions are lists that must all match.

Source: squid-cache.org, ``acl``, ``http_access``, ``http_reply_access``, ``deny_info``, ``note``,
``reply_body_max_size``; as of 5.7.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from proxysim.engines.configuration import Draft
from proxysim.engines.subject import Subject, plain
from proxysim.policies.filters import Names
from proxysim.policies.filters.schedule import Schedule
from proxysim.scenario.block_lists import categories_of
from proxysim.scenario.control import condition_of
from proxysim.scenario.filtering import Rule
from proxysim.scenario.nodes import ForwardProxy

__all__ = ["ANSWER_CONDITIONS", "CONDITIONS", "access_lists"]

DAY = 24 * 60  # minutes
#: As Squid writes the days of the week, from Monday on.
DAYS = "MTWHFAS"


@dataclass(slots=True)
class Written:
    """A rule that is being written: its number, and what its lists are about."""

    subject: Subject[ForwardProxy]
    draft: Draft
    number: int
    values: Sequence[str]
    lists: list[str]

    def name(self, what: str) -> str:
        return f"rule_{self.number}_{what}"


def access_lists(subject: Subject[ForwardProxy], draft: Draft) -> tuple[list[str], list[str]]:
    """The lists with the access to requests, and the access to answers."""
    requests: list[str] = []
    answers: list[str] = []
    for number, rule in enumerate(subject.node.filters):
        action, condition = condition_of(rule)
        given = {
            name: [str(each) for each in (found if isinstance(found, list) else [found])]
            for name in type(condition).model_fields
            if (found := getattr(condition, name)) is not None
        }
        lists: list[str] = []
        asked = [
            CONDITIONS[name](Written(subject, draft, number, values, lists))
            for name, values in given.items()
            if name in CONDITIONS
        ]
        if "url" in given:
            asked.append("!CONNECT")
        answered = [
            ANSWER_CONDITIONS[name](Written(subject, draft, number, values, lists))
            for name, values in given.items()
            if name in ANSWER_CONDITIONS
        ]
        if rule.because:
            requests.append(f"# rule {number}: {' '.join(rule.because.split())}")
        requests += lists
        if answered:
            answers += _answer_rule(rule, action, number, asked, given, draft)
        else:
            requests += _request_rule(rule, action, number, asked, draft)
    if any(rule.because for rule in subject.node.filters):
        draft.lacks("The denied get Squid's own page, which does not say why (because).")
    return requests, answers


def _request_rule(
    rule: Rule, action: str, number: int, asked: Sequence[str], draft: Draft
) -> Iterator[str]:
    words = " ".join(asked)
    if action == "log":
        yield f"note rule_{number} matched {words}"
        draft.differs("Rules that only log leave a note in access.log.")
    elif action == "redirect":
        # What a denial leads to is looked up by the last list of its line.
        yield f"acl rule_{number} src all"
        yield f"deny_info 302:{(rule.to or '').replace('%', '%%')} rule_{number}"
        yield f"http_access deny {words} rule_{number}"
    else:
        yield f"http_access {action} {words}"


def _answer_rule(
    rule: Rule,
    action: str,
    number: int,
    asked: Sequence[str],
    given: dict[str, list[str]],
    draft: Draft,
) -> Iterator[str]:
    draft.differs(
        "Squid holds answers against their rules whichever rule has let the request pass."
    )
    words = " ".join([*asked, *([f"rule_{number}_type"] if "content_type" in given else [])])
    if action == "log":
        draft.lacks(f"Squid leaves no note of answers (filters.{number}).")
        return
    if "size" in given:
        if action != "deny":
            draft.lacks(f"Squid bounds sizes of answers, and does no more (filters.{number}).")
            return
        draft.differs("What is too large and does not say so is broken off when it gets there.")
        yield f"reply_body_max_size {given['size'][0]} bytes {words}".rstrip()
        return
    if action == "redirect":
        draft.lacks(f"Squid refuses an answer, and redirects nobody for it (filters.{number}).")
    yield f"http_reply_access {'allow' if action == 'allow' else 'deny'} {words}"


# Conditions on requests.


def _domain(written: Written) -> str:
    names = {each.strip().removeprefix("*").strip(".").lower() for each in written.values}
    return _hosts(written, Names(frozenset(names)), "domain")


def _category(written: Written) -> str:
    known = categories_of(written.subject.node, written.subject.scenario.directory)
    names = Names.union(known[name] for name in written.values)
    return _hosts(written, names, "category")


def _hosts(written: Written, names: Names, what: str) -> str:
    """Hosts, in a file of their own where they are many; addresses are told from names."""
    name = written.name(what)
    hosts = [each for each in _least(names) if not _address(each)]
    addresses = [each for each in sorted(names.below | names.alone) if _address(each)]
    if len(hosts) > MANY:
        file = f"{name}.txt"
        written.draft.files[file] = "\n".join(hosts) + "\n"
        hosts = [f'"{written.subject.places.directory / file}"']
    if hosts:
        written.lists.append(f"acl {name} dstdomain -n {' '.join(hosts)}")
    if not addresses:
        return name
    written.lists.append(f"acl {name}_ip dst -n {' '.join(addresses)}")
    if not hosts:
        return f"{name}_ip"
    written.lists.append(f"acl {name}_any any-of {name} {name}_ip")
    return f"{name}_any"


MANY = 20


def _address(text: str) -> bool:
    return ":" in text or text.replace(".", "").isdigit()


def _least(names: Names) -> list[str]:
    """Each domain with its dot, each host without, but for those that another one covers."""
    found = []
    for name in sorted(names.below):
        parent = name.partition(".")[2]
        if not (parent and names.cover(parent)):
            found.append(f".{name}")
    below = Names(names.below)
    return found + [name for name in sorted(names.alone) if not below.cover(name)]


def _url(written: Written) -> str:
    patterns = []
    for value in written.values:
        if value.startswith("re:"):
            patterns.append(value.removeprefix("re:"))
            written.draft.differs(
                "Squid reads regular expressions as POSIX extended ones, not as Python's."
            )
        else:
            inner = ".*".join(_escaped(part) for part in value.split("*"))
            patterns.append(f"^{inner}$".removeprefix("^.*").removesuffix(".*$") or ".")
    # A space would end a pattern, a quotation mark could begin a file's name.
    patterns = [each.replace(" ", "[[:space:]]").replace('"', ".") for each in patterns]
    name = written.name("url")
    written.lists.append(f"acl {name} url_regex {' '.join(patterns)}")
    return name


def _escaped(text: str) -> str:
    return re.sub(r"([.^$+?()\[\]{}|\\])", r"\\\1", text)


def _method(written: Written) -> str:
    return _simple(written, "method", "method", [each.upper() for each in written.values])


def _port(written: Written) -> str:
    return _simple(written, "port", "port", written.values)


def _client(written: Written) -> str:
    networks = [network for each in written.values for network in written.subject.networks(each)]
    return _simple(written, "client", "src", networks)


def _user(written: Written) -> str:
    return _named(written, "user", written.values)


def _group(written: Written) -> str:
    login = written.subject.node.authentication
    users = [] if login is None else [
        name for name, user in login.users.items() if set(user.groups) & set(written.values)
    ]  # fmt: skip
    return _named(written, "group", users)


def _named(written: Written, what: str, users: Sequence[str]) -> str:
    """Users by name, in a file where a name has a space or a mark in it."""
    if all(map(plain, users)):
        return _simple(written, what, "proxy_auth", users)
    file = f"{written.name(what)}.txt"
    written.draft.files[file] = "".join(f"{user}\n" for user in users)
    path = written.subject.places.directory / file
    return _simple(written, what, "proxy_auth", [f'"{path}"'])


def _schedule(written: Written) -> str:
    written.draft.differs(
        "Schedules go by the machine's clock, not from the moment at which a run begins."
    )
    name = written.name("time")
    for days, first, last in _spans(written.values):
        hours = f"{first // 60:02d}:{first % 60:02d}-{last // 60:02d}:{last % 60:02d}"
        written.lists.append(f"acl {name} time {days} {hours}")
    return name


def _spans(entries: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    """The days and the minutes of a day, from and to, in which any of *entries* holds."""
    schedule = Schedule(entries)
    by_span: dict[tuple[int, int], str] = {}
    for day, letter in enumerate(DAYS):
        first = None
        for minute in range(DAY + 1):
            on = minute < DAY and schedule.matches(None, (day * DAY + minute) * 60.0)  # type: ignore[arg-type]
            if on and first is None:
                first = minute
            elif not on and first is not None:
                span = (first, minute - 1)
                by_span[span] = by_span.get(span, "") + letter
                first = None
    for (first, last), days in by_span.items():
        yield days, first, last


def _simple(written: Written, what: str, kind: str, values: Iterable[str]) -> str:
    name = written.name(what)
    written.lists.append(f"acl {name} {kind} {' '.join(values)}")
    return name


# Conditions on answers.


def _content_type(written: Written) -> str:
    patterns = [
        f"^{_escaped(each.lower().removesuffix('*'))}{'' if each.endswith('*') else '(;|$)'}"
        for each in written.values
    ]
    name = written.name("type")
    written.lists.append(f"acl {name} rep_mime_type -i {' '.join(patterns)}")
    return name


def _size(written: Written) -> str:
    return ""


#: Condition on requests -> what writes its list, and returns the list's name.
CONDITIONS: dict[str, Callable[[Written], str]] = {
    "domain": _domain,
    "category": _category,
    "url": _url,
    "method": _method,
    "port": _port,
    "client": _client,
    "user": _user,
    "group": _group,
    "schedule": _schedule,
}

#: The same of conditions on answers.
ANSWER_CONDITIONS: dict[str, Callable[[Written], str]] = {
    "content_type": _content_type,
    "size": _size,
}
