"""`alertd retry`: an operator's word on a message that nobody knows the fate of."""

from dataclasses import replace
from pathlib import Path

import typer

from alertd import compose
from alertd.clock import SystemClock
from alertd.config import load_settings
from alertd.errors import LedgerConflictError
from alertd.ledger.model import MessageState
from alertd.ledger.owner import leave_to_owner
from alertd.ledger.sqlite import open_ledger
from alertd.message import mark_repeat

REFUSED = 1


# What may be given up: it is not under way, and nobody has had it for certain.
_OPEN = {MessageState.PENDING, MessageState.UNKNOWN}


def retry_message(delivery_id: str, config: Path | None, *, give_up: bool) -> int:
    """Exit code. Needs the ledger to itself: stop the daemon first."""
    settings = load_settings(config, secrets=False)
    ledger = open_ledger(settings.ledger.path, now=SystemClock().now())
    try:
        try:
            message = ledger.message(delivery_id)
        except LedgerConflictError as error:
            typer.echo(f"{error} Its id stands in what [ops] told of it, and in alertd explain EVENT_ID.", err=True)
            return REFUSED
        if give_up and message.state in _OPEN:
            ledger.save(replace(message, state=MessageState.DEAD, not_before=None), was=message.state)
            typer.echo(f"message {delivery_id} is given up: nothing more is sent to {message.destination} for it")
            return 0
        if give_up or message.state not in {MessageState.UNKNOWN, MessageState.DEAD}:
            nothing = "give up" if give_up else "retry"
            typer.echo(f"message {delivery_id} is {message.state.value}: there is nothing to {nothing}", err=True)
            return REFUSED
        first = message.attempted_at or message.created_at
        marked = mark_repeat(message.payload, first, style=compose.telling.style(settings))
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
        leave_to_owner(settings.ledger.path)
    typer.echo(f"message {delivery_id} will be sent again to {message.destination}, marked as a possible repeat")
    return 0
