"""`alertd audit` finds what somebody, or something, did to the channel, the index or the ledger; and only that."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from alertd.demo.slack import Fault
from tests.acceptance.installation import CHANNEL, Daemon, Installation, event_id, root_event

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_a_period_in_which_all_went_well_is_proven_while_the_daemon_runs(installed_anywhere: Installation) -> None:
    """Old events in the start-up list, new ones singly, a burst in digests, a session in a thread: exit 0."""
    alertd = installed_anywhere
    old = [root_event(ago=days * DAY) for days in range(1, 4)]
    alertd.add(*old)
    with alertd.daemon("--init") as daemon:
        _alive(daemon)
        single, read = root_event(), root_event("ListBuckets")
        alertd.add(single, {**read, "readOnly": True})
        alertd.wait_for_events({event_id(single)})
        burst = [root_event() for _ in range(60)]
        alertd.add(*burst)
        alertd.wait_for_events({event_id(event) for event in burst})
        alertd.wait_for(lambda: alertd.run("audit", "--since", "5d").returncode == 0, "all proven")
        report = _audit(alertd, "--since", "5d")
    assert report["proven"]
    assert [] == report["failed"]
    told = report["proven_events"]["security"] + sum(len(found["events"]) for found in report["findings"])
    unverified = sum(each["events"] for each in report["unverified"])
    assert 3 + 2 + 60 == told + unverified
    assert {"alert": 62, "baseline": 3} == report["recorded"]
    assert 65 == report["searched"]["aws-root-user"] == report["known_to_the_ledger"]["aws-root-user"]


def test_a_message_that_somebody_deleted_is_missing(installed: Installation) -> None:
    """Each with the event that it told; the others stay proven."""
    first, second = _told(installed, 2)
    channel = installed.slack.workspace.channels[CHANNEL]
    channel.messages = [message for message in channel.messages if event_id(first) not in message.payload]
    report = _audit(installed)
    assert [("missing", [event_id(first)])] == _findings(report)
    assert "deleted by a person" in report["findings"][0]["what"]
    assert 1 == report["proven_events"]["security"]
    shown = installed.run("audit")
    assert 1 == shown.returncode
    assert event_id(first) in shown.stdout
    assert event_id(second) not in shown.stdout


def test_a_message_that_is_there_twice_is_repeated(installed: Installation) -> None:
    """With the links to both."""
    [event] = _told(installed, 1)
    channel = installed.slack.workspace.channels[CHANNEL]
    [message] = channel.messages
    channel.messages.append(replace(message, ts=f"{float(message.ts) + 1:.6f}"))
    report = _audit(installed)
    assert [("repeated", [event_id(event)])] == _findings(report)
    assert 2 == len(report["findings"][0]["links"])


def test_an_event_that_another_ledger_told_too_is_repeated(installed: Installation) -> None:
    """By our bot with our mark, but under a delivery id that this ledger does not know; a sample is no such message."""
    [event] = _told(installed, 1)
    channel = installed.slack.workspace.channels[CHANNEL]
    [message] = channel.messages
    sample = "🧪 Sample, posted by alertd test-rule: this is no alert."
    for number, text in enumerate((message.text, f"{sample} {message.text}"), start=1):
        mark = {"event_type": "alertd_delivery", "event_payload": {"delivery_id": f"{number:032x}"}}
        copy = replace(message, ts=f"{float(message.ts) + number:.6f}", metadata=mark, text=text)
        channel.messages.append(copy)
    report = _audit(installed)
    assert [("repeated", [event_id(event)])] == _findings(report)
    assert f"{1:032x}" == report["findings"][0]["delivery_id"]


def test_an_event_that_the_ledger_does_not_know_is_missing(installed: Installation) -> None:
    """Indexed an hour ago by its time, longer than a sweep takes; one that has just come is only on its way."""
    _told(installed, 1)
    unseen, fresh = root_event(ago=HOUR), root_event()
    noise = {**root_event("DescribeInstances", ago=HOUR), "userIdentity": {"type": "AssumedRole"}}
    installed.add(unseen, fresh, noise)
    report = _audit(installed)
    assert [("missing", [event_id(unseen)]), ("open", [event_id(fresh)])] == _findings(report)
    assert [True, False] == [finding["counts"] for finding in report["findings"]]


def test_a_send_without_an_answer_is_in_doubt_until_it_is_settled(installed: Installation) -> None:
    """A webhook that holds what it does not know: nobody counts it as told, and what was confirmed is Slack's word."""
    (installed.folder / "hook").write_text(installed.slack.webhook_url(CHANNEL))
    (installed.folder / "hook").chmod(0o600)
    installed.configure(destination='type = "slack-webhook"\nurl_file = "hook"\non_unknown = "hold"\ntimeout = "2s"')
    with installed.daemon("--init") as daemon:
        _alive(daemon)
        confirmed, doubtful = root_event(), root_event()
        installed.add(confirmed)
        installed.wait_for_events({event_id(confirmed)})
        installed.slack.faults.next("webhook", Fault("fin", stores=True))
        installed.add(doubtful)
        installed.wait_for(lambda: "is held" in installed.log, "a held message")
        report = _audit(installed)
    assert [("unknown", [event_id(doubtful)])] == _findings(report)
    assert {} == report["proven_events"]
    assert [1] == [each["events"] for each in report["unverified"]]
    shown = installed.run("audit").stdout
    assert "not verified  security cannot be read back: 1 message (1 event) taken on Slack's word" in shown


def test_a_webhook_beside_a_token_is_read_back_like_a_bot(installed: Installation) -> None:
    """Proven while its message is there, missing once it is deleted."""
    (installed.folder / "hook").write_text(installed.slack.webhook_url(CHANNEL))
    (installed.folder / "hook").chmod(0o600)
    base_url = installed.slack.url.removesuffix("/")
    installed.configure(
        destination=f'type = "slack-webhook"\nurl_file = "hook"\nsettle = "1s"\nbase_url = "{base_url}"\n'
        f'channel = "{CHANNEL}"\nverify_token_file = "token"'
    )
    [event] = _told(installed, 1)
    assert {"security": 1} == _audit(installed)["proven_events"]
    installed.slack.workspace.channels[CHANNEL].messages.clear()
    assert [("missing", [event_id(event)])] == _findings(_audit(installed))


def test_what_slack_took_in_a_burst_and_never_showed_is_suppressed(installed: Installation) -> None:
    """Two destinations of one channel each keep the pace, and know nothing of each other."""
    security = f"""
type = "slack"
channel = "{CHANNEL}"
token_file = "token"
base_url = "{installed.slack.url.removesuffix("/")}"
settle = "1s"
"""
    installed.configure(destination=f"{security}[destinations.second]{security}")
    with installed.daemon("--init") as daemon:
        _alive(daemon)
        workspace = installed.slack.workspace
        workspace.burst, workspace.suppress_bursts = 1, True
        event = root_event()
        installed.add(event)
        installed.wait_for(lambda: 2 == installed.log.count('"outcome": "Sent"'), "both posts")
    report = _settled(installed)
    assert [("suppressed", [event_id(event)])] == _findings(report)
    assert 1 == sum(report["proven_events"].values())


def test_a_read_that_fails_is_no_empty_channel_and_no_empty_index(installed: Installation) -> None:
    """Exit 1, and each account that could not be read is named."""
    _told(installed, 1)
    installed.slack.workspace.scopes = "chat:write,channels:read"
    installed.config.write_text(installed.config.read_text().replace(installed.index, "nosuch"))
    done = installed.run("audit")
    assert 1 == done.returncode
    assert "FAILED   rule set aws-root-user cannot be searched" in done.stdout
    assert "FAILED   destination security cannot be read: conversations.history: missing_scope" in done.stdout
    assert "Proven" not in done.stdout
    report = _audit(installed)
    assert [] == report["findings"]
    assert {} == report["proven_events"]


def test_an_event_that_an_exception_keeps_silent_is_no_lost_one(installed: Installation) -> None:
    """And an event of a rule that alertd never ran is not blamed on it."""
    rules = installed.folder / "team.toml"
    rules.write_text(_RULES.format(until="2100-01-01", more=""))
    installed.config.write_text(
        installed.config.read_text().replace("[rules]\npaths = [", f'[rules]\npaths = ["{rules}", ')
    )
    with installed.daemon("--init") as daemon:
        _alive(daemon)
        silent = {**root_event("CreateBucket"), "userIdentity": {"type": "AssumedRole"}}
        installed.add(silent)
        installed.wait_for(lambda: "told to nobody" in installed.run("explain", event_id(silent)).stdout, "recorded")
    rules.write_text(_RULES.format(until="2100-01-01", more=_NEW_RULE))
    other = {**root_event("DeleteBucket", ago=HOUR), "userIdentity": {"type": "AssumedRole"}}
    installed.add(other)
    report = _audit(installed)
    assert [] == report["findings"]
    assert {"excepted": 1} == report["recorded"]
    assert [("team-delete", 1)] == [(each["where"], each["events"]) for each in report["unverified"]]


_RULES = """
[[rules]]
id = "team-create"
title = "A bucket was made"
severity = "low"
query.lucene = "eventName:CreateBucket"
[[rules.exceptions]]
query.lucene = "awsRegion:*"
reason = "the build"
until = {until}
{more}
"""
_NEW_RULE = """
[[rules]]
id = "team-delete"
title = "A bucket was deleted"
severity = "low"
query.lucene = "eventName:DeleteBucket"
"""


def _told(installed: Installation, count: int) -> list[dict[str, Any]]:
    """Events that were told, by a daemon that has stopped, and whose messages must show by now."""
    with installed.daemon("--init") as daemon:
        _alive(daemon)
        events = [root_event() for _ in range(count)]
        installed.add(*events)
        installed.wait_for_events({event_id(event) for event in events})
        installed.wait_for(lambda: count == installed.log.count('"outcome": "Sent"'), "the record of it")
    _settled(installed)
    return events


def _settled(installed: Installation) -> Mapping[str, Any]:
    """Slack may show a message as late as the settle time after it was sent."""
    installed.wait_for(lambda: not _audit(installed)["unverified"], "what was sent must show by now")
    return _audit(installed)


def _alive(daemon: Daemon) -> None:
    daemon.wait_until_started()
    installed = daemon.installation
    installed.wait_for(lambda: installed.run("status", "--check").returncode == 0, "alive")


def _audit(installed: Installation, *arguments: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(installed.run("audit", "--json", *arguments).stdout)
    return report


def _findings(report: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    return [(finding["kind"], finding["events"]) for finding in report["findings"]]
