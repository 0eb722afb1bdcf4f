"""What rules compile to means the same on Elasticsearch 8 and 9, OpenSearch 3 and the embedded server."""

import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertd.errors import PermanentError
from alertd.rules.compile import candidates, classification, first_rule, lucene, probe, window
from alertd.rules.language import kql
from alertd.rules.language.lucene import LuceneError, parse, weight
from alertd.rules.mappings import mapping_for
from alertd.rules.model import Query, Rule, RuleFacts, RuleSet, Severity
from alertd.search import Hit, Search, SearchClient
from alertd.search.connect import connect
from alertd.search.connection import Connection
from tests.servers.filling import fill_index
from tests.servers.running import SearchServer

INDEX = "rules-on-servers"
EVERYTHING: Mapping[str, object] = {"match_all": {}}

RAW: dict[str, dict[str, object]] = {
    "login": {
        "eventID": "r1",
        "eventTime": "2026-04-14T08:11:02Z",
        "eventName": "ConsoleLogin",
        "eventSource": "signin.amazonaws.com",
        "userIdentity": {"type": "Root", "arn": "arn:aws:iam::111122223333:root"},
        "responseElements": {"ConsoleLogin": "Success"},
        "additionalEventData": {"MFAUsed": "No"},
        "sourceIPAddress": "203.0.113.7",
        "readOnly": False,
    },
    "key": {
        "eventID": "r2",
        "eventTime": "2026-04-14T09:00:00Z",
        "eventName": "CreateAccessKey",
        "eventSource": "iam.amazonaws.com",
        "userIdentity": {"type": "IAMUser", "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "root"},
        "requestParameters": {"count": 5, "tags": ["blue", "green"]},
        "errorCode": "AccessDenied",
        "readOnly": True,
    },
}
ECS: dict[str, dict[str, object]] = {
    "ecs": {
        "@timestamp": "2026-04-14T08:11:02Z",
        "event": {"action": "ConsoleLogin", "provider": "signin.amazonaws.com", "outcome": "success", "id": "e1"},
        "aws": {
            "cloudtrail": {
                "user_identity": {"type": "Root", "arn": "arn:aws:iam::111122223333:root"},
                "read_only": False,
                "console_login": {"additional_eventdata": {"mfa_used": False}},
                "flattened": {"request_parameters": {"bucketName": "example-audit"}},
                "request_parameters": "{bucketName=example-audit, Host=s3.amazonaws.com}",
            }
        },
        "source": {"ip": "198.51.100.23", "as": {"number": 64511}},
        "user_agent.original": "aws-cli/2.31.4 os/linux",
    }
}


@pytest.fixture
def client(search_server: SearchServer) -> Iterator[SearchClient]:
    client = connect(Connection(urls=(search_server.url,)))
    yield client
    client.close()


@pytest.fixture
def events(search_server: SearchServer) -> str:
    """Both shapes, each in an index of its own kind."""
    for shape, documents in (("raw", RAW), ("ecs", ECS)):
        mapping = mapping_for(shape, flavor=search_server.flavor)
        assert {} == fill_index(search_server, f"{INDEX}-{shape}", mapping, documents)
    return f"{INDEX}-raw,{INDEX}-ecs"


def _hits(client: SearchClient, query: Mapping[str, object], index: str, *, page_size: int = 1_000) -> list[Hit]:
    asked = Search(index, query, ("eventID",), page_size, timedelta(seconds=30))
    return [hit for page in client.pages(asked) for hit in page]


def _query(text: str) -> Query:
    return Query("lucene", text, lucene(text), "team.toml:1", weight(parse(text), of_any_field=800))


def _set(rules: Mapping[str, str], *, set_id: str = "team", query: str | None = None) -> RuleSet:
    made = tuple(
        Rule(RuleFacts(set_id, rule_id, rule_id, Severity.LOW), _query(text), ("security",), "team.toml:1")
        for rule_id, text in rules.items()
    )
    return RuleSet(set_id, "cloudtrail", _query(query) if query else None, made, Path("team.toml"))


def _classified(client: SearchClient, rule_set: RuleSet, ids: Collection[str], index: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for clause in classification(rule_set, ids):
        for hit in _hits(client, clause, index):
            found.setdefault(hit.id, set()).update(hit.matched)
    return found


def test_candidates_name_their_sets_and_rules(client: SearchClient, events: str) -> None:
    """Exactly what some rule could match, named by the set that asks, or by the rules of one without a query."""
    sets = [
        _set({"a": "*"}, set_id="root", query="userIdentity.type:Root OR aws.cloudtrail.user_identity.type:Root"),
        _set({"b": "eventName:CreateAccessKey", "c": "readOnly:true", "d": "eventName:Nothing"}),
    ]
    (clause,) = candidates(sets, EVERYTHING)
    found = {hit.id: set(hit.matched) for hit in _hits(client, clause, events)}
    assert {"login": {"set:root"}, "ecs": {"set:root"}, "key": {"rule:team/b", "rule:team/c"}} == found


def test_classification_names_the_rules_and_returns_all_documents(client: SearchClient, events: str) -> None:
    """Also those that no rule matches, and none that was not asked for."""
    rules = {"login": "eventName:ConsoleLogin OR event.action:ConsoleLogin", "root": "userIdentity.type:Root"}
    assert {"login": {"login", "root"}, "key": set()} == _classified(client, _set(rules), ["login", "key"], events)
    assert {"key": set()} == _classified(client, _set({}), ["key"], events)
    assert {} == _classified(client, _set(rules), ["nobody"], events)


@pytest.mark.parametrize("terms", [1, 6, 60])
def test_a_thousand_rules_are_told_apart(search_server: SearchServer, client: SearchClient, terms: int) -> None:
    """In as many searches as no server refuses; the first in file order takes the event, whatever else matches."""
    documents = {f"d{n}": {"eventName": f"Event{n}x{n % terms}"} for n in (0, 199, 200, 999)} | {"none": {"a": "b"}}
    index = f"{INDEX}-thousand"
    assert {} == fill_index(search_server, index, {}, documents)
    rules = {
        f"r{n}": " OR ".join(f"eventName:Event{n}x{term}" for term in range(terms)) + (" OR a:b" if n > 500 else "")
        for n in range(1_000)
    }
    rule_set = _set(rules)
    found = _classified(client, rule_set, documents.keys(), index)
    assert {"d0": {"r0"}, "d199": {"r199"}, "d200": {"r200"}, "d999": {"r999"}} == {
        name: matched for name, matched in found.items() if name != "none"
    }
    first, also = first_rule(rule_set, found["none"])
    assert first
    assert ("r501", 498) == (first.id, len(also))
    hits = [hit for clause in candidates([rule_set], EVERYTHING) for hit in _hits(client, clause, index)]
    assert documents.keys() == {hit.id for hit in hits}


LUCENE = {
    "*": {"login", "key", "ecs"},
    "*:*": {"login", "key", "ecs"},
    "userIdentity.type:Root": {"login"},
    "userIdentity.type:root": {"login"},  # analysed text knows no case
    "userIdentity.type.keyword:root": set(),
    "userIdentity.type.keyword:Root": {"login"},
    "aws.cloudtrail.user_identity.type:root": set(),  # a keyword does
    "aws.cloudtrail.user_identity.type:Root": {"ecs"},
    "no.such.field:x": set(),
    "_exists_:errorCode": {"key"},
    "NOT _exists_:errorCode": {"login", "ecs"},
    "-_exists_:errorCode": {"login", "ecs"},
    "eventName:ConsoleLogin AND NOT userIdentity.type:Root": set(),
    "eventName:ConsoleLogin eventName:CreateAccessKey": {"login", "key"},  # OR is implied
    "eventName:(ConsoleLogin OR CreateAccessKey)": {"login", "key"},
    "eventName:ConsoleLogin OR event.action:ConsoleLogin": {"login", "ecs"},
    'eventSource:"signin.amazonaws.com"': {"login"},
    "eventSource:signin.amazonaws.com": {"login"},
    'userIdentity.arn:"arn:aws:iam::111122223333:root"': {"login"},
    'aws.cloudtrail.user_identity.arn:"arn:aws:iam::111122223333:root"': {"ecs"},
    "aws.cloudtrail.user_identity.arn:arn\\:aws\\:iam*": {"ecs"},
    "aws.cloudtrail.user_identity.arn:*root": {"ecs"},
    "userIdentity.accessKeyId:AKIA*": {"key"},
    "userIdentity.accessKeyId.keyword:AKIA*": {"key"},
    "userIdentity.accessKeyId.keyword:akia*": set(),
    "eventName:*Login": {"login"},
    "eventName:Console?ogin": {"login"},
    "eventName.keyword:/Console.*/": {"login"},
    "eventName.keyword:/Console/": set(),  # a regular expression matches the whole value
    "eventName:ConsoleLogim~1": {"login"},
    "readOnly:true": {"key"},
    "readOnly:false": {"login"},
    "aws.cloudtrail.read_only:false": {"ecs"},
    "requestParameters.count:>=5": {"key"},
    "requestParameters.count:{5 TO *]": set(),
    "requestParameters.tags:green": {"key"},
    "source.ip:198.51.100.23": {"ecs"},
    'source.ip:"198.51.100.0/24"': {"ecs"},
    "source.ip:[198.51.100.0 TO 198.51.100.255]": {"ecs"},
    "source.as.number:64511": {"ecs"},
    "eventTime:[2026-04-14T09:00:00Z TO *]": {"key"},
    "eventTime:2026-04-14": {"login", "key"},
    "aws.cloudtrail.flattened.request_parameters.bucketName:example-audit": {"ecs"},
    'aws.cloudtrail.flattened.request_parameters.bucketName:"example-audit"': {"ecs"},
    "aws.cloudtrail.request_parameters:*bucketName=example-audit*": {"ecs"},
    "aws.cloudtrail.request_parameters.text:bucketname": {"ecs"},
    "user_agent.original:aws-cli*": {"ecs"},
    "user_agent.original:aws\\-cli\\/2.31.4\\ os\\/linux": {"ecs"},
    "userIdentity.\\*:root": {"login", "key"},
    "(eventName:ConsoleLogin AND (userIdentity.type:IAMUser OR responseElements.ConsoleLogin:Success))^2": {"login"},
}


def test_lucene_matches_the_same_everywhere(client: SearchClient, events: str) -> None:
    """Each query by itself, as a named query in a filter: terms, phrases, ranges, wildcards, regular expressions."""
    rule_set = _set({f"q{number}": text for number, text in enumerate(LUCENE)})
    found = _classified(client, rule_set, [*RAW, *ECS], events)
    got = {text: {name for name, by in found.items() if f"q{n}" in by} for n, text in enumerate(LUCENE)}
    assert LUCENE == got


KQL = {
    "*": {"login", "key", "ecs"},
    "userIdentity.type: Root": {"login"},
    "userIdentity.type.keyword: root": set(),
    "aws.cloudtrail.user_identity.type: Root": {"ecs"},
    "eventName: ConsoleLogin or event.action: ConsoleLogin": {"login", "ecs"},
    "eventName: (ConsoleLogin or CreateAccessKey) and not readOnly: true": {"login"},
    "not errorCode: *": {"login", "ecs"},
    "userIdentity.accessKeyId: AKIA*": {"key"},
    "aws.cloudtrail.user_identity.arn: arn\\:aws*": {"ecs"},
    'aws.cloudtrail.user_identity.arn: "arn:aws:iam::111122223333:root"': {"ecs"},
    'userIdentity.arn: "arn:aws:iam::111122223333:root"': {"login"},
    "requestParameters.count >= 5": {"key"},
    "requestParameters.count > 5": set(),
    'eventTime >= "2026-04-14T09:00:00Z"': {"key"},
    'eventTime: "2026-04-14"': {"login", "key"},
    'source.ip: "198.51.100.0/24"': {"ecs"},
    "source.ip: 198.51.100.23": {"ecs"},
    "aws.cloudtrail.console_login.additional_eventdata.mfa_used: false": {"ecs"},
    "aws.cloudtrail.flattened.request_parameters.bucketName: example-audit": {"ecs"},
    "aws.cloudtrail.request_parameters: *bucketName=example-audit*": {"ecs"},
    "userIdentity.*: root": {"login", "key"},
    "requestParameters.*: *": {"key"},
    "AccessDenied": {"key"},
    '"ConsoleLogin"': {"login", "ecs"},
    "Console*": {"login", "ecs"},
}


def test_kql_matches_the_same_everywhere(client: SearchClient, events: str) -> None:
    """Each query as a rule of its own: values, phrases, patterns, ranges, any field."""
    queries = {f"q{n}": Query("kql", text, kql.parse(text).clause, "team.toml:1", 800) for n, text in enumerate(KQL)}
    facts = RuleFacts("team", "r", "r", Severity.LOW)
    rules = tuple(Rule(replace(facts, id=name), query, (), "team.toml:1") for name, query in queries.items())
    rule_set = RuleSet("team", "cloudtrail", None, rules, Path("team.toml"))
    found = _classified(client, rule_set, [*RAW, *ECS], events)
    got = {text: {name for name, by in found.items() if f"q{n}" in by} for n, text in enumerate(KQL)}
    assert KQL == got


REFUSED = {
    "syntax": lucene("eventName:("),
    "a word for an address": lucene("source.ip:office"),
    "a word for a date": lucene("eventTime:yesterday"),
    "a word for a number": lucene("source.as.number:many"),
    "a regular expression": lucene("eventName:/[/"),
    "an unknown clause": {"terms_of_use": {"eventName": "x"}},
}


@pytest.mark.parametrize("clause", REFUSED.values(), ids=REFUSED.keys())
def test_a_probe_finds_what_the_server_refuses(client: SearchClient, events: str, clause: Mapping[str, object]) -> None:
    """Where the mapping decides, too: so one broken rule is found among many and the others go on."""
    with pytest.raises(PermanentError):
        _hits(client, clause, events)
    with pytest.raises(PermanentError):
        _hits(client, probe(clause), events)


def test_a_probe_of_a_sound_query_is_quiet(client: SearchClient, events: str) -> None:
    """Whatever the query would match."""
    for text in LUCENE:
        assert [] == _hits(client, probe(lucene(text)), events)


PIECES = [
    *("a", "b", "a:", "b:", "_exists_:", "*:*", "foo*", "x-y", "é", "TO", "5", ">", "<=", ".", '"x y"', "/x.*/"),
    *(" ", " ", " ", "\t", "\n", " AND ", " OR ", "NOT ", "&&", "||", "!", "+", "-", "~", "~2", "^", "^2", "*", "?"),
    *("(", ")", "[", "]", "{", "}", '"', "/", ":", "\\", "\\:", "[1 TO 5]", "{* TO 9}"),
]


def test_no_query_is_refused_that_a_server_takes(client: SearchClient, search_server: SearchServer) -> None:
    """Our own check of the syntax is for a better message: it may miss a mistake, never invent one."""
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    dice = random.Random(seed)
    index = f"{INDEX}-syntax"
    fields = {"a": {"type": "keyword"}, "b": {"type": "text"}}
    fill_index(search_server, index, {"properties": fields}, {"1": {"a": "x"}})
    refused: list[str] = []
    while len(refused) < 300:
        text = "".join(dice.choices(PIECES, k=dice.randint(1, 9)))
        if text.strip() and _is_refused(text):
            refused.append(text)
    assert [] == [text for text in refused if _server_takes(client, text, index)]


def _is_refused(text: str) -> bool:
    try:
        parse(text)
    except LuceneError:
        return True
    return False


def _server_takes(client: SearchClient, text: str, index: str) -> bool:
    # no field by default: what the words would mean in every field is not the question
    clause = {"query_string": {"query": text, "fields": ["a", "b"], "lenient": True}}
    try:
        _hits(client, probe(clause), index)
    except PermanentError:
        return False
    return True


def test_the_window_lets_through_what_happened_or_arrived_within_it(
    search_server: SearchServer, client: SearchClient
) -> None:
    """By the server's clock; also what is dated in the future, and, if asked, what has no date."""
    now = datetime.now(UTC)

    def ago(**length: float) -> str:
        return (now - timedelta(**length)).isoformat()

    documents = {
        "fresh": {"t": ago(minutes=30), "in": ago(minutes=30)},
        "future": {"t": ago(days=-2), "in": ago(minutes=5)},
        "old": {"t": ago(hours=2), "in": ago(hours=2)},
        "late": {"t": ago(days=3), "in": ago(minutes=5)},
        "other": {"u": ago(minutes=5)},
        "undated": {"a": "b"},
    }
    dates = {name: {"type": "date"} for name in ("t", "u", "in")}
    index = f"{INDEX}-window"
    assert {} == fill_index(search_server, index, {"properties": dates}, documents)

    def within(clause: Mapping[str, object]) -> set[str]:
        return {hit.id for hit in _hits(client, clause, index)}

    hour, minutes = timedelta(hours=1), timedelta(minutes=10)
    assert {"fresh", "future"} == within(window(["t"], hour))
    assert {"fresh", "future", "other"} == within(window(["t", "u"], hour))
    assert {"fresh", "future", "late"} == within(window(["t"], hour, ingest_field="in", ingest_reach=minutes))
    assert {"fresh", "future", "undated"} == within(window(["t", "u"], hour, undated=True)) - {"other"}
