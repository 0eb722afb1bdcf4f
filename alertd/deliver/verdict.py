"""What an attempt or a look into the channel makes of a message and its destination. Pure: every state change of a
message is decided here, and nowhere else."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from alertd.destination import (
    DestinationRefused,
    NotSent,
    Outcome,
    PayloadRefused,
    Posted,
    Sent,
    ThreadGone,
    Throttled,
    Unknown,
)
from alertd.ledger.model import DestinationCondition, DestinationState, Message, MessageState

# Slack allows one message a second in a channel, and may hide what comes faster although it answered "ok".
PACE = timedelta(seconds=1.1)
FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=5)
# A refusal (archived channel, revoked token) ends when a person repairs it: look every few minutes.
PROBE = timedelta(minutes=3)
# Not even the plain form was taken: nothing will change until alertd or Slack does.
REFUSED_PLAIN_PAUSE = timedelta(hours=1)
# Slack's history may lag behind a post: one negative read proves little.
NEGATIVE_READS = 3
READ_GAP = timedelta(seconds=10)
# When to look for copies after a message was posted again: a first post that was only slow shows up late.
SWEEPS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(minutes=60))


class OnUnknown(StrEnum):
    """What becomes of a message that nobody can tell the fate of, where the channel cannot be read."""

    RESEND_MARKED = "resend_marked"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Doubt:
    """How a destination settles unknown sends."""

    readable: bool
    on_unknown: OnUnknown = OnUnknown.RESEND_MARKED
    settle: timedelta = timedelta(minutes=2)  # a post that Slack took shows in the history within this time
    max_doubt: timedelta = timedelta(minutes=15)  # history unreadable for longer: post again, marked


def after_outcome(  # noqa: PLR0911 one return for each outcome
    message: Message,
    outcome: Outcome,
    state: DestinationState,
    *,
    doubt: Doubt,
    plainer: str,
    now: datetime,
    jitter: float,
) -> tuple[Message, DestinationState]:
    """`plainer` is the minimal payload, used when this one was refused. `jitter`: 0 to 1, spreads pauses."""
    paced = replace(state, next_post_at=now + PACE)
    match outcome:
        case Sent(channel, ts):
            return _sent(message, channel, ts, now=now, readable=doubt.readable), _fine(paced)
        case NotSent(reason):
            return _again(message, reason), _paused(paced, reason, now=now, jitter=jitter)
        case Throttled(retry_after, reason):
            until = now + retry_after + FIRST_PAUSE * jitter
            return _again(message, reason), _held(paced, DestinationCondition.PAUSED, reason, until=until, now=now)
        case Unknown(reason):
            return unknown(message, reason, doubt=doubt, now=now), _paused(paced, reason, now=now, jitter=jitter)
        case PayloadRefused(reason) if not message.plain:
            return replace(_again(message, reason), payload=plainer, plain=True), _fine(paced)
        case PayloadRefused(reason):
            return replace(_again(message, reason), not_before=now + REFUSED_PLAIN_PAUSE), _fine(paced)
        case DestinationRefused(reason):
            blocked = _held(paced, DestinationCondition.BLOCKED, reason, until=now + PROBE, now=now)
            return _again(message, reason), blocked
        case ThreadGone(reason):
            return replace(_again(message, reason), thread_of=None), _fine(paced)
    assert_never(outcome)


def unknown(message: Message, reason: str, *, doubt: Doubt, now: datetime) -> Message:
    """An early look costs little and finds most of what arrived; only later ones count as "not there"."""
    return replace(
        message,
        state=MessageState.UNKNOWN,
        unknown_since=now,
        negative_reads=0,
        not_before=now + min(READ_GAP, doubt.settle),
        last_error=reason,
    )


def after_read(
    message: Message, copies: tuple[Posted, ...], *, doubt: Doubt, began: datetime, now: datetime
) -> Message:
    """A complete read of the channel, begun at `began`, found these copies of an unknown message."""
    if copies:
        first = copies[0]
        return _sent(message, first.channel, first.ts, now=now, readable=doubt.readable)
    settled = _since(message) + doubt.settle
    if began < settled:
        return replace(message, not_before=settled)
    reads = message.negative_reads + 1
    if reads < NEGATIVE_READS:
        return replace(message, negative_reads=reads, not_before=now + READ_GAP)
    return replace(message, state=MessageState.PENDING, negative_reads=reads, not_before=None, repeat_possible=True)


def after_failed_read(message: Message, reason: str, *, doubt: Doubt, marked: str, now: datetime) -> Message:
    """The channel cannot be read now. Never losing goes before never repeating: in the end it is sent, marked."""
    if now - _since(message) < doubt.max_doubt:
        return replace(message, not_before=now + READ_GAP * NEGATIVE_READS, last_error=reason)
    return post_marked(message, marked)


def post_marked(message: Message, marked: str) -> Message:
    """`marked` is the payload with the words "possible repeat"."""
    return replace(message, state=MessageState.PENDING, payload=marked, not_before=None, repeat_possible=True)


def after_sweep(message: Message, copies: tuple[Posted, ...], *, now: datetime) -> tuple[Message, tuple[Posted, ...]]:
    """Looked for copies of a message that was posted again: keep the first. Returns the copies to delete."""
    done = message.sweeps + 1
    due = now + SWEEPS[done] - SWEEPS[done - 1] if done < len(SWEEPS) else None
    kept = replace(message, sweeps=done, not_before=due)
    if copies:
        kept = replace(kept, channel=copies[0].channel, ts=copies[0].ts)
    return kept, copies[1:]


def pause_left(state: DestinationState, *, now: datetime) -> timedelta:
    """How long nothing may be posted: a pause, or the pace."""
    until = max((at for at in (state.paused_until, state.next_post_at) if at), default=now)
    return max(until - now, timedelta(0))


def is_due(message: Message, *, now: datetime) -> bool:
    return message.not_before is None or message.not_before <= now


def next_due(messages: Iterable[Message], *, now: datetime) -> timedelta | None:
    """How long until the first of those that are not due yet."""
    waits = (each.not_before - now for each in messages if each.not_before and not is_due(each, now=now))
    return min(waits, default=None)


def _sent(message: Message, channel: str | None, ts: str | None, *, now: datetime, readable: bool) -> Message:
    watched = message.repeat_possible and readable
    return replace(
        message,
        state=MessageState.SENT,
        channel=channel,
        ts=ts,
        sent_at=now,
        not_before=now + SWEEPS[0] if watched else None,
        last_error=None,
    )


def _again(message: Message, reason: str) -> Message:
    return replace(message, state=MessageState.PENDING, not_before=None, last_error=reason)


def _since(message: Message) -> datetime:
    # the schema has unknown_since in every unknown row
    return message.unknown_since or message.created_at


def _fine(state: DestinationState) -> DestinationState:
    return replace(state, condition=DestinationCondition.OK, reason=None, since=None, paused_until=None, failures=0)


def _paused(state: DestinationState, reason: str, *, now: datetime, jitter: float) -> DestinationState:
    longest = min(FIRST_PAUSE * 2 ** min(state.failures, 10), LONGEST_PAUSE)
    until = now + longest * (0.5 + jitter / 2)
    return _held(state, DestinationCondition.PAUSED, reason, until=until, now=now)


def _held(
    state: DestinationState, condition: DestinationCondition, reason: str, *, until: datetime, now: datetime
) -> DestinationState:
    return replace(
        state,
        condition=condition,
        reason=reason,
        since=state.since or now,
        paused_until=until,
        failures=state.failures + 1,
    )
