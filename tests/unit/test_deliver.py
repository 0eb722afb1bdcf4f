"""A courier with a real ledger, to a destination that answers as it is told."""

import sqlite3
import tracemalloc
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from alertd.clock import SteadyClock
from alertd.deliver.batch import Batch
from alertd.deliver.courier import Courier
from alertd.deliver.reconcile import Reconciler
from alertd.deliver.verdict import Doubt, OnUnknown
from alertd.destination import (
    DestinationRefused,
    Finding,
    Guarantee,
    History,
    NotSent,
    Outcome,
    PayloadRefused,
    Posted,
    Reader,
    Sent,
    Throttled,
    Unknown,
)
from alertd.errors import PermanentError, RetryError
from alertd.ledger.file import create
from alertd.ledger.model import DestinationCondition, Match, MatchKind, Message, MessageKind, MessageState
from alertd.ledger.sqlite import SqliteLedger, open_ledger, open_readonly
from alertd.message import mark_repeat
from alertd.ops.trouble import Troubles
from alertd.rules.model import Deliver
from tests.simulation.history import RENDERERS, STYLE
from tests.simulation.world import SECOND, CrashError, SimulatedClock
from tests.unit.told import EVENT, RULE, shown

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(slots=True)
class Scripted:
    """Gives the answers in their order, then Sent. `there` is what a reader of the channel finds."""

    answers: list[Outcome | CrashError]
    readable: bool = False
    posts: list[str] = field(default_factory=list)
    there: dict[str, tuple[Posted, ...]] = field(default_factory=dict)
    deleted: list[Posted] = field(default_factory=list)
    is_down: bool = False  # for readers
    forbids: bool = False  # reading
    keeps: int = 0  # so many deletions fail
    read_since: list[datetime] = field(default_factory=list)
    threads_read: set[str | None] = field(default_factory=set)
    during: Callable[[], object] = lambda: None  # what happens while a post is under way
    name: str = "security"

    @property
    def reader(self) -> Reader | None:
        return self if self.readable else None

    @property
    def guarantee(self) -> Guarantee:
        return Guarantee.EXACTLY_ONCE if self.readable else Guarantee.REPEATS_MARKED

    @property
    def threads(self) -> bool:
        return self.readable

    def check(self) -> tuple[str, ...]:
        return ()

    def post(self, payload: str, *, delivery_id: str, thread_ts: str | None) -> Outcome:
        self.posts.append(payload)
        self.during()
        answer = self.answers.pop(0) if self.answers else Sent("C1", f"{len(self.posts)}.1")
        if isinstance(answer, CrashError):
            raise answer
        return answer

    def introduce(self) -> None:
        pass

    def find(self, wanted: Mapping[str, str | None], *, since: datetime) -> Finding:
        if self.is_down:
            raise RetryError("503")
        if self.forbids:
            raise PermanentError("not_in_channel")
        self.threads_read |= set(wanted.values())
        self.read_since.append(since)
        return Finding({name: self.there[name] for name in wanted if name in self.there})

    def history(self, *, since: datetime, threads: Collection[str]) -> History:
        raise AssertionError("delivering needs no history")

    def delete(self, posted: Posted) -> None:
        if self.keeps:
            self.keeps -= 1
            raise RetryError("503")
        self.deleted.append(posted)
        self.there = {name: tuple(set(found) - {posted}) for name, found in self.there.items()}

    def permalink(self, posted: Posted) -> str | None:
        return None


@dataclass(slots=True)
class Office:
    ledger: SqliteLedger
    clock: SimulatedClock

    def courier(self, destination: Scripted, on_unknown: OnUnknown = OnUnknown.RESEND_MARKED) -> Courier:
        numbers = iter(range(10_000_000))
        troubles = Troubles(self.clock)
        steady = SteadyClock(self.clock)
        return Courier(
            destination=destination,
            ledger=self.ledger,
            clock=steady,
            batch=Batch(self.ledger, "security", destination.threads, RENDERERS, lambda: f"{next(numbers):032x}"),
            reconciler=Reconciler(
                destination=destination,
                ledger=self.ledger,
                clock=steady,
                doubt=Doubt(readable=destination.readable, on_unknown=on_unknown),
                mark_repeat=partial(mark_repeat, style=STYLE),
                troubles=troubles,
            ),
            troubles=troubles,
            random=Random(1),
        )

    def happen(self, count: int, first: int = 0) -> None:
        self.ledger.record([match(number) for number in range(first, first + count)], now=self.clock.now())

    def work(self, courier: Courier, span: timedelta) -> None:
        end = self.clock.true + span
        while self.clock.true < end:
            self.clock.advance(max(courier.step(), SECOND))

    def sent(self) -> tuple[Message, ...]:
        return self.ledger.messages("security", MessageState.SENT)


def match(number: int) -> Match:
    name = f"3fcfb182-98f8-4744-bd45-{number:012x}"
    at = NOW + number * timedelta(milliseconds=10)
    event = replace(EVENT, key=f"cloudtrail:111122223333:{name}", id=name, time=at)
    return Match(event, RULE, MatchKind.ALERT, ("security",))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    create(tmp_path / "alertd.db", now=NOW)
    with closing(open_ledger(tmp_path / "alertd.db", now=NOW)) as ledger:
        yield Office(ledger, SimulatedClock(NOW))


def test_a_throttled_destination_gets_nothing_before_the_time_it_asked_for(office: Office) -> None:
    office.happen(1)
    slack = Scripted([Throttled(30 * SECOND, "ratelimited")])
    courier = office.courier(slack)
    office.work(courier, 29 * SECOND)
    assert 1 == len(slack.posts)
    office.work(courier, 10 * SECOND)
    assert 2 == len(slack.posts)
    assert slack.posts[0] == slack.posts[1]


def test_a_refusing_channel_is_probed_for_days_and_gets_everything_once_it_is_repaired(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alertd.deliver.courier.LOOK", HOUR)  # two days have many looks
    office.happen(3)
    slack = Scripted([DestinationRefused("is_archived")] * 1000)
    courier = office.courier(slack)
    office.work(courier, 2 * DAY)
    assert 2 * DAY / (4 * MINUTE) < len(slack.posts) < 2 * DAY / (2 * MINUTE)
    assert DestinationCondition.BLOCKED is office.ledger.destination("security").condition
    slack.answers.clear()
    office.work(courier, 5 * MINUTE)
    assert 3 == len(office.sent())


def test_a_doubtful_post_that_is_found_in_the_channel_is_not_sent_again(office: Office) -> None:
    office.happen(1)
    slack = Scripted([Unknown("timeout")], readable=True, there={f"{0:032x}": (Posted("C1", "7.1"),)})
    office.work(office.courier(slack), HOUR)
    assert 1 == len(slack.posts)
    assert ["7.1"] == [message.ts for message in office.sent()]
    assert [] == slack.deleted


def test_a_doubtful_post_that_is_never_found_is_sent_again_when_it_is_settled_and_not_before(office: Office) -> None:
    office.happen(1)
    slack = Scripted([Unknown("timeout")], readable=True)
    courier = office.courier(slack)
    office.work(courier, 2 * MINUTE)
    assert 1 == len(slack.posts)
    office.work(courier, 2 * MINUTE)
    assert 2 == len(slack.posts)


def test_a_courier_that_rests_wakes_when_a_doubt_is_due(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own look is only for what it cannot know."""
    monkeypatch.setattr("alertd.deliver.courier.LOOK", DAY)
    office.happen(1)
    slack = Scripted([Unknown("timeout")], readable=True)
    office.work(office.courier(slack), 3 * MINUTE)
    assert 2 == len(slack.posts)


def test_a_post_that_is_said_to_have_gone_elsewhere_is_trouble_at_once_and_looked_for(office: Office) -> None:
    """Until an answer is right again."""
    office.happen(2)
    slack = Scripted([Unknown("went to C2", is_astray=True)], readable=True)
    slack.there = {f"{0:032x}": (Posted("C1", "7.1"),)}
    courier = office.courier(slack)
    courier.step()
    [episode] = courier.troubles.open()
    assert "destination security elsewhere" == episode.subject
    assert "went to C2" in episode.text
    office.work(courier, HOUR)
    assert 2 == len(slack.posts)
    assert 2 == len(office.sent())
    assert () == courier.troubles.open()


def test_what_was_being_sent_when_alertd_died_is_looked_for_and_not_sent_again(office: Office) -> None:
    office.happen(1)
    slack = Scripted([CrashError()], readable=True, there={f"{0:032x}": (Posted("C1", "7.1"),)})
    with pytest.raises(CrashError):
        office.courier(slack).step()
    again = office.courier(slack)
    again.recover()
    office.work(again, HOUR)
    assert 1 == len(slack.posts)
    assert ["7.1"] == [message.ts for message in office.sent()]


def test_after_a_crash_in_a_post_the_next_one_keeps_its_distance(office: Office) -> None:
    """Slack may have taken the first, and hides what comes faster."""
    office.happen(2)
    slack = Scripted([CrashError()], readable=True)
    with pytest.raises(CrashError):
        office.courier(slack).step()
    again = office.courier(slack)
    again.recover()
    office.work(again, SECOND)
    assert 1 == len(slack.posts)
    office.work(again, 5 * SECOND)
    assert 2 == len(slack.posts)


def test_that_a_message_is_being_sent_is_in_the_ledger_before_it_is_posted(office: Office, tmp_path: Path) -> None:
    """As another process reads it: what this one has not committed would be gone with it."""
    office.happen(2)
    found: list[int] = []

    def look() -> None:
        with closing(open_readonly(tmp_path / "alertd.db")) as ledger:
            found.append(len(ledger.messages("security", MessageState.SENDING)))

    office.work(office.courier(Scripted([], during=look)), 10 * SECOND)
    assert [1, 1] == found


def test_a_channel_that_cannot_be_read_is_not_one_without_the_message(office: Office) -> None:
    office.happen(1)
    slack = Scripted([Unknown("timeout")], readable=True, is_down=True)
    courier = office.courier(slack)
    office.work(courier, 14 * MINUTE)
    assert 1 == len(slack.posts)
    slack.is_down, slack.there = False, {f"{0:032x}": (Posted("C1", "7.1"),)}
    office.work(courier, HOUR)
    assert 1 == len(slack.posts)
    assert ["7.1"] == [message.ts for message in office.sent()]


def test_the_channel_is_read_from_an_hour_before_the_oldest_message_in_doubt(office: Office) -> None:
    """One read settles all of them; read from the youngest, the others would look as if they were not there."""
    office.happen(1)
    slack = Scripted([Unknown("timeout"), Unknown("timeout")], readable=True, is_down=True)
    courier = office.courier(slack)
    office.work(courier, 5 * MINUTE)
    office.happen(1, first=1)
    office.work(courier, SECOND * 20)
    assert 2 == len(office.ledger.messages("security", MessageState.UNKNOWN))
    slack.is_down = False
    office.work(courier, MINUTE)
    assert NOW - HOUR == min(slack.read_since) == max(slack.read_since)


def test_a_first_post_that_shows_late_is_kept_and_its_copy_deleted(office: Office) -> None:
    office.happen(1)
    slack = Scripted([Unknown("timeout")], readable=True)
    courier = office.courier(slack)
    office.work(courier, 4 * MINUTE)
    assert 2 == len(slack.posts)
    first, second = Posted("C1", "1.1"), Posted("C1", "2.1")
    slack.there = {f"{0:032x}": (first, second)}
    office.work(courier, 2 * HOUR)
    assert [second] == slack.deleted
    assert ["1.1"] == [message.ts for message in office.sent()]


def test_a_copy_that_cannot_be_deleted_now_is_deleted_later(office: Office) -> None:
    office.happen(1)
    slack = Scripted([Unknown("timeout")], readable=True, keeps=3)
    courier = office.courier(slack)
    office.work(courier, 4 * MINUTE)
    first, second = Posted("C1", "1.1"), Posted("C1", "2.1")
    slack.there = {f"{0:032x}": (first, second)}
    office.work(courier, 10 * MINUTE)
    assert [second] == slack.deleted


def test_a_channel_that_may_not_be_read_is_not_one_without_the_message(office: Office) -> None:
    """Somebody removed the bot: people hear of it, and the message is sent again after a while, marked."""
    office.happen(1)
    slack = Scripted([Unknown("timeout")], readable=True, forbids=True)
    courier = office.courier(slack)
    office.work(courier, 14 * MINUTE)
    assert 1 == len(slack.posts)
    assert ["destination security unknown sends"] == [episode.subject for episode in courier.troubles.open()]
    office.work(courier, 2 * MINUTE)
    assert [False, True] == ["possible repeat" in shown(post) for post in slack.posts]


def test_a_reply_in_doubt_is_looked_for_in_its_thread(office: Office) -> None:
    """The channel's history does not show replies: it would be sent again each time."""
    office.happen(1)
    slack = Scripted([Sent("C1", "1.1"), Unknown("timeout")], readable=True)
    courier = office.courier(slack)
    office.work(courier, SECOND)
    reply = Message("f" * 32, "security", MessageKind.SESSION, slack.posts[0], NOW, thread_of=f"{0:032x}")
    office.ledger.freeze(reply, [])
    office.work(courier, MINUTE)
    assert {"1.1"} == slack.threads_read


def test_a_long_session_is_named_call_by_call_in_as_many_lists_as_it_takes(office: Office) -> None:
    read_only = replace(RULE, deliver=Deliver.SESSION)
    office.ledger.record([replace(match(number), rule=read_only) for number in range(150)], now=NOW)
    slack = Scripted([])
    office.work(office.courier(slack), 5 * MINUTE)
    everything = "\n".join(map(shown, slack.posts))
    assert 1 < len(slack.posts)
    assert [1] * 150 == [everything.count(match(number).event.id) for number in range(150)]


def test_every_attempt_sends_the_bytes_that_were_frozen_first(office: Office) -> None:
    """Whatever a newer alertd, or a new table of accounts, would make of the event."""
    office.happen(1)
    slack = Scripted([NotSent("no connection"), Throttled(SECOND, "429"), Unknown("timeout")], readable=True)
    courier = office.courier(slack)
    courier.step()
    courier.batch = replace(courier.batch, render=replace(RENDERERS, event=lambda told, name: '{"text":"other"}'))
    office.work(courier, HOUR)
    assert 4 == len(slack.posts)
    assert 1 == len(set(slack.posts))


def test_posts_are_more_than_a_second_apart(office: Office) -> None:
    office.happen(5)
    times: list[datetime] = []
    courier = office.courier(Scripted([], during=lambda: times.append(office.clock.true)))
    while len(times) < 5:
        courier.step()
        office.clock.advance(SECOND / 20)
    assert min(later - earlier for earlier, later in pairwise(times)) >= 1.1 * SECOND


def test_an_outcome_that_a_full_disk_kept_out_of_the_ledger_is_recorded_when_there_is_room(
    office: Office, tmp_path: Path
) -> None:
    """What was posted is known: no doubt, no repeat. That the ledger is locked stands for every refused write."""
    office.happen(1)
    office.ledger._connection.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(tmp_path / "alertd.db", isolation_level=None)) as other:
        slack = Scripted([], readable=True, during=lambda: other.execute("BEGIN IMMEDIATE"))
        courier = office.courier(slack)
        office.work(courier, MINUTE)
        assert ["ledger"] == [episode.subject for episode in courier.troubles.open()]
    office.work(courier, MINUTE)
    assert 1 == len(slack.posts)
    assert ["1.1"] == [message.ts for message in office.sent()]
    assert () == courier.troubles.open()


def test_a_doubtful_post_is_held_where_the_operator_wants_no_repeats(office: Office) -> None:
    office.happen(1)
    slack = Scripted([Unknown("timeout")])
    office.work(office.courier(slack, OnUnknown.HOLD), 2 * HOUR)
    assert 1 == len(slack.posts)
    assert 1 == len(office.ledger.messages("security", MessageState.UNKNOWN))


def test_a_repeat_says_so_even_in_its_plainest_form(office: Office) -> None:
    office.happen(1)
    slack = Scripted([Unknown("timeout"), PayloadRefused("invalid_blocks")])
    office.work(office.courier(slack), HOUR)
    assert [False, True, True] == ["possible repeat" in shown(post) for post in slack.posts]
    assert "Slack refused the full message" in shown(slack.posts[2])


def test_a_refused_message_that_was_never_in_doubt_is_not_called_a_repeat(office: Office) -> None:
    office.happen(1)
    slack = Scripted([PayloadRefused("invalid_blocks")])
    office.work(office.courier(slack), HOUR)
    assert 2 == len(slack.posts)
    assert "possible repeat" not in shown(slack.posts[1])


def test_a_flood_becomes_single_messages_then_digests_that_name_each_event_in_order(office: Office) -> None:
    office.happen(300)
    slack = Scripted([])
    office.work(office.courier(slack), 5 * MINUTE)
    told = [match_.event.id for message in office.sent() for match_ in office.ledger.items(message.delivery_id)]
    assert [match(number).event.id for number in range(300)] == told
    assert 20 < len(slack.posts) < 40
    everything = "\n".join(map(shown, slack.posts))
    positions = [everything.find(name) for name in told]
    assert -1 not in positions
    assert sorted(positions) == positions


@pytest.mark.slow
def test_twenty_thousand_events_that_waited_for_slack_drain_without_growing_memory(office: Office) -> None:
    for first in range(0, 20_000, 1000):
        office.happen(1000, first)
    slack = Scripted([])
    courier = office.courier(slack)
    tracemalloc.start()
    try:
        told = 0
        while courier.is_busy():
            office.clock.advance(max(courier.step(), SECOND))
            told += len(slack.posts)
            slack.posts.clear()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    print(f"{told} messages, peak {peak / 1e6:.1f} MB")
    named = sum(len(office.ledger.items(message.delivery_id)) for message in office.sent())
    assert 20_000 == named
    assert peak < 10_000_000


def test_a_trouble_that_the_ledger_has_no_room_for_is_posted_without_it_and_once(office: Office) -> None:
    """Not again after a doubt; again where it certainly did not arrive."""
    troubles = Troubles(
        office.clock, office.ledger, lambda text, _: Message("o1", "security", MessageKind.OPS, text, NOW)
    )
    slack = Scripted([NotSent("no connection"), Unknown("timeout")])
    courier = replace(office.courier(slack), troubles=troubles)
    office.ledger._connection.execute("PRAGMA max_page_count = 1")
    troubles.begin("ledger", "is full. " * 2000)
    office.work(courier, MINUTE)
    assert 2 == len(slack.posts)
    assert slack.posts[0].startswith("ledger: is full.")
    office.ledger._connection.execute("PRAGMA max_page_count = 100000")
    troubles.tend()
    office.work(courier, MINUTE)
    assert 2 == len(slack.posts)
    assert 1 == len(office.ledger.episodes())


def test_a_message_that_was_refused_in_every_form_is_no_trouble_once_it_is_taken(office: Office) -> None:
    office.happen(1)
    slack = Scripted([PayloadRefused("invalid_blocks")] * 2)
    courier = office.courier(slack)
    office.work(courier, MINUTE)
    assert [f"message {0:032x}"] == [episode.subject for episode in courier.troubles.open()]
    office.work(courier, HOUR)
    assert () == courier.troubles.open()
