"""What lint claims about queries is what Elasticsearch 8 and 9, OpenSearch 3 and the embedded server do."""

import json
import random
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from alertd.rules.compile import lucene
from alertd.rules.files import find_rule_files
from alertd.rules.language import kql
from alertd.rules.lint import Known, lint
from alertd.rules.lint.logic import Ask, Both, Either, Kind, Not, Opaque, Tree
from alertd.rules.lint.reading import read
from alertd.rules.load import Surroundings, load_rules
from alertd.rules.mappings import mapping_for, shape_of
from alertd.rules.model import Query, Rule, RuleFacts, RuleSet, Severity
from alertd.search import Search, SearchClient
from alertd.search.connect import connect
from alertd.search.connection import Connection
from tests.servers.filling import drop_index, fill_index
from tests.servers.running import SearchServer

HOUSE = Path(__file__).parents[2]
NOW = datetime(2026, 11, 24, tzinfo=UTC)
AROUND = Surroundings(None, None, (), lambda _: None)

TEXT: dict[str, object] = {"type": "text", "fields": {"keyword": {"type": "keyword"}}}
TYPES = {"count": "long", "ratio": "double", "address": "ip", "read": "boolean", "born": "date", "name": "keyword"}
MAPPING: dict[str, object] = {
    "properties": {
        "userIdentity_type": TEXT,
        "arn": TEXT,
        **{name: {"type": kind} for name, kind in TYPES.items()},
        "user": {"properties": {"id": {"type": "keyword"}}},
    }
}
ROOT: dict[str, object] = {
    "userIdentity_type": "Root",
    "arn": "arn:aws:iam::111122223333:role/Admin-x",
    "count": 5,
    "ratio": 0.5,
    "address": "10.0.0.1",
    "read": True,
    "born": "2026-01-01T00:00:00Z",
    "name": "some one",
    "user": {"id": "u"},
}
OTHER: dict[str, object] = {"userIdentity_type": "IAMUser", "arn": "somebody else, Admin"}
DOCUMENTS: dict[str, dict[str, object]] = {"root": ROOT, "other": OTHER}

Asked = str | Mapping[str, object]

# The question, and the one that was meant: the first finds nothing, the second what is there.
UNMATCHED: list[tuple[Asked, Asked]] = [
    ({"term": {"userIdentity_type": "Root"}}, {"term": {"userIdentity_type.keyword": "Root"}}),
    ({"terms": {"userIdentity_type": ["Root"]}}, {"terms": {"userIdentity_type.keyword": ["Root"]}}),
    ({"prefix": {"userIdentity_type": "Ro"}}, {"prefix": {"userIdentity_type.keyword": "Ro"}}),
    ({"wildcard": {"userIdentity_type": "Ro*"}}, {"wildcard": {"userIdentity_type.keyword": "Ro*"}}),
    ({"regexp": {"userIdentity_type": "Ro.*"}}, {"regexp": {"userIdentity_type.keyword": "Ro.*"}}),
    (r"arn:arn*role\/Admin*", r"arn.keyword:arn*role\/Admin*"),
    (r"arn:arn*Admin\-?", r"arn.keyword:arn*Admin\-?"),
    (r"arn:/arn.*role\/Admin.*/", r"arn.keyword:/arn.*role\/Admin.*/"),
    ("kql arn: arn*role/Admin*", "kql arn.keyword: arn*role/Admin*"),
]
# Finds the document that shares one word with it.
TOO_MUCH = [r"arn:nobody\/Admin", r"arn:nobody\-admin", r"arn:nobody\ admin", r"arn:nobody\/Adm*", "arn:nobody@admin"]
TOO_MUCH += ["kql arn: nobody-admin", "kql arn: nobody admin", "kql arn: nobody/adm*"]
REFUSED = ["count:many", "count:5*", "count:/5/", "count:5~1", "count:>many", "count:[a TO b]", "count:0x5", "ratio:x"]
REFUSED += ["address:internal", "address:10.*", "address:10.0.0", "address:>10", "address:/10.*/", 'address:""']
REFUSED += [
    "read:yes",
    "read:True",
    "read:1",
    "read:tru*",
    "born:yesterday",
    "born:2026*",
    "born:/2026.*/",
    "count:(5 OR a)",
]
REFUSED += ["kql count: many", "kql address: 10.*", "kql read: yes", "kql born: x", "kql count > many"]
SOUND = [
    "count:5",
    'count:"5"',
    "count:>=5",
    "count:[1 TO *]",
    "count:*",
    "count:1e1",
    r"count:\-5",
    "ratio:.5",
    "ratio:1",
]
SOUND += ["address:10.0.0.1", 'address:"10.0.0.0/8"', r"address:10.0.0.0\/8", "address:[10.0.0.0 TO 11.0.0.0]"]
SOUND += ["read:true", 'read:"false"', "read:[false TO true]", "born:2026", "born:2026-01-01", "born:[2026 TO 2027]"]
SOUND += ["userIdentity_type:Root", "userIdentity_type:R*", "userIdentity_type:R?ot", "arn:*dmi?", "arn:/adm[a-z]n/"]
SOUND += [
    'arn:"role/Admin"',
    "name:some\\ one",
    "name:s*\\ one",
    "userIdentity_type:root",
    "_exists_:user",
    "user.id:u",
]
SOUND += ["arn:admin", "name:/s.*/", "count:(5 OR 6)", "kql name: some one", 'kql arn: "role/Admin"', "kql count >= 5"]


@pytest.fixture
def client(search_server: SearchServer) -> Iterator[SearchClient]:
    client = connect(Connection(urls=(search_server.url,)))
    yield client
    client.close()


@pytest.fixture
def index(search_server: SearchServer) -> Iterator[str]:
    assert {} == fill_index(search_server, "lint-fields", MAPPING, DOCUMENTS)
    yield "lint-fields"
    drop_index(search_server, "lint-fields")


def _query(asked: Asked) -> Query:
    if not isinstance(asked, str):
        return Query("dsl", json.dumps(asked), asked, "team.toml:1")
    if asked.startswith("kql "):
        return Query("kql", asked[4:], kql.parse(asked[4:]).clause, "team.toml:1")
    return Query("lucene", asked, lucene(asked), "team.toml:1")


def _codes(query: Query, known: Known) -> set[str]:
    """Of fields: what else a query does is tested without a server."""
    rule = Rule(RuleFacts("team", "a", "A", Severity.LOW), query, (), "team.toml:1")
    found = lint([RuleSet("team", "", None, (rule,), Path("team.toml"))], now=NOW, known={"team": known})
    return {warning.code for warning in found if warning.code.startswith("R1")}


def _known(client: SearchClient, index: str) -> Known:
    return Known(index, client.field_types(index, ("*",)), complete=True, flavor=client.server().flavor)


def _hits(client: SearchClient, query: Mapping[str, object], index: str) -> set[str]:
    search = Search(index, query, (), 1_000, timedelta(seconds=30))
    return {hit.id for page in client.pages(search) for hit in page}


def test_what_is_said_to_match_nothing_matches_nothing(client: SearchClient, index: str) -> None:
    """And what is advised instead matches, and is not warned of."""
    known = _known(client, index)
    for asked, instead in UNMATCHED:
        wrong, right = _query(asked), _query(instead)
        assert {"R101"} == _codes(wrong, known), asked
        assert set() == _hits(client, wrong.clause, index), asked
        assert set() == _codes(right, known), instead
        assert {"root"} == _hits(client, right.clause, index), instead


def test_capitals_in_a_regular_expression_depend_on_the_server(client: SearchClient, index: str) -> None:
    """Elasticsearch compares them with words in small letters; OpenSearch does not mind."""
    query, known = _query("userIdentity_type:/Ro.*/"), _known(client, index)
    assert (_codes(query, known) == set()) == (_hits(client, query.clause, index) == {"root"})


def test_what_is_said_to_match_too_much_does(client: SearchClient, index: str) -> None:
    """One word in common is enough."""
    known = _known(client, index)
    for asked in TOO_MUCH:
        query = _query(asked)
        assert {"R102"} == _codes(query, known), asked
        assert {"root", "other"} == _hits(client, query.clause, index), asked


def test_words_in_parentheses_are_one_value_of_a_keyword(client: SearchClient, index: str) -> None:
    """Of analysed text, any of them will do."""
    text, keyword = lucene("userIdentity_type:(Root IAMUser)"), lucene("userIdentity_type.keyword:(Root IAMUser)")
    assert {"root", "other"} == _hits(client, text, index)
    assert set() == _hits(client, keyword, index)
    assert {"root"} == _hits(client, lucene("name:(some one)"), index)


def test_what_is_said_to_be_refused_is_refused(client: SearchClient, index: str) -> None:
    """And of what is taken nothing is said."""
    known = _known(client, index)
    for asked in REFUSED:
        assert {"R103"} == _codes(_query(asked), known), asked
        assert client.validate(index, _query(asked).clause), asked
    for asked in SOUND:
        assert set() == _codes(_query(asked), known), asked
        assert not client.validate(index, _query(asked).clause), asked


def test_a_field_is_missing_if_no_document_can_match_it(client: SearchClient, index: str) -> None:
    """Objects, sub-fields and the servers' own fields are there."""
    known = _known(client, index)
    for asked in ("user.id:u", "_exists_:user", "arn.keyword:x", "_id:root", "_index:lint-fields", r"user.\*:u"):
        assert set() == _codes(_query(asked), known), asked
    assert {"R104"} == _codes(_query("user.idd:u"), known)
    assert {"R103"} == _codes(_query("user:u"), known)
    assert set() == _hits(client, lucene("user:u"), index)


# Lucene's AND and OR, as random people write them, beside the tree that lint takes them for.

VALUES = ("x", "y", None)
EVENTS = {
    "-".join(map(str, values)): {name: value for name, value in zip("abc", values, strict=True) if value}
    for values in product(VALUES, repeat=3)
}
ATOMS = ("a:x", "b:y", "c:(x OR y)", "c:(x y)", "_exists_:a", "b:*", "*", "a:/x/", 'c:"y"', "(b:x)", "a:(NOT x)")
LEAVES: tuple[Mapping[str, object], ...] = (
    {"term": {"a": "x"}},
    {"terms": {"b": ["x", "y"]}},
    {"exists": {"field": "c"}},
    {"match": {"c": {"query": "y"}}},
    {"match_all": {}},
)


def _lucene_text(dice: random.Random, depth: int = 0) -> str:
    parts = []
    for number in range(dice.randint(1, 4)):
        part = f"({_lucene_text(dice, depth + 1)})" if depth < 2 and dice.random() < 0.3 else dice.choice(ATOMS)
        joint = dice.choice(("AND", "OR", "", "&&", "||")) if number else ""
        parts.append(f"{joint} {dice.choice(('', '', '', 'NOT ', '+', '-', '!'))}{part}".strip())
    return " ".join(parts)


def _kql_text(dice: random.Random, depth: int = 0) -> str:
    if depth < 3 and dice.random() < 0.7:
        joint = dice.choice((" and ", " or "))
        return f"({joint.join(_kql_text(dice, depth + 1) for _ in range(dice.randint(1, 3)))})"
    return dice.choice(("", "not ")) + dice.choice(("a: x", "b: (x or y)", "c: (not x)", "c: *", "a: (x or not y)"))


def _clause(dice: random.Random, depth: int = 0) -> Mapping[str, object]:
    if depth == 3 or dice.random() < 0.3:
        return dice.choice(LEAVES)
    body: dict[str, object] = {}
    for name in dice.sample(("must", "filter", "should", "must_not"), dice.randint(1, 3)):
        body[name] = [_clause(dice, depth + 1) for _ in range(dice.randint(1, 2))]
    if "should" in body and dice.random() < 0.4:
        body["minimum_should_match"] = dice.choice((0, 1))
    return {"bool": body}


def _matches(tree: Tree, event: Mapping[str, str]) -> bool:
    match tree:
        case Ask(kind=Kind.EXISTS):
            return str(tree.field) in event
        case Opaque(parts=(Ask(options="run") as words,)):
            return _matches(words, event)
        case Ask():
            return event.get(str(tree.field)) == tree.value
        case Both():
            return all(_matches(part, event) for part in tree.parts)
        case Either():
            return any(_matches(part, event) for part in tree.parts)
        case Not():
            return not _matches(tree.part, event)
        case Opaque():
            raise AssertionError(f"not understood: {tree.text}")


@pytest.mark.parametrize("language", ["lucene", "kql", "dsl"])
def test_a_query_is_understood_as_the_server_does(
    search_server: SearchServer, client: SearchClient, language: str
) -> None:
    """What is concluded from the tree of a query is concluded from what the query matches."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    mapping = {"properties": {name: {"type": "keyword"} for name in "abc"}}
    assert {} == fill_index(search_server, "lint-logic", mapping, EVENTS)
    for _ in range(150):
        text = _lucene_text(dice) if language == "lucene" else f"kql {_kql_text(dice)}"
        query = _query(_clause(dice) if language == "dsl" else text)
        expected = {name for name, event in EVENTS.items() if _matches(read(query), event)}
        assert expected == _hits(client, query.clause, "lint-logic"), query.text
    drop_index(search_server, "lint-logic")


QUIET = Path(__file__).with_name("lint_quiet.toml")


def test_sound_rules_are_not_warned_of(search_server: SearchServer, client: SearchClient) -> None:
    """The shipped rules, and a corpus in every language, where an index holds events of both shapes."""
    events = {path.stem: json.loads(path.read_text("utf-8")) for path in (HOUSE / "rules/events").glob("*.json")}
    for shape in ("raw", "ecs"):
        mapping = mapping_for(shape, flavor=search_server.flavor)
        documents = {name: event for name, event in events.items() if shape_of(event) == shape}
        assert {} == fill_index(search_server, f"lint-quiet-{shape}", mapping, documents)
    sets = load_rules([*find_rule_files(HOUSE, ["rules/*.toml"]), QUIET], AROUND)
    known = {rule_set.id: _known(client, "lint-quiet-*") for rule_set in sets}
    found = lint(sets, now=NOW, known=known)
    lines = QUIET.read_text("utf-8").split("\n")
    # a field that none of these events has is a warning that is meant to be
    expected = [number for number, line in enumerate(lines, start=1) if line.endswith("# no such event")]
    assert expected == [int(each.where.rpartition(":")[2]) for each in found if each.code == "R104"]
    assert [] == [each for each in found if each.code != "R104"]
    for shape in ("raw", "ecs"):
        drop_index(search_server, f"lint-quiet-{shape}")
    assert re.search("lucene", QUIET.read_text("utf-8"))
