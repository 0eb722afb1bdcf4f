"""A notification for tests of messages, and how to look into a payload."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alertd.event.account import Account
from alertd.event.event import Event
from alertd.ledger.model import Notification, NotificationKind
from alertd.message import Style
from alertd.rules.model import RuleFacts, Severity

TIME = datetime(2026, 11, 23, 13, 5, 12, tzinfo=UTC)
DELIVERY_ID = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
ACCOUNT = "111122223333"
EVENT = Event(
    key=f"cloudtrail:{ACCOUNT}:3fcfb182-98f8-4744-bd45-10ae4c0b1d2e",
    id="3fcfb182-98f8-4744-bd45-10ae4c0b1d2e",
    time=TIME,
    index="trail-000001",
    document_id="d1",
    profile="cloudtrail",
    account=ACCOUNT,
    action="ConsoleLogin",
    provider="signin.amazonaws.com",
    region="us-east-1",
    source_address="203.0.113.7",
    country="SE",
    city="Stockholm",
    network="Example Networks",
    user_agent="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    identity_type="Root",
    actor=f"arn:aws:iam::{ACCOUNT}:root",
    mfa=False,
    outcome="success",
)
RULE = RuleFacts(
    "aws-root-user",
    "aws-root-console-login",
    "Root user signed in",
    Severity.HIGH,
    runbook="https://wiki.example.com/aws-root",
)
NOTIFICATION = Notification(1, "security", NotificationKind.MESSAGE, EVENT, RULE, seen_at=TIME + timedelta(seconds=41))
STYLE = Style(
    {ACCOUNT: Account(ACCOUNT, "payments-prod", "@team-payments", "production")},
    ZoneInfo("Asia/Tokyo"),
    "https://kibana.example.com",
    "logs-aws.cloudtrail-*",
)


def of(event: Event, rule: RuleFacts = RULE) -> Notification:
    return replace(NOTIFICATION, event=event, rule=rule, seen_at=event.time + timedelta(seconds=41))


def many(count: int) -> list[Notification]:
    """A second apart, each with an id of its own."""
    return [
        of(replace(EVENT, id=f"3fcfb182-98f8-4744-bd45-{number:012x}", time=TIME + timedelta(seconds=number)))
        for number in range(count)
    ]


def text(payload: str) -> str:
    notification: str = json.loads(payload)["text"]
    return notification


def blocks(payload: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(payload)["blocks"]
    return listed


def shown(payload: str) -> str:
    """Everything that people read in the channel, a block's texts joined as Slack joins them."""
    return "\n".join("".join(_texts(block)) for block in blocks(payload))


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        text = node.get("text")
        if isinstance(text, str):
            yield text
        for value in node.values():
            if not isinstance(value, str):
                yield from _texts(value)
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item)
