"""In what order a destination hears of things, and that much of one hides none of another."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alertd.ledger.file import create
from alertd.ledger.model import MatchKind, Message, MessageKind, MessageState, Scan, ScanKind
from alertd.ledger.queries import named
from alertd.ledger.sqlite import open_ledger
from alertd.rules.model import Deliver, RuleFacts, Severity
from tests.simulation.world import SECOND, SimulatedClock
from tests.unit.test_deliver import MINUTE, NOW, Office, Scripted, match
from tests.unit.told import RULE, shown

LOW = replace(RULE, id="failed-sign-in", severity=Severity.LOW)
CRITICAL = replace(RULE, id="root-sign-in", severity=Severity.CRITICAL)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    create(tmp_path / "alertd.db", now=NOW)
    with closing(open_ledger(tmp_path / "alertd.db", now=NOW)) as ledger:
        yield Office(ledger, SimulatedClock(NOW))


def happen(office: Office, first: int, count: int, rule: RuleFacts = RULE, kind: MatchKind = MatchKind.ALERT) -> None:
    numbers = range(first, first + count)
    session = "one" if rule.deliver is Deliver.SESSION else None
    events = [replace(match(number).event, session=session) for number in numbers]
    found = [replace(match(0), event=event, rule=rule, kind=kind) for event in events]
    office.ledger.record(found, now=office.clock.now())


def places(slack: Scripted, *numbers: int) -> list[int]:
    """In which post each event is named."""
    return [
        next((n for n, post in enumerate(slack.posts) if match(number).event.id in shown(post)), -1)
        for number in numbers
    ]


@pytest.mark.parametrize("posts_before", [0, 1, 5, 22, 24])
def test_a_critical_alert_waits_for_one_post_at_most_whatever_waits_before_it(
    office: Office, posts_before: int
) -> None:
    """Single messages that are frozen already, digests, or nothing yet."""
    happen(office, 0, 1000, LOW)
    slack = Scripted([])
    courier = office.courier(slack)
    while len(slack.posts) < posts_before:
        office.clock.advance(max(courier.step(), SECOND))
    happen(office, 5000, 1, CRITICAL)
    office.work(courier, 10 * SECOND)
    assert posts_before <= places(slack, 5000)[0] <= posts_before + 1
    office.work(courier, 5 * MINUTE)
    told = [note.event.id for message in office.sent() for note in office.ledger.items(message.delivery_id)]
    assert 1001 == len(told) == len(set(told))


def test_a_grave_alert_within_a_flood_has_a_message_of_its_own(office: Office) -> None:
    happen(office, 0, 1000, LOW)
    slack = Scripted([])
    courier = office.courier(slack)
    office.work(courier, MINUTE)
    happen(office, 5000, 1, CRITICAL)
    office.work(courier, MINUTE)
    [alone] = [each for each in office.sent() if match(5000).event.id in shown(each.payload)]
    assert MessageKind.EVENT is alone.kind


def test_alerts_and_what_alertd_says_of_itself_take_turns(office: Office) -> None:
    happen(office, 0, 20, CRITICAL)
    for number in range(20):
        text = f'{{"text": "trouble {number}"}}'
        office.ledger.freeze(Message(f"o{number}", "security", MessageKind.OPS, text, NOW), [])
    slack = Scripted([])
    office.work(office.courier(slack), MINUTE)
    ops = ["trouble" in post for post in slack.posts]
    assert ops[:6] == [True, False, True, False, True, False]


def test_the_calls_of_a_session_are_listed_in_their_order_whatever_their_severity(office: Office) -> None:
    """The critical ones come last, after a first list of it was frozen."""
    session = replace(LOW, deliver=Deliver.SESSION)
    grave = replace(CRITICAL, deliver=Deliver.SESSION)
    happen(office, 0, 150, session)
    office.clock.advance(2 * MINUTE)
    slack = Scripted([], readable=True)
    courier = office.courier(slack)
    happen(office, 1000, 30, replace(RULE, severity=Severity.HIGH))
    office.work(courier, 40 * SECOND)
    # the first list of calls is frozen or sent; now the session does something grave
    happen(office, 200, 150, grave)
    office.clock.advance(2 * MINUTE)
    office.work(courier, 3 * MINUTE)
    order = places(slack, *range(150), *range(200, 350))
    assert -1 not in order
    assert sorted(order) == order


def test_an_earlier_list_of_a_session_becomes_as_urgent_as_a_later_one(office: Office) -> None:
    session = replace(LOW, deliver=Deliver.SESSION)
    happen(office, 0, 2, session)
    name = "one"
    first = office.ledger.waiting_of_session("security", name, limit=1)
    office.ledger.freeze(Message("s1", "security", MessageKind.SESSION, "{}", NOW), [first[0].id], session=name)
    second = office.ledger.waiting_of_session("security", name, limit=1)
    office.ledger.freeze(
        Message("s2", "security", MessageKind.SESSION, "{}", NOW, urgency=4), [second[0].id], session=name
    )
    pending = office.ledger.next_pending("security", now=NOW)
    assert pending
    assert "s1" == pending.delivery_id


def test_a_low_message_is_as_urgent_as_the_critical_reply_that_waits_for_it(office: Office) -> None:
    """A second rule set thinks worse of the event."""
    happen(office, 0, 100, LOW)
    slack = Scripted([], readable=True)
    courier = office.courier(slack)
    happen(office, 99, 1, replace(CRITICAL, rule_set="other"))
    office.work(courier, 3 * SECOND)
    assert 0 == places(slack, 99)[0]
    assert "root-sign-in" in shown(slack.posts[1])


def test_the_past_is_listed_in_one_message_when_the_look_into_it_is_complete(office: Office) -> None:
    """However many pages it has, and whether alertd died in it."""
    slack = Scripted([])
    courier = office.courier(slack)
    for page in range(3):
        happen(office, page * 1000, 1000, kind=MatchKind.BASELINE)
        office.work(courier, 5 * SECOND)
    assert [] == slack.posts
    again = office.courier(slack)
    last = [replace(match(number), kind=MatchKind.BASELINE) for number in range(2500, 3500)]
    now = office.clock.now()
    covered = {RULE.id: "f1"}
    scan = Scan(RULE.rule_set, ScanKind.BASELINE, now, now, timedelta(days=31), 3500, 3500, covered)
    office.ledger.record(last, now=now, scans=[scan])
    office.work(again, MINUTE)
    assert 1 == len(slack.posts)
    assert "3,500 times" in shown(slack.posts[0])
    [message] = office.sent()
    items = office.ledger.items(message.delivery_id)
    assert [match(number).event.id for number in range(3500)] == [note.event.id for note in items]


def test_what_is_next_is_found_by_an_index_however_much_waits(office: Office) -> None:
    for name in ("waiting", "next_alert", "urgencies"):
        values = {"destination": "security", "kind": "message", "limit": 20, "now": 0}
        plan = office.ledger._connection.execute(f"EXPLAIN QUERY PLAN {named()[name]}", values).fetchall()
        text = "\n".join(row["detail"] for row in plan)
        assert "TEMP B-TREE" not in text, text
        assert "notifications_waiting" in text or "messages_pending" in text, text


def test_nothing_is_pending_when_everything_was_told(office: Office) -> None:
    happen(office, 0, 60, LOW)
    happen(office, 100, 30, CRITICAL)
    office.work(office.courier(Scripted([])), 5 * MINUTE)
    assert () == office.ledger.messages("security", MessageState.PENDING)
    assert not office.ledger.destination("security").flooding
