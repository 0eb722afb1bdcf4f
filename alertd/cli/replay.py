"""`alertd replay`: tells again what was told in a period, because an operator wants it. Each message says so."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import typer

from alertd import compose
from alertd.cli import show
from alertd.cli.period import Period, read_period
from alertd.clock import SystemClock
from alertd.config import Settings, load_settings
from alertd.config.destination import type_and_place
from alertd.errors import ConfigError, Problem
from alertd.history.replay import Told, of_rule, replays, without
from alertd.ledger import rows
from alertd.ledger.beside import open_beside
from alertd.ledger.model import Message
from alertd.ledger.owner import leave_to_owner
from alertd.ledger.sqlite import SqliteLedger
from alertd.message import mark_replay
from alertd.message.words import counted
from alertd.toml.file import suggest

NOT_CONFIRMED = 1


def replay_messages(
    config: Path | None,
    *,
    since: str,
    until: str | None,
    destination: str | None,
    rule: str | None,
    again: bool,
    yes: bool,
) -> int:
    """Exit code. Works beside the daemon, which sends what is queued."""
    settings = load_settings(config, secrets=False)
    now = SystemClock().now()
    period = read_period(since, until, now=now)
    if destination is not None and destination not in settings.destinations:
        known = suggest(destination, list(settings.destinations))
        raise ConfigError([Problem("--destination", f'there is no destination "{destination}". {known}')])
    ledger = open_beside(settings.ledger.path, now=now)
    try:
        told = _told(ledger, period, destination)
        told = told if rule is None else of_rule(told, rule)
        nowhere = [each for each in told if each.message.destination not in settings.destinations]
        told = tuple(each for each in told if each.message.destination in settings.destinations)
        queued = {} if again else _queued(ledger)
        messages = tuple(_replays(without(told, queued), settings, now))
        typer.echo("\n".join([*_plan(messages, told, queued, period, settings), *_left_out(nowhere)]))
        if not messages:
            return 0
        if not _confirmed(yes=yes):
            return NOT_CONFIRMED
        ledger.replay(messages)
    finally:
        ledger.close()
        leave_to_owner(settings.ledger.path)
    typer.echo(f"queued {counted(len(messages), 'message')}: alertd run sends them, after what is new")
    return 0


def _told(ledger: SqliteLedger, period: Period, destination: str | None) -> tuple[Told, ...]:
    """Everywhere, or at one destination."""
    since, until = rows.to_micros(period.since), rows.to_micros(period.until)
    sent = (rows.message(row) for row in ledger.read("told_between", since=since, until=until))
    meant = (message for message in sent if destination in {None, message.destination})
    told = (Told(message, ledger.items(message.delivery_id)) for message in meant)
    return tuple(each for each in told if each.items)


def _queued(ledger: SqliteLedger) -> dict[str, datetime]:
    """Delivery ids that a replay was made of → when the last one was."""
    made = (rows.message(row) for row in ledger.read("replays"))
    return {message.replay_of: message.created_at for message in made if message.replay_of}


def _replays(told: Sequence[Told], settings: Settings, now: datetime) -> Iterator[Message]:
    look = compose.telling.style(settings)
    render = compose.telling.renderers(look, settings)
    mark = partial(mark_replay, style=look)
    return replays(told, render=render, mark=mark, new_id=compose.telling.new_delivery_id, now=now)


def _plan(
    messages: Sequence[Message],
    told: Sequence[Told],
    queued: Mapping[str, datetime],
    period: Period,
    settings: Settings,
) -> Iterator[str]:
    within = f"between {show.moment(period.since)} and {show.moment(period.until)} UTC"
    if not told:
        yield f"nothing of the kind was told {within}: there is nothing to replay"
        return
    left = without(told, queued)
    if messages:
        events = sum(len(each.items) for each in left)
        yield f"{counted(events, 'event')} told {within} will be told again, in {counted(len(messages), 'message')}:"
        yield from _places(messages, left, settings)
        yield "Each says that it is a replay, asked for by an operator."
    before = [queued[each.message.delivery_id] for each in told if each.message.delivery_id in queued]
    if before:
        yield (
            f"{counted(len(before), 'message')} of this period left out: queued by a replay before, at "
            f"{show.moment(max(before))} UTC. To tell them once more all the same: --again"
        )


def _places(messages: Sequence[Message], left: Sequence[Told], settings: Settings) -> Iterator[str]:
    events: Counter[str] = Counter()
    for each in left:
        events[each.message.destination] += len(each.items)
    for name, count in Counter(message.destination for message in messages).items():
        where = type_and_place(settings.destinations[name])
        yield f"  {name}  {where}  {counted(events[name], 'event')}, {counted(count, 'message')}"


def _left_out(nowhere: Sequence[Told]) -> Iterator[str]:
    for name, count in Counter(each.message.destination for each in nowhere).items():
        yield f"{counted(count, 'message')} to {name} left out: that destination is no longer configured"


def _confirmed(*, yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        typer.echo("nothing was queued: this is no terminal to ask on, so add --yes", err=True)
        return False
    if typer.confirm("Tell them again?"):
        return True
    typer.echo("nothing was queued", err=True)
    return False
