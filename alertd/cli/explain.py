"""`alertd explain`: the life of one event, from the ledger."""

from collections.abc import Iterator
from pathlib import Path

import typer

from alertd import status
from alertd.cli import show
from alertd.clock import SystemClock
from alertd.config import load_settings
from alertd.event import Event
from alertd.ledger.model import Attempt, Message, MessageState
from alertd.ledger.sqlite import open_readonly
from alertd.status import Told

NOT_FOUND = 1


def explain_event(text: str, config: Path | None, *, as_json: bool) -> int:
    """Exit code."""
    settings = load_settings(config)
    ledger = open_readonly(settings.ledger.path)
    try:
        lives = [(event, status.life(ledger, event)) for event in ledger.find_events(text)]
        sets = status.rule_sets(ledger, SystemClock().now())
    finally:
        ledger.close()
    if as_json:
        show.as_json([{"event": event, "told": told} for event, told in lives])
    elif lives:
        for event, told in lives:
            typer.echo("\n".join(_lines(event, told)))
    else:
        typer.echo(f"No event whose id begins with {text} was ever recorded. Either no rule matches it, or it is not")
        typer.echo("in the index yet, or it lies outside what was searched:")
        for each in sets:
            since = show.moment(each.covered_from) if each.covered_from else "never"
            until = show.moment(each.covered_until) if each.covered_until else "never"
            typer.echo(f"  {each.name}: searched from {since} to {until}")
        typer.echo("To see which rules match it now: alertd test-rule --live")
    return 0 if lives else NOT_FOUND


def _lines(event: Event, told: tuple[Told, ...]) -> Iterator[str]:
    who = f" by {event.identity_type}" if event.identity_type else ""
    yield f"event {event.id}  {event.action or 'unknown action'}{who}, account {event.account or 'unknown'}"
    yield f"  {show.moment(event.time)}  happened"
    for each in told:
        late = show.span(each.seen_at - event.time)
        yield f"  {show.moment(each.seen_at)}  searchable, seen by alertd ({late} later)"
        also = f" (also matched: {', '.join(each.also)})" if each.also else ""
        listed = ", listed as older than the rule" if each.kind == "baseline" else ""
        yield f"  {show.moment(each.seen_at)}  rule {each.rule}{also}{listed}"
        if each.exception:
            yield f"  told to nobody: an exception of the rule holds: {each.exception}"
        else:
            yield from _delivery(each)
    for problem in event.problems:
        yield f"  the document is odd: {problem}"


def _delivery(told: Told) -> Iterator[str]:
    if told.destination is None:
        yield "  recorded only: another rule set told it"
    elif told.closed:
        yield f"  {told.destination}: recorded only: it was told there, and there are no threads"
    elif told.message is None:
        yield f"  {told.destination}: waiting to be put into a message"
    else:
        for attempt in told.attempts:
            yield f"  {show.moment(attempt.started_at)}  {_attempt(attempt, told.destination)}"
        yield from _end(told.message)


def _attempt(attempt: Attempt, destination: str) -> str:
    outcome = {
        "Sent": "sent",
        "NotSent": "not sent",
        "Throttled": "not sent: too fast",
        "Unknown": "unknown",
        "PayloadRefused": "refused in this form",
        "DestinationRefused": "refused",
        "ThreadGone": "not sent: its thread is gone",
        None: "alertd stopped while sending",
    }.get(attempt.outcome, attempt.outcome)
    detail = f": {attempt.detail}" if attempt.detail else ""
    return f"attempt {attempt.number} to {destination}: {outcome}{detail}"


def _end(message: Message) -> Iterator[str]:
    if message.state is MessageState.SENT and message.sent_at:
        repeat = ", marked as a possible repeat" if message.repeat_possible else ""
        yield f"  {show.moment(message.sent_at)}  sent to {message.destination}{repeat}"
    else:
        yield f"  message {message.delivery_id} to {message.destination} is {message.state.value}"
    if message.permalink:
        yield f"  {message.permalink}"
