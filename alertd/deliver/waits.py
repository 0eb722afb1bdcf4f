"""Deadlines outlive jumps of the wall clock, and the process: whatever the clock was when they were set, nothing waits
longer than it has to, and no doubt is settled sooner than it may be."""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from alertd.clock import SteadyClock
from alertd.deliver.verdict import PACE, READ_GAP, REFUSED_PLAIN_PAUSE, SWEEPS, Doubt
from alertd.ledger import Ledger
from alertd.ledger.model import DestinationState, Message, MessageState
from alertd.ledger.rows import from_micros, to_micros

# An earlier process had the same clock if it differs by no more: what drifts while alertd is down, and may be moved.
SAME = timedelta(seconds=2)
# How far back a channel is read for what another clock noted: further than alertd is down with a message in doubt.
FAR = timedelta(days=7)

_log = structlog.get_logger("alertd.waits")


def follow(ledger: Ledger, destination: str, clock: SteadyClock) -> None:
    """Where somebody has set the wall clock: what waits goes on for as long as it would have."""
    by = clock.jump()
    if by:
        messages = [moved(message, by) for message in ledger.tried(destination)]
        state = moved_state(ledger.destination(destination), by)
        ledger.save_waits(messages, destination=state, fact=(_name(destination), _noted(clock.basis + by)))
        clock.follow(by)
        _log.warning("clock_followed", destination=destination, by=by.total_seconds())


def trust(ledger: Ledger, destination: str, clock: SteadyClock, *, doubt: Doubt) -> None:
    """At a start: deadlines set by another clock, or before the machine started, prove nothing."""
    noted = ledger.remembered(_name(destination))
    if noted is not None and abs(from_micros(int(noted)) - clock.basis) <= SAME:
        return
    now = clock.now()
    messages = [anew(message, doubt=doubt, now=now) for message in ledger.tried(destination)]
    state = bounded(ledger.destination(destination), now=now)
    ledger.save_waits(messages, destination=state, fact=(_name(destination), _noted(clock.basis)))
    _log.info("waits_bounded", destination=destination, messages=len(messages))


def moved(message: Message, by: timedelta) -> Message:
    return replace(
        message,
        not_before=message.not_before and message.not_before + by,
        unknown_since=message.unknown_since and message.unknown_since + by,
        read_since=message.read_since and message.read_since + by,
    )


def moved_state(state: DestinationState, by: timedelta) -> DestinationState:
    return replace(
        state,
        paused_until=state.paused_until and state.paused_until + by,
        next_post_at=state.next_post_at and state.next_post_at + by,
    )


def anew(message: Message, *, doubt: Doubt, now: datetime) -> Message:
    """As if what it waits for began now: a doubt, the last look for copies. Nothing else waits longer than it can."""
    far = min(message.read_since or message.created_at, now - FAR)
    message = replace(message, read_since=far)
    match message.state:
        case MessageState.UNKNOWN:
            soon = now + min(READ_GAP, doubt.settle)
            return replace(message, unknown_since=now, negative_reads=0, not_before=soon)
        case MessageState.SENT:
            is_last = message.sweeps == len(SWEEPS) - 1
            return replace(message, not_before=now + SWEEPS[-1] - SWEEPS[-2] if is_last else now)
        case _:
            latest = now + REFUSED_PLAIN_PAUSE
            return replace(message, not_before=message.not_before and min(message.not_before, latest))


def bounded(state: DestinationState, *, now: datetime) -> DestinationState:
    """A pause of no more than its length, which is known: it was set together with the pace."""
    if state.next_post_at is None:
        return replace(state, paused_until=None)
    until = state.paused_until
    if until is not None:
        until = min(until, now + max(until - (state.next_post_at - PACE), timedelta(0)))
    return replace(state, paused_until=until, next_post_at=min(state.next_post_at, now + PACE))


def _name(destination: str) -> str:
    return f"clock of {destination}"


def _noted(basis: datetime) -> str:
    return str(to_micros(basis))
