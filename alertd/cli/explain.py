"""`alertd explain`: the life of one event, from the ledger."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import typer

from alertd import status
from alertd.cli import show
from alertd.clock import SystemClock
from alertd.config import load_settings
from alertd.config.accounts import known_accounts
from alertd.event import account
from alertd.event.account import Account
from alertd.event.event import Event
from alertd.ledger.model import Attempt, Message, MessageKind, MessageState
from alertd.ledger.sqlite import open_readonly
from alertd.status import Told

NOT_FOUND = 1
# How deliver notes on an attempt, beside its outcome, what looking into the channel said.
READ_BACK = "; read back: "
_UNTIMED = " " * 23
_WHY = "Either no rule matches it, or it is not in the index yet, or it lies outside what was searched:"
_IN = {
    MessageKind.DIGEST: " in a digest",
    MessageKind.SESSION: " in the list of its session",
    MessageKind.BASELINE: " in the list of what is older than the rule",
    MessageKind.ECHO: " as a reply",
}


def explain_event(text: str, config: Path | None, *, as_json: bool) -> int:
    """Exit code."""
    settings = load_settings(config, secrets=False)
    accounts = known_accounts(settings)
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
            show.folded("\n".join(_lines(event, told, accounts)))
    else:
        show.text(f"No event whose id begins with {text} was ever recorded.")
        typer.echo(_WHY if sets else "Nothing was searched yet: alertd run")
        for each in sets:
            since = show.moment(each.covered_from) if each.covered_from else "never"
            until = show.moment(each.covered_until) if each.covered_until else "never"
            typer.echo(f"  {each.name}: searched from {since} to {until}")
            for began, ended in each.gaps:
                typer.echo(f"    but not from {show.moment(began)} to {show.moment(ended)}")
            if each.look_back:
                far = show.span(each.look_back)
                typer.echo(
                    f"    what becomes searchable later than {far} after it happened is older than the look-back:"
                )
                typer.echo("    not looked for")
        for line in _ways(text):
            show.folded(line)
    return 0 if lives else NOT_FOUND


def _ways(text: str) -> Iterator[str]:
    """What can still be asked where the ledger knows nothing."""
    yield "Where to look next:"
    yield "  is it missing, among all that matched?    alertd audit --since 7d"
    yield "  did it happen before what was searched?   look_back in [sources.NAME] says how far back alertd looks"
    yield "  do the rules match it?                    alertd test-rule --live --since 31d"
    yield f"  is it in the index; a rule for its like:  alertd new-rule rules/FILE.toml --event {shlex.quote(text)}"
    yield "  you have the event itself:                alertd route EVENT_FILE says who would be told, and why"


def _lines(event: Event, told: tuple[Told, ...], accounts: Mapping[str, Account]) -> Iterator[str]:
    who = f" by {event.identity_type}" if event.identity_type else ""
    where = account.shown(event.account, accounts) or "unknown account"
    yield f"event {event.id}  {event.action or 'unknown action'}{who}, {where}"
    yield f"  {show.moment(event.time)}  happened"
    for _, by_set in groupby(told, key=lambda each: each.rule_set):
        places = list(by_set)
        yield from _match(event, places[0])
        if not places[0].exception:
            for each in places:
                yield from _delivery(each)
    for problem in event.problems:
        yield f"  the document is odd: {problem}"


def _match(event: Event, told: Told) -> Iterator[str]:
    late = show.span(told.seen_at - event.time)
    yield f"  {show.moment(told.seen_at)}  searchable, seen by alertd ({late} later)"
    also = f" (also matched: {', '.join(told.also)})" if told.also else ""
    listed = ", listed as older than the rule" if told.kind == "baseline" else ""
    yield f"  {show.moment(told.seen_at)}  rule {told.rule}{also}{listed}"
    if told.exception:
        yield f"{_UNTIMED}told to nobody: an exception of the rule holds: {told.exception}"


def _delivery(told: Told) -> Iterator[str]:
    if told.destination is None:
        yield f"{_UNTIMED}recorded only: another rule set told it"
    elif told.closed:
        yield f"{_UNTIMED}{told.destination}: recorded only: it was told there, and there are no threads"
    elif told.message is None:
        yield f"{_UNTIMED}{told.destination}: waiting to be put into a message"
    else:
        yield from _told(told.message, told.attempts)
        for replay in told.replays:
            when, what = replay.sent_at or replay.created_at, "told" if replay.sent_at else "queued to be told"
            yield f"  {show.moment(when)}  {what} again to {replay.destination}: a replay, asked for by an operator"
            yield from _address(replay)


def _told(message: Message, attempts: Sequence[Attempt]) -> Iterator[str]:
    found = False
    for attempt in attempts:
        detail, *reads = (attempt.detail or "").split(READ_BACK)
        yield f"  {show.moment(attempt.started_at)}  {_attempt(attempt, message.destination, detail)}"
        found = "found" in reads
        vain = sum(read != "found" for read in reads)
        if vain:
            times = "once" if vain == 1 else f"{vain} times"
            yield f"{_UNTIMED}looked for it {times} in vain: {[read for read in reads if read != 'found'][-1]}"
    yield from _end(message, found=found)


def _attempt(attempt: Attempt, destination: str, detail: str) -> str:
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
    return f"attempt {attempt.number} to {destination}: {outcome}{f': {detail}' if detail else ''}"


def _end(message: Message, *, found: bool) -> Iterator[str]:
    kind = _IN.get(message.kind, "")
    if message.state is MessageState.SENT and message.sent_at:
        repeat = ", marked as a possible repeat" if message.repeat_possible and not found else ""
        how = f"read back {message.destination}: found, sent once" if found else f"sent to {message.destination}"
        yield f"  {show.moment(message.sent_at)}  {how}{kind}{repeat}"
        yield from _address(message)
    else:
        why = f": {message.last_error}" if message.last_error else ""
        yield f"{_UNTIMED}message {message.delivery_id} to {message.destination}{kind} is {message.state.value}{why}"


def _address(message: Message) -> Iterator[str]:
    if message.permalink:
        yield f"  {message.permalink}"
    elif message.channel and message.ts:
        yield f"  channel {message.channel}, ts {message.ts}"
