"""`alertd test-rule` and `alertd new-rule` as somebody runs them in a repository of rules."""

import json
import os
import pty
import socket
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

RULES = Path(__file__).parents[2] / "rules"
Alertd = Callable[..., subprocess.CompletedProcess[str]]

SET = """\
[[rules]]
id = "created"
title = "A user was created"
severity = "high"
query.lucene = "eventName:CreateUser"
[[rules.tests]]
name = "it was"
events = [{ eventID = "1", eventTime = "2026-11-01T10:00:00Z", eventName = "CreateUser" }]
expect = "match"
"""
CONFIGURATION = """\
[elasticsearch]
url = "https://es.example.com:9200"
[sources.cloudtrail]
index = "cloudtrail-*"
[sources.google]
index = "gcp-*"
profile = "gcp-audit"
[destinations.security]
type = "slack"
channel = "#aws-root"
token_file = "token"
"""
FAILING = (
    SET
    + """
[[rules.tests]]
name = "100%, a|b"
events = [{ eventID = "2", eventTime = "2026-11-01T10:00:00Z", eventName = "DeleteUser" }]
expect = "match"
"""
)


@pytest.fixture
def alertd(tmp_path: Path) -> Alertd:
    (tmp_path / "rules").mkdir()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ALERTD_")}
        return subprocess.run(
            [sys.executable, "-m", "alertd", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env={**environment, "NO_COLOR": "1", "COLUMNS": "200"},
            check=False,
        )

    return run


def test_quiet_leaves_out_what_passes(alertd: Alertd, tmp_path: Path) -> None:
    """The failures and the last line; of what is well the last line alone."""
    file = tmp_path / "rules/team.toml"
    file.write_text(FAILING)
    failed = alertd("test-rule", "-q")
    assert 1 == failed.returncode
    assert ["rules/team.toml", "  created", "    ✗ 100%, a|b"] == failed.stdout.splitlines()[:3]
    assert "it was" not in failed.stdout
    assert "R502" not in failed.stdout
    file.write_text(SET)
    [last] = alertd("test-rule", "--quiet").stdout.splitlines()
    assert last.startswith("1 passed, 0 failed in ")
    assert (2, True) == ((done := alertd("test-rule", "-q", "--live")).returncode, "--quiet" in done.stderr)


def test_a_comparison_shows_on_a_terminal_that_it_goes_on(tmp_path: Path) -> None:
    """And leaves nothing of it there."""
    for folder, text in (("rules", SET), ("old", SET.replace('"eventName:CreateUser"', '"eventName:Create*"'))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "team.toml").write_text(text)
    leader, terminal = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "alertd", "test-rule", "--against", "old"],
            stdout=subprocess.PIPE,
            stderr=terminal,
            timeout=60,
            cwd=tmp_path,
            env={**os.environ, "TERM": "xterm"},
            check=False,
        )
        shown = os.read(leader, 100_000).decode()
    finally:
        os.close(terminal)
        os.close(leader)
    assert 0 == done.returncode, shown
    assert b"of 1 events against old" in done.stdout
    assert "comparing" in shown
    assert shown.endswith("\r\x1b[K")


def test_a_failing_test_is_an_annotation_at_its_line(alertd: Alertd, tmp_path: Path) -> None:
    """As GitHub reads it: what would end the command is escaped."""
    (tmp_path / "rules/team.toml").write_text(FAILING)
    done = alertd("test-rule", "--format", "github")
    first, note, *rest = done.stdout.splitlines()
    assert (1, ["1 passed, 1 failed"]) == (done.returncode, rest)
    assert note.startswith("::notice file=rules/team.toml,line=1,title=R502::no test has an event")
    assert first.startswith(
        "::error file=rules/team.toml,line=11,title=created%3A 100%25%2C a|b::expected  match%0Agot"
    )
    assert "eventName:CreateUser  ✗   the event has eventName = DeleteUser" in first


def test_the_rules_that_ship_pass_as_they_are(alertd: Alertd) -> None:
    """What their messages say too, in the words of the daemon; those for Google beside the others."""
    done = alertd("test-rule", *map(str, sorted(RULES.rglob("*.toml"))))
    assert 0 == done.returncode, done.stdout
    assert {"aws-root-user.toml", "gcp-admin.toml"} <= {Path(line).name for line in done.stdout.splitlines()}


def test_rules_for_google_are_tested_with_googles_profile(alertd: Alertd, tmp_path: Path) -> None:
    """Without a configuration the name of the source says which: a message must not read "unknown account"."""
    (tmp_path / "rules/team.toml").write_text(
        """\
source = "gcp"
[[rules]]
id = "deleted"
title = "A project was deleted"
severity = "high"
query.lucene = "protoPayload.methodName:DeleteProject"
[[rules.tests]]
name = "it was"
events = [{ insertId = "1", protoPayload.methodName = "DeleteProject", resource.labels.project_id = "payments-prod" }]
expect = "match"
message_contains = ["payments-prod"]
"""
    )
    done = alertd("test-rule")
    assert "1 passed, 0 failed" in done.stdout, done.stdout


@pytest.mark.parametrize("shape", ["", ".ecs"])
def test_a_rule_is_made_from_an_event_of_google(alertd: Alertd, tmp_path: Path, shape: str) -> None:
    """The event says itself whose it is: both shapes have what no record of CloudTrail has."""
    event = RULES / f"gcp/events/project-deleted-v3{shape}.json"
    done = alertd("new-rule", "rules/team.toml", "--from", str(event))
    assert 0 == done.returncode, done.stderr
    text = (tmp_path / "rules/team.toml").read_text()
    assert 'id = "cloudresourcemanager-delete-project"' in text
    assert "cloudresourcemanager.googleapis.com" in text
    assert 1 == text.count('(protoPayload.methodName:"')
    assert 1 == text.count('OR event.action:"')


def test_a_rule_is_made_for_the_source_that_holds_the_event(alertd: Alertd, tmp_path: Path) -> None:
    """Where there are several, a new file must name one: it would not load otherwise."""
    _configure(tmp_path)
    done = alertd("new-rule", "rules/team.toml", "--from", str(RULES / "gcp/events/project-deleted.ecs.json"))
    assert 0 == done.returncode, done.stderr
    assert (tmp_path / "rules/team.toml").read_text().startswith('source = "google"\n\n[[rules]]\n')


def test_junit_is_read_by_who_reads_junit(alertd: Alertd, tmp_path: Path) -> None:
    """One case a test, one failure an event."""
    (tmp_path / "rules/team.toml").write_text(FAILING)
    done = alertd("test-rule", "--format", "junit")
    root = ET.fromstring(done.stdout)
    assert ("2", "1") == (root.get("tests"), root.get("failures"))
    assert ["it was", "100%, a|b"] == [case.get("name") for case in root.iter("testcase")]
    (failure,) = root.iter("failure")
    assert "expected match, got no match" == failure.get("message")


def test_markdown_shows_what_failed_and_nothing_in_it_is_markdown(alertd: Alertd, tmp_path: Path) -> None:
    """Names come from people, values from events."""
    (tmp_path / "rules/team.toml").write_text(FAILING)
    lines = alertd("test-rule", "--format", "markdown").stdout.splitlines()
    assert "### Rule tests: 1 passed, 1 failed" == lines[0]
    assert "**created**: 100%, a\\|b (rules/team.toml:11)" in lines


def test_json_is_stable(alertd: Alertd, tmp_path: Path) -> None:
    """--json and --format json are the same, and hold what failed."""
    (tmp_path / "rules/team.toml").write_text(FAILING)
    found = json.loads(alertd("test-rule", "--json").stdout)
    assert found == json.loads(alertd("test-rule", "--format", "json").stdout)
    assert (1, 1) == (found["passed"], found["failed"])
    assert {"rule_set", "rule", "test", "mismatches", "snapshot"} == found["tests"][1].keys()
    assert {"where", "expected", "got", "hint", "parts", "diff"} == found["tests"][1]["mismatches"][0].keys()


def test_update_writes_a_snapshot_that_then_holds(alertd: Alertd, tmp_path: Path) -> None:
    """Without it, a message that reads otherwise fails and shows the difference."""
    (tmp_path / "rules/team.toml").write_text(SET + 'message_snapshot = "snapshots/created.txt"\n')
    assert 1 == alertd("test-rule").returncode
    assert 0 == alertd("test-rule", "--update").returncode
    assert 0 == alertd("test-rule").returncode
    text = (tmp_path / "rules/snapshots/created.txt").read_text()
    assert "created · high · event 1" in text
    (tmp_path / "rules/team.toml").write_text(
        SET.replace('"high"', '"low"') + 'message_snapshot = "snapshots/created.txt"\n'
    )
    done = alertd("test-rule")
    assert 1 == done.returncode
    assert any(line.strip().startswith("-└ created · high") for line in done.stdout.splitlines()), done.stdout
    assert any(line.strip().startswith("+└ created · low") for line in done.stdout.splitlines()), done.stdout
    assert text == (tmp_path / "rules/snapshots/created.txt").read_text()


def test_update_does_not_bless_a_wrong_verdict(alertd: Alertd, tmp_path: Path) -> None:
    """The test still fails, and no file is written."""
    (tmp_path / "rules/team.toml").write_text(FAILING + 'message_snapshot = "snapshots/x.txt"\n')
    assert 1 == alertd("test-rule", "--update").returncode
    assert not (tmp_path / "rules/snapshots").exists()


def test_a_hundred_tests_take_two_seconds_from_start_to_end(alertd: Alertd, tmp_path: Path) -> None:
    """As a hook before each commit: what Python imports counts too. The best of three: the machine is shared."""
    test = SET.partition("[[rules.tests]]")[2]
    tests = "".join("[[rules.tests]]" + test.replace('"1"', f'"{number}"') for number in range(100))
    (tmp_path / "rules/team.toml").write_text(SET.partition("[[rules.tests]]")[0] + tests)
    taken = []
    for _ in range(3):
        started = time.monotonic()
        done = alertd("test-rule")
        taken.append(time.monotonic() - started)
        assert done.stdout.splitlines()[-1].startswith("100 passed, 0 failed"), done.stderr
    assert min(taken) < 2


@pytest.mark.parametrize("wrapped", ["whole", "mappings", "bare"])
def test_the_indexs_own_mapping_decides(alertd: Alertd, tmp_path: Path, wrapped: str) -> None:
    """A keyword knows case, analysed text does not; Elasticsearch's types are understood."""
    (tmp_path / "rules/team.toml").write_text(SET.replace("eventName:CreateUser", "eventName:createuser"))
    assert 0 == alertd("test-rule").returncode
    bare = {
        "properties": {
            "eventName": {"type": "keyword"},
            "requestParameters": {"type": "flattened"},
            "dataset": {"type": "constant_keyword", "value": "x"},
            "userAgent": {"type": "wildcard"},
            "message": {"type": "match_only_text"},
        }
    }
    shapes = {"whole": {"cloudtrail-1": {"mappings": bare}}, "mappings": {"mappings": bare}, "bare": bare}
    (tmp_path / "mapping.json").write_text(json.dumps(shapes[wrapped]))
    done = alertd("test-rule", "--mapping", "mapping.json")
    assert 1 == done.returncode, done.stderr
    assert "eventName:createuser  ✗   the event has eventName = CreateUser" in done.stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "mapping.json: is no index mapping"),
        ("[1]", "mapping.json: is no index mapping"),
        ("{", "mapping.json: is not JSON: Expecting property name"),
        (
            '{"a": {"mappings": {"dynamic": true}}, "b": {"mappings": {"dynamic": false}}}',
            "2 indices whose mappings differ",
        ),
        ('{"properties": {"a": {"type": "nonsense"}}}', "the embedded server refuses this mapping"),
    ],
)
def test_a_mapping_that_is_none_is_said(alertd: Alertd, tmp_path: Path, text: str, told: str) -> None:
    """And no test passes on another one."""
    (tmp_path / "rules/team.toml").write_text(SET)
    (tmp_path / "mapping.json").write_text(text)
    done = alertd("test-rule", "--mapping", "mapping.json")
    assert (2, True) == (done.returncode, told in done.stderr), done.stderr


@pytest.mark.parametrize("options", ["--live", "--live --against rules"])
def test_a_cluster_that_does_not_answer_is_no_defect(alertd: Alertd, tmp_path: Path, options: str) -> None:
    """70 is for those, and asks for a report."""
    (tmp_path / "rules/team.toml").write_text('source = "cloudtrail"\n' + SET)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        _configure(tmp_path, address)
        done = alertd("test-rule", *options.split())
    assert (1, f"alertd: {address} does not answer: Connection refused\n") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("field", "kept"),
    [
        ("aws.cloudtrail.request_parameters", 8_191),
        ("aws.cloudtrail.response_elements", 8_191),
        ("aws.cloudtrail.additional_eventdata", 1_024),
        ("aws.cloudtrail.service_event_details", 1_024),
        ("aws.cloudtrail.error_message", 1_024),
    ],
)
def test_a_value_that_elastics_integration_does_not_keep_is_not_found(
    alertd: Alertd, tmp_path: Path, field: str, kept: int
) -> None:
    """A test that passes here must not fail in the index: its keywords end at these lengths."""
    (tmp_path / "rules/team.toml").write_text(
        f"""\
[[rules]]
id = "long"
title = "x"
severity = "low"
query.lucene = "{field}:x*"
[[rules.tests]]
name = "kept"
events = [{{ event.action = "a", {field} = "{"x" * kept}" }}]
expect = "match"
[[rules.tests]]
name = "too long"
events = [{{ event.action = "a", {field} = "{"x" * (kept + 1)}" }}]
expect = "no match"
"""
    )
    done = alertd("test-rule")
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nosuch.toml"], "nosuch.toml: there is no such file"),
        (["rules"], "rules: is a folder: name the rule files in it, rules/*.toml"),
        (["--mapping", "nosuch.json"], "nosuch.json: cannot be read: No such file or directory"),
        (["--mapping", "rules"], "rules: cannot be read: Is a directory"),
    ],
)
def test_a_file_that_is_none_is_said_with_what_is_there(
    alertd: Alertd, tmp_path: Path, arguments: list[str], told: str
) -> None:
    """In words, without a number of the operating system's."""
    (tmp_path / "rules/team.toml").write_text(SET)
    done = alertd("test-rule", *arguments)
    assert (2, f"{told}\n1 error; nothing was started.\n") == (done.returncode, done.stderr)


def test_a_rule_file_that_is_named_twice_is_tested_once(alertd: Alertd, tmp_path: Path) -> None:
    """As by a shell's patterns that overlap: it is no second rule set with the same id."""
    (tmp_path / "rules/team.toml").write_text(SET)
    once = alertd("test-rule", "rules/team.toml")
    twice = alertd("test-rule", "rules/team.toml", "./rules/team.toml", str(tmp_path / "rules/team.toml"))
    assert 0 == twice.returncode, twice.stderr
    assert once.stdout.partition(" in ")[0] == twice.stdout.partition(" in ")[0]


def test_rule_files_are_shown_from_where_the_person_is(alertd: Alertd, tmp_path: Path) -> None:
    """Whoever found them: a pattern of this folder, or one that the configuration has."""
    (tmp_path / "rules/team.toml").write_text('source = "cloudtrail"\n' + SET)
    _configure(tmp_path)
    done = alertd("test-rule")
    assert "rules/team.toml" == done.stdout.splitlines()[0], done.stderr
    suites = ET.fromstring(alertd("test-rule", "--format", "junit").stdout).iter("testsuite")
    assert ["rules/team.toml"] == [suite.get("name") for suite in suites]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("--post #x", "--post"),
        ("--save x", "--save"),
        ("--slack-preview", "--slack-preview"),
        ("--live --against HEAD --save x", "--save"),
        ("--events x.ndjson", "--events"),
        ("--update --live", "--update"),
        ("--mapping x --live", "--mapping"),
        ("--live --format junit", "--format"),
        ("--format yaml", "--format"),
        ("--live --json --slack-preview", "--slack-preview"),
    ],
)
def test_options_that_do_not_go_together_are_refused(alertd: Alertd, tmp_path: Path, options: str, named: str) -> None:
    """Rather than one of them being left out in silence."""
    (tmp_path / "rules/team.toml").write_text(SET)
    done = alertd("test-rule", *options.split())
    assert (2, f"{named}: ") == (done.returncode, done.stderr[: len(named) + 2])


@pytest.mark.parametrize(
    "event", ["create-access-key-root.json", "console-login-no-mfa.ecs.json", "bucket-policy-denied.json"]
)
def test_a_new_rule_passes_its_tests_at_once(alertd: Alertd, tmp_path: Path, event: str) -> None:
    """Written from one event, with a near miss; a second time it overwrites nothing."""
    done = alertd("new-rule", "rules/new.toml", "--from", str(RULES / "events" / event))
    assert 0 == done.returncode, done.stderr
    tested = alertd("test-rule", "rules/new.toml")
    assert (0, True) == (tested.returncode, tested.stdout.splitlines()[-1].startswith("2 passed, 0 failed"))
    files = {path: path.read_bytes() for path in (tmp_path / "rules").rglob("*") if path.is_file()}
    again = alertd("new-rule", "rules/new.toml", "--from", str(RULES / "events" / event))
    assert (2, True) == (again.returncode, "is not overwritten" in again.stderr)
    assert files == {path: path.read_bytes() for path in (tmp_path / "rules").rglob("*") if path.is_file()}


@pytest.mark.parametrize("own", ["", ".ecs"], ids=["raw", "ecs"])
def test_a_new_rule_takes_its_event_in_the_other_shape_too(alertd: Alertd, tmp_path: Path, own: str) -> None:
    """Whichever of the two it was made from, raw or ECS, and of Google as of AWS."""
    other = "" if own else ".ecs"
    for name in (
        "events/create-access-key-root",
        "events/console-login-failed",
        "events/password-update-failed",
        "gcp/events/project-deleted-v3",
    ):
        file, there = (
            tmp_path / f"rules/{Path(name).name}.toml",
            tmp_path / f"rules/events/{Path(name).name}.other.json",
        )
        done = alertd("new-rule", str(file), "--from", str(RULES / f"{name}{own}.json"))
        assert 0 == done.returncode, done.stderr
        there.write_bytes((RULES / f"{name}{other}.json").read_bytes())
        made = f'events = ["events/{tomllib.loads(file.read_text())["rules"][0]["id"]}.json"]'
        assert 1 == file.read_text().count(made)
        file.write_text(file.read_text().replace(made, f'events = ["events/{there.name}"]'))
    tested = alertd("test-rule").stdout
    assert "8 passed, 0 failed" in tested, tested


def test_the_near_miss_of_an_event_that_has_both_shapes_misses_in_both(alertd: Alertd, tmp_path: Path) -> None:
    """Some pipelines keep the record beside what they make of it."""
    both = json.loads((RULES / "events/create-access-key-root.ecs.json").read_text())
    both |= json.loads((RULES / "events/create-access-key-root.json").read_text())
    (tmp_path / "event.json").write_text(json.dumps(both))
    done = alertd("new-rule", "rules/new.toml", "--from", "event.json")
    assert 0 == done.returncode, done.stderr
    assert "2 passed, 0 failed" in alertd("test-rule", "rules/new.toml").stdout


def test_a_near_miss_that_another_rule_takes_says_so(alertd: Alertd, tmp_path: Path) -> None:
    """A rule is put below those that are there; they still take what is theirs."""
    event = RULES / "events/create-access-key-root.json"
    (tmp_path / "rules/team.toml").write_text(
        SET.replace("CreateUser", "NotCreateAccessKey").split("[[rules.tests]]")[0]
    )
    assert 0 == alertd("new-rule", "rules/team.toml", "--from", str(event)).returncode
    assert 'expect = "created"' in (tmp_path / "rules/team.toml").read_text()
    assert 0 == alertd("test-rule").returncode


def test_a_new_rule_that_an_earlier_one_hides_is_not_kept(alertd: Alertd, tmp_path: Path) -> None:
    """The files are as they were, and the reason is told."""
    (tmp_path / "rules/team.toml").write_text(SET.replace("eventName:CreateUser", "*").split("[[rules.tests]]")[0])
    before = (tmp_path / "rules/team.toml").read_text()
    event = RULES / "events/create-access-key-root.json"
    done = alertd("new-rule", "rules/team.toml", "--from", str(event))
    assert (2, True) == (done.returncode, "created stands before it in the file" in done.stderr)
    assert before == (tmp_path / "rules/team.toml").read_text()
    assert [] == list((tmp_path / "rules").rglob("*.json"))


def test_the_files_of_a_new_rule_hold_no_key(alertd: Alertd, tmp_path: Path) -> None:
    """They go into a repository."""
    document = json.loads((RULES / "events/create-access-key-root.json").read_text())
    document["userIdentity"]["accessKeyId"] = "AKIA2E0A8F3B244C9986"
    document["responseElements"] = {"accessKey": {"secretAccessKey": "wJalrXUtnFEMI"}}
    (tmp_path / "event.json").write_text(json.dumps(document))
    assert 0 == alertd("new-rule", "rules/new.toml", "--from", "event.json").returncode
    written = "".join(path.read_text() for path in (tmp_path / "rules").rglob("*") if path.is_file())
    assert "AKIAXXXX" in written
    assert "2E0A8F3B244C9986" not in written
    assert "wJalrXUtnFEMI" not in written


def _configure(folder: Path, address: str = "https://es.example.com:9200") -> None:
    (folder / "token").write_text("xoxb-test-token")
    (folder / "token").chmod(0o600)
    (folder / "alertd.toml").write_text(CONFIGURATION.replace("https://es.example.com:9200", address))
