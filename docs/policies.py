"""The page ``docs/policies.md``, made from the menus of policies and from their tests.

    python docs/policies.py            say whether the page is as the menus are
    python docs/policies.py --write    write it anew

Rule, cost, behaviour and source come from a policy's docstring: the first paragraph is the rule,
``Cost:``, ``Members:`` and ``Source:`` begin what they say, and a sentence that begins with ``O(``
is a cost too. Parameters come from the readers that check them. The proofs are the tests that name
the policy, as their own names tell it.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from proxysim.policies.admission import ADMISSIONS  # noqa: E402
from proxysim.policies.authentication import Authentication  # noqa: E402
from proxysim.policies.backoff import Backoff  # noqa: E402
from proxysim.policies.balancers import ALIASES, BALANCERS  # noqa: E402
from proxysim.policies.breaker import Breakers  # noqa: E402
from proxysim.policies.compression import Compression  # noqa: E402
from proxysim.policies.eviction import EVICTIONS, OFFLINE  # noqa: E402
from proxysim.policies.filters import ANSWER_CONDITIONS, CONDITIONS, Filters  # noqa: E402
from proxysim.policies.forwarded import Trusted  # noqa: E402
from proxysim.policies.health import (  # noqa: E402
    HealthChecks,
    OutlierEjection,
    PassiveHealth,
    SlowStart,
    SuccessRate,
)
from proxysim.policies.hedging import Hedging  # noqa: E402
from proxysim.policies.identity import IDENTITIES, ReverseIdentity  # noqa: E402
from proxysim.policies.parameters import Stated  # noqa: E402
from proxysim.policies.rate_limit import TokenBucket  # noqa: E402
from proxysim.policies.retry import Retry  # noqa: E402
from proxysim.policies.shedding import ControlledDelay, Shedding  # noqa: E402
from proxysim.policies.tls import Mode, Terms  # noqa: E402
from proxysim.proxies.effects import Deadlines  # noqa: E402
from proxysim.proxies.fleet import Fleet  # noqa: E402
from proxysim.proxies.slots import Slots  # noqa: E402

PAGE = ROOT / "docs" / "policies.md"
TESTS = ROOT / "tests"

_POLICIES = ("proxysim.policies", "proxysim.proxies")
_LABEL = re.compile(r"(?:^|(?<=\s))(Cost|Members|Source): ")
_COST = re.compile(r"(?:^|(?<=[.;:] ))O\(.*?\.(?=\s|$)")


@dataclass(frozen=True)
class Family:
    """Policies of one kind: a menu, where a scenario names them, and the tests that prove them."""

    title: str
    says: str
    menu: Mapping[str, Any]
    tests: tuple[str, ...]
    menu_name: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)


FAMILIES = (
    Family(
        "Balancers",
        "Which backend a request goes to: `balancer` of a reverse proxy. Loads are requests that"
        " this proxy has sent and not yet had answered. Backends that are ejected or of weight zero"
        " are left out before a balancer is asked; where nobody is left the proxy answers 503.",
        BALANCERS,
        ("policies/test_balancers*.py", "policies/test_hashing*.py", "oracles/*.py"),
        "BALANCERS",
        ALIASES,
    ),
    Family(
        "Replacement",
        "What a full cache lets go: `eviction` of a cache.",
        EVICTIONS,
        ("policies/test_eviction*.py",),
        "EVICTIONS",
    ),
    Family(
        "Replacement with foresight",
        "Yardsticks for a trace that is known beforehand; no scenario can name them.",
        OFFLINE,
        ("policies/test_eviction*.py",),
        "OFFLINE",
    ),
    Family(
        "Admission",
        "What a cache takes in at all: `admission` of a cache, asked when an answer has come.",
        ADMISSIONS,
        ("policies/test_admission*.py",),
        "ADMISSIONS",
    ),
    Family(
        "Control",
        "Who may use a forward proxy, and how its rules decide: `authentication` and `filters`.",
        {"authentication": Authentication, "filters": Filters},
        ("policies/test_authentication.py", "policies/test_filters.py", "sim/test_control.py"),
    ),
    Family(
        "Filter conditions",
        "What a rule of a forward proxy's `filters` looks at.",
        CONDITIONS,
        ("policies/test_filters*.py", "sim/test_control.py"),
        "CONDITIONS",
    ),
    Family(
        "Filter conditions on answers",
        "What a rule looks at once the answer's head is here.",
        ANSWER_CONDITIONS,
        ("policies/test_filters*.py",),
        "ANSWER_CONDITIONS",
    ),
    Family(
        "Identities",
        "What a forward proxy tells of its clients: `identity`.",
        IDENTITIES,
        ("policies/test_identity*.py",),
        "IDENTITIES",
    ),
    Family(
        "Identity before servers",
        "What a reverse proxy tells of clients and servers, `hide` and `forwarded`, and whom a"
        " proxy believes about clients, `trusted`.",
        {"reverse identity": ReverseIdentity, "trusted": Trusted},
        (
            "policies/test_identity*.py",
            "policies/test_forwarded.py",
            "sim/test_identity_at_work.py",
        ),
    ),
    Family(
        "TLS and compression",
        "Who reads what, and in which coding answers travel: `tls`, `tls_version` and `early_data`,"
        " and `compression`.",
        {"tls": Mode, "tls_version, early_data": Terms, "compression": Compression},
        (
            "policies/test_tls.py",
            "policies/test_compression.py",
            "proxies/test_caching_variants.py",
            "sim/test_handshakes.py",
        ),
    ),
    Family(
        "Health",
        "Which backends are asked at all: `health` of a reverse proxy. All of it may be combined:"
        " a backend that one of them leaves out is left out.",
        {
            "health.active": HealthChecks,
            "health.passive": PassiveHealth,
            "health.outliers": OutlierEjection,
            "health.outliers.success_rate": SuccessRate,
            "health.slow_start": SlowStart,
            "health.panic": Fleet,
        },
        ("policies/test_health*.py", "proxies/test_fleet*.py"),
    ),
    Family(
        "Resilience",
        "What a reverse proxy does about requests that fail, and about more than it can do.",
        {
            "deadlines": Deadlines,
            "retry": Retry,
            "retry.backoff": Backoff,
            "hedge": Hedging,
            "breaker": Breakers,
            "limits": Slots,
            "rate_limit": TokenBucket,
            "shedding": Shedding,
            "shedding.queue_delay": ControlledDelay,
        },
        (
            "policies/test_resilience*.py",
            "policies/test_hedging.py",
            "policies/test_breaker.py",
            "policies/test_rate_limit.py",
            "policies/test_shedding.py",
            "proxies/test_attempts.py",
            "proxies/test_slots.py",
        ),
    ),
)


# What a docstring says.


@dataclass(frozen=True)
class Said:
    """A policy's docstring in parts, as Markdown; empty where it does not say."""

    rule: str
    how: tuple[str, ...]
    cost: str
    members: str
    source: str


def said(policy: type) -> Said:
    """The parts of the docstring of *policy*; a cost that it does not give is that of its base."""
    parts: dict[str, list[str]] = {"": [], "Cost": [], "Members": [], "Source": []}
    for paragraph in (inspect.getdoc(policy) or "").split("\n\n"):
        pieces = _LABEL.split(_markdown(" ".join(paragraph.split())))
        for label, text in zip(["", *pieces[1::2]], pieces[0::2], strict=True):
            if not label:
                parts["Cost"] += _COST.findall(text)
                text = _COST.sub("", text)
            if text.strip():
                parts[label].append(" ".join(text.split()))
    own = [text for text in parts["Cost"] if text != "see the base."]
    if not own:
        own = [said(base).cost for base in policy.__mro__[1:-1] if said(base).cost][:1]
    rule, *how = parts[""]
    return Said(
        rule,
        tuple(how),
        " ".join(own),
        " ".join(parts["Members"]),
        " ".join(parts["Source"]),
    )


def _markdown(text: str) -> str:
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    return text.replace("``", "`")


def parameters(policy: type) -> Iterator[tuple[str, str, str]]:
    """Name, what is accepted, and default of each parameter that a scenario may set."""
    defaults = inspect.signature(policy).parameters
    for name, reader in getattr(policy, "parameters", {}).items():
        default = defaults[name].default
        if default is inspect.Parameter.empty:
            shown = "required"
        elif default == () or default is None:
            shown = ""
        else:
            shown = f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
        accepts = reader.accepts if isinstance(reader, Stated) else f"a {reader.__name__}"
        yield name, accepts, shown


# What the tests prove.


@dataclass(frozen=True)
class Proof:
    """A test: its file, the law that its name states, and the words that it is about.

    The *subject* is that of its file, where the file is not about policies alone.
    """

    file: Path
    law: str
    words: frozenset[str]
    subject: str = ""


@cache
def proofs(pattern: str) -> tuple[Proof, ...]:
    """The tests in the files of *pattern*, below ``tests/``, but for those of bad input."""
    return tuple(proof for file in sorted(TESTS.glob(pattern)) for proof in _proofs_of(file))


def _proofs_of(file: Path) -> Iterator[Proof]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    known: dict[str, set[str]] = {}
    subject = ""
    if file.parent.name != "policies":
        first = re.split(r"[.:](?=\s|$)", ast.get_docstring(tree) or "", maxsplit=1)[0]
        subject = _markdown(" ".join(first.split()))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_POLICIES):
            known |= {alias.name: {f"class {alias.name}"} for alias in node.names}
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            known[name] = {*_words(node.value, known), f"class {name}"}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            law = node.name.removeprefix("test_").replace("_", " ")
            if "pytest.raises" in ast.unparse(node) or law.endswith("refused"):
                continue
            words = {word for part in node.body for word in _words(part, known)}
            for decorator in node.decorator_list:
                if _about_policies(decorator):
                    words.update(_words(decorator, known))
            yield Proof(file, law, frozenset(words) | set(law.split()), subject)


def _about_policies(decorator: ast.expr) -> bool:
    """Whether it hands the test policies by name, rather than what they hold within or meet."""
    if isinstance(decorator, ast.Name):
        return True
    if not isinstance(decorator, ast.Call) or not decorator.args:
        return False
    return bool({"name", "spec", "case"} & set(re.findall(r"\w+", ast.unparse(decorator.args[0]))))


def _words(node: ast.AST, known: Mapping[str, set[str]]) -> Iterator[str]:
    """Texts in *node*, names of policies' classes, and what names stand for; of dicts the keys."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
    elif isinstance(node, ast.Name):
        yield from known.get(node.id, ())
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None:
                yield from _words(key, known)
            named = isinstance(key, ast.Constant) and key.value in ("balancer", "eviction")
            if named or isinstance(value, ast.Dict):
                yield from _words(value, known)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _words(child, known)


def proving(family: Family, name: str) -> list[Proof]:
    """The tests that are about the policy *name* in particular."""
    called = [name, *(alias for alias, meant in family.aliases.items() if meant == name)]
    wanted = {*called, *(f"{word}s" for word in called), f"class {family.menu[name].__name__}"}
    phrases = [f" {word.replace('_', ' ')} " for word in called if "_" in word]
    return [
        proof
        for proof in _tests_of(family)
        if f"class {family.menu_name}" not in proof.words
        and (wanted & proof.words or any(phrase in f" {proof.law} " for phrase in phrases))
    ]


def contract(family: Family) -> list[Proof]:
    """The tests that every entry of the menu has to pass."""
    return [proof for proof in _tests_of(family) if f"class {family.menu_name}" in proof.words]


def _tests_of(family: Family) -> Iterator[Proof]:
    for pattern in family.tests:
        yield from proofs(pattern)


# The page.


def page() -> str:
    """What stands in ``docs/policies.md``."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield "# Policies"
    yield ""
    yield "<!-- written by `python docs/policies.py --write` -->"
    yield ""
    yield from (
        "Every strategy, with its rule, what it costs, where it comes from, and the tests that",
        "hold it to that. A scenario names one by itself, `balancer: least_connections`, or with",
        "parameters, `balancer: {power_of_two: {choices: 3}}`.",
        "",
    )
    for family in FAMILIES:
        yield f"## {family.title}"
        yield ""
        yield family.says
        yield ""
        yield "| name | rule | cost |"
        yield "|---|---|---|"
        for name, policy in family.menu.items():
            text = said(policy)
            cost = _first_sentence(text.cost)
            anchor = _anchor(_heading(family, name))
            yield f"| [`{name}`](#{anchor}) | {_cell(text.rule)} | {_cell(cost)} |"
        yield ""
        if family.aliases:
            known = ", ".join(f"`{alias}` = `{name}`" for alias, name in family.aliases.items())
            yield f"Other names: {known}."
            yield ""
        if laws := contract(family):
            yield f"Proof for each of them: {_cited(laws)}."
            yield ""
        for name, policy in family.menu.items():
            yield from _entry(family, name, policy)


def _entry(family: Family, name: str, policy: Callable[..., object]) -> Iterator[str]:
    assert isinstance(policy, type)
    text = said(policy)
    yield f"### {_heading(family, name)}"
    yield ""
    yield text.rule
    yield ""
    for paragraph in text.how:
        yield paragraph
        yield ""
    rows = list(parameters(policy))
    if rows:
        yield "| parameter | accepts | default |"
        yield "|---|---|---|"
        for parameter, accepts, default in rows:
            yield f"| `{parameter}` | {accepts} | {default} |"
        yield ""
    if text.cost:
        yield f"* **Cost**: {text.cost}"
    if text.members:
        yield f"* **When members come and go**: {text.members}"
    if text.source:
        yield f"* **Source**: {text.source}"
    if laws := proving(family, name):
        yield f"* **Proof**: {_cited(laws)}."
    yield ""


def _cited(laws: list[Proof]) -> str:
    """The laws, those of one file together, with a link to it."""
    files: dict[Path, list[Proof]] = {}
    for proof in laws:
        files.setdefault(proof.file, []).append(proof)
    return "; ".join(map(_cited_file, files, files.values()))


def _cited_file(file: Path, laws: list[Proof]) -> str:
    stated = ", ".join(dict.fromkeys(f"*{proof.law}*" for proof in laws))
    link = f"[{file.stem}](../{file.relative_to(ROOT).as_posix()})"
    return f"{stated} ({link}{f', {laws[0].subject}' if laws[0].subject else ''})"


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s|; ", text, maxsplit=1)[0].rstrip(".")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _heading(family: Family, name: str) -> str:
    """The name, with that of the family where an earlier one has the same."""
    earlier = FAMILIES[: FAMILIES.index(family)]
    return f"{name} ({family.title.lower()})" if any(name in f.menu for f in earlier) else name


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def main() -> int:
    """Compare or write, and give the exit status."""
    found = page()
    if "--write" in sys.argv[1:]:
        PAGE.write_text(found, encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != found:
        sys.stderr.write("docs/policies.md is not as the menus are; write it anew: --write\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
