"""One message, marked as a sample, posted as the daemon would: but not by way of the ledger."""

import json

from alertd import compose
from alertd.clock import SystemClock
from alertd.config import Settings
from alertd.config.destination import SlackDestination
from alertd.destination import Sent
from alertd.message.blocks import paragraph
from alertd.message.payload import compact

NOTE = "🧪 Sample, posted by alertd test-rule: this is no alert."


def post_sample(payload: str, settings: Settings, channel: str, delivery_id: str) -> str | None:
    """Why it was not posted, or may not have been."""
    found = [(name, table) for name, table in settings.destinations.items() if isinstance(table, SlackDestination)]
    if not found:
        return 'no destination of type "slack" is configured: a webhook cannot choose its channel'
    name, table = found[0]
    target = compose.telling.destination(name, table.model_copy(update={"channel": channel}), clock=SystemClock())
    outcome = target.post(mark_sample(payload), delivery_id=delivery_id, thread_ts=None)
    return None if isinstance(outcome, Sent) else f"not posted to {channel} for certain: {_reason(outcome)}"


def mark_sample(payload: str) -> str:
    """Says what it is on a lock screen too."""
    message = json.loads(payload)
    return compact({"text": f"{NOTE} {message['text']}", "blocks": [paragraph(NOTE), *message["blocks"]]})


def _reason(outcome: object) -> str:
    return str(getattr(outcome, "reason", outcome))
