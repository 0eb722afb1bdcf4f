"""Google Cloud audit entries: raw and as Elastic's integration stores them, they say the same."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alertd.event.event import Event, read_event
from alertd.event.profile import load_profile

SAMPLES = Path(__file__).parents[2] / "rules" / "gcp" / "events"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.json") if not path.stem.endswith(".ecs"))
GCP = load_profile("gcp-audit")
SEEN_AT = datetime(2026, 5, 1, tzinfo=UTC)


def sample(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
    return document


def read(source: Mapping[str, object]) -> Event:
    return read_event(source, {}, index="audit", document_id="d1", profile=GCP, seen_at=SEEN_AT)


def common(event: Event) -> Event:
    """Elastic cuts times to milliseconds, and leaves out what was changed (serviceData, metadata)."""
    time = event.time.replace(microsecond=event.time.microsecond // 1000 * 1000)
    return replace(event, time=time, ingested=None, parameters=None)


@pytest.mark.parametrize("name", NAMES)
def test_both_shapes_of_an_entry_are_the_same_event(name: str) -> None:
    """Moving to Elastic's integration must neither repeat an alert nor change what it says."""
    raw, ecs = read(sample(name)), read(sample(f"{name}.ecs"))
    assert raw.key == ecs.key
    assert () == raw.problems == ecs.problems
    assert common(raw) == common(ecs)


@pytest.mark.parametrize("name", NAMES)
def test_samples_name_nobody(name: str) -> None:
    """Published events hold only names and addresses that are reserved for documentation."""
    for text in ((SAMPLES / f"{name}{shape}.json").read_text("utf-8") for shape in ("", ".ecs")):
        domains = set(re.findall(r"@([a-z-]+\.[a-z.]+)", text))
        assert set() == domains - {"example.com", "example.net", "payments-prod.iam.gserviceaccount.com"}
        addresses = set(re.findall(r'(?:callerIp|ip)": "(\d+\.\d+\.\d+)\.', text))
        assert set() == addresses - {"198.51.100", "203.0.113"}


@pytest.mark.parametrize("shape", ["", ".ecs"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("org-owner-granted", "organizations/123456789012"),
        ("super-admin-assigned", "organizations/123456789012"),
        ("project-deleted", "payments-prod"),
    ],
)
def test_what_is_above_projects_is_known_by_its_resource(name: str, expected: str, shape: str) -> None:
    """An organisation has no project: "no account" would stand in every message about it."""
    assert expected == read(sample(name + shape)).account


@pytest.mark.parametrize("shape", ["", ".ecs"])
def test_a_denial_without_a_status_is_a_failure(shape: str) -> None:
    """Some services tell it in authorizationInfo alone."""
    entry = sample("org-policy-denied" + shape)
    status = entry["gcp"]["audit"] if shape else entry["protoPayload"]
    del status["status"]
    assert "failure" == read(entry).outcome


@pytest.mark.parametrize("shape", ["", ".ecs"])
def test_no_status_means_that_it_succeeded(shape: str) -> None:
    """Google leaves out a code of zero; Elastic calls that unknown where not exactly one permission was asked for."""
    entry = sample("super-admin-assigned" + shape)
    assert {"", "unknown"} >= {str(entry.get("event", {}).get("outcome", ""))}
    assert "success" == read(entry).outcome


@pytest.mark.parametrize("shape", ["", ".ecs"])
def test_who_has_no_address_is_known_by_the_subject(shape: str) -> None:
    """People of a workforce identity pool have no e-mail address of Google's."""
    subject = "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/alice"
    entry = sample("project-deleted" + shape)
    if shape:
        entry["client"] = {"user": {"id": subject}}
    else:
        entry["protoPayload"]["authenticationInfo"] = {"principalSubject": subject}
    assert subject == read(entry).actor


def test_what_was_changed_stands_before_the_whole_request() -> None:
    """A request to set a policy holds all of it; a responder asks for the difference."""
    assert "policyDelta" not in (read(sample("org-owner-granted")).parameters or "")
    assert '"action":"ADD","role":"roles/owner"' in (read(sample("org-owner-granted")).parameters or "")
    assert "_SEED_ADMIN_ROLE" in (read(sample("super-admin-assigned")).parameters or "")


def test_the_key_of_a_service_account_is_told() -> None:
    """Which of its keys was used decides which to revoke."""
    entry = sample("project-deleted")
    entry["protoPayload"]["authenticationInfo"]["serviceAccountKeyName"] = "//iam.googleapis.com/projects/p/keys/0f1e"
    assert "//iam.googleapis.com/projects/p/keys/0f1e" == read(entry).access_key


def test_what_is_missing_of_an_events_identity_is_named() -> None:
    """An id alone is none: Google repeats it from one log to the next."""
    problem = "known by its place in the index, so a copy of it counts as another event"
    entry = {"insertId": "1", "timestamp": "2026-05-01T00:00:00Z", "protoPayload": {"methodName": "a"}}
    assert f"no log: {problem}" in read(entry).problems
    assert f"no log, no time, no event id: {problem}" in read({"protoPayload": {"methodName": "a"}}).problems
