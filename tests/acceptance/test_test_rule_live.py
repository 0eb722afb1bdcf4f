"""`alertd test-rule --live` and `alertd new-rule --event`: on a cluster, with a Slack that counts what it gets."""

import json
from datetime import timedelta
from urllib.parse import unquote

import pytest

from tests.acceptance.installation import CHANNEL, Installation, event_id, root_event

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_a_look_tells_how_many_messages_there_would_have_been(installed: Installation) -> None:
    """Nothing is sent, nothing is recorded: there is not even a ledger."""
    burst = [root_event(ago=DAY) for _ in range(30)]
    when = burst[0]["eventTime"]
    installed.add(root_event(ago=2 * DAY), *({**event, "eventTime": when, "@timestamp": when} for event in burst))
    done = installed.run("test-rule", "--live", "--since", "7d")
    assert 0 == done.returncode, done.stderr
    assert done.stdout.startswith(f"31 events in 7d on {installed.index}-* for aws-root-user\n")
    assert "security: 21 messages and 1 digests or lists; most on" in done.stdout
    assert "nothing was sent; nothing was recorded" == done.stdout.splitlines()[-1]
    found = json.loads(installed.run("test-rule", "--live", "--json").stdout)
    days = found[0]["days"]["security"]
    assert [(1, 1, 0), (30, 20, 1)] == [(day["events"], day["messages"], day["digests"]) for day in days]
    assert [] == installed.slack.messages(CHANNEL)
    assert not (installed.folder / "alertd.db").exists()


def test_a_rule_whose_fields_no_index_has_is_warned_of(installed: Installation) -> None:
    """A typo, or another kind of document; of a rule for two shapes, the fields of one will do."""
    rule = '[[rules]]\nid = "%s"\ntitle = "t"\nseverity = "low"\nquery.lucene = "%s"\n'
    both = rule % ("both", "eventName:x OR event.action:x")
    (installed.folder / "typo.toml").write_text(both + rule % ("typo", "eventNmae:x"))
    installed.add(root_event())
    lines = installed.run("test-rule", "typo.toml", "--live").stdout.splitlines()
    text = f'field "eventNmae" does not exist in {installed.index}-*; did you mean "eventName"?'
    assert [f"warning R104 typo.toml:10  {text}"] == [line for line in lines if line.startswith("warning R1")]


def test_a_query_that_the_server_refuses_does_not_stop_the_others(installed: Installation) -> None:
    """It is named with its place, and the exit code says so; also where versions are compared."""
    rule = '[[rules]]\nid = "%s"\ntitle = "t"\nseverity = "low"\nquery.dsl = { %s }\n'
    sound, broken = rule % ("sound", 'match = { eventName = "CreateUser" }'), rule % ("broken", "no_such = { a = 1 }")
    exception = '[[rules.exceptions]]\nquery.dsl = { nothing = {} }\nreason = "r"\nuntil = 2999-01-01\n'
    (installed.folder / "team.toml").write_text(broken + sound + exception)
    (installed.folder / "own.toml").write_text(f"query.dsl = {{ none = {{}} }}\n{rule % ('own', 'match_all = {}')}")
    installed.add(root_event("CreateUser", ago=HOUR))
    done = installed.run("test-rule", "team.toml", "own.toml", "--live", "--save", "saved.ndjson")
    assert 1 == done.returncode, done.stderr
    assert f"1 event in 7d on {installed.index}-* for team\n" in done.stdout
    named = [line.split(": ")[0] for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert ["FAILED  team.toml:5 broken", "FAILED  team.toml:12 sound#1", "FAILED  own.toml:1 own"] == named
    assert 1 == len((installed.folder / "saved.ndjson").read_text().splitlines())
    (installed.folder / "old").mkdir()
    (installed.folder / "old/team.toml").write_text(rule % ("other", 'match = { eventName = "None" }'))
    done = installed.run("test-rule", "team.toml", "--live", "--against", "old")
    assert 1 == done.returncode, done.stderr
    assert "adds 1, loses 0, moves 0 of 1 events" in done.stdout
    assert "team.toml:5 broken: is refused by the search server" in done.stdout


def test_what_an_exception_keeps_silent_is_counted_apart(installed: Installation) -> None:
    """Not among the events, and not saved."""
    rule = '[[rules]]\nid = "a"\ntitle = "t"\nseverity = "low"\nquery.lucene = "eventName:CreateUser"\n'
    known = '[[rules.exceptions]]\nquery.lucene = "recipientAccountId:111122223333"\nreason = "known"\n'
    (installed.folder / "team.toml").write_text(f"{rule}{known}until = 2999-01-01\n")
    told = root_event("CreateUser", ago=HOUR, account="444455556666")
    installed.add(told, *(root_event("CreateUser", ago=HOUR) for _ in range(2)))
    done = installed.run("test-rule", "team.toml", "--live", "--save", "saved.ndjson")
    assert [f"1 event in 7d on {installed.index}-* for team", "2 more are kept silent by exceptions"] == (
        done.stdout.splitlines()[:2]
    )
    (line,) = (installed.folder / "saved.ndjson").read_text().splitlines()
    assert event_id(told) == event_id(json.loads(line))


def test_saved_events_are_masked_and_work_as_test_events(installed_anywhere: Installation) -> None:
    """Each once, in both shapes; the file is not written over."""
    installed = installed_anywhere
    secret = {"requestParameters": {"password": "hunter2"}, "responseElements": {"key": "AKIA2E0A8F3B244C9986"}}
    raw, ecs = {**root_event(ago=HOUR), **secret}, root_event(ago=HOUR, ecs=True)
    installed.add(raw, ecs, raw)
    done = installed.run("test-rule", "--live", "--save", "saved.ndjson")
    assert 0 == done.returncode, done.stderr
    text = (installed.folder / "saved.ndjson").read_text()
    assert 2 == len(text.splitlines())
    assert not any(planted in text for planted in ("hunter2", "2E0A8F3B244C9986"))
    (installed.folder / "again.toml").write_text(
        '[[rules]]\nid = "a"\ntitle = "t"\nseverity = "low"\n'
        'query.lucene = "userIdentity.type:Root OR aws.cloudtrail.user_identity.type:Root"\n'
        '[[rules.tests]]\nname = "saved"\nevents = ["saved.ndjson"]\nexpect = "match"\n'
    )
    assert 0 == installed.run("test-rule", "again.toml").returncode
    again = installed.run("test-rule", "--live", "--save", "saved.ndjson")
    assert (2, True) == (again.returncode, "saved.ndjson is there already, and is not overwritten" in again.stderr)
    assert text == (installed.folder / "saved.ndjson").read_text()


def test_the_preview_is_what_slack_would_get(installed: Installation) -> None:
    """Block Kit's JSON, and a link that holds the same."""
    event = root_event(ago=HOUR)
    installed.add(event)
    lines = installed.run("test-rule", "--live", "--slack-preview").stdout.splitlines()
    start = lines.index("{")
    blocks = json.loads("\n".join(lines[start : lines.index("}", start) + 1]))
    assert event_id(event) in json.dumps(blocks)
    (link,) = (line for line in lines if line.startswith("https://app.slack.com/block-kit-builder/#"))
    assert blocks == json.loads(unquote(link.partition("#")[2]))


def test_a_sample_is_posted_once_and_marked(installed: Installation) -> None:
    """To the channel that was named; the ledger knows nothing of it."""
    installed.slack.workspace.add_channel(id="C0SANDBOX", name="sandbox")
    event = root_event(ago=HOUR)
    installed.add(root_event(ago=2 * HOUR), event)
    done = installed.run("test-rule", "--live", "--post", "#sandbox")
    assert (0, True) == (done.returncode, done.stdout.endswith("posted to #sandbox; nothing was recorded\n")), done
    (message,) = installed.slack.messages("C0SANDBOX")
    assert event_id(event) in message.payload
    for shown in (message.text, json.dumps(message.blocks[0])):
        assert "this is no alert" in shown
    assert [] == installed.slack.messages(CHANNEL)
    assert not (installed.folder / "alertd.db").exists()
    done = installed.run("test-rule", "--live", "--post", "#nowhere")
    assert (1, True) == (done.returncode, "not posted to #nowhere" in done.stderr), done


def test_a_sample_of_nothing_is_not_posted(installed: Installation) -> None:
    """No event, no message, and a failure that says so."""
    done = installed.run("test-rule", "--live", "--post", "#aws-root")
    assert (1, "no event, so no sample to post\n") == (done.returncode, done.stderr)
    assert [] == installed.slack.messages(CHANNEL)


def test_versions_are_compared_on_the_cluster(installed: Installation) -> None:
    """The same counts as on a file, with the events named."""
    rule = '[[rules]]\nid = "a"\ntitle = "t"\nseverity = "low"\nquery.lucene = "%s"\n'
    (installed.folder / "old").mkdir()
    (installed.folder / "old/team.toml").write_text(rule % "eventName:(CreateUser OR DeleteUser)")
    (installed.folder / "team.toml").write_text(rule % "eventName:(CreateUser OR PutPolicy)")
    events = [root_event(name, ago=HOUR) for name in ("CreateUser", "DeleteUser", "PutPolicy", "PutPolicy")]
    installed.add(*events)
    done = installed.run("test-rule", "team.toml", "--against", "old", "--live", "--json")
    found = json.loads(done.stdout)
    assert (2, 1, 0) == (found["adds"], found["loses"], found["moves"])
    assert {event_id(event) for event in events[1:]} == {change["id"] for change in found["changes"]}


@pytest.mark.parametrize("ecs", [False, True], ids=["raw", "ecs"])
def test_a_rule_is_made_from_an_event_of_the_cluster(installed_anywhere: Installation, ecs: bool) -> None:
    """By its id alone; the rule's tests pass, and the cluster has the event."""
    installed = installed_anywhere
    wanted = root_event("DeleteTrail", ago=HOUR, ecs=ecs)
    installed.add(root_event(ago=HOUR), wanted)
    done = installed.run("new-rule", "mine.toml", "--event", event_id(wanted))
    assert 0 == done.returncode, done.stderr
    tested = installed.run("test-rule", "mine.toml").stdout
    assert "2 passed, 0 failed" in tested
    assert installed.run("test-rule", "mine.toml", "--live").stdout.startswith("1 event in 7d")
    done = installed.run("new-rule", "other.toml", "--event", "no-such-event")
    assert (2, True) == (done.returncode, "no event no-such-event is in" in done.stderr)
    assert not (installed.folder / "other.toml").exists()
