"""What becomes of a message: every state change is decided in alertd.deliver.verdict."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alertd.deliver import verdict
from alertd.deliver.verdict import Doubt, OnUnknown
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
from alertd.ledger.model import DestinationCondition, DestinationState, Message, MessageKind, MessageState

NOW = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
DOUBT = Doubt(readable=True)
SENDING = Message(
    "d1", "security", MessageKind.EVENT, "{}", NOW, MessageState.SENDING, thread_of="d0", attempts=1, attempted_at=NOW
)
FINE = DestinationState("security")


def decide(
    outcome: Outcome, message: Message = SENDING, state: DestinationState = FINE
) -> tuple[Message, DestinationState]:
    return verdict.after_outcome(message, outcome, state, doubt=DOUBT, plainer="plain", now=NOW, jitter=1.0)


def in_doubt(message: Message = SENDING) -> Message:
    return verdict.unknown(message, "no answer", doubt=DOUBT, now=NOW)


def test_a_confirmed_message_is_sent_and_remembers_where() -> None:
    """S: the ts is kept; the destination is fine and paced."""
    message, state = decide(Sent("C1", "1.2"))
    assert (MessageState.SENT, "C1", "1.2", NOW) == (message.state, message.channel, message.ts, message.sent_at)
    assert (DestinationCondition.OK, NOW + verdict.PACE) == (state.condition, state.next_post_at)


def test_posts_to_one_channel_are_more_than_a_second_apart() -> None:
    """Slack may hide what comes faster, although it answers ok."""
    assert verdict.PACE > SECOND


def test_what_was_not_sent_is_tried_again_unchanged() -> None:
    """N: same payload, same thread, after a pause of the destination."""
    message, state = decide(NotSent("refused"))
    assert replace(SENDING, state=MessageState.PENDING, last_error="refused") == message
    assert (DestinationCondition.PAUSED, NOW + SECOND) == (state.condition, state.paused_until)


def test_pauses_double_up_to_five_minutes() -> None:
    """A destination that is down for days is not hammered, and is found again within minutes."""
    state, pauses = FINE, []
    for _ in range(12):
        _, state = decide(NotSent("refused"), state=state)
        assert state.paused_until
        pauses.append((state.paused_until - NOW).total_seconds())
    assert [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] == pauses


def test_a_throttled_destination_waits_as_long_as_slack_says() -> None:
    """429: Retry-After, and a little more so that several alertds do not come back together."""
    message, state = decide(Throttled(7 * SECOND, "429"))
    assert (MessageState.PENDING, NOW + 8 * SECOND) == (message.state, state.paused_until)


def test_an_unknown_send_is_never_pending() -> None:
    """U: only reading the channel settles it."""
    message, _ = decide(Unknown("no answer"))
    assert (MessageState.UNKNOWN, NOW) == (message.state, message.unknown_since)


def test_a_refused_payload_becomes_plain_and_then_waits() -> None:
    """P: the plain form under the same delivery id; if even that is refused, again every hour, never dropped."""
    plain, state = decide(PayloadRefused("invalid_blocks"))
    assert (MessageState.PENDING, "plain", True, None) == (plain.state, plain.payload, plain.plain, plain.not_before)
    assert DestinationCondition.OK == state.condition
    again, _ = decide(PayloadRefused("invalid_blocks"), replace(plain, state=MessageState.SENDING))
    assert (MessageState.PENDING, NOW + timedelta(hours=1)) == (again.state, again.not_before)


def test_a_destination_that_refuses_keeps_its_messages() -> None:
    """D: an archived channel must not lose root events; it is probed every few minutes."""
    message, state = decide(DestinationRefused("is_archived"))
    assert MessageState.PENDING == message.state
    assert (DestinationCondition.BLOCKED, "is_archived", NOW + 3 * MINUTE) == (
        state.condition,
        state.reason,
        state.paused_until,
    )


def test_a_reply_whose_thread_is_gone_goes_to_the_top_level() -> None:
    """Somebody deleted the parent: the reply is still told."""
    message, _ = decide(ThreadGone("thread_not_found"))
    assert (MessageState.PENDING, None) == (message.state, message.thread_of)


def test_a_message_found_in_the_channel_was_sent() -> None:
    """However early it is found."""
    message = verdict.after_read(in_doubt(), (Posted("C1", "1.2"),), doubt=DOUBT, began=NOW, now=NOW)
    assert (MessageState.SENT, "1.2") == (message.state, message.ts)


def test_not_found_before_the_settle_time_proves_nothing() -> None:
    """A post may still be on its way, and the history may lag."""
    early = NOW + DOUBT.settle - SECOND
    message = verdict.after_read(in_doubt(), (), doubt=DOUBT, began=early, now=early)
    assert (MessageState.UNKNOWN, 0, NOW + DOUBT.settle) == (message.state, message.negative_reads, message.not_before)


def test_not_found_three_times_after_the_settle_time_is_sent_again() -> None:
    """And it is watched for copies from then on."""
    message, now = in_doubt(), NOW + DOUBT.settle
    states = []
    for _ in range(3):
        message = verdict.after_read(message, (), doubt=DOUBT, began=now, now=now)
        states.append(message.state)
        now += 10 * SECOND
    assert [MessageState.UNKNOWN, MessageState.UNKNOWN, MessageState.PENDING] == states
    assert message.repeat_possible
    assert SENDING.payload == message.payload


def test_each_attempt_without_an_answer_is_settled_for_itself() -> None:
    """The second post may be as late as the first was: neither its settle time nor its reads have begun yet."""
    ago = NOW - 20 * MINUTE
    earlier = replace(SENDING, created_at=ago, unknown_since=ago, negative_reads=3, repeat_possible=True)
    second, _ = decide(Unknown("no answer"), earlier)
    assert (NOW, 0) == (second.unknown_since, second.negative_reads)
    early = NOW + DOUBT.settle - SECOND
    read = verdict.after_read(second, (), doubt=DOUBT, began=early, now=early)
    assert (MessageState.UNKNOWN, 0) == (read.state, read.negative_reads)
    unread = verdict.after_failed_read(second, "503", doubt=DOUBT, marked="marked", now=NOW + 14 * MINUTE)
    assert MessageState.UNKNOWN == unread.state


def test_a_read_that_began_before_the_settle_time_was_over_proves_nothing() -> None:
    """It may have passed the place where the message shows a moment later."""
    settled = NOW + DOUBT.settle
    message = verdict.after_read(in_doubt(), (), doubt=DOUBT, began=settled - SECOND, now=settled + MINUTE)
    assert (MessageState.UNKNOWN, 0) == (message.state, message.negative_reads)


def test_a_channel_that_cannot_be_read_for_long_gets_the_message_again_marked() -> None:
    """Never losing goes before never repeating."""
    waiting = verdict.after_failed_read(in_doubt(), "503", doubt=DOUBT, marked="marked", now=NOW + MINUTE)
    assert MessageState.UNKNOWN == waiting.state
    late = NOW + DOUBT.max_doubt
    sent_again = verdict.after_failed_read(waiting, "503", doubt=DOUBT, marked="marked", now=late)
    assert (MessageState.PENDING, "marked", True) == (sent_again.state, sent_again.payload, sent_again.repeat_possible)


def test_a_message_that_was_posted_again_is_looked_for_three_times() -> None:
    """After 1, 10 and 60 minutes; the first copy is kept, the others are deleted."""
    sent, _ = decide(Sent("C1", "9.0"), replace(SENDING, repeat_possible=True))
    assert NOW + MINUTE == sent.not_before
    copies = (Posted("C1", "5.0"), Posted("C1", "9.0"))
    swept, surplus = verdict.after_sweep(sent, copies, now=NOW + MINUTE)
    assert ("5.0", (Posted("C1", "9.0"),), NOW + 10 * MINUTE) == (swept.ts, surplus, swept.not_before)
    swept, _ = verdict.after_sweep(swept, copies[:1], now=NOW + 10 * MINUTE)
    assert NOW + 60 * MINUTE == swept.not_before
    swept, _ = verdict.after_sweep(swept, copies[:1], now=NOW + 60 * MINUTE)
    assert swept.not_before is None


def test_a_message_sent_once_is_not_looked_for() -> None:
    """Reading costs rate limit; only what may be there twice is read again."""
    assert decide(Sent("C1", "1.2"))[0].not_before is None


@pytest.mark.parametrize("policy", OnUnknown)
def test_the_ways_to_settle_without_reading_have_names_for_the_configuration(policy: OnUnknown) -> None:
    """destinations.NAME.on_unknown takes exactly these."""
    assert policy.value in {"resend_marked", "hold"}
