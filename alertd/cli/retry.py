"""`alertd retry`: an operator's word on a message that nobody knows the fate of."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import typer

from alertd import compose, status
from alertd.clock import SystemClock
from alertd.config import Settings, load_settings
from alertd.errors import LedgerConflictError
from alertd.ledger import moving
from alertd.ledger.model import Message, MessageState
from alertd.ledger.owner import leave_to_owner
from alertd.ledger.sqlite import SqliteLedger, open_ledger
from alertd.message import Style, mark_repeat

REFUSED = 1


# What may be given up: it is not under way, and nobody has had it for certain.
_OPEN = {MessageState.PENDING, MessageState.UNKNOWN}


def retry(delivery_id: str | None, gone: str | None, to: str | None, config: Path | None, *, give_up: bool) -> int:
    """Exit code. Of one message; or, without its id, of all that waits for a destination that is gone."""
    by_destination = gone is not None or to is not None
    if (delivery_id is None) != by_destination or (by_destination and (to is not None) == give_up):
        raise typer.BadParameter("name a DELIVERY_ID; or --from DESTINATION with --to DESTINATION or --give-up")
    if delivery_id is None:
        return retry_destination(gone, to, config)
    return retry_message(delivery_id, config, give_up=give_up)


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


def retry_destination(gone: str | None, to: str | None, config: Path | None) -> int:
    """Exit code. Decides on all that waits for `gone`, or for every destination that the configuration lacks: it goes
    `to` another one, or, without that, is given up. So is a rule set that no file has any more."""
    settings = load_settings(config, secrets=False)
    if to is not None and to not in settings.destinations:
        typer.echo(f"there is no destination {to} in {settings.path}: {', '.join(settings.destinations)}", err=True)
        return REFUSED
    if gone in settings.destinations:
        typer.echo(f"destination {gone} is in {settings.path}: what waits for it is sent there", err=True)
        return REFUSED
    look = compose.telling.style(settings)
    ledger = open_ledger(settings.ledger.path, now=SystemClock().now())
    try:
        left = status.gone(ledger, settings.destinations)
        names = [name for name in left if gone in {None, name}]
        for name in names:
            if to is None:
                moving.give_up(ledger, name)
                typer.echo(f"what waited for {name} is given up: nothing more is sent for it")
            else:
                moving.move(ledger, name, to, mark=partial(_marked, style=look))
                typer.echo(f"what waited for {name} will be sent to {to}")
        if gone is not None and to is None and not names:
            return _forget(gone, ledger, settings)
    finally:
        ledger.close()
        leave_to_owner(settings.ledger.path)
    if not names:
        typer.echo(f"nothing waits for {gone or 'a destination that is not configured'}", err=True)
        return REFUSED
    return 0


def _forget(rule_set: str, ledger: SqliteLedger, settings: Settings) -> int:
    if rule_set in status.unsearched(ledger, [each.id for each in compose.rules.rule_sets(settings)]):
        moving.forget(ledger, rule_set)
        typer.echo(f"the rule set {rule_set} is forgotten; what it told stays in the ledger")
        return 0
    typer.echo(f"nothing waits for {rule_set}, and no rule set of that name was removed", err=True)
    return REFUSED


def _marked(message: Message, *, style: Style) -> str:
    return mark_repeat(message.payload, message.attempted_at or message.created_at, style=style)
