"""[[rules.tests]] on search servers: verdicts agree everywhere, and a failing test explains itself."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from alertd.event.document import as_moment
from alertd.rules.files import find_rule_files
from alertd.rules.load import Surroundings, load_rules
from alertd.rules.model import Rule, RuleSet
from alertd.search import Hit, SearchClient
from alertd.search.connect import connect
from alertd.search.connection import Connection
from alertd.trial import Mismatch, Result, run_tests
from tests.servers.filling import fill_index
from tests.servers.running import SearchServer

HOUSE = Path(__file__).parents[2]
AROUND = Surroundings(None, None, (), lambda _: None)
SHIPPED = find_rule_files(HOUSE, ["rules/**/*.toml"])

SET = """\
query.lucene = "userIdentity.type:Root"

[[rules]]
id = "login"
title = "Root signed in"
severity = "high"
query.lucene = "eventName:ConsoleLogin AND NOT responseElements.ConsoleLogin:Failure"
%s
[[rules]]
id = "any"
title = "Root did something"
severity = "low"
query.lucene = "*"
"""
LOGIN = '{ userIdentity.type = "Root", eventName = "ConsoleLogin", responseElements.ConsoleLogin = "Success" }'
FAILED = LOGIN.replace("Success", "Failure")
BY_USER = LOGIN.replace("Root", "IAMUser")


def _test(expect: str, *events: str, more: str = "") -> str:
    return f'[[rules.tests]]\nname = "t"\nexpect = "{expect}"\nevents = [{", ".join(events)}]\n{more}\n'


def _render(rule: Rule, hit: Hit) -> str:
    return f"{rule.facts.title}: {hit.source.get('eventName')}"


def _happened(hit: Hit) -> datetime:
    return as_moment(hit.source.get("eventTime")) or datetime(2026, 11, 1, tzinfo=UTC)


Run = Callable[[RuleSet], tuple[Result, ...]]


@pytest.fixture
def client(search_server: SearchServer) -> Iterator[SearchClient]:
    client = connect(Connection(urls=(search_server.url,)))
    yield client
    client.close()


@pytest.fixture
def run(search_server: SearchServer, client: SearchClient) -> Run:
    fill = partial(fill_index, search_server)
    fields = ("eventName", "eventTime")
    return partial(run_tests, search=client, fill_index=fill, fields=fields, render=_render, happened=_happened)


def _load(folder: Path, text: str) -> RuleSet:
    (folder / "team.toml").write_text(text, "utf-8")
    (rule_set,) = load_rules([folder / "team.toml"], AROUND)
    return rule_set


def _mismatches(run: Run, folder: Path, tests: str) -> list[Mismatch]:
    return [mismatch for result in run(_load(folder, SET % tests)) for mismatch in result.mismatches]


# The other way in which people keep their logs: nothing is analysed, so words have a case and a beginning.
KEYWORDS: Mapping[str, object] = {
    "dynamic_templates": [{"strings": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}],
    "properties": {name: {"type": "date"} for name in ("@timestamp", "eventTime", "timestamp")},
}


@pytest.mark.parametrize("mapping", [None, KEYWORDS], ids=["as the shippers map", "keywords"])
@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_shipped_rules_give_the_same_verdicts_everywhere(
    search_server: SearchServer, client: SearchClient, file: Path, mapping: Mapping[str, object] | None
) -> None:
    """Every test of every rule that ships, in both shapes, on each server. What messages say is tested elsewhere."""
    (rule_set,) = load_rules([file], AROUND)
    results = run_tests(
        rule_set,
        client,
        fill_index=partial(fill_index, search_server),
        fields=(),
        render=lambda rule, _: "\n".join(text for test in rule.tests for text in test.message_contains),
        happened=_happened,
        mapping=mapping,
    )
    assert [] == [(result.rule, result.test.name, result.mismatches) for result in results if not result.passed]


@pytest.mark.parametrize(
    ("expect", "event"),
    [("match", LOGIN), ("login", LOGIN), ("any", FAILED), ("no match", BY_USER)],
)
def test_an_expectation_that_is_met_passes(run: Run, tmp_path: Path, expect: str, event: str) -> None:
    """This rule takes the event, another does, or none of the file."""
    assert [] == _mismatches(run, tmp_path, _test(expect, event))


def test_a_part_that_fails_is_shown_with_what_the_event_has(run: Run, tmp_path: Path) -> None:
    """Each ANDed part of the rule's query, asked by itself."""
    (mismatch,) = _mismatches(run, tmp_path, _test("match", FAILED))
    assert ("match", "any", "") == (mismatch.expected, mismatch.got, mismatch.hint)
    assert mismatch.where.endswith("team.toml:11")
    assert [
        ("eventName:ConsoleLogin", 0, True, (("eventName", "ConsoleLogin"),)),
        ("NOT responseElements.ConsoleLogin:Failure", 0, False, (("responseElements.ConsoleLogin", "Failure"),)),
    ] == [(part.text, part.depth, part.holds, part.values) for part in mismatch.parts]


def test_what_the_query_of_the_file_leaves_out_is_said(run: Run, tmp_path: Path) -> None:
    """The rule's own query is not to blame."""
    (mismatch,) = _mismatches(run, tmp_path, _test("match", BY_USER))
    assert ("no match", "the query of the whole file leaves it out") == (mismatch.got, mismatch.hint)
    assert [("userIdentity.type:Root", False)] == [(part.text, part.holds) for part in mismatch.parts]


def test_an_earlier_rule_that_takes_the_event_is_named(run: Run, tmp_path: Path) -> None:
    """Both match: the order of the file decides."""
    (mismatch,) = _mismatches(run, tmp_path, _test("any", LOGIN))
    assert ("any", "match") == (mismatch.expected, mismatch.got)
    assert "any matches too, but login stands before it in the file" == mismatch.hint


def test_no_match_means_no_rule_of_the_file(run: Run, tmp_path: Path) -> None:
    """An event that another rule takes is told; a test that says otherwise must not pass."""
    (mismatch,) = _mismatches(run, tmp_path, _test("no match", FAILED))
    assert ("any", 'if any is right: expect = "any"') == (mismatch.got, mismatch.hint)
    assert [("*", True)] == [(part.text, part.holds) for part in mismatch.parts]


def test_of_several_ways_to_match_the_nearest_miss_is_opened(run: Run, tmp_path: Path) -> None:
    """A query for two shapes of event shows the parts of the shape at hand."""
    both = "(eventName:ConsoleLogin AND readOnly:true) OR (event.action:ConsoleLogin AND event.outcome:success)"
    text = (SET % _test("match", LOGIN)).replace(SET.splitlines()[6], f'query.lucene = "{both}"')
    (result,) = run(_load(tmp_path, text))
    assert [
        ("(eventName:ConsoleLogin AND readOnly:true)", 0, False),
        ("eventName:ConsoleLogin", 1, True),
        ("readOnly:true", 1, False),
        ("(event.action:ConsoleLogin AND event.outcome:success)", 0, False),
    ] == [(part.text, part.depth, part.holds) for part in result.mismatches[0].parts]


def test_ways_to_match_one_field_are_not_listed_twice(run: Run, tmp_path: Path) -> None:
    """What the event has in those fields says it all."""
    query = "readOnly:true AND (eventName:CreateUser OR event.action:CreateUser)"
    text = (SET % _test("match", LOGIN)).replace(SET.splitlines()[6], f'query.lucene = "{query}"')
    (result,) = run(_load(tmp_path, text))
    assert [
        ("readOnly:true", ()),
        ("(eventName:CreateUser OR event.action:CreateUser)", (("eventName", "ConsoleLogin"),)),
    ] == [(part.text, part.values) for part in result.mismatches[0].parts]


def test_each_shape_has_the_mapping_of_its_shipper(run: Run, tmp_path: Path) -> None:
    """Raw records become analysed text, which knows no case; Elastic's integration has keywords."""
    text = SET.replace("userIdentity.type:Root", "eventName:consolelogin OR event.action:consolelogin")
    ecs = '{ event.action = "ConsoleLogin" }'
    tests = _test("match", LOGIN) + _test("no match", ecs, ecs.replace("ConsoleLogin", "CreateUser"))
    assert [True, True] == [result.passed for result in run(_load(tmp_path, text % tests))]


def test_the_message_is_that_of_the_rule_that_takes_the_event(run: Run, tmp_path: Path) -> None:
    """Each text must be in it."""
    found = 'message_contains = ["signed in", "ConsoleLogin"]'
    assert [] == _mismatches(run, tmp_path, _test("match", LOGIN, more=found))
    (mismatch,) = _mismatches(run, tmp_path, _test("any", FAILED, more='message_contains = ["something", "MFA"]'))
    assert ('a message that contains "MFA"', "Root did something: ConsoleLogin") == (mismatch.expected, mismatch.got)


def test_events_that_do_not_get_along_in_one_index_are_each_tested(run: Run, tmp_path: Path) -> None:
    """In production they may be in different months; here neither may be lost."""
    text = '{ userIdentity.type = "Root", eventName = "ConsoleLogin", requestParameters = "text" }'
    table = text.replace('"text"', '{ a = "b" }')
    assert [] == _mismatches(run, tmp_path, _test("match", text, table, text.replace('"text"', "[1]")))


def test_an_event_that_no_index_takes_fails_its_test_alone(run: Run, tmp_path: Path) -> None:
    """With the server's reason; whatever it expected."""
    bad = '{ userIdentity.type = "Root", eventTime = "yesterday" }'
    (mismatch,) = _mismatches(run, tmp_path, _test("no match", bad) + _test("match", LOGIN))
    assert mismatch.got.startswith("the search server refuses the event: ")
    assert "failed to parse field [eventTime]" in mismatch.got


def test_a_query_that_the_server_refuses_fails_the_tests_of_its_rule_alone(run: Run, tmp_path: Path) -> None:
    """As in the daemon, the other rules go on."""
    broken = SET.replace("*", "eventTime:yesterday") + _test("match", FAILED)
    first, second = run(_load(tmp_path, broken % _test("match", LOGIN)))
    assert (True, False) == (first.passed, second.passed)
    assert second.mismatches[0].got.startswith("the search server refuses the query: ")
    whole = SET.replace("userIdentity.type:Root", "eventTime:yesterday")
    (mismatch,) = run(_load(tmp_path, whole % _test("match", LOGIN)))[0].mismatches
    assert mismatch.got.startswith("the search server refuses the query: ")


def test_another_mapping_can_be_put_in_place(run: Callable[..., tuple[Result, ...]], tmp_path: Path) -> None:
    """What is a keyword in production is compared letter by letter."""
    template = {"match_mapping_type": "string", "mapping": {"type": "keyword"}}
    keyword: Mapping[str, object] = {"dynamic_templates": [{"texts": template}]}
    text = (SET % _test("match", LOGIN)).replace("type:Root", "type:root")
    assert [True] == [result.passed for result in run(_load(tmp_path, text))]
    assert [False] == [result.passed for result in run(_load(tmp_path, text), mapping=keyword)]


def test_a_hundred_tests_take_less_than_two_seconds(embedded: SearchServer, tmp_path: Path) -> None:
    """Offline, as in an editor's hook."""
    events = [LOGIN.replace("}", f", eventID = '{n}' }}") for n in range(100)]
    rule_set = _load(tmp_path, SET % "".join(_test("match", event) for event in events))
    client = connect(Connection(urls=(embedded.url,)))
    started = time.monotonic()
    fill = partial(fill_index, embedded)
    results = run_tests(rule_set, client, fill_index=fill, fields=(), render=_render, happened=_happened)
    seconds = time.monotonic() - started
    client.close()
    assert 100 == sum(result.passed for result in results)
    assert seconds < 2


EXCEPTION = """[[rules.exceptions]]
query.lucene = "sourceIPAddress:\\"203.0.113.9\\""
reason = "the yearly audit"
until = 2026-12-01
"""
KNOWN = LOGIN.replace("}", ', sourceIPAddress = "203.0.113.9", eventTime = "2026-11-20T10:00:00Z" }')


def test_an_exception_that_holds_at_the_events_time_is_the_verdict(run: Run, tmp_path: Path) -> None:
    """A test that expects the alert must not pass when nobody would be told; nor the other way round."""
    late = KNOWN.replace("11-20", "12-20")
    assert [] == _mismatches(run, tmp_path, EXCEPTION + _test("exception", KNOWN) + _test("match", LOGIN, late))
    (mismatch,) = _mismatches(run, tmp_path, EXCEPTION + _test("match", KNOWN))
    assert "exception" == mismatch.got
    assert mismatch.hint.endswith("keeps it silent: the yearly audit")
    (mismatch,) = _mismatches(run, tmp_path, EXCEPTION + _test("exception", LOGIN))
    assert ("match", "the only exception, for what happens before 2026-12-02 00:00 UTC:") == (
        mismatch.got,
        mismatch.hint,
    )
    assert [False] == [part.holds for part in mismatch.parts]


def test_a_message_that_reads_otherwise_is_shown_as_a_difference(run: Run, tmp_path: Path) -> None:
    """message_equals wants all of it, but for spaces at the ends of lines."""
    right = 'message_equals = """\nRoot signed in: ConsoleLogin  \n"""'
    assert [] == _mismatches(run, tmp_path, _test("match", LOGIN, more=right))
    (mismatch,) = _mismatches(run, tmp_path, _test("match", LOGIN, more='message_equals = "Root left: ConsoleLogin"'))
    assert ("-Root left: ConsoleLogin", "+Root signed in: ConsoleLogin") == mismatch.diff


def test_a_snapshot_holds_the_messages_of_all_events_of_a_test(run: Run, tmp_path: Path) -> None:
    """One that is missing or outdated fails; what it should hold is told, unless the verdict itself is wrong."""
    snapshot = 'message_snapshot = "snapshots/login.txt"'
    tests = _test("match", LOGIN, LOGIN.replace("Success", "Maybe"), more=snapshot)
    (result,) = run(_load(tmp_path, SET % tests))
    assert ["there is no such file yet"] == [mismatch.got for mismatch in result.mismatches]
    assert "Root signed in: ConsoleLogin\n\nRoot signed in: ConsoleLogin\n" == result.snapshot
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots/login.txt").write_text(result.snapshot)
    assert [] == _mismatches(run, tmp_path, tests)
    (tmp_path / "snapshots/login.txt").write_text(result.snapshot.replace("in:", "out:", 1))
    (mismatch,) = _mismatches(run, tmp_path, tests)
    assert ("-Root signed out: ConsoleLogin", "+Root signed in: ConsoleLogin") == mismatch.diff[:2]
    (result,) = run(_load(tmp_path, SET % _test("match", FAILED, more=snapshot)))
    assert None is result.snapshot
