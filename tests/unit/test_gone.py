"""Alerts for a destination that the configuration no longer has: said until a person decides."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alertd import status
from alertd.destination import Unknown
from alertd.ledger import moving
from alertd.ledger.file import create
from alertd.ledger.model import Match, Message, MessageState, NotificationKind
from alertd.ledger.sqlite import open_ledger
from alertd.ops.backlog import Backlog
from alertd.ops.trouble import Troubles
from tests.simulation.world import SimulatedClock
from tests.unit.test_deliver import HOUR, MINUTE, NOW, Office, Scripted, match


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    create(tmp_path / "alertd.db", now=NOW)
    with closing(open_ledger(tmp_path / "alertd.db", now=NOW)) as ledger:
        yield Office(ledger, SimulatedClock(NOW))


def told_at(number: int, *names: str) -> Match:
    return replace(match(number), notify=names)


def mark(message: Message) -> str:
    return message.payload.replace("{", '{"marked":true,', 1)


def test_alerts_for_a_destination_that_is_gone_are_trouble_until_a_person_decides(office: Office) -> None:
    """At once, and for as long as it takes."""
    office.happen(3)
    troubles = Troubles(office.clock, office.ledger)
    backlog = Backlog(office.ledger, office.clock, troubles, ("renamed",), {}, timedelta(minutes=10))
    for _ in range(12):
        backlog.look()
        troubles.tend()
        assert ["gone security"] == [episode.subject for episode in troubles.open()]
        office.clock.advance(HOUR)
    [episode] = troubles.open()
    assert episode.text.startswith("3 wait for the destination security")
    assert "alertd retry --from security --to ANOTHER" in episode.text
    moving.move(office.ledger, "security", "renamed", mark=mark)
    backlog.look()
    assert "gone security" not in {episode.subject for episode in troubles.open()}


def test_what_waited_is_told_once_at_the_other_destination(office: Office) -> None:
    """Waiting, frozen and in doubt; not what that one has already."""
    office.ledger.record([told_at(0, "security", "other"), told_at(1, "security"), told_at(2, "security")], now=NOW)
    slack = Scripted([Unknown("timeout")])
    courier = office.courier(slack)
    courier.step()  # 0 is in doubt, the others are frozen
    office.ledger.record([told_at(3, "security"), told_at(4, "security", "other")], now=NOW)
    moving.move(office.ledger, "security", "other", mark=mark)
    assert {} == status.gone(office.ledger, {"other"})
    waiting = office.ledger.waiting("other", NotificationKind.MESSAGE, limit=99)
    assert {match(number).event.id for number in (0, 1, 2, 3, 4)} == {note.event.id for note in waiting}
    assert 5 == len(waiting)
    [doubtful] = office.ledger.messages("other", MessageState.PENDING)
    assert "marked" in doubtful.payload
    assert doubtful.repeat_possible


def test_what_is_given_up_is_sent_nowhere(office: Office) -> None:
    office.happen(3)
    office.courier(Scripted([Unknown("timeout")])).step()
    office.happen(3, first=10)
    assert "6 wait" in status.gone(office.ledger, ())["security"]
    moving.give_up(office.ledger, "security")
    assert {} == status.gone(office.ledger, ())
    office.clock.advance(MINUTE)
    assert 0 == office.ledger.waiting_count("security", NotificationKind.MESSAGE)
