"""One event, one message."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alertd.event.event import Event
from alertd.message import Style, render_event
from alertd.message.agent import readable
from alertd.message.line import full_line
from alertd.message.terminal import to_terminal
from alertd.rules.model import Severity
from tests.unit.told import ACCOUNT, DELIVERY_ID, EVENT, NOTIFICATION, RULE, STYLE, TIME, blocks, of, shown, text


def rendered(event: Event = EVENT, style: Style = STYLE) -> str:
    return render_event(of(event), style=style, delivery_id=DELIVERY_ID)


def test_a_root_sign_in_reads_as_a_responder_asks() -> None:
    """What, which account, when, from where, with what, the result; then the links; then the ids."""
    assert [
        "━ 🔴 Root signed in to the AWS console without MFA · payments-prod",
        "│ Account    payments-prod (111122223333) · owner @team-payments · production",
        "│ When       2026-11-23 13:05:12 UTC · 22:05 JST · seen 41 s later",
        "│ From       203.0.113.7 · Stockholm, SE · Example Networks",
        "│ With       Chrome 140 on Linux · no MFA",
        "│ Result     success · us-east-1 · signin.amazonaws.com ConsoleLogin",
        "│ Agent      Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like",
        "│            Gecko) Chrome/140.0.0.0 Safari/537.36",
        "│ [CloudTrail event]  [Discover ±15 min]  [Runbook]",
        "└ aws-root-console-login · high · event 3fcfb182-98f8-4744-bd45-10ae4c0b1d2e ·",
        "  a1b2c3",
    ] == to_terminal(rendered())


def test_the_notification_tells_the_whole_fact() -> None:
    """A screen reader says nothing but this."""
    assert (
        "Root signed in to the AWS console without MFA: payments-prod (111122223333) from 203.0.113.7 SE"
        " · 2026-11-23 13:05:12 UTC · high · event 3fcfb182-98f8-4744-bd45-10ae4c0b1d2e"
    ) == text(rendered())


def test_the_same_event_gives_the_same_bytes() -> None:
    """What is frozen can be compared."""
    assert rendered() == rendered()
    assert json.dumps(json.loads(rendered()), ensure_ascii=False, separators=(",", ":"), sort_keys=True) == rendered()


def test_the_delivery_id_stands_in_one_block_id_and_its_beginning_is_seen() -> None:
    """The first is read back; the second is what people search for."""
    *rest, last = blocks(rendered())
    assert f"alertd:{DELIVERY_ID}" == last["block_id"]
    assert last["elements"][0]["text"].endswith(" · a1b2c3")
    assert not any("block_id" in block for block in rest)


def test_where_the_action_can_only_be_named_the_rule_says_what_it_is_about() -> None:
    """Its title, unless the rule writes the headline itself."""
    event = replace(EVENT, provider="ec2.amazonaws.com", action="ModifySnapshotAttribute")
    shared = replace(RULE, title="A snapshot was <shared>")
    message = render_event(replace(NOTIFICATION, event=event, rule=shared), style=STYLE, delivery_id=DELIVERY_ID)
    assert [
        "━ 🔴 Root called ModifySnapshotAttribute (ec2.amazonaws.com) · payments-prod",
        "│ Account    payments-prod (111122223333) · owner @team-payments · production",
        "│ Rule       A snapshot was <shared>",
    ] == to_terminal(message)[:3]
    own = replace(shared, summary="Snapshot {{ event.action }}")
    message = render_event(replace(NOTIFICATION, event=event, rule=own), style=STYLE, delivery_id=DELIVERY_ID)
    assert "<shared>" not in "".join(to_terminal(message))


def test_absent_facts_are_left_out() -> None:
    """Neither None nor an empty line."""
    bare = Event(key="k", id="e1", time=TIME, index="i", document_id="d", profile="cloudtrail")
    message = rendered(bare, Style())
    assert "None" not in message
    assert [
        "━ 🔴 Somebody called an unnamed action · unknown account",
        "│ Rule       Root user signed in",
        "│ When       2026-11-23 13:05:12 UTC · seen 41 s later",
        "│ Result     result unknown",
        "│ [Runbook]",
        "└ aws-root-console-login · high · event e1 · a1b2c3",
    ] == to_terminal(message)


@pytest.mark.parametrize(("severity", "sign"), list(zip(Severity, "🔵🟡🟠🔴🚨", strict=True)))
def test_severity_is_a_colour_and_a_word(severity: Severity, sign: str) -> None:
    """Not everybody sees the colour."""
    message = render_event(of(EVENT, replace(RULE, severity=severity)), style=STYLE, delivery_id=DELIVERY_ID)
    assert sign == blocks(message)[0]["text"]["text"][0]
    assert f" · {severity.value} · " in shown(message)
    assert f" · {severity.value} · " in text(message)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (replace(EVENT, outcome="failure"), "Somebody failed to sign in to the AWS console as root"),
        (replace(EVENT, outcome=None), "Somebody tried to sign in to the AWS console as root (result unknown)"),
        (
            replace(EVENT, action="CreateUser", provider="iam.amazonaws.com"),
            "Root called CreateUser (iam.amazonaws.com)",
        ),
        (
            replace(EVENT, action="CreateUser", provider="iam.amazonaws.com", outcome="failure"),
            "Root tried CreateUser (iam.amazonaws.com) and failed",
        ),
        # the same name means something else in another service
        (replace(EVENT, action="CreateCase", provider="connectcases.amazonaws.com"), "Root called CreateCase (connect"),
        (replace(EVENT, action="CreateAccessKey", provider="iam.amazonaws.com"), "Root created an access key ·"),
        (
            replace(EVENT, action="CreateAccessKey", provider="iam.amazonaws.com", parameters='{"userName":"backup"}'),
            "Root created an access key for user backup ·",
        ),
        (
            replace(EVENT, action="CreateAccessKey", provider="iam.amazonaws.com", parameters="{a=1, userName=backup}"),
            "Root created an access key for user backup ·",
        ),
        (
            replace(EVENT, action="CreateAccessKey", provider="iam.amazonaws.com", parameters='{"a":{"userName":"x"}}'),
            "Root created an access key ·",
        ),
        (
            replace(
                EVENT,
                identity_type="AssumedRole",
                actor="arn:aws:sts::777788889999:assumed-role/OrganizationAdmin/alice",
                action="AssumeRoot",
                provider="sts.amazonaws.com",
                parameters='{"targetPrincipal":"444455556666"}',
            ),
            "OrganizationAdmin/alice took a root session in account 444455556666",
        ),
        (
            replace(EVENT, identity_type=None, actor="carol@example.com", action="SetIamPolicy", provider=None),
            "carol@example.com called SetIamPolicy",
        ),
        (replace(EVENT, identity_type="IAMUser", actor=None, user_name="root"), "root signed in"),
    ],
)
def test_what_happened_is_said_in_words(event: Event, words: str) -> None:
    """Who did what; failed is not done; unknown is not done either."""
    assert f"🔴 {words}" in blocks(rendered(event))[0]["text"]["text"]


def bold(payload: str) -> list[str]:
    [told] = [block for block in blocks(payload) if block["type"] == "rich_text"]
    texts = told["elements"][0]["elements"]
    return [each["text"] for each in texts if each.get("style") and not each["text"].endswith("  ")]


def test_what_else_the_address_did_is_told_where_it_is_known() -> None:
    """The first question of a responder; what was not found is left out."""
    around = "1 event from this address in ±10 min: CreateAccessKey"
    assert f"Around it  {around}" in shown(rendered(replace(EVENT, around=around)))
    assert "Around it" not in shown(rendered(EVENT))


@pytest.mark.parametrize(
    ("event", "said", "bad"),
    [
        (EVENT, "no MFA", ["no MFA"]),
        (replace(EVENT, mfa=True), " · MFA", []),
        (replace(EVENT, mfa=None), "MFA unknown", []),
        (replace(EVENT, outcome="failure", mfa=True), "failure", ["failure"]),
        (replace(EVENT, problems=("no account",)), "no account", ["no MFA", "no account"]),
    ],
)
def test_what_is_bad_is_bold_and_unknown_is_not_bad(event: Event, said: str, bad: list[str]) -> None:
    """An absent MFA flag is never "no MFA"."""
    assert said in shown(rendered(event))
    assert bad == bold(rendered(event))


@pytest.mark.parametrize(
    "event",
    [replace(EVENT, action="CreateUser", mfa=None), replace(EVENT, assumed_root=True, action="PutBucketPolicy")],
)
def test_mfa_is_no_question_where_nobody_is_asked_for_it(event: Event) -> None:
    """A call by key; a session that the organisation's management account opened."""
    assert "MFA" not in shown(rendered(event))


def test_a_session_opened_by_the_organisation_says_so() -> None:
    """Its record looks like root's own."""
    assert "opened by the organisation's management account" in shown(rendered(replace(EVENT, assumed_root=True)))


def test_an_account_that_the_table_lacks_says_so() -> None:
    """Where there is no table there is nothing to lack."""
    unknown = replace(EVENT, account="444455556666")
    assert "444455556666 (not in the accounts table)" in shown(rendered(unknown))
    assert "not in the accounts table" not in shown(rendered(unknown, Style()))


@pytest.mark.parametrize(
    ("late", "words"),
    [
        (timedelta(0), "seen 0 s later"),
        (timedelta(minutes=15), "seen 15 min later"),
        (timedelta(minutes=15, seconds=1), "arrived 15 min late"),
        (timedelta(minutes=100), "arrived 100 min late"),
        (timedelta(hours=6, minutes=5), "arrived 6 h late"),
        (timedelta(days=20), "arrived 20 d late"),
        (timedelta(minutes=-3), "dated 3 min in the future"),
    ],
)
def test_how_late_an_event_came_is_said(late: timedelta, words: str) -> None:
    """Late is more than a quarter of an hour."""
    message = render_event(replace(NOTIFICATION, seen_at=TIME + late), style=STYLE, delivery_id=DELIVERY_ID)
    assert f" · {words}\n" in shown(message)


@pytest.mark.parametrize(
    ("time", "zone", "words"),
    [
        (TIME, "UTC", "2026-11-23 13:05:12 UTC · seen"),
        (TIME, "Europe/Stockholm", "13:05:12 UTC · 14:05 CET · seen"),
        (TIME.replace(hour=20), "Asia/Tokyo", "20:05:12 UTC · 05:05 JST on 2026-11-24 · seen"),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "Asia/Tokyo", "9999-12-31 23:59:00 UTC"),
    ],
)
def test_time_is_utc_and_the_teams(time: datetime, zone: str, words: str) -> None:
    """With the day, where that is another one there."""
    message = render_event(
        replace(NOTIFICATION, event=replace(EVENT, time=time), seen_at=time),
        style=replace(STYLE, timezone=ZoneInfo(zone)),
        delivery_id=DELIVERY_ID,
    )
    assert words in shown(message)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (EVENT.user_agent, "Chrome 140 on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge 140 on Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:142.0) Gecko/20100101 Firefox/142.0",
            "Firefox 142 on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/6 Version/18.0 Mobile/15E Safari/604",
            "Safari 18 on iOS",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
            "Chrome 140 on Android",
        ),
        ("[aws-cli/2.31.4 md/awscrt#0.27.6 ua/2.1 os/linux#6.12.0]", "aws-cli 2.31.4 on Linux"),
        ("Boto3/1.40.1 md/Botocore#1.40.1 os/macos#24.6", "Boto3 1.40.1 on macOS"),
        ("signin.amazonaws.com", None),
        ("Mozilla/5.0", None),
        ("", None),
    ],
)
def test_a_user_agent_is_named_as_people_do(raw: str, words: str | None) -> None:
    """Every browser says it is another one too."""
    assert words == readable(raw)


def test_the_account_is_seen_however_long_the_title_is() -> None:
    """Neither half of the header pushes the other out."""
    header = blocks(rendered(replace(EVENT, action="x" * 4_000)))[0]["text"]["text"]
    assert header.endswith("… · payments-prod")
    assert 149 == len(header)  # the sign counts twice


def test_an_addendum_names_the_event_that_it_corrects() -> None:
    """It is a second record of the same act."""
    assert "Update of  e880df3d" in shown(rendered(replace(EVENT, update_of="e880df3d")))


def test_who_is_said_where_it_is_not_root() -> None:
    """Of root the account says it all."""
    other = replace(EVENT, identity_type="FederatedUser", actor=f"arn:aws:sts::{ACCOUNT}:federated-user/ops")
    assert f"Who  arn:aws:sts::{ACCOUNT}:federated-user/ops · FederatedUser" in shown(rendered(other))
    assert "Who" not in shown(rendered())


def test_an_event_without_a_time_does_not_claim_to_have_happened_when_it_was_seen() -> None:
    """Nobody knows when it was: that is what the message, the lock screen and each list say."""
    told = of(replace(EVENT, undated=True))
    payload = render_event(told, style=STYLE, delivery_id=DELIVERY_ID)
    assert "When  time unknown · seen at 2026-11-23 13:05:53 UTC" in shown(payload)
    assert "time unknown, seen 2026-11-23 13:05:12 UTC" in text(payload)
    assert full_line(told, STYLE).startswith("seen 11-23 13:05:12")
