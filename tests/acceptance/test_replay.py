"""`alertd replay` tells again what was told, and says so; `alertd explain` shows all of one event's life."""

import json
from datetime import timedelta

from alertd.demo.slack import Fault
from alertd.demo.slack.workspace import Message
from tests.acceptance.installation import CHANNEL, Daemon, Installation, event_id, root_event

DAY = timedelta(days=1)
REPLAY = "replay, asked for by an operator: no new event"
NEW_CHANNEL = "C0ANOTHER"


def test_what_was_told_in_a_deleted_channel_is_told_again_in_the_new_one_as_a_replay(installed: Installation) -> None:
    """Old events in their list, new ones singly: each named once, each message marked, and the audit is content."""
    old = [root_event(ago=days * DAY) for days in range(1, 4)]
    installed.add(*old)
    with installed.daemon("--init") as daemon:
        _alive(daemon)
        events = [root_event() for _ in range(3)]
        installed.add(*events)
        installed.wait_for_events({event_id(event) for event in [*old, *events]})
        installed.wait_for(lambda: 4 == installed.log.count('"outcome": "Sent"'), "the record of it")
    _move_to_another_channel(installed)
    asked = installed.run("replay", "--since", "1h")
    assert 1 == asked.returncode, "nobody is there to say yes"
    assert "6 events told between" in asked.stdout
    assert "security  slack #another  6 events, 4 messages" in asked.stdout
    assert "nothing was queued" in asked.stderr
    assert 0 == installed.run("replay", "--since", "1h", "--yes").returncode
    twice = installed.run("replay", "--since", "1h", "--yes")
    assert 0 == twice.returncode
    assert "4 messages of this period left out: queued by a replay before" in twice.stdout
    with installed.daemon():
        installed.wait_for(lambda: 4 == len(_there(installed)), "the replays")
        fresh = root_event()
        installed.add(fresh)
        installed.wait_for(lambda: 5 == len(_there(installed)), "what is new")
    *replays, last = _there(installed)
    assert [REPLAY in message.payload and REPLAY in message.text for message in replays] == [True] * 4
    assert REPLAY not in last.payload
    for event in [*old, *events]:
        assert 1 == sum(event_id(event) in message.payload for message in replays)
    installed.wait_for(lambda: installed.run("audit", "--since", "5d").returncode == 0, "all accounted for")
    explained = installed.run("explain", event_id(events[0])).stdout
    assert "told again to security: a replay, asked for by an operator" in explained


def test_a_replay_that_is_killed_at_any_moment_is_told_once_and_news_does_not_wait_for_it(
    installed: Installation,
) -> None:
    """The queue is written at once; what was being sent when it was killed is looked for, not sent blindly again."""
    with installed.daemon("--init") as daemon:
        _alive(daemon)
        events = [root_event() for _ in range(12)]
        installed.add(*events)
        installed.wait_for(lambda: 12 == installed.log.count('"outcome": "Sent"'), "the record of it")
    _move_to_another_channel(installed)
    assert 0 == installed.run("replay", "--since", "1h", "--yes").returncode
    installed.slack.faults.next("chat.postMessage", Fault("fin", stores=True))
    process = installed.start()
    installed.wait_for(lambda: len(_there(installed)) >= 2, "some replays")
    process.kill()
    process.wait()
    assert "12 messages of this period left out" in installed.run("replay", "--since", "1h", "--yes").stdout
    fresh = root_event()
    installed.add(fresh)
    with installed.daemon():
        installed.wait_for(lambda: 13 == len(_there(installed)), "every replay, and what is new")
        installed.wait_for(lambda: installed.run("audit").returncode == 0, "all accounted for")
    told = _there(installed)
    assert 13 == len({message.delivery_id for message in told}) == len(told)
    place = next(number for number, message in enumerate(told) if event_id(fresh) in message.payload)
    assert place < 12, "what is new came before the last replay"


def test_a_replay_of_one_rule_tells_no_other_rules_events(installed: Installation) -> None:
    """A list that named both is told again with one of them."""
    sign_in = {
        **root_event("ConsoleLogin", ago=DAY),
        "eventSource": "signin.amazonaws.com",
        "eventType": "AwsConsoleSignIn",
        "responseElements": {"ConsoleLogin": "Success"},
        "additionalEventData": {"MFAUsed": "Yes"},
    }
    other = root_event(ago=DAY)
    installed.add(sign_in, other)
    with installed.daemon("--init"):
        installed.wait_for_events({event_id(sign_in), event_id(other)})
        installed.wait_for(lambda: '"outcome": "Sent"' in installed.log, "the record of it")
    rule = json.loads(installed.run("explain", event_id(other), "--json").stdout)[0]["told"][0]["rule"]
    nothing = installed.run("replay", "--since", "1h", "--rule", "nosuch", "--yes")
    assert "there is nothing to replay" in nothing.stdout
    wrong = installed.run("replay", "--since", "1h", "--destination", "securty", "--yes")
    assert 2 == wrong.returncode
    assert 'Did you mean "security"?' in wrong.stderr
    assert 0 == installed.run("replay", "--since", "1h", "--rule", rule, "--yes").returncode
    with installed.daemon():
        installed.wait_for(lambda: 2 == len(installed.slack.messages(CHANNEL)), "the replay")
    replay = installed.slack.messages(CHANNEL)[1]
    assert event_id(other) in replay.payload
    assert event_id(sign_in) not in replay.payload


def test_a_replay_that_slack_refuses_in_full_still_says_what_it_is(installed: Installation) -> None:
    """And names its event."""
    with installed.daemon("--init") as daemon:
        _alive(daemon)
        event = root_event()
        installed.add(event)
        installed.wait_for(lambda: '"outcome": "Sent"' in installed.log, "the record of it")
    assert 0 == installed.run("replay", "--since", "1h", "--yes").returncode
    installed.slack.faults.next("chat.postMessage", Fault("word", word="invalid_blocks"))
    with installed.daemon():
        installed.wait_for(lambda: 2 == len(installed.slack.messages(CHANNEL)), "the replay")
    plain = installed.slack.messages(CHANNEL)[1]
    assert "Slack refused the full message" in plain.payload
    assert REPLAY in plain.payload
    assert event_id(event) in plain.payload


def test_explain_shows_the_doubt_the_look_into_the_channel_and_the_address(installed: Installation) -> None:
    """With the account's name; an ordinary message has its address too."""
    installed.configure(more='[accounts."111122223333"]\nname = "payments-prod"')
    with installed.daemon("--init") as daemon:
        _alive(daemon)
        ordinary = root_event()
        installed.add(ordinary)
        installed.wait_for_events({event_id(ordinary)})
        installed.slack.faults.next("chat.postMessage", Fault("fin", stores=True))
        doubtful = root_event()
        installed.add(doubtful)
        installed.wait_for(lambda: '"result": "found"' in installed.log, "the read-back")
        lines = installed.run("explain", event_id(doubtful)).stdout.splitlines()
        plain = installed.run("explain", event_id(ordinary)).stdout.splitlines()
    first, second = installed.slack.messages(CHANNEL)
    assert lines[0].endswith("PutBucketPolicy by Root, payments-prod (111122223333)")
    assert "attempt 1 to security: unknown: no answer: RemoteDisconnected" in lines[-3]
    assert lines[-2].endswith("read back security: found, sent once")
    assert f"  https://standin.slack.com/archives/{CHANNEL}/p{second.ts.replace('.', '')}" == lines[-1]
    assert plain[-2].endswith("sent to security")
    assert f"  https://standin.slack.com/archives/{CHANNEL}/p{first.ts.replace('.', '')}" == plain[-1]


def test_a_message_that_is_given_up_is_never_sent_and_audit_names_it(installed: Installation) -> None:
    """The operator has told people by another way, and will not have it sent weeks later."""
    with installed.daemon("--init") as daemon:
        _alive(daemon)
        installed.slack.workspace.find(CHANNEL).is_archived = True
        event = root_event(ago=-timedelta(seconds=1))
        installed.add(event)
        installed.wait_for(lambda: '"outcome": "DestinationRefused"' in installed.log, "a refusal")
    [life] = json.loads(installed.run("explain", event_id(event), "--json").stdout)
    delivery_id = life["told"][0]["message"]["delivery_id"]
    given_up = installed.run("retry", delivery_id, "--give-up")
    assert (0, 1) == (given_up.returncode, installed.run("retry", delivery_id, "--give-up").returncode)
    installed.slack.workspace.find(CHANNEL).is_archived = False
    assert 0 == installed.run("run", "--once").returncode
    assert [] == installed.slack.messages(CHANNEL)
    audit = installed.run("audit", "--since", "1h")
    assert 1 == audit.returncode
    assert event_id(event) in audit.stdout
    assert 0 == installed.run("retry", delivery_id).returncode, "a second thought"


def _move_to_another_channel(installed: Installation) -> None:
    del installed.slack.workspace.channels[CHANNEL]
    installed.slack.workspace.add_channel(id=NEW_CHANNEL, name="another")
    installed.config.write_text(installed.config.read_text().replace("#aws-root", "#another"))


def _there(installed: Installation) -> list[Message]:
    return installed.slack.messages(NEW_CHANNEL)


def _alive(daemon: Daemon) -> None:
    daemon.wait_until_started()
    installed = daemon.installation
    installed.wait_for(lambda: installed.run("status", "--check").returncode == 0, "alive")
