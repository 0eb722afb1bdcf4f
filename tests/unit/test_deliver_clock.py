"""Whatever the wall clock was, is and becomes: no wait is longer than it has to be, and no doubt is settled early."""

import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alertd.deliver import waits
from alertd.deliver.courier import Courier
from alertd.deliver.verdict import PACE, Doubt
from alertd.destination import DestinationRefused, NotSent, Outcome, PayloadRefused, Posted, Sent, Throttled, Unknown
from alertd.ledger.file import create
from alertd.ledger.model import DestinationCondition, DestinationState, Message, MessageState
from alertd.ledger.sqlite import open_ledger
from alertd.rules.model import Deliver
from tests.simulation.world import SECOND, CrashError, SimulatedClock
from tests.unit.test_deliver import DAY, HOUR, MINUTE, NOW, Office, Scripted, match

JUMPS = [-800 * DAY, -2 * HOUR, -6 * MINUTE, 6 * MINUTE, 2 * HOUR, 800 * DAY]
SETTLE = Doubt(readable=True).settle


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    create(tmp_path / "alertd.db", now=NOW)
    with closing(open_ledger(tmp_path / "alertd.db", now=NOW)) as ledger:
        yield Office(ledger, SimulatedClock(NOW))


def waited(office: Office, courier: Courier, slack: Scripted, posts: int, most: timedelta) -> timedelta:
    """True time until so many were posted."""
    began = office.clock.true
    while len(slack.posts) < posts:
        assert office.clock.true - began <= most, f"{len(slack.posts)} posted after {most}"
        office.clock.advance(max(courier.step(), SECOND / 10))
    return office.clock.true - began


def started(office: Office, slack: Scripted) -> Courier:
    courier = office.courier(slack)
    courier.batch = replace(courier.batch, new_id=lambda: uuid.uuid4().hex)
    courier.recover()
    return courier


@pytest.mark.parametrize("jump", JUMPS)
def test_a_pace_is_never_longer_than_a_pace(office: Office, jump: timedelta) -> None:
    """A start with a clock that is wrong, after a post before; it is put right 4 seconds later."""
    slack = Scripted([])
    office.happen(1)
    waited(office, started(office, slack), slack, 1, SECOND)
    office.clock.offset = jump
    courier = started(office, slack)
    office.happen(1, first=1)
    assert waited(office, courier, slack, 2, 3 * PACE) <= 2 * PACE
    office.clock.advance(4 * SECOND)
    office.clock.offset = timedelta(0)
    office.happen(1, first=2)
    assert waited(office, courier, slack, 3, 3 * PACE) <= 2 * PACE


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize(
    ("answer", "least", "most"),
    [
        (Throttled(90 * SECOND, "429"), 90 * SECOND, 91 * SECOND),
        (NotSent("refused"), SECOND / 2, SECOND),
        (DestinationRefused("is_archived"), 3 * MINUTE, 3 * MINUTE),
    ],
)
def test_a_pause_lasts_as_long_as_it_has_to_while_the_clock_jumps(
    office: Office, jump: timedelta, answer: Outcome, least: timedelta, most: timedelta
) -> None:
    slack = Scripted([answer])
    office.happen(1)
    courier = started(office, slack)
    waited(office, courier, slack, 1, SECOND)
    office.clock.advance(SECOND / 4)
    office.clock.offset = jump
    took = waited(office, courier, slack, 2, most + 5 * SECOND) + SECOND / 4
    assert least <= took <= max(most, PACE) + SECOND


@pytest.mark.parametrize("jump", JUMPS)
def test_a_pause_is_never_longer_than_its_own_length_after_a_start_with_another_clock(
    office: Office, jump: timedelta
) -> None:
    slack = Scripted([Throttled(90 * SECOND, "429")])
    office.happen(1)
    waited(office, started(office, slack), slack, 1, SECOND)
    office.clock.advance(30 * SECOND)
    office.clock.offset = jump
    assert waited(office, started(office, slack), slack, 2, 95 * SECOND) <= 92 * SECOND


@pytest.mark.parametrize("jump", JUMPS)
def test_a_plain_form_that_was_refused_is_tried_within_the_hour(office: Office, jump: timedelta) -> None:
    slack = Scripted([PayloadRefused("blocks"), PayloadRefused("text")])
    office.happen(1)
    courier = started(office, slack)
    waited(office, courier, slack, 2, 10 * SECOND)
    office.clock.offset = jump
    courier = started(office, slack)
    assert waited(office, courier, slack, 3, HOUR + MINUTE) <= HOUR + 3 * SECOND


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("again", [False, True])
def test_a_doubt_is_neither_settled_early_nor_late(office: Office, jump: timedelta, again: bool) -> None:
    """Within a process by the elapsed clock; after a start by a clock that is not the same, from the start on."""
    slack = Scripted([Unknown("timeout")], readable=True)
    office.happen(1)
    courier = started(office, slack)
    waited(office, courier, slack, 1, SECOND)
    office.clock.advance(30 * SECOND)
    office.clock.offset = jump
    begins = 30 * SECOND if again else timedelta(0)
    if again:
        courier = started(office, slack)
    took = waited(office, courier, slack, 2, 5 * MINUTE) + 30 * SECOND
    assert begins + SETTLE <= took <= begins + SETTLE + MINUTE


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("wrong_first", [False, True])
@pytest.mark.parametrize("again", [False, True])
def test_the_channel_is_read_from_before_the_first_attempt_whatever_the_clock_was(
    office: Office,
    jump: timedelta,
    wrong_first: bool,
    again: bool,
) -> None:
    """By Slack's clock, which a reader compares ours with."""
    if wrong_first:
        office.clock.offset = jump
    slack = Scripted([CrashError()] if again else [Unknown("timeout")], readable=True)
    office.happen(1)
    courier = started(office, slack)
    with suppress(CrashError):
        waited(office, courier, slack, 1, SECOND)
    posted = office.clock.true
    slack.there = {next(iter(office.ledger.tried("security"))).delivery_id: (Posted("C1", "7.1"),)}
    office.clock.offset = timedelta(0) if wrong_first else jump
    if again:
        office.clock.advance(3 * HOUR)
        courier = started(office, slack)
    for _ in range(20):
        office.clock.advance(max(courier.step(), SECOND))
    assert 1 == len(slack.posts)
    assert [MessageState.SENT] == [message.state for message in office.sent()]
    assert max(slack.read_since) - office.clock.offset < posted


@pytest.mark.parametrize("jump", [*JUMPS, 10 * DAY])
def test_copies_are_looked_for_from_before_the_first_attempt_whatever_the_clock_was(
    office: Office, jump: timedelta
) -> None:
    """The first post shows late, and alertd was started again with the right clock meanwhile."""
    office.clock.offset = jump
    slack = Scripted([Unknown("timeout")], readable=True)
    office.happen(1)
    courier = started(office, slack)
    waited(office, courier, slack, 1, SECOND)
    posted = office.clock.true
    waited(office, courier, slack, 2, 5 * MINUTE)
    office.clock.offset = timedelta(0)
    slack.read_since.clear()
    courier = started(office, slack)
    [message] = office.sent()
    slack.there = {message.delivery_id: (Posted("C1", "1.1"), Posted("C1", "2.1"))}
    office.work(courier, 2 * MINUTE)
    assert [Posted("C1", "2.1")] == slack.deleted
    assert max(slack.read_since) < posted


def test_a_last_look_for_copies_is_not_too_early(office: Office) -> None:
    """What was posted an hour late would stay."""
    sent = replace(_unknown(office), state=MessageState.SENT, sent_at=NOW, sweeps=2, not_before=NOW, unknown_since=None)
    assert NOW + 50 * MINUTE == waits.anew(sent, doubt=Doubt(readable=True), now=NOW).not_before
    assert NOW == waits.anew(replace(sent, sweeps=1), doubt=Doubt(readable=True), now=NOW).not_before


def _unknown(office: Office) -> Message:
    office.happen(1)
    slack = Scripted([Unknown("timeout")], readable=True)
    waited(office, started(office, slack), slack, 1, SECOND)
    [message] = office.ledger.tried("security")
    return message


@pytest.mark.parametrize("jump", JUMPS)
def test_a_list_of_a_session_gathers_for_a_minute_whatever_the_clock_was(office: Office, jump: timedelta) -> None:
    slack = Scripted([], readable=True)
    office.clock.offset = jump
    courier = started(office, slack)
    courier.step()
    call = match(1)
    quiet = replace(call, rule=replace(call.rule, deliver=Deliver.SESSION))
    office.ledger.record([quiet], now=office.clock.now())
    office.clock.advance(4 * SECOND)
    office.clock.offset = timedelta(0)
    assert waited(office, courier, slack, 1, 3 * MINUTE) <= 2 * MINUTE + 5 * SECOND


def test_the_same_clock_is_trusted_after_a_restart(office: Office) -> None:
    """A crash does not begin the waits anew."""
    slack = Scripted([Throttled(90 * SECOND, "429")])
    office.happen(1)
    waited(office, started(office, slack), slack, 1, SECOND)
    office.clock.advance(60 * SECOND)
    assert waited(office, started(office, slack), slack, 2, MINUTE) <= 35 * SECOND


def test_a_pause_without_a_pace_is_none() -> None:
    """Its length is not known."""
    state = DestinationState("security", DestinationCondition.PAUSED, "429", NOW, NOW + HOUR, 1)
    assert waits.bounded(state, now=NOW).paused_until is None


def test_a_post_tells_the_time_it_took_by_a_clock_that_does_not_jump(office: Office) -> None:
    def jumps() -> None:
        office.clock.offset = -DAY

    slack = Scripted([Sent("C1", "1.1")], during=jumps)
    office.happen(1)
    waited(office, started(office, slack), slack, 1, SECOND)
    [attempt] = office.ledger.attempts(office.sent()[0].delivery_id)
    assert attempt.ended_at is not None
    assert attempt.started_at <= attempt.ended_at
