"""Rule files → rule sets: what is right is read, what is wrong explains itself, all of it at once."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alertd.errors import ConfigError
from alertd.rules.compile import MOST_CLAUSES
from alertd.rules.files import find_rule_files
from alertd.rules.language.fields import named_fields
from alertd.rules.language.parts import all_parts, take_apart
from alertd.rules.lint import lint
from alertd.rules.load import Surroundings, fingerprint, load_rules
from alertd.rules.mappings import shape_of
from alertd.rules.model import Deliver, RuleSet, Severity

AROUND = Surroundings(
    sources=("cloudtrail",),
    destinations=("security", "backup"),
    default_notify=("security",),
    check_template=lambda text: "there is no event.nothing" if "nothing" in text else None,
    not_for_alerts=("oncall",),
)
HOUSE = Path(__file__).parents[2]
SHIPPED = find_rule_files(HOUSE, ["rules/**/*.toml"])

GOOD = """\
# What root does.
query.lucene = "userIdentity.type:Root"

[[rules]]
id = "root-login"
title = "Root signed in"
severity = "high"
query.lucene = "eventName:ConsoleLogin"
runbook = "https://wiki.example.com/root"
description = "Somebody."
false_positives = ["A planned task."]
references = ["CIS 1.7"]
notify = ["backup", "security"]
message.summary = "{{ event.account }}"
[[rules.tests]]
name = "a sign-in"
events = ["login.json", { eventID = "1", eventTime = 2026-11-23T13:05:12Z }, "more.ndjson", "list.json"]
expect = "match"
message_contains = ["signed in"]
[[rules.tests]]
name = "another"
events = [{ eventID = "2" }]
expect = "root-any"

[[rules]]
id = "root-any"
title = "Root did something"
severity = "low"
deliver = "session"
query.dsl = { exists = { field = "eventName" } }
"""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[RuleSet, ...]]:
    """Writes rule files and loads them, as from the folder they are in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "login.json").write_text('{"eventID": "0"}')
    (tmp_path / "more.ndjson").write_text('{"eventID": "3"}\n\n{"eventID": "4", "text": "a\u2028b"}\n', "utf-8")
    (tmp_path / "list.json").write_text('[{"eventID": "5"}]')

    def write_and_load(*texts: str, around: Surroundings = AROUND) -> tuple[RuleSet, ...]:
        names = ["team.toml", "other.toml"][: len(texts)]
        for name, text in zip(names, texts, strict=True):
            (tmp_path / name).write_text(text, "utf-8")
        return load_rules([tmp_path / name for name in names], around)

    return write_and_load


@pytest.fixture
def mistakes(load: Callable[..., tuple[RuleSet, ...]]) -> Callable[..., list[str]]:
    def of(*texts: str, around: Surroundings = AROUND) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(*texts, around=around)
        return [str(problem) for problem in caught.value.problems]

    return of


def test_a_rule_file_is_read(load: Callable[..., tuple[RuleSet, ...]]) -> None:
    """Everything that a file says is in the rule set, in file order; what it leaves out comes from its surroundings."""
    (rule_set,) = load(GOOD)
    login, other = rule_set.rules
    assert ("team", "cloudtrail") == (rule_set.id, rule_set.source)
    assert ("root-login", "Root signed in", Severity.HIGH) == (login.id, login.facts.title, login.facts.severity)
    assert ("https://wiki.example.com/root", "{{ event.account }}") == (login.facts.runbook, login.facts.summary)
    assert (("backup", "security"), "team.toml:4") == (login.notify, login.where)
    assert ("Somebody.", ("A planned task.",), ("CIS 1.7",)) == (
        login.description,
        login.false_positives,
        login.references,
    )
    assert (("security",), Deliver.SESSION, None) == (other.notify, other.facts.deliver, other.facts.summary)
    assert ({"exists": {"field": "eventName"}}, "team.toml:30") == (other.query.clause, other.query.where)


def test_events_of_tests_come_from_files_and_tables(load: Callable[..., tuple[RuleSet, ...]]) -> None:
    """An event in a file, one a line, in a list, or in place; each knows where it stands."""
    (rule_set,) = load(GOOD)
    first, second = rule_set.rules[0].tests
    assert ["0", "1", "3", "4", "5"] == [sample.document["eventID"] for sample in first.samples]
    assert ["login.json", "team.toml:17", "more.ndjson:1", "more.ndjson:3", "list.json, event 1"] == [
        sample.where for sample in first.samples
    ]
    assert "2026-11-23T13:05:12+00:00" == first.samples[1].document["eventTime"]
    assert ("match", ("signed in",), "root-any") == (first.expect, first.message_contains, second.expect)


HEAD = '[[rules]]\nid = "a"\ntitle = "A"\nseverity = "low"\n'
RULE = HEAD + 'query.lucene = "*"\n'
TEST = RULE + '[[rules.tests]]\nname = "t"\nexpect = "match"\n'


GOLDEN = Path(__file__).with_name("rule_mistakes.txt").read_text("utf-8")
CASES = dict(case.rstrip("\n").split("\n", maxsplit=1) for case in GOLDEN.split("\n=== ")[1:])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_mistake_is_told_with_its_place_and_a_way_out(
    mistakes: Callable[..., list[str]], tmp_path: Path, case: str
) -> None:
    """The very words: they are what a person gets. Nothing else is told beside them."""
    (tmp_path / "bad.ndjson").write_text('{"eventID": "1"}\nnothing\n')
    (tmp_path / "empty.ndjson").write_text("\n")
    (tmp_path / "text.json").write_text('"text"')
    text, _, expected = case.partition("\n---\n")
    for name, standard in (("<head>\n", HEAD), ("<rule>\n", RULE), ("<test>\n", TEST)):
        text = f"{text}\n".replace(name, standard)
    assert [expected] == mistakes(text)


def test_a_message_is_not_looked_for_where_there_is_none(mistakes: Callable[..., list[str]]) -> None:
    """What matches no rule has no message."""
    text = TEST.replace("match", "no match") + 'events = [{}]\nmessage_contains = ["x"]\n'
    assert ['team.toml:10: message_contains has nothing to look at: with "no match" there is no message'] == mistakes(
        text
    )


def test_all_mistakes_of_all_files_are_told_at_once(mistakes: Callable[..., list[str]]) -> None:
    """In the order of the files and their lines, syntax errors of TOML among them."""
    broken = HEAD.replace('"A"', "7").replace("low", "hgh") + 'query.lucene = "("\nnotify = [1]\n'
    assert [
        "team.toml:3: title must be a text",
        'team.toml:4: unknown severity "hgh". Did you mean "high"? Allowed: info, low, medium, high, critical.',
        "team.toml:5: query.lucene cannot be parsed at column 1: unbalanced parenthesis\n    (\n    ^",
        "team.toml:6: notify must be a list of texts",
        "other.toml:1: is not TOML at column 1: Invalid statement",
    ] == mistakes(broken, "= 1\n")


def _nested(depth: int) -> str:
    """So many objects of query DSL, as JSON."""
    return '{"bool":' * (depth - 1) + "{}" + "}" * (depth - 1)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (f"query.dsl = '{_nested(97)}'", "query.dsl is nested more than 96 deep: write it flatter"),
        (f"query.dsl = '{_nested(150)}'", "query.dsl is nested more than 96 deep: write it flatter"),
        (f"query.dsl = '{_nested(9_000)}'", "query.dsl is nested more than 96 deep: write it flatter"),
        (
            f"query.dsl = '{{\"a\":{'[' * 200_000}'",
            "query.dsl is nested more than 96 deep: write it flatter",
        ),
        (
            f"query.kql = '{'not ' * 400}a:b'",
            "query.kql cannot be parsed at column [0-9]+: nested more than 100 deep: write it flatter",
        ),
        (
            f"query.kql = '{'a: {' * 400}b: c{'}' * 400}'",
            "query.kql cannot be parsed at column [0-9]+: nested more than 100 deep: write it flatter",
        ),
        (
            f"query.kql = 'a: ({'not (' * 400}c{')' * 401}'",
            "query.kql cannot be parsed at column [0-9]+: nested more than 100 deep: write it flatter",
        ),
    ],
    ids=["little", "more", "much", "no JSON even", "not", "nested", "values"],
)
@pytest.mark.parametrize("of", ["rule", "file", "exception"])
def test_a_query_that_is_nested_without_end_is_a_mistake(
    mistakes: Callable[..., list[str]], line: str, what: str, of: str
) -> None:
    """It would end alertd, and no other rule were searched."""
    exception = f"{RULE}[[rules.exceptions]]\nreason = 'r'\nuntil = 2026-12-31\n{line}\n"
    text = {"rule": HEAD + line, "file": f"{line}\n{RULE}", "exception": exception}[of]
    (told,) = mistakes(text)
    place = {"rule": 5, "file": 1, "exception": 9}[of]
    assert re.match(rf"team.toml:{place}: {what}", told)


@pytest.mark.parametrize(
    "line",
    [
        f"query.dsl = '{_nested(96)}'",
        "query.dsl = '" + '{"bool":{"must_not":[' * 31 + '{"term":{"a":1}}' + "]}}" * 31 + "'",
        f"query.kql = '{'not ' * 97}a:b'",
        f"query.kql = 'a: {'(' * 400}b{')' * 400}'",
    ],
    ids=["dsl", "bool", "kql", "brackets"],
)
def test_what_is_nested_as_deep_as_may_be_is_read_by_all(load: Callable[..., tuple[RuleSet, ...]], line: str) -> None:
    """By who loads it, warns of it, takes it apart and looks which fields it names."""
    (rule_set,) = load(HEAD + line)
    (rule,) = rule_set.rules
    assert any(
        warning.code == "R501" for warning in lint((rule_set,), now=datetime(2026, 11, 28, tzinfo=UTC), known={})
    )
    assert list(all_parts(take_apart(rule.query)))
    named_fields(rule.query)
    assert fingerprint(rule_set, rule)


@pytest.mark.parametrize("line", ["severity = 0x{}", "notify = [0x{}]", "query.dsl = {{ term = {{ a = 0x{} }} }}"])
def test_a_number_without_end_is_a_mistake_of_its_file(mistakes: Callable[..., list[str]], line: str) -> None:
    """Python reads it, and refuses to show it."""
    text = HEAD.replace('severity = "low"\n', "" if "severity" in line else 'severity = "low"\n')
    query = "" if "query" in line else 'query.lucene = "*"\n'
    told = mistakes(f"{text}{query}{line.format('f' * 9_000)}\n", HEAD.replace('"a"', '"b"'))
    assert 2 == len(told)
    assert all(each.startswith(name) for each, name in zip(told, ("team.toml", "other.toml"), strict=True))


def test_an_id_belongs_to_one_rule_and_one_file(mistakes: Callable[..., list[str]]) -> None:
    """Two rules of one name would share what the ledger knows of them."""
    assert [
        'other.toml:1: rule set id "x" is that of team.toml too: the ledger hangs on it',
        'other.toml:2: rule id "a" is used at team.toml:2 too: the ledger hangs on it',
    ] == mistakes('id = "x"\n' + RULE, 'id = "x"\n' + RULE)


def test_the_name_of_a_file_must_do_as_an_id(tmp_path: Path) -> None:
    """Unless the file gives its own."""
    path = tmp_path / "Team rules.toml"
    path.write_text(RULE)
    with pytest.raises(ConfigError, match='the file\'s name cannot be the id of its rule set \\("Team rules"\\)'):
        load_rules([path], AROUND)
    path.write_text('id = "team"\n' + RULE)
    assert "team" == load_rules([path], AROUND)[0].id


def test_with_several_sources_a_file_names_its_own(mistakes: Callable[..., list[str]]) -> None:
    """With one there is nothing to choose."""
    around = replace(AROUND, sources=("cloudtrail", "gcp"))
    assert ["team.toml:1: source is missing. Allowed: cloudtrail, gcp."] == mistakes(RULE, around=around)


def test_names_that_nobody_knows_are_not_checked(load: Callable[..., tuple[RuleSet, ...]]) -> None:
    """Rules may be tested where there is no configuration."""
    around = Surroundings(None, None, (), lambda _: None)
    (rule_set,) = load('source = "any"\n' + RULE + 'notify = ["whom"]\n', around=around)
    assert ("any", ("whom",)) == (rule_set.source, rule_set.rules[0].notify)
    assert ((), "") == (load(RULE, around=around)[0].rules[0].notify, load(RULE, around=around)[0].source)


@pytest.mark.parametrize(
    ("expected", "runbook", "base"),
    [
        ("https://wiki.example.com/a", "https://wiki.example.com/a", "https://docs.example.com"),
        ("https://docs.example.com/a.md#b", "a.md#b", "https://docs.example.com/"),
        (None, "a.md#b", None),
    ],
)
def test_a_runbook_is_an_address_or_stands_below_the_base(
    load: Callable[..., tuple[RuleSet, ...]], expected: str | None, runbook: str, base: str | None
) -> None:
    """A link that leads nowhere is left out."""
    (rule_set,) = load(RULE + f'runbook = "{runbook}"\n', around=replace(AROUND, runbook_base=base))
    assert expected == rule_set.rules[0].facts.runbook


@pytest.mark.parametrize(
    ("expected", "query"),
    [
        (1, "query.dsl.term.eventName = 'ConsoleLogin'"),
        (3, "query.dsl.match.eventName = 'one two three'"),
        (1, f"query.dsl.terms.eventName = {['x'] * 2_000}"),
        (MOST_CLAUSES, "query.dsl.multi_match.query = 'root'"),
        (MOST_CLAUSES, "query.kql = 'root'"),
        (2, "query.kql = 'a:1 and not b:2'"),
        (2, "query.lucene = 'a:1 AND NOT b:2'"),
    ],
)
def test_a_query_knows_how_many_clauses_it_is(
    load: Callable[..., tuple[RuleSet, ...]], expected: int, query: str
) -> None:
    """Rather too many than too few: servers refuse a search of too many. A list of terms is one."""
    (rule_set,) = load(f"{HEAD}{query}\n")
    assert expected == rule_set.rules[0].query.weight


COSMETIC = [
    ("title", RULE.replace('"A"', '"Another"')),
    ("severity", RULE.replace("low", "high")),
    ("white space of the query", HEAD + 'query.lucene = """\n  *\n"""\n'),
    ("a test", TEST + "events = [{}]\n"),
    ("comments", "# why\n" + RULE),
]
ESSENTIAL = [
    ("the query", HEAD + 'query.lucene = "a:*"\n'),
    ("the language", HEAD + 'query.kql = "*"\n'),
    ("the set's query", 'query.lucene = "a:1"\n' + RULE),
]


@pytest.mark.parametrize("text", [text for _, text in COSMETIC], ids=[name for name, _ in COSMETIC])
def test_a_rule_that_means_the_same_has_the_same_fingerprint(
    load: Callable[..., tuple[RuleSet, ...]], text: str
) -> None:
    """A new title must not list a month of events again."""
    (before,), (after,) = load(RULE), load(text)
    assert fingerprint(before, before.rules[0]) == fingerprint(after, after.rules[0])


@pytest.mark.parametrize("text", [text for _, text in ESSENTIAL], ids=[name for name, _ in ESSENTIAL])
def test_a_rule_that_means_something_else_has_another_fingerprint(
    load: Callable[..., tuple[RuleSet, ...]], text: str
) -> None:
    """What it would have matched is listed, not absorbed in silence."""
    (before,), (after,) = load(RULE), load(text)
    assert fingerprint(before, before.rules[0]) != fingerprint(after, after.rules[0])


def test_white_space_within_quotes_is_part_of_the_meaning(load: Callable[..., tuple[RuleSet, ...]]) -> None:
    """Only what the server does not see either may change."""
    one, two = (load(HEAD + f"query.lucene = 'a:\"b{blank}c\"'\n")[0] for blank in (" ", "  "))
    assert fingerprint(one, one.rules[0]) != fingerprint(two, two.rules[0])


def test_rule_files_are_found_by_patterns(tmp_path: Path) -> None:
    """In order of their names, each once; a pattern that finds none is a mistake."""
    for name in ("b.toml", "a.toml", "sub/c.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_rule_files(tmp_path, ["*.toml", f"{tmp_path}/sub/*.toml", "a.toml"])
    assert ["a.toml", "b.toml", "c.toml"] == [path.name for path in found]
    with pytest.raises(ConfigError) as caught:
        find_rule_files(tmp_path, ["none/*.toml", "***", ""])
    assert [
        f'rules.paths: no file matches "none/*.toml" in {tmp_path}',
        "rules.paths: \"***\" is no pattern of file names: Invalid pattern: '**' can only be an entire path component",
        "rules.paths: \"\" is no pattern of file names: Unacceptable pattern: ''",
    ] == [str(problem) for problem in caught.value.problems]


def test_rules_of_a_config_map_are_loaded_once(tmp_path: Path) -> None:
    """As Kubernetes mounts them: links through ..data to a folder that is named for its time."""
    folder = tmp_path / "rules"
    (folder / "..2026_11_28").mkdir(parents=True)
    (folder / "..2026_11_28/team.toml").touch()
    (folder / "..data").symlink_to("..2026_11_28")
    (folder / "team.toml").symlink_to("..data/team.toml")
    (folder / "same.toml").symlink_to("team.toml")
    (folder / "sub").mkdir()
    (folder / "sub/up").symlink_to(folder)
    for pattern in ("rules/**/*.toml", "rules/*.toml", "rules/sub/*/*.toml", "rules/../rules/*.toml"):
        assert [tmp_path / pattern.replace("**/*", "*").replace("sub/*/", "sub/up/").replace("*", "same")] == list(
            find_rule_files(tmp_path, [pattern, f"{folder}/*.toml", "rules/same.toml"])
        )


def test_a_pattern_over_everything_is_refused(tmp_path: Path) -> None:
    """It would look at the whole machine. Links in a circle end by themselves."""
    with pytest.raises(ConfigError, match=r'"/\*\*/none.toml" looks at more than 50,000 names in /: name the folder'):
        find_rule_files(tmp_path, ["/**/none.toml"])
    (tmp_path / "a").mkdir()
    (tmp_path / "a/loop").symlink_to(tmp_path / "a")
    (tmp_path / "a/team.toml").touch()
    assert ["team.toml"] == [path.name for path in find_rule_files(tmp_path, ["**/*.toml", "a/loop/*/*/*.toml"])]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("nowhere", "is a link that leads nowhere: put the file there, or remove the link"),
        ("loop", "cannot be read: Too many levels of symbolic links"),
        ("pipe", "is no file but a device, a pipe or a socket: put the rules into a file"),
        ("zero", "is no file but a device, a pipe or a socket: put the rules into a file"),
    ],
)
@pytest.mark.parametrize("pattern", ["*.toml", "**/*.toml", "{name}.toml"])
def test_a_rule_file_that_is_none_is_not_left_out_unsaid(tmp_path: Path, name: str, what: str, pattern: str) -> None:
    """Its rules would be searched no more, and nobody would know. Folders are no rule files."""
    (tmp_path / "team.toml").touch()
    (tmp_path / "folder.toml").mkdir()
    match name:
        case "nowhere":
            (tmp_path / "nowhere.toml").symlink_to("none")
        case "loop":
            (tmp_path / "loop.toml").symlink_to("loop.toml")
        case "pipe":
            os.mkfifo(tmp_path / "pipe.toml")
        case _:
            (tmp_path / "zero.toml").symlink_to("/dev/zero")
    with pytest.raises(ConfigError) as caught:
        find_rule_files(tmp_path, ["team.toml", pattern.format(name=name)])
    assert [f"{tmp_path}/{name}.toml: {what}"] == [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("/dev/zero", "/dev/zero is outside the folder of the rule file: put it beside the rules, or below them"),
        ("../outside.json", "../outside.json is outside the folder of the rule file"),
        ("link.json", "link.json is outside the folder of the rule file"),
        ("loop.json", "loop.json leads nowhere|loop.json cannot be read|loop.json is outside"),
        ("pipe.json", "pipe.json is no file but a device, a pipe or a socket"),
        ("events", "events is a folder: name the files in it"),
        ("large.json", "large.json has 99,000,000 bytes, more than 10 MB: keep what the test needs"),
        ("none.json", "none.json cannot be read: No such file or directory"),
    ],
)
@pytest.mark.parametrize("key", ["events", "message_snapshot"])
def test_a_rule_file_names_only_files_that_end_and_stand_below_it(
    tmp_path: Path, name: str, what: str, key: str
) -> None:
    """Anything else would keep `check` waiting, or read what is not the rules' own."""
    if (name, key) == ("none.json", "message_snapshot"):
        pytest.skip("a snapshot need not be there yet")
    folder = tmp_path / "rules"
    (folder / "events").mkdir(parents=True)
    (tmp_path / "outside.json").write_text("{}")
    (folder / "link.json").symlink_to("../outside.json")
    (folder / "loop.json").symlink_to("loop.json")
    os.mkfifo(folder / "pipe.json")
    with (folder / "large.json").open("wb") as file:
        file.truncate(99_000_000)
    value = f'["{name}"]' if key == "events" else f'"{name}"\nevents = [{{}}]'
    test = f'[[rules.tests]]\nname = "t"\nexpect = "match"\n{key} = {value}\n'
    (folder / "team.toml").write_text(f'{HEAD}query.lucene = "a:b"\n{test}')
    with pytest.raises(ConfigError, match=rf"team.toml:\d+: ({what})"):
        load_rules([folder / "team.toml"], AROUND)


def test_events_beside_what_a_link_leads_to_are_read(tmp_path: Path) -> None:
    """A rule file may be a link into a repository, and so may its events."""
    (tmp_path / "repository").mkdir()
    (tmp_path / "rules").mkdir()
    test = '[[rules.tests]]\nname = "t"\nexpect = "match"\nevents = ["a.json"]\n'
    (tmp_path / "repository/team.toml").write_text(f'{HEAD}query.lucene = "a:b"\n{test}')
    (tmp_path / "repository/a.json").write_text("{}")
    for name in ("team.toml", "a.json"):
        (tmp_path / "rules" / name).symlink_to(tmp_path / "repository" / name)
    (rule_set,) = load_rules([tmp_path / "rules/team.toml"], AROUND)
    assert 1 == len(rule_set.rules[0].tests[0].samples)


def test_where_alertd_runs_events_may_be_missing(tmp_path: Path) -> None:
    """They are named, and the test stays: the rule has one."""
    test = '[[rules.tests]]\nname = "t"\nexpect = "match"\nevents = ["none.json", {}]\n'
    (tmp_path / "team.toml").write_text(f'{HEAD}query.lucene = "a:b"\n{test}')
    (rule_set,) = load_rules([tmp_path / "team.toml"], replace(AROUND, needs_events=False))
    (found,) = rule_set.rules[0].tests
    assert ((str(tmp_path / "none.json"),), 1) == (found.missing, len(found.samples))


def test_the_default_pattern_finds_rules_for_the_default_source_only() -> None:
    """Who watches CloudTrail alone copies the example and is done: rules for Google wait in a folder of their own."""
    found = load_rules(find_rule_files(HOUSE, ["rules/*.toml"]), replace(AROUND, runbook_base="https://example.com"))
    assert {"cloudtrail"} == {rule_set.source for rule_set in found}
    assert {"aws-root-user", "aws-cloudtrail-tampering", "aws-break-glass"} == {rule_set.id for rule_set in found}


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_shipped_rules_are_right(file: Path) -> None:
    """Every rule that ships has a runbook, an event that it takes, and events in both shapes."""
    around = replace(AROUND, sources=None, runbook_base="https://docs.example.com")
    (rule_set,) = load_rules([file], around)
    for rule in rule_set.rules:
        assert rule.facts.runbook, rule.id
        assert "match" in {test.expect for test in rule.tests}, rule.id
        assert {"raw", "ecs"} == {shape_of(each.document) for test in rule.tests for each in test.samples}, rule.id


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_runbook_of_every_shipped_rule_is_there(file: Path) -> None:
    """At three in the morning a link must lead to what to do: the page, and the heading on it."""
    for rule in load_rules([file], replace(AROUND, sources=None, runbook_base="https://x"))[0].rules:
        page, _, anchor = (rule.facts.runbook or "").removeprefix("https://x/").partition("#")
        text = (HOUSE / "docs" / "rules" / page).read_text("utf-8")
        anchors = {
            re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in text.splitlines()
            if line.startswith("#")
        }
        assert anchor in anchors, rule.facts.runbook
