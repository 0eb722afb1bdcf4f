"""`alertd route`: where an event would go, as somebody asks who wrote the rules and the routes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Route = Callable[..., subprocess.CompletedProcess[str]]

CONFIG = """\
accounts_file = "accounts.csv"
[elasticsearch]
url = "https://es.example.com:9200"
[sources.cloudtrail]
index = "cloudtrail-*"
[destinations.security]
type = "slack"
channel = "#security"
token_file = "token"
[destinations.pager]
type = "slack-webhook"
url_file = "hook"
[rules]
notify = ["security"]
[[routes]]
severity = "critical"
tag = "pci"
notify = ["pager"]
[[routes]]
environment = "production"
severity = ["high", "critical"]
notify = ["security", "pager"]
[[expected]]
ticket = "CHG-1"
rule = "team-*"
since = 2026-11-01
until = 2026-11-01
"""
RULES = """\
query.lucene = "userIdentity.type:Root OR aws.cloudtrail.user_identity.type:Root"
[[rules]]
id = "team-created"
title = "A user was created"
severity = "high"
query.lucene = "eventName:CreateUser OR event.action:CreateUser"
[[rules.exceptions]]
query.lucene = "sourceIPAddress:192.0.2.7"
reason = "the yearly exercise"
until = 2026-12-01
[[rules]]
id = "team-changed"
title = "A user was changed"
severity = "low"
deliver = "session"
query.lucene = "eventName:UpdateUser AND eventSource:iam.amazonaws.com"
"""
OTHER = """\
notify = ["security", "pager"]
[[rules]]
id = "other-any"
title = "Anything of IAM"
severity = "info"
query.lucene = "eventSource:iam.amazonaws.com AND userIdentity.userName:watched"
"""
EVENT = {
    "eventID": "11111111-2222-3333-4444-555555555555",
    "eventTime": "2026-11-01T10:00:00Z",
    "eventSource": "iam.amazonaws.com",
    "eventName": "CreateUser",
    "sourceIPAddress": "203.0.113.7",
    "recipientAccountId": "111122223333",
    "userIdentity": {"type": "Root", "accountId": "111122223333"},
}
ECS = {
    "@timestamp": "2026-11-03T10:00:00Z",
    "event": {"id": "e2", "action": "CreateUser", "provider": "iam.amazonaws.com"},
    "cloud": {"account": {"id": "111122223333"}},
    "aws": {"cloudtrail": {"user_identity": {"type": "Root"}}},
}


@pytest.fixture
def route(tmp_path: Path) -> Route:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/a-team.toml").write_text(RULES)
    (tmp_path / "rules/b-other.toml").write_text(OTHER)
    (tmp_path / "accounts.csv").write_text("id,name,environment,tags\n111122223333,payments,production,eu\n")
    (tmp_path / "alertd.toml").write_text(CONFIG)
    for name, secret in (("token", "xoxb-test-token"), ("hook", "https://hooks.example.com/services/x")):
        (tmp_path / name).write_text(secret)
        (tmp_path / name).chmod(0o600)

    def run(*events: object, name: str = "events.json", more: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        text = "\n".join(event if isinstance(event, str) else json.dumps(event) for event in events)
        (tmp_path / "events.json").write_text(text)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ALERTD_")}
        return subprocess.run(
            [sys.executable, "-m", "alertd", "route", name, *more],
            capture_output=True,
            text=True,
            input=text,
            timeout=120,
            cwd=tmp_path,
            env={**environment, "NO_COLOR": "1"},
            check=False,
        )

    return run


def test_it_tells_which_rule_takes_an_event_and_which_route_tells_whom(route: Route) -> None:
    """And why the routes before do not."""
    done = route(EVENT)
    assert (
        """\
events.json
  event     11111111-2222-3333-4444-555555555555  CreateUser, account payments (111122223333), 2026-11-01 10:00:00 UTC
  rule      team-created, high, of a-team  rules/a-team.toml:2
  route     the route at alertd.toml, [[routes]] number 2 fits
            alertd.toml, [[routes]] number 1: severity is high, not critical; tags: eu; not pci
            alertd.toml, [[routes]] number 2: fits: severity: high or critical; environment: production
  expected  CHG-1, until 2026-11-02 00:00 UTC
  told      security (slack #security): a message of its own
  told      pager (slack-webhook): a message of its own
  as        ☑ Expected (CHG-1, until 2026-11-02 00:00 UTC): Root called CreateUser (iam.amazonaws.com) · payments

"""
        == done.stdout
    )
    assert (0, "") == (done.returncode, done.stderr)


def test_events_of_both_shapes_come_from_stdin_one_in_a_line(route: Route) -> None:
    """The second is none that was announced."""
    done = route(EVENT, ECS, name="-")
    assert 0 == done.returncode
    assert ["stdin:1", "stdin:2"] == [line for line in done.stdout.splitlines() if line.startswith("stdin")]
    assert 2 == done.stdout.count("rule      team-created, high, of a-team")
    assert 1 == done.stdout.count("expected  CHG-1")


def test_a_second_rule_set_replies_where_there_are_threads(route: Route) -> None:
    """As the daemon does: no event is told twice."""
    watched = {**EVENT, "userIdentity": {**EVENT["userIdentity"], "userName": "watched"}}  # type: ignore[dict-item]
    lines = route({**watched, "eventName": "UpdateUser"}).stdout.splitlines()
    assert [
        "  told      security (slack #security): a line in the thread of its session's first message, else in a list",
        "  told      security (slack #security): a reply to the message of team-changed",
        "  told      pager (slack-webhook): a message of its own",
    ] == [line for line in lines if line.startswith("  told")]
    assert "  route     rule other-any, or its file, names them" in lines
    [placed] = json.loads(route(watched, more=("--json",)).stdout)
    assert {
        "security": "a reply to the message of team-created",
        "pager": "recorded only: team-created tells it there",
    } == placed["taken"][1]["destinations"]


def test_an_exception_is_named_and_nobody_is_told(route: Route) -> None:
    """The exit code says so too. What happens after it ended is told again."""
    done = route({**EVENT, "sourceIPAddress": "192.0.2.7"})
    assert 1 == done.returncode
    assert (
        "  exception the yearly exercise (until 2026-12-02 00:00 UTC)\n            rules/a-team.toml:7" in done.stdout
    )
    assert "  told      nobody: the exception keeps it from security, pager" in done.stdout
    late = {**EVENT, "sourceIPAddress": "192.0.2.7", "eventTime": "2026-12-02T00:00:00Z"}
    assert 0 == route(late).returncode


def test_where_no_rule_takes_an_event_it_tells_what_is_in_the_way(route: Route) -> None:
    """The nearest rules, part by part, with what the event has; or the query of the file. One such event is enough."""
    by_user = {**EVENT, "userIdentity": {"type": "IAMUser"}}
    done = route(EVENT, by_user, {**EVENT, "eventName": "UpdateUser", "eventSource": "sso.amazonaws.com"})
    assert 1 == done.returncode
    _, user, update = done.stdout.split("\n\n")[:3]
    assert "events.json:2\n  no rule takes it: nobody is told\n" in user
    assert "a-team: the query of the whole file leaves it out  rules/a-team.toml:1" in user
    assert "userIdentity.type:Root  ✗   the event has userIdentity.type = IAMUser" in user
    nearest = [line for line in update.splitlines() if "does not match" in line]
    assert [
        "  a-team: rule team-created does not match  rules/a-team.toml:6",
        "  a-team: rule team-changed does not match  rules/a-team.toml:16",
        "  b-other: rule other-any does not match  rules/b-other.toml:6",
    ] == nearest
    assert "eventName:UpdateUser  ✓   the event has eventName = UpdateUser" in update
    assert "eventSource:iam.amazonaws.com  ✗   the event has eventSource = sso.amazonaws.com" in update


def test_the_text_of_an_event_cannot_control_the_terminal(route: Route) -> None:
    """Whoever acts in an account writes it."""
    done = route({**EVENT, "eventID": "\x1b[2J\x07", "recipientAccountId": "\x1b]0;x\x07"})
    assert "event     �[2J�  CreateUser" in done.stdout
    assert not {"\x1b", "\x07"} & set(done.stdout)


@pytest.mark.parametrize(
    ("event", "name", "what"),
    [
        ("{", "events.json", "route: events.json is not JSON: Expecting property name"),
        ("[]", "events.json", "route: events.json holds no event"),
        ('{"a": 1}\n7', "events.json", "route: events.json:2 must be an event, a JSON object"),
        ("", "gone.json", "gone.json: cannot be read: No such file or directory"),
    ],
)
def test_what_is_no_event_is_a_mistake(route: Route, event: str, name: str, what: str) -> None:
    """With the place, and no traceback."""
    done = route(event, name=name)
    assert 2 == done.returncode
    assert done.stderr.startswith(what)
    assert "Traceback" not in done.stderr
