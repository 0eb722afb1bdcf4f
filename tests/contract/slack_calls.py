"""Calls of the real slack-sdk that the tests of the stand-in share."""

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

CHANNEL, PRIVATE = "C0SECURITY", "C0PRIVATE"
TOKEN = "xoxb-test-token"
METADATA = {"event_type": "alertd_delivery", "event_payload": {"delivery_id": "d1"}}


def refusal(call: Callable[[], object]) -> Any:
    """What Slack answers to a call that it refuses."""
    with pytest.raises(SlackApiError) as refused:
        call()
    return refused.value.response


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
