"""What lint says, and what it must not: a false alarm is worse than a miss."""

import itertools
import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertd.rules.compile import lucene
from alertd.rules.language import kql
from alertd.rules.language.lucene import LuceneError
from alertd.rules.language.lucene import parse as lucene_parse
from alertd.rules.lint import CODES, Known, RuleWarning, lint
from alertd.rules.lint.logic import Ask, Both, Either, Kind, Not, Opaque, Tree, both, either, implies, meaning, negated
from alertd.rules.lint.overlap import overlap
from alertd.rules.lint.warning import Subject
from alertd.rules.load import Surroundings, load_rules
from alertd.rules.model import Query, Rule, RuleFacts, RuleSet, Severity

AROUND = Surroundings(None, None, (), lambda _: None)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TYPES = {
    **dict.fromkeys(
        [
            "eventName",
            "eventSource",
            "errorCode",
            "errorMessage",
            "userAgent",
            "note",
            "userIdentity.type",
            "userIdentity.arn",
            "userIdentity.accessKeyId",
        ],
        "text",
    ),
    **dict.fromkeys(["eventName.keyword", "userIdentity.arn.keyword", "errorMessage.keyword", "user.name"], "keyword"),
    **dict.fromkeys(["userIdentity", "user", "source", "flat"], "object"),
    **dict.fromkeys(["eventTime", "arrived", "userIdentity.sessionContext.attributes.creationDate"], "date"),
    "@timestamp": "date",
    "readOnly": "boolean",
    "source.ip": "ip",
    "source.as.number": "long",
    "flat.request": "flattened",
}
KNOWN = Known(
    "logs-*",
    {name: frozenset({kind}) for name, kind in TYPES.items()},
    complete=True,
    flavor="elasticsearch",
    time_fields=("@timestamp", "arrived"),
)

DSL_WORDS = [
    *("bool", "must", "filter", "should", "must_not", "minimum_should_match", "term", "terms", "match", "range", "gt"),
    *("exists", "field", "wildcard", "regexp", "script", "nested", "query", "path", "constant_score", "value"),
    *("query_string", "multi_match", "fields", "default_field", "match_all", "match_none", "prefix", "fuzzy"),
]

GOLDEN = Path(__file__).with_name("lint_warnings.txt")
CASES = dict(case.rstrip("\n").split("\n", maxsplit=1) for case in GOLDEN.read_text("utf-8").split("\n=== ")[1:])
HEAD = '[[rules]]\nid = "%s"\ntitle = "A"\nseverity = "low"'
TEST = '[[rules.tests]]\nname = "t"\nevents = [{ eventName = "x" }]\nexpect = '

Linted = Callable[..., list[RuleWarning]]


@pytest.fixture
def linted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Linted:
    """Writes rule files and lints them, as from the folder they are in."""
    monkeypatch.chdir(tmp_path)

    def write_and_lint(*texts: str, known: Known = KNOWN) -> list[RuleWarning]:
        paths = [tmp_path / name for name in ("team.toml", "other.toml")[: len(texts)]]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text, "utf-8")
        sets = load_rules(paths, AROUND)
        return list(lint(sets, now=NOW, known={rule_set.id: known for rule_set in sets}))

    return write_and_lint


def _file(text: str) -> str:
    for name, rule_id in (("<head>", "a"), ("<next>", "b"), ("<last>", "c")):
        text = text.replace(name, HEAD % rule_id)
    return text.replace("<test> ", TEST) + "\n"


def _said(warnings: list[RuleWarning], code: str) -> str:
    return "\n".join(
        f"{each.level} {each.code} {each.where}  {each.text}"
        for each in warnings
        if code.startswith("R5") or not each.code.startswith("R5")
    )


@pytest.mark.parametrize("name", CASES)
def test_a_warning_is_told_with_its_place_and_a_way_out(linted: Linted, name: str) -> None:
    """The very words, and nothing beside them; a near miss is not told at all."""
    text, _, expected = CASES[name].partition("\n---")
    known = replace(KNOWN, heavy=frozenset({"a"}) if name.startswith("R305") else frozenset())
    assert expected.strip() == _said(linted(_file(text), known=known), name)


def test_each_code_has_a_case_that_is_told_and_one_that_is_not() -> None:
    """R602 is about alertd.toml: tests/acceptance has it."""
    told = {code for name, case in CASES.items() if (code := name.split()[0]) in case.partition("\n---")[2]}
    quiet = {code for name, case in CASES.items() if (code := name.split()[0]) not in case.partition("\n---")[2]}
    assert CODES.keys() - {"R602"} == told
    assert CODES.keys() - {"R602"} == quiet


def test_each_code_has_a_section_in_the_documentation() -> None:
    """With the name that the code has here, what it means, what to do, and no code that there is not."""
    text = (Path(__file__).parents[2] / "docs/lint.md").read_text("utf-8")
    sections = dict(re.findall(r"^### (R\d+): (.+)$", text, flags=re.MULTILINE))
    assert dict(CODES) == sections
    for code, section in zip(sections, text.split("\n### ")[1:], strict=True):
        assert "Fix:" in section, code


def test_the_same_rule_in_two_files_is_told_once(linted: Linted) -> None:
    """At the second, with the place of the first: each event would be told twice. Of another source it is another."""
    first = _file('query.lucene = "userIdentity.type:Root"\n<head>\nquery.lucene = "eventName:x OR eventName:y"')
    second = _file('<next>\nquery.kql = "(eventName: y or eventName: x) and userIdentity.type: Root"')
    text = "warning R702 other.toml:5  b asks the same as a (team.toml:6): each event is told twice"
    assert text == _said(linted(first, second), "")
    assert "" == _said(linted(first, 'source = "gcp"\n' + second), "")


def test_nothing_is_said_of_fields_that_nobody_knows(linted: Linted) -> None:
    """Where no index could be asked, only what the query itself shows is told."""
    text = _file('<head>\nquery.lucene = "eventNmae:x AND readOnly:maybe AND userIdentity.arn:a-b"')
    assert "" == _said(linted(text, known=Known()), "")
    assert 3 == len(_said(linted(text), "").splitlines())


def test_opensearch_knows_no_case_in_regular_expressions(linted: Linted) -> None:
    """Elasticsearch does: there it finds nothing in analysed text."""
    text = _file('<head>\nquery.lucene = "eventName:/Console.*/"')
    assert "" == _said(linted(text, known=replace(KNOWN, flavor="opensearch")), "")
    assert "R101" in _said(linted(text, known=replace(KNOWN, flavor="")), "")


def test_a_thousand_rules_are_linted_in_no_time(linted: Linted) -> None:
    """A hook runs before each commit. Each rule asks for one name, beside what all of them ask."""
    rules = "".join(
        f'[[rules]]\nid = "r{n}"\ntitle = "t"\nseverity = "low"\n'
        f'query.lucene = "userIdentity.type:Root AND (eventName:E{n} OR event.action:E{n})"\n'
        for n in range(1_000)
    )
    started = time.monotonic()
    assert "" == _said(linted(rules, known=Known()), "")
    assert time.monotonic() - started < 5


SHAPES = st.recursive(
    st.builds(
        lambda field, kind: Ask(kind, field, "" if kind is Kind.EXISTS else "x"),
        st.sampled_from("abc"),
        st.sampled_from([Kind.EXISTS, Kind.WORDS, Kind.EXACT]),
    ),
    lambda below: st.lists(below, max_size=3).map(both) | st.lists(below, max_size=3).map(either) | below.map(negated),
    max_leaves=6,
)
# For each field: it is not there; it is, with another value; the words are; the very value is.
_HAS: dict[str, frozenset[Kind]] = {
    "absent": frozenset(),
    "other": frozenset({Kind.EXISTS}),
    "words": frozenset({Kind.EXISTS, Kind.WORDS}),
    "exact": frozenset({Kind.EXISTS, Kind.EXACT}),
    "all": frozenset({Kind.EXISTS, Kind.EXACT, Kind.WORDS}),
}
EVENTS = [dict(zip("abc", states, strict=True)) for states in itertools.product(_HAS.values(), repeat=3)]


def _matches(tree: Tree, event: Mapping[str, frozenset[Kind]]) -> bool:
    match tree:
        case Ask():
            return tree.kind in event[str(tree.field)]
        case Both():
            return all(_matches(part, event) for part in tree.parts)
        case Either():
            return any(_matches(part, event) for part in tree.parts)
        case Not():
            return not _matches(tree.part, event)
        case Opaque():
            raise AssertionError("none of these")


@settings(max_examples=400)
@given(SHAPES, SHAPES)
def test_what_one_query_is_said_to_imply_it_implies(narrow: Tree, wide: Tree) -> None:
    """On every event there can be: a rule that is called unreachable is."""
    if implies(narrow, wide):
        assert all(_matches(wide, event) for event in EVENTS if _matches(narrow, event))
    if meaning(narrow) == meaning(wide):
        assert [_matches(narrow, event) for event in EVENTS] == [_matches(wide, event) for event in EVENTS]


@given(st.lists(SHAPES, max_size=6))
def test_the_quick_search_for_earlier_rules_misses_none(trees: list[Tree]) -> None:
    """Each rule beside each that stands before it tells the same, only slower."""
    queries = [Query("dsl", "{}", {}, f"a.toml:{number}") for number in range(1, len(trees) + 1)]
    rules = [
        Rule(RuleFacts("a", f"r{number}", "A", Severity.LOW), query, (), query.where)
        for number, query in enumerate(queries)
    ]
    rule_set = RuleSet("a", "", None, tuple(rules), Path("a.toml"))
    subjects = [Subject(rule_set, rule, rule.query, tree) for rule, tree in zip(rules, trees, strict=True)]
    expected = [
        rule.id
        for number, (rule, tree) in enumerate(zip(rules, trees, strict=True))
        if tree == either([]) or implies(tree, either([each for each in trees[:number] if each != either([])]))
    ]
    assert expected == [warning.rule for warning in overlap(subjects)]


@given(st.text())
def test_whatever_can_be_parsed_can_be_linted(text: str) -> None:
    """No query makes lint fail."""
    for language, find in (("lucene", lucene_parse), ("kql", kql.parse)):
        with suppress(LuceneError, kql.KqlError):
            find(text)
            query = Query(language, text, lucene(text) if language == "lucene" else kql.parse(text).clause, "a.toml:1")
            facts = RuleFacts("a", "a", "A", Severity.LOW)
            rule_set = RuleSet("a", "", None, (Rule(facts, query, (), "a.toml:1"),), Path("a.toml"))
            lint([rule_set], now=NOW, known={"a": KNOWN})


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: (
        st.lists(below, max_size=2)
        | st.dictionaries(st.sampled_from([*DSL_WORDS, "eventName", "readOnly", "x"]), below, max_size=2)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(DSL_WORDS), JSON, min_size=1, max_size=1))
def test_whatever_stands_in_query_dsl_can_be_linted(clause: dict[str, Any]) -> None:
    """Also what a server would refuse."""
    query = Query("dsl", json.dumps(clause), clause, "a.toml:1")
    facts = RuleFacts("a", "a", "A", Severity.LOW)
    rule_set = RuleSet("a", "", query, (Rule(facts, query, (), "a.toml:1"),), Path("a.toml"))
    lint([rule_set], now=NOW, known={"a": KNOWN})
