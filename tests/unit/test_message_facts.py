"""What a message says of an event is what the record says: nothing that is absent is told as a fact."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from alertd.event.event import Event, read_event
from alertd.event.profile import load_profile
from alertd.message import render_event
from tests.unit.told import DELIVERY_ID, STYLE, blocks, of, shown, text

SEEN = datetime(2026, 11, 28, 17, tzinfo=UTC)
ROOT = {"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333"}
BOB = {
    "type": "AssumedRole",
    "arn": "arn:aws:sts::444455556666:assumed-role/OrgAdmin/bob",
    "accountId": "444455556666",
    "accessKeyId": "ASIAEXAMPLEEXAMPLE22",
    "sessionContext": {"sessionIssuer": {"type": "Role"}, "assumedRoot": "true"},
}


def event(name: str, source: str = "signin", identity: Mapping[str, object] = ROOT, **more: Any) -> Event:
    record = {
        "eventID": "f11e5000-0000-4000-8000-000000000021",
        "eventTime": "2026-11-28T16:21:00Z",
        "eventName": name,
        "eventSource": f"{source}.amazonaws.com",
        "userIdentity": identity,
        "recipientAccountId": "111122223333",
        **more,
    }
    profile = load_profile("cloudtrail")
    return read_event(record, {}, index="trail", document_id="d1", profile=profile, seen_at=SEEN)


def google(**payload: Any) -> Event:
    record = {"insertId": "f1", "logName": "l", "timestamp": "2026-11-28T16:21:00Z", "protoPayload": payload}
    profile = load_profile("gcp-audit")
    return read_event(record, {}, index="audit", document_id="d1", profile=profile, seen_at=SEEN)


def told(what: Event) -> str:
    return render_event(of(what), style=STYLE, delivery_id=DELIVERY_ID)


def first_line(what: Event) -> str:
    line: str = blocks(told(what))[0]["text"]["text"]
    return line


@pytest.mark.parametrize(
    ("outcome", "more"),
    [
        ("success", {"responseElements": {"ConsoleLogin": "Success"}}),
        ("success", {"responseElements": '{"ConsoleLogin": "Success"}'}),
        ("success", {"responseElements": "{ConsoleLogin=Success}"}),
        ("success", {"responseElements": [{"ConsoleLogin": "Success"}]}),
        ("success", {"responseElements.ConsoleLogin": "Success"}),
        ("success", {"aws": {"cloudtrail": {"response_elements": "{ConsoleLogin=Success}"}}}),
        ("success", {"event": {"original": '{"responseElements": {"ConsoleLogin": "Success"}}'}}),
        ("failure", {"responseElements": '{"ConsoleLogin": "Failure"}', "event": {"outcome": "success"}}),
        ("failure", {"responseElements": "{ConsoleLogin=Failure}"}),
        ("failure", {"errorMessage": "Failed authentication"}),
        ("failure", {"errorCode": "AccessDenied"}),
        ("failure", {"event": {"outcome": "failure"}}),
        (None, {}),
        (None, {"responseElements": None}),
        (None, {"responseElements": "null"}),
        (None, {"responseElements": "Success"}),
        (None, {"responseElements": {"ConsoleLogin": "Pending"}}),
        (None, {"responseElements": "{x=1, ConsoleLogin=Success, ConsoleLogin=Failure}"}),
        (None, {"responseElements": "{" * 5_000}),
        (None, {"responseElements": {"ConsoleLogin": ["Success", "Failure"]}}),
        (None, {"responseElements": [{"ConsoleLogin": "Failure"}, {"ConsoleLogin": "Success"}]}),
        ("success", {"responseElements": {"ConsoleLogin": ["Success", "Success"]}}),
        ("success", {"responseElements": {"ConsoleLogin": "Success"}, "errorCode": ""}),
        (None, {"errorCode": "null", "errorMessage": "null"}),
        (None, {"event": {"outcome": "success"}}),
    ],
)
def test_a_sign_in_succeeded_only_where_its_answer_says_so(outcome: str | None, more: dict[str, Any]) -> None:
    """Absent, or text that cannot be read, is unknown; and a pipeline takes what is absent for success."""
    what = event("ConsoleLogin", additionalEventData={"MFAUsed": "No"}, **more)
    assert outcome == what.outcome
    assert ("(result unknown)" in first_line(what)) == (outcome is None)


def test_a_password_change_that_failed_in_text_did_not_change_it() -> None:
    """Athena's exports and Fluentd write objects as text."""
    what = event("PasswordUpdated", responseElements='{"PasswordUpdated": "Failure"}', requestParameters="null")
    assert "Root failed to change the password" in first_line(what)
    assert "Request" not in shown(told(what))


@pytest.mark.parametrize(
    ("answer", "mfa", "says"),
    [("Success", "No", True), ("Success", "Yes", False), ("Success", None, False), ("Failure", "No", False)],
)
def test_without_mfa_is_said_first_and_only_of_a_sign_in_that_was_one(answer: str, mfa: str | None, says: bool) -> None:
    """Nobody came as far as the second factor where the password was wrong, and what is absent is unknown."""
    what = event("ConsoleLogin", responseElements={"ConsoleLogin": answer}, additionalEventData={"MFAUsed": mfa})
    assert says == ("without MFA" in first_line(what)) == ("without MFA" in text(told(what)))
    assert says == ("no MFA" in shown(told(what)))


def test_a_federated_sign_in_does_not_say_that_there_was_no_factor() -> None:
    """The identity provider may have asked for it; AWS writes No all the same."""
    data = {"MFAUsed": "No"}
    what = event("ConsoleLogin", identity=BOB, responseElements={"ConsoleLogin": "Success"}, additionalEventData=data)
    assert "without MFA" not in first_line(what)
    assert "MFA unknown" in shown(told(what))


def test_a_federated_session_of_root_says_root() -> None:
    """Its identity is another's, its power is root's."""
    identity = {
        "type": "FederatedUser",
        "arn": "arn:aws:sts::111122223333:federated-user/eve",
        "sessionContext": {"sessionIssuer": {"type": "Root"}},
    }
    assert "Root, federated as eve, changed a bucket policy" in first_line(event("PutBucketPolicy", "s3", identity))


def test_of_assume_root_both_the_caller_and_the_target_are_named() -> None:
    """AWS's own sample has assumedRoot on the caller: that does not make the session the organisation's."""
    what = event(
        "AssumeRoot",
        "sts",
        BOB,
        requestParameters={"targetPrincipal": "111122223333"},
        recipientAccountId="444455556666",
    )
    assert "OrgAdmin/bob took a root session in account 111122223333" in first_line(what)
    assert "opened by the organisation" not in shown(told(what))
    assert "targetPrincipal 111122223333" in shown(told(what))


def test_who_acted_from_another_account_is_shown_beside_the_one_it_happened_in() -> None:
    what = event("PutBucketPolicy", "s3", BOB, requestParameters={"bucketName": "payroll"})
    assert "payments-prod (111122223333)" in shown(told(what))
    assert "acted from 444455556666" in shown(told(what))
    assert "acted from" not in shown(told(event("PutBucketPolicy", "s3")))


def test_the_key_that_was_used_and_the_one_that_was_made_are_named() -> None:
    """The first thing that is revoked."""
    identity = {**ROOT, "accessKeyId": "AKIAEXAMPLEEXAMPLE11"}
    answer = {"accessKey": {"accessKeyId": "AKIAEXAMPLEEXAMPLE33", "userName": "bob"}}
    for elements in (answer, json.dumps(answer)):
        what = event("CreateAccessKey", "iam", identity, responseElements=elements)
        assert "Key  used AKIAEXAMPLEEXAMPLE11 · created AKIAEXAMPLEEXAMPLE33" in shown(told(what))


@pytest.mark.parametrize(
    ("name", "source", "parameters", "thing"),
    [
        ("StopLogging", "cloudtrail", {"name": "org-trail"}, "name org-trail"),
        ("PutBucketPolicy", "s3", {"bucketName": "payroll", "policy": "x" * 9_000}, "bucketName payroll"),
        ("DeleteRole", "iam", '{"roleName": "auditor"}', "roleName auditor"),
        ("DeleteRole", "iam", "{roleName=auditor, x=1}", "roleName auditor"),
        ("StartPrimaryEmailUpdate", "account", {"accountId": "777788889999"}, "accountId 777788889999"),
    ],
)
def test_the_thing_that_was_touched_stands_in_the_message(
    name: str, source: str, parameters: object, thing: str
) -> None:
    """Also where the request is text, or too long to be shown whole."""
    assert f"Touched  {thing}" in shown(told(event(name, source, requestParameters=parameters)))


def test_of_google_the_thing_and_whoever_stands_behind_a_service_account_are_named() -> None:
    """A robot that a person acts as is that person."""
    what = google(
        methodName="google.logging.v2.ConfigServiceV2.DeleteSink",
        serviceName="logging.googleapis.com",
        resourceName="organizations/1/sinks/all",
        authenticationInfo={
            "principalEmail": "robot@p.iam.gserviceaccount.com",
            "serviceAccountDelegationInfo": [{"firstPartyPrincipal": {"principalEmail": "mallory@example.com"}}],
        },
    )
    assert "robot@p.iam.gserviceaccount.com for mallory@example.com called" in first_line(what)
    assert "Touched  organizations/1/sinks/all" in shown(told(what))


@pytest.mark.parametrize("dot", [" · ", " \u2022 ", "\u00a0·\u2003", " ·", "· "])
def test_a_value_with_our_separator_does_not_look_like_another_fact(dot: str) -> None:
    """A user agent that ends in " · MFA" would say so for us."""
    what = event(
        f"Console{dot}Login",
        userAgent=f"x{dot}MFA",
        errorMessage=f"no{dot}success",
        sourceIPAddress=f"a{dot}trusted",
        eventID=f"e{dot}low",
        errorCode="E",
    )
    payload = told(what)
    everything = shown(payload) + text(payload)
    for hostile in ("MFA", "success", "trusted", "low", "Login"):
        assert f" · {hostile}" not in everything
        assert f"{dot.strip()} {hostile}" not in everything


@pytest.mark.parametrize(
    ("method", "named"),
    [("CreateServiceAccountKey", True), ("UploadServiceAccountKey", True), ("GetServiceAccountKey", False)],
)
def test_the_key_that_was_made_for_a_service_account_is_named_as_aws_names_its_own(method: str, named: bool) -> None:
    """Its id: that stands in what is done with it later. One that was only read was not made."""
    account = "projects/prod-1/serviceAccounts/deploy@prod-1.iam.gserviceaccount.com"
    made = google(
        methodName=f"google.iam.admin.v1.{method}",
        serviceName="iam.googleapis.com",
        resourceName=account,
        response={"name": f"{account}/keys/0a1b2c3d4e5f"},
        authenticationInfo={"principalEmail": "mallory@example.com"},
    )
    assert ("0a1b2c3d4e5f" if named else None) == made.created_key
    assert named == ("created 0a1b2c3d4e5f" in shown(told(made)))


@pytest.mark.parametrize("name", ["StartPrimaryEmailUpdate", "AcceptPrimaryEmailUpdate"])
def test_an_act_of_the_management_account_on_another_names_both(name: str) -> None:
    """Recipient is the caller's own account: the one that it is about stands in the request alone."""
    caller = {**BOB, "sessionContext": {"sessionIssuer": {"type": "Role"}}}
    request = {"accountId": "111122223333", "primaryEmail": "HIDDEN_DUE_TO_SECURITY_REASONS"}
    acted = event(name, "account", caller, recipientAccountId="444455556666", requestParameters=request)
    everything = shown(told(acted))
    assert "OrgAdmin/bob" in first_line(acted)
    assert all(each in everything for each in ("444455556666", "accountId 111122223333", "ASIAEXAMPLEEXAMPLE22"))


@pytest.mark.parametrize(
    "request_", [{"name": "org-trail"}, '{"name": "org-trail"}', "{name=org-trail}"], ids=["object", "text", "pairs"]
)
def test_what_was_stopped_is_named_however_the_request_was_stored(request_: object) -> None:
    """As object, flattened or text: what the mapping makes of it, the record still says."""
    stopped = event("StopLogging", "cloudtrail", requestParameters=request_)
    assert "name org-trail" in shown(told(stopped))


@pytest.mark.parametrize(
    ("method", "resource"),
    [
        ("google.admin.AdminService.inboundSsoProfileCreated", "organizations/999988887777/inboundSsoSettings"),
        ("google.iam.admin.v1.WorkforcePools.CreateWorkforcePool", "organizations/999988887777"),
    ],
)
def test_who_changed_the_sign_in_of_a_google_organisation_is_named_with_what_was_changed(
    method: str, resource: str
) -> None:
    """Nothing bad is said of it: it succeeded."""
    changed = google(
        methodName=method,
        serviceName=method.rpartition(".")[0],
        resourceName=resource,
        status={},
        authenticationInfo={"principalEmail": "mallory@example.com"},
        requestMetadata={"callerIp": "203.0.113.7"},
    )
    assert f"mallory@example.com called {method}" in first_line(changed)
    assert all(each in shown(told(changed)) for each in (resource, "203.0.113.7", "success"))


@pytest.mark.parametrize("written", ["2026-11-28 16:37:00.000", "2026-11-28T16:37:00Z", "1795883820"])
def test_a_time_in_another_form_is_the_time_of_the_event(written: str) -> None:
    """However it is indexed: the message says when it happened, not when it was seen."""
    record = {"insertId": "f37", "logName": "l", "timestamp": written, "protoPayload": {"methodName": "m"}}
    profile = load_profile("gcp-audit")
    seen = read_event(record, {}, index="audit", document_id="d1", profile=profile, seen_at=SEEN)
    assert (datetime(2026, 11, 28, 16, 37, tzinfo=UTC), None) == (seen.time, seen.undated)


@pytest.mark.parametrize(
    "data",
    [
        {"MFAUsed": False},
        {"MFAUsed": "false"},
        {"MFAUsed": "nO"},
        '{"MobileVersion": "No", "MFAUsed": "No"}',
        "{LoginTo=https://x, MobileVersion=No, MFAUsed=No}",
    ],
)
def test_that_there_was_no_mfa_is_read_however_it_is_written(data: object) -> None:
    """As text too, raw or as Elastic's integration keeps it."""
    answer = {"ConsoleLogin": "Success"}
    assert "without MFA" in first_line(event("ConsoleLogin", responseElements=answer, additionalEventData=data))
    elastic = {"cloudtrail": {"response_elements": "{ConsoleLogin=Success}", "additional_eventdata": data}}
    assert "without MFA" in first_line(event("ConsoleLogin", aws=elastic))


def test_what_shippers_store_as_text_is_asked_for_as_a_whole() -> None:
    """A search for a field in it would leave out the text."""
    asked = load_profile("cloudtrail").fields
    assert {"additionalEventData", "detail.additionalEventData", "aws.cloudtrail.additional_eventdata"} <= set(asked)
    assert {"additionalEventData.MFAUsed", "aws.cloudtrail.flattened.additional_eventdata.MFAUsed"} <= set(asked)
    assert "aws.cloudtrail.flattened.additional_eventdata" not in asked


NOBODY_KNOWN = {"type": "IAMUser", "userName": "eve"}


@pytest.mark.parametrize(
    ("name", "identity", "answer", "words"),
    [
        ("ConsoleLogin", ROOT, "Failure", "Somebody failed to sign in to the AWS console as root"),
        ("ConsoleLogin", ROOT, None, "Somebody tried to sign in to the AWS console as root (result unknown)"),
        ("ConsoleLogin", NOBODY_KNOWN, "Failure", "Somebody failed to sign in to the AWS console as eve"),
        ("ConsoleLogin", {}, "Failure", "Somebody failed to sign in to the AWS console"),
        ("ConsoleLogin", ROOT, "Success", "Root signed in to the AWS console"),
        ("PasswordRecoveryRequested", ROOT, "Success", "Somebody asked for password recovery for root"),
        ("PasswordRecoveryCompleted", ROOT, "Success", "Somebody recovered the password for root"),
        ("PasswordUpdated", ROOT, "Success", "Root changed the password"),
    ],
)
def test_who_proved_nothing_is_somebody(
    name: str, identity: Mapping[str, object], answer: str | None, words: str
) -> None:
    """The record names whose password or mailbox it was about, not who sat there."""
    title = first_line(event(name, identity=identity, responseElements={name: answer} if answer else None))
    assert words == title.removeprefix("🔴 ").removesuffix(" · payments-prod")


@pytest.mark.parametrize("odd", [1e300, -5, 20261123130512, 20261123130513.0, "20261123130514", 4e10, 1e20, 2.0**80])
def test_a_number_that_is_no_moment_of_any_log_is_no_time(odd: object) -> None:
    """Neither seconds nor milli-, micro- or nanoseconds between 1973 and 2200."""
    assert event("ConsoleLogin", eventTime=odd).undated


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_a_number_is_a_time_in_each_unit(unit: int) -> None:
    """Until the year 2200."""
    assert "2026-11-23" == f"{event('ConsoleLogin', eventTime=1_795_439_112 * unit).time:%Y-%m-%d}"
    assert "2199-12-31" == f"{event('ConsoleLogin', eventTime=7_258_118_399 * unit).time:%Y-%m-%d}"
