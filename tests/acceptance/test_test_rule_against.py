"""`alertd test-rule --against`: what a change of rules does to events."""

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.test_test_rule_offline import Alertd, alertd

__all__ = ["alertd"]

OLD = """\
[[rules]]
id = "first"
title = "First"
severity = "high"
query.lucene = "eventName:CreateUser"
[[rules]]
id = "second"
title = "Second"
severity = "low"
query.lucene = "eventName:(CreateUser OR DeleteUser)"
"""
# CreateUser moves, DeleteUser is lost, PutPolicy is added, ListUsers stays untold.
NEW = """\
[[rules]]
id = "second"
title = "Second, with another title"
severity = "low"
query.lucene = "eventName:(CreateUser OR PutPolicy)"
[[rules]]
id = "first"
title = "First"
severity = "high"
query.lucene = "eventName:CreateUser"
"""
NAMES = ("CreateUser", "DeleteUser", "PutPolicy", "ListUsers")
Line = dict[str, object]


def _event(number: int, name: str) -> Line:
    return {"eventID": str(number), "eventTime": "2026-11-01T10:00:00Z", "eventName": name, "awsRegion": f"r{number}"}


def _write_events(path: Path, events: list[Line]) -> None:
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events))


@pytest.fixture
def folders(tmp_path: Path, alertd: Alertd) -> Callable[[str, str], None]:
    def write(old: str, new: str) -> None:
        (tmp_path / "old").mkdir()
        (tmp_path / "old/team.toml").write_text(old)
        (tmp_path / "rules/team.toml").write_text(new)

    return write


def test_each_event_is_added_lost_moved_or_left(
    alertd: Alertd, tmp_path: Path, folders: Callable[[str, str], None]
) -> None:
    """Over a file of events; those that change are named."""
    folders(OLD, NEW)
    events = [_event(number, name) for number, name in enumerate(NAMES)]
    _write_events(tmp_path / "events.ndjson", [*events, {"eventID": "5", "eventName": "PutPolicy"}])
    done = alertd("test-rule", "--against", "old", "--events", "events.ndjson")
    assert 0 == done.returncode, done.stderr
    assert [
        "→ first → second  2026-11-01 10:00:00  CreateUser  0  events.ndjson:1",
        "- second  2026-11-01 10:00:00  DeleteUser  1  events.ndjson:2",
        "+ second  2026-11-01 10:00:00  PutPolicy  2  events.ndjson:3",
        "+ second  no time  PutPolicy  5  events.ndjson:5",
        "adds 2, loses 1, moves 1 of 5 events against old",
    ] == done.stdout.splitlines()


def test_the_query_of_the_file_counts(alertd: Alertd, tmp_path: Path, folders: Callable[[str, str], None]) -> None:
    """A rule takes nothing that the file's own query leaves out: here the files differ in nothing else."""
    folders(f'query.lucene = "awsRegion:(r0 OR r1)"\n{OLD}', f'query.lucene = "awsRegion:(r1 OR r2 OR r3)"\n{OLD}')
    _write_events(tmp_path / "events.ndjson", [_event(number, "CreateUser") for number in range(6)])
    done = alertd("test-rule", "--against", "old", "--events", "events.ndjson")
    assert "adds 2, loses 1, moves 0 of 6 events against old" == done.stdout.splitlines()[-1], done.stderr


def test_programs_and_pull_requests_read_the_same(
    alertd: Alertd, tmp_path: Path, folders: Callable[[str, str], None]
) -> None:
    """JSON names every change; Markdown is a table; GitHub gets a notice."""
    folders(OLD, NEW)
    _write_events(tmp_path / "events.ndjson", [_event(number, name) for number, name in enumerate(NAMES)])
    asked = ("test-rule", "--against", "old", "--events", "events.ndjson")
    found = json.loads(alertd(*asked, "--json").stdout)
    assert (4, 1, 1, 1) == tuple(found[name] for name in ("events", "adds", "loses", "moves"))
    assert [("moves", "0"), ("loses", "1"), ("adds", "2")] == [(each["kind"], each["id"]) for each in found["changes"]]
    markdown = alertd(*asked, "--format", "markdown").stdout
    assert "| adds | second | 2026-11-01 10:00:00 | PutPolicy |  | 2 |" in markdown.splitlines()
    github = alertd(*asked, "--format", "github").stdout
    assert github.startswith("::notice title=alertd test-rule --against::adds 1, loses 1, moves 1")


def test_by_default_the_events_of_the_tests_are_compared_with_a_commit(alertd: Alertd, tmp_path: Path) -> None:
    """As in a pull request: what stood in git, even a file that is there no more, beside what stands here."""

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    tests = "".join(
        f'[[rules.tests]]\nname = "{name}"\nevents = [{{ eventName = "{name}" }}]\nexpect = "no match"\n'
        for name in NAMES
    )
    (tmp_path / "rules/team.toml").write_text(OLD)
    (tmp_path / "rules/gone.toml").write_text(OLD.replace("DeleteUser", "ListUsers").replace('id = "', 'id = "gone-'))
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "x")
    (tmp_path / "rules/gone.toml").unlink()
    (tmp_path / "rules/team.toml").write_text(NEW + tests)
    done = alertd("test-rule", "--against", "HEAD")
    assert "adds 1, loses 2, moves 1 of 4 events against HEAD" == done.stdout.splitlines()[-1], done.stderr
    done = alertd("test-rule", "rules/team.toml", "--against", "HEAD")
    assert "adds 1, loses 1, moves 1 of 4 events against HEAD" == done.stdout.splitlines()[-1], done.stderr
    done = alertd("test-rule", "--against", "nothing-like-it")
    assert (2, True) == (done.returncode, '"nothing-like-it" is neither a folder nor a commit' in done.stderr)
    done = alertd("test-rule", "--against", "--output=x")
    assert (2, False) == (done.returncode, (tmp_path / "x").exists())


def test_an_exception_that_is_new_loses_its_events_until_it_ends(
    alertd: Alertd, tmp_path: Path, folders: Callable[[str, str], None]
) -> None:
    """Judged by when an event happened, though such events look the same to the rules."""
    exception = '[[rules.exceptions]]\nquery.lucene = "awsRegion:r1"\nreason = "known"\nuntil = 2026-11-02\n'
    folders(OLD, OLD.replace('[[rules]]\nid = "second"', exception + '[[rules]]\nid = "second"'))
    events = [_event(1, "CreateUser"), {**_event(1, "CreateUser"), "eventTime": "2026-11-20T10:00:00Z"}]
    _write_events(tmp_path / "events.ndjson", [*events, _event(2, "CreateUser")])
    done = alertd("test-rule", "--against", "old", "--events", "events.ndjson")
    assert "adds 0, loses 1, moves 0 of 3 events against old" == done.stdout.splitlines()[-1], done.stderr


@pytest.mark.parametrize("whole", [False, True], ids=["by the fields that count", "by whole events"])
def test_a_file_of_many_events_is_counted_right(
    alertd: Alertd, tmp_path: Path, folders: Callable[[str, str], None], whole: bool
) -> None:
    """Over several rounds, with events that look alike to the rules and some that do not; in whatever order."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    names = [dice.choice(NAMES) for _ in range(6_000 if whole else 20_000)]
    # a word that names no field is looked for in all of them
    words = '{ query = "CreateUser OR DeleteUser OR PutPolicy", lenient = true }'
    gate = f"query.dsl.query_string = {words}\n" if whole else ""
    folders(gate + OLD, gate + NEW)
    _write_events(tmp_path / "events.ndjson", [_event(number, name) for number, name in enumerate(names)])
    found = json.loads(alertd("test-rule", "--against", "old", "--events", "events.ndjson", "--json").stdout)
    wanted = {"adds": "PutPolicy", "loses": "DeleteUser", "moves": "CreateUser"}
    assert {kind: names.count(name) for kind, name in wanted.items()} == {kind: found[kind] for kind in wanted}


def test_what_cannot_be_compared_is_told_and_fails(
    alertd: Alertd, tmp_path: Path, folders: Callable[[str, str], None]
) -> None:
    """An event that no index takes, and a query that the server refuses; all others are compared."""
    folders(OLD, NEW.replace("eventName:CreateUser", "eventTime:yesterday"))
    bad = {**_event(9, "CreateUser"), "eventTime": "yesterday"}
    _write_events(tmp_path / "events.ndjson", [_event(0, "PutPolicy"), bad, _event(1, "DeleteUser")])
    done = alertd("test-rule", "--against", "old", "--events", "events.ndjson")
    assert 1 == done.returncode, done.stderr
    assert "adds 1, loses 1, moves 0 of 3 events against old" == done.stdout.splitlines()[-1]
    assert "not compared: events.ndjson:2: the search server refuses the event" in done.stdout
    assert "not compared: new team/first: the search server refuses the query" in done.stdout


def test_a_line_that_is_no_event_is_named(alertd: Alertd, tmp_path: Path, folders: Callable[[str, str], None]) -> None:
    """Nothing is counted of a file that is not what it should be."""
    folders(OLD, NEW)
    (tmp_path / "events.ndjson").write_text('{"eventName": "x"}\n\n[1]\n')
    done = alertd("test-rule", "--against", "old", "--events", "events.ndjson")
    assert (2, True) == (done.returncode, "events.ndjson:3 must be an event" in done.stderr)
    done = alertd("test-rule", "--against", "old", "--events", "none.ndjson")
    assert (2, True) == (done.returncode, "none.ndjson: cannot be read" in done.stderr)
