"""`alertd retry`: an operator's word on a message that nobody knows the fate of."""

from dataclasses import replace
from pathlib import Path

import typer

from alertd import compose
from alertd.clock import SystemClock
from alertd.config import load_settings
from alertd.errors import LedgerConflictError
from alertd.ledger.model import MessageState
from alertd.ledger.sqlite import open_ledger
from alertd.message import mark_repeat

REFUSED = 1


def retry_message(delivery_id: str, config: Path | None) -> int:
    """Exit code. Needs the ledger to itself: stop the daemon first."""
    settings = load_settings(config)
    ledger = open_ledger(settings.ledger.path, now=SystemClock().now())
    try:
        try:
            message = ledger.message(delivery_id)
        except LedgerConflictError as error:
            typer.echo(f"{error} Its id stands in what [ops] told of it, and in alertd explain EVENT_ID.", err=True)
            return REFUSED
        if message.state not in {MessageState.UNKNOWN, MessageState.DEAD}:
            typer.echo(f"message {delivery_id} is {message.state.value}: there is nothing to retry", err=True)
            return REFUSED
        first = message.attempted_at or message.created_at
        marked = mark_repeat(message.payload, first, style=compose.style(settings))
        again = replace(
            message,
            state=MessageState.PENDING,
            payload=marked,
            not_before=None,
            repeat_possible=True,
            unknown_since=None,
        )
        ledger.save(again, was=message.state)
    finally:
        ledger.close()
    typer.echo(f"message {delivery_id} will be sent again to {message.destination}, marked as a possible repeat")
    return 0
