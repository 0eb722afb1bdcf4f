"""Reading events: one act is one event in whatever shape it is stored, and no document can stop alertd."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertd.event.event import Event, event_from_json, event_to_json, read_event, read_key
from alertd.event.profile import load_profile

SAMPLES = Path(__file__).parents[2] / "rules" / "events"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.json") if not path.stem.endswith(".ecs"))
CLOUDTRAIL, GCP = load_profile("cloudtrail"), load_profile("gcp-audit")
SEEN_AT = datetime(2026, 5, 1, tzinfo=UTC)
ACCOUNT, ID = "111122223333", "6d2f0b4e-3f0a-4c8e-9b1d-0a1b2c3d4e5f"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def sample(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
    return document


def read(source: Mapping[str, object], *, index: str = "trail-000001", document_id: str = "d1") -> Event:
    return read_event(source, {}, index=index, document_id=document_id, profile=CLOUDTRAIL, seen_at=SEEN_AT)


def common(event: Event) -> Event:
    """Without what one shape lacks: Elastic stamps the ingest and looks addresses up, and drops what is empty."""
    return replace(
        event,
        ingested=None,
        country=None,
        city=None,
        network=None,
        parameters=None,
        update_of=None,
        assumed_root=None,
    )


def gcp(source: Mapping[str, object]) -> Event:
    return read_event(source, {}, index="audit", document_id="d1", profile=GCP, seen_at=SEEN_AT)


def paths(document: Mapping[str, object], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in document.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from paths(value, (*above, name))


def put(document: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    for name in path[:-1]:
        document = document[name]
    document[path[-1]] = value


@st.composite
def mutated_samples(draw: st.DrawFn) -> dict[str, Any]:
    """A document of the shape of CloudTrail in which something has become anything."""
    name = draw(st.sampled_from(NAMES)) + draw(st.sampled_from(["", ".ecs"]))
    document = sample(name)
    places = list(paths(document))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places))
        value = draw(json_values | st.sampled_from(["9" * 400, "0001-01-01T00:00:00+14:00", "{", [[[]]], 10**400]))
        try:
            put(document, place, value)
        except (KeyError, TypeError):
            continue  # an earlier mutation took what it stood in
    return document


@pytest.mark.parametrize("name", NAMES)
def test_both_shapes_of_an_event_are_the_same_event(name: str) -> None:
    """Moving from raw records to Elastic's integration must neither repeat an alert nor change what it says."""
    raw, ecs = read(sample(name)), read(sample(f"{name}.ecs"))
    assert raw.key == ecs.key == f"cloudtrail:{raw.account}:{raw.id}"
    assert () == raw.problems == ecs.problems
    assert common(raw) == common(ecs)


@pytest.mark.parametrize("name", NAMES)
def test_samples_name_nobody(name: str) -> None:
    """Published events hold only accounts and addresses that are reserved for documentation."""
    for text in ((SAMPLES / f"{name}{shape}.json").read_text("utf-8") for shape in ("", ".ecs")):
        accounts = set(re.findall(r"(?<![0-9a-f-])\d{12}(?![0-9a-f])", text))
        assert set() == accounts - {ACCOUNT, "444455556666", "777788889999"}
        addresses = set(re.findall(r'(?:sourceIPAddress|address|ip)": "(\d+\.\d+\.\d+)\.', text))
        assert set() == addresses - {"192.0.2", "198.51.100", "203.0.113"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("console-login-mfa", (True, "success")),
        ("console-login-no-mfa", (False, "success")),
        ("console-login-mfa-unknown", (None, "success")),
        ("console-login-failed", (False, "failure")),
        ("password-updated", (None, "success")),
        ("password-update-failed", (None, "failure")),
        ("create-access-key-root", (True, "success")),
        ("bucket-policy-denied", (True, "failure")),
        ("root-key-used", (None, "success")),
    ],
)
@pytest.mark.parametrize("shape", ["", ".ecs"])
def test_mfa_and_outcome_are_what_the_record_says(name: str, expected: tuple[bool | None, str], shape: str) -> None:
    """MFA that is not mentioned is unknown, not missing; a failed password change is a failure without any error."""
    event = read(sample(name + shape))
    assert expected == (event.mfa, event.outcome)


def test_a_sign_in_is_read_whole() -> None:
    """What a responder reads first, in the words of the record."""
    assert Event(
        key="cloudtrail:111122223333:" + sample("console-login-mfa")["eventID"],
        id=sample("console-login-mfa")["eventID"],
        time=datetime(2026, 4, 14, 8, 11, 2, tzinfo=UTC),
        index="trail-000001",
        document_id="d1",
        profile="cloudtrail",
        ingested=datetime(2026, 4, 14, 8, 15, 4, tzinfo=UTC),
        account=ACCOUNT,
        action="ConsoleLogin",
        provider="signin.amazonaws.com",
        event_type="AwsConsoleSignIn",
        region="us-east-1",
        source_address="203.0.113.7",
        country="NL",
        city="Amsterdam",
        network="Example Office Networks",
        user_agent=sample("console-login-mfa")["userAgent"],
        identity_type="Root",
        actor="arn:aws:iam::111122223333:root",
        mfa=True,
        outcome="success",
        read_only=False,
    ) == read(sample("console-login-mfa.ecs"))


@pytest.mark.parametrize("parent", ["cloudtrail", "json", "detail"])
def test_a_record_may_stand_below_a_field_of_the_shipper(parent: str) -> None:
    """It is the same event, nested or with dotted names."""
    record = sample("create-access-key-root")
    assert read(record) == read({"@timestamp": "2030-01-01T00:00:00Z", parent: record})
    assert read(record) == read({f"{parent}.{name}": value for name, value in record.items()})


@pytest.mark.parametrize(
    ("expected", "identity"),
    [
        ("777788889999", {"recipientAccountId": "777788889999", "userIdentity": {"accountId": ACCOUNT}}),
        (ACCOUNT, {"userIdentity": {"accountId": ACCOUNT}}),
        ("000000000042", {"recipientAccountId": 42}),
        ("000000000042", {"recipientAccountId": "42"}),
        (ACCOUNT, {"recipientAccountId": 111122223333.0}),
        (ACCOUNT, {"recipientAccountId": {"id": "no word"}, "userIdentity": {"accountId": [ACCOUNT]}}),
        (ACCOUNT, {"userIdentity": {"arn": f"arn:aws:iam::{ACCOUNT}:root"}}),
        (ACCOUNT, {"userIdentity": {"arn": f"arn:aws-us-gov:iam::{ACCOUNT}:root"}}),
        (ACCOUNT, {"userIdentity": {"arn": f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/ops/root:root"}}),
        (None, {"userIdentity": {"arn": "arn:aws:s3:::bucket"}}),
        (None, {"userIdentity": {"arn": "arn:"}}),
    ],
)
def test_the_account_is_the_recipient_then_the_identity_then_the_arn(
    expected: str | None, identity: dict[str, object]
) -> None:
    """A cross-account act concerns the account that receives the record; numbers have lost their zeros."""
    event = read({"eventID": ID, "eventTime": "2026-04-14T12:00:00Z", **identity})
    assert expected == event.account
    assert f"cloudtrail:{expected or '-'}:{ID}" == event.key


def test_a_copy_in_another_index_is_the_same_event() -> None:
    """_index and _id change on rollover, reindex and redelivery; the event does not."""
    record = sample("console-login-mfa")
    assert read(record).key == read(record, index="trail-000002", document_id="d2").key


def test_the_same_event_id_in_two_accounts_is_two_events() -> None:
    """Each account gets its own copy of a cross-account act: neither may hide the other."""
    record = sample("console-login-mfa")
    assert read(record).key != read({**record, "recipientAccountId": "444455556666"}).key


def test_without_an_event_id_the_document_is_the_event() -> None:
    """Nothing is dropped for want of an id, and it is said that copies cannot be told."""
    event = read({"eventName": "ConsoleLogin", "eventID": "", "recipientAccountId": ACCOUNT})
    assert ("cloudtrail:trail-000001/d1", "d1") == (event.key, event.id)
    assert "no event id: known by its place in the index, so a copy of it counts as another event" in event.problems


@pytest.mark.parametrize(
    ("time", "problem"),
    [
        (None, "no time: it is the time when it was seen"),
        ("yesterday", "time is not a date: yesterday"),
        ("x" * 10_000, "time is not a date: " + "x" * 60),
    ],
)
def test_without_a_date_the_event_is_dated_when_it_was_seen(time: str | None, problem: str) -> None:
    """An event without a date must still be told, today."""
    event = read({"eventID": ID, "recipientAccountId": ACCOUNT, "eventTime": time})
    assert (SEEN_AT, True, (problem,)) == (event.time, event.undated, event.problems)


TIMES = [
    ("ts", {"ts": "2026-04-14T12:00:00Z"}),
    ("ts", {"ts": "2026-04-14T12:00:00.000000000Z"}),
    ("ts", {"ts": 1776168000}),
    ("ts", {"ts": "1776168000"}),
    ("ts", {"ts": 1776168000000}),
    ("ts", {"ts": 1776168000.0}),
    ("ts", {"ts": "2026/04/14 12:00:00"}),
    ("ts", {"ts": "14/Apr/2026:14:00:00 +0200"}),
    ("ts", {"ts": "Tue, 14 Apr 2026 12:00:00 GMT"}),
    ("ts", {"ts": "2026-04-14 12:00:00.000 UTC"}),
    ("ts", {"ts": [None, "2026-04-14T12:00:00Z"]}),
    ("log.when", {"log": {"when": 1776168000}}),
    ("log.when", {"log.when": 1776168000}),
    ("log.when", {"log": [{"when": "2026-04-14T12:00:00Z"}]}),
    ("ts", {"eventTime": "2026-04-14T12:00:00Z", "ts": "2026-04-20T12:00:00Z"}),
]


@pytest.mark.parametrize(("field", "document"), TIMES)
def test_a_time_by_which_a_source_is_searched_is_read(field: str, document: dict[str, object]) -> None:
    """Else every past event would be new, dated now. The event's own time still comes first."""
    profile = load_profile("cloudtrail", times=[field])
    event = read_event(
        {"eventID": ID, "recipientAccountId": ACCOUNT, **document},
        {},
        index="trail",
        document_id="d1",
        profile=profile,
        seen_at=SEEN_AT,
    )
    assert (datetime(2026, 4, 14, 12, tzinfo=UTC), None, ()) == (event.time, event.undated, event.problems)
    assert field in profile.fields
    assert profile.key_fields == CLOUDTRAIL.key_fields


def test_a_time_that_the_search_answers_beside_the_document_is_read() -> None:
    """A runtime field, or one that is stored and no part of _source."""
    profile = load_profile("cloudtrail", times=["ts"])
    found = {"ts": ("1776168000",)}
    event = read_event({"eventID": ID}, found, index="trail", document_id="d1", profile=profile, seen_at=SEEN_AT)
    assert datetime(2026, 4, 14, 12, tzinfo=UTC) == event.time


@pytest.mark.parametrize(
    ("expected", "more"),
    [
        ("failure", {"responseElements": {"PasswordUpdated": "Failure"}}),
        ("success", {"responseElements": {"PasswordUpdated": "Success"}, "errorMessage": "odd"}),
        ("failure", {"responseElements": {"ConsoleLogin": "Success"}, "errorCode": "AccessDenied"}),
        ("failure", {"responseElements": None, "errorMessage": "Failed authentication"}),
        (None, {"responseElements": "PasswordUpdated"}),
        ("failure", {"event": {"outcome": "failure"}}),
        (None, {"event": {"outcome": "unknown"}}),
        (None, {"eventName": None}),
    ],
)
def test_the_answer_to_the_very_action_decides_its_outcome(expected: str | None, more: dict[str, object]) -> None:
    """A failed sign-in has no error code, and a pipeline may call a failed password change a success."""
    event = read({"eventID": ID, "eventName": "PasswordUpdated", **more})
    assert expected == event.outcome


def test_mfa_that_cannot_be_read_is_unknown_and_said_to_be() -> None:
    """Neither "with MFA" nor "without MFA" may be claimed of it."""
    event = read({**sample("console-login-mfa"), "additionalEventData": {"MFAUsed": "perhaps"}})
    assert (None, ("mfa is neither yes nor no: perhaps",)) == (event.mfa, event.problems)


def test_acts_of_one_session_share_it_in_both_shapes() -> None:
    """Listing read-only calls in the thread of the first one hangs on it."""
    sessions = {
        read(sample(name)).session
        for name in ("bucket-policy-by-root", "bucket-policy-by-root.ecs", "list-buckets-read-only", "support-case.ecs")
    }
    assert {f"{ACCOUNT}/ASIAIOSFODNN7EXAMPLE/1776154262000"} == sessions


@pytest.mark.parametrize("name", ["console-login-mfa", "root-key-used"])
def test_without_access_key_or_session_start_there_is_no_session(name: str) -> None:
    """Two sign-ins must not be taken for one session because both lack what tells them apart."""
    assert None is read(sample(name)).session


@pytest.mark.parametrize("shape", ["", ".ecs"])
def test_an_addendum_names_the_event_that_it_corrects(shape: str) -> None:
    """Elastic's integration drops it everywhere but in the record's text."""
    assert sample("bucket-policy-by-root")["eventID"] == read(sample("addendum" + shape)).update_of


@pytest.mark.parametrize("shape", ["", ".ecs"])
def test_a_root_session_of_the_organization_is_told_from_a_sign_in(shape: str) -> None:
    """sts:AssumeRoot gives an ordinary Root record without MFA: not the same as a stolen password."""
    assert True is read(sample("assumed-root-session" + shape)).assumed_root
    assert None is read(sample("bucket-policy-by-root" + shape)).assumed_root


@pytest.mark.parametrize("original", ["{", "[]", "null", "[" * 100_000, '{"addendum": ' + "9" * 5_000 + "}", 42])
def test_a_record_text_that_cannot_be_read_adds_nothing(original: object) -> None:
    """It is a last resort: the event stands without it."""
    document = sample("addendum.ecs")
    expected = replace(read(document), update_of=None)
    document["event"]["original"] = original
    assert expected == read(document)


def test_google_entries_are_known_by_log_time_and_id_in_both_shapes() -> None:
    """An insertId repeats in other logs and at other times; Elastic cuts times to milliseconds."""
    raw = {
        "insertId": "k3x1",
        "logName": "projects/example/logs/cloudaudit.googleapis.com%2Factivity",
        "timestamp": "2026-04-14T12:00:00.123456789Z",
        "resource": {"labels": {"project_id": "example"}},
        "protoPayload": {"methodName": "SetIamPolicy", "status": {"code": 7, "message": "PERMISSION_DENIED"}},
    }
    ecs = {
        "@timestamp": "2026-04-14T12:00:00.123Z",
        "event": {"id": "k3x1", "action": "SetIamPolicy", "outcome": "failure"},
        "log": {"logger": raw["logName"]},
        "cloud": {"project": {"id": "example"}},
    }
    assert f"gcp-audit:{raw['logName']}:1776168000123:k3x1" == gcp(raw).key == gcp(ecs).key
    assert ("example", "failure") == (gcp(raw).account, gcp(raw).outcome) == (gcp(ecs).account, gcp(ecs).outcome)
    assert gcp(raw).key != gcp({**raw, "logName": "projects/example/logs/other"}).key
    assert gcp(raw).key != gcp({**raw, "timestamp": "2026-04-14T12:00:01Z"}).key


@pytest.mark.parametrize("missing", ["insertId", "logName", "timestamp"])
def test_a_google_entry_without_a_part_of_its_key_is_known_by_its_place(missing: str) -> None:
    """A key that other entries could share would hide them."""
    raw = {"insertId": "k3x1", "logName": "projects/example/logs/activity", "timestamp": "2026-04-14T12:00:00Z"}
    assert "gcp-audit:audit/d1" == gcp({**raw, missing: None}).key


def test_google_code_zero_is_no_error() -> None:
    """status.code 0 is how Google writes "ok"."""
    entry = {"insertId": "k3x1", "protoPayload": {"methodName": "SetIamPolicy", "status": {"code": 0}}}
    assert ("success", None) == (gcp(entry).outcome, gcp(entry).error_code)


@settings(deadline=None)
@given(document=st.dictionaries(st.text(max_size=8), json_values, max_size=5) | mutated_samples())
def test_no_document_can_stop_the_reading(document: dict[str, object]) -> None:
    """Whatever somebody writes into the index, the event is read, dated, keyed and stored."""
    event = read(document)
    assert timedelta(0) == event.time.utcoffset()
    assert event.key == read_key(document, {}, index="trail-000001", document_id="d1", profile=CLOUDTRAIL), (
        "candidates and events must have the same key"
    )
    assert event == read(document)
    assert event == event_from_json(event_to_json(event))
    event_to_json(event).encode("utf-8")
    assert not re.search(
        "[\0\ud800-\udfff]", "".join(str(value) for value in (event.key, event.parameters, event.actor))
    )


@settings(deadline=None)
@given(document=mutated_samples())
def test_the_fields_that_are_asked_for_are_enough(document: dict[str, Any]) -> None:
    """The search returns only the profile's fields: reading must not need more."""
    kept = only(document, CLOUDTRAIL.fields)
    assert read(document) == read(kept)
    key = only(document, CLOUDTRAIL.key_fields)
    assert read(document).key == read_key(key, {}, index="trail-000001", document_id="d1", profile=CLOUDTRAIL)


def only(document: Any, fields: tuple[str, ...], above: str = "") -> Any:
    """What _source filtering leaves: the named paths and everything below them."""
    if isinstance(document, list):
        return [only(item, fields, above) for item in document]
    if not isinstance(document, dict):
        return document if above in fields else None
    kept = {}
    for name, value in document.items():
        path = f"{above}.{name}" if above else name
        if path in fields:
            kept[name] = value
        elif any(field.startswith(f"{path}.") for field in fields):
            kept[name] = only(value, fields, path)
    return kept


texts = st.none() | st.text(max_size=30)
moments = st.datetimes(timezones=st.just(UTC))


@given(
    st.builds(
        Event,
        key=st.text(),
        id=st.text(),
        time=moments,
        index=st.text(),
        document_id=st.text(),
        profile=st.text(),
        ingested=st.none() | moments,
        account=texts,
        parameters=texts,
        mfa=st.none() | st.booleans(),
        read_only=st.none() | st.booleans(),
        problems=st.lists(st.text()).map(tuple),
    )
)
def test_an_event_survives_the_ledger(event: Event) -> None:
    """Stored and read again it is the same event, and the same event is always the same text."""
    text = event_to_json(event)
    assert event == event_from_json(text)
    assert text == event_to_json(event_from_json(text))


def test_an_event_of_a_newer_version_can_be_read() -> None:
    """After going back a version, what is in the ledger must still be sent."""
    event = read(sample("console-login-mfa"))
    facts = {**json.loads(event_to_json(event)), "a_fact_of_the_future": 1}
    assert event == event_from_json(json.dumps(facts))
