"""What the ledger knows and the configuration no longer has is said until a person decides."""

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
from alertd.ledger.model import Match, MatchKind, Message, MessageState, NotificationKind
from alertd.ledger.sqlite import open_ledger
from alertd.ops.backlog import Backlog
from alertd.ops.life import Life
from alertd.ops.trouble import Troubles
from alertd.status import Patience, unready
from tests.simulation.world import SimulatedClock
from tests.unit.test_deliver import HOUR, MINUTE, NOW, Office, Scripted, match
from tests.unit.told import RULE, shown


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


def test_what_is_in_doubt_for_long_is_not_ready_whether_its_destination_is_there_or_gone(office: Office) -> None:
    """Nothing settles it: only the doubt's own time is well spent."""
    office.happen(1)
    office.courier(Scripted([Unknown("timeout")])).step()
    sign = Life(NOW, (), ())
    patience = Patience(MINUTE, 10 * MINUTE, 15 * MINUTE)
    found = [
        unready(sign, (), status.destinations(office.ledger), patience=patience, now=NOW + after)
        for after in (14 * MINUTE, 16 * MINUTE)
    ]
    assert [False, True] == ["for security 1 are in doubt, since 2026-11-24 09:00 UTC" in each for each in found]
    moving.give_up(office.ledger, "security")
    left = unready(sign, (), status.destinations(office.ledger), patience=patience, now=NOW + HOUR)
    assert not any("in doubt" in each for each in left)


def test_what_is_given_up_is_sent_nowhere(office: Office) -> None:
    office.happen(3)
    office.courier(Scripted([Unknown("timeout")])).step()
    office.happen(3, first=10)
    assert "6 wait" in status.gone(office.ledger, ())["security"]
    moving.give_up(office.ledger, "security")
    assert {} == status.gone(office.ledger, ())
    office.clock.advance(MINUTE)
    assert 0 == office.ledger.waiting_count("security", NotificationKind.MESSAGE)


def looked(office: Office, *searched: str) -> list[str]:
    """What is wrong, as the daemon sees it that searches these rule sets."""
    searches = dict.fromkeys(searched, ("trail", MINUTE))
    backlog = Backlog(
        office.ledger, office.clock, Troubles(office.clock), ("security",), searches, timedelta(minutes=10)
    )
    backlog.look()
    return [f"{episode.subject}: {episode.text}" for episode in backlog.troubles.open()]


def test_what_a_removed_rule_set_had_found_of_the_past_is_listed_as_it_is(office: Office) -> None:
    """Its look into the past is never completed. It counts as backlog meanwhile, and is told once."""
    past = [replace(match(number), kind=MatchKind.BASELINE) for number in range(3)]
    office.ledger.record(past, now=NOW)
    slack = Scripted([])
    courier = office.courier(slack)
    moving.release_past(office.ledger, [RULE.rule_set])
    office.work(courier, HOUR)
    assert [] == slack.posts, "it is still searched"
    moving.release_past(office.ledger, ["another"])
    assert any(text.startswith("backlog security: 3 wait") for text in looked(office, "another"))
    office.work(courier, MINUTE)
    assert 1 == len(slack.posts)
    assert "3 times" in shown(slack.posts[0])
    office.ledger.record(past, now=office.clock.now())
    office.work(courier, HOUR)
    assert 1 == len(slack.posts), "the rule set came back, and told the same again"


def test_a_removed_rule_set_is_trouble_until_a_person_forgets_it(office: Office) -> None:
    """What it told stays: nothing is told twice if it comes back."""
    office.ledger.begin(RULE.rule_set, {RULE.id: "f1"}, now=NOW)
    office.happen(3)
    assert [] == [text for text in looked(office, RULE.rule_set) if "gone" in text]
    said = [text for text in looked(office, "another") if text.startswith(f"gone rule set {RULE.rule_set}: ")]
    assert [True] == [f"alertd retry --from {RULE.rule_set} --give-up" in text for text in said]
    assert [RULE.rule_set] == list(status.unsearched(office.ledger, ["another"]))
    moving.forget(office.ledger, RULE.rule_set)
    assert [] == [text for text in looked(office, "another") if "gone" in text]
    assert {} == office.ledger.rule_states(RULE.rule_set)
    slack = Scripted([])
    office.work(office.courier(slack), MINUTE)
    assert 0 == office.ledger.record([match(number) for number in range(3)], now=NOW)
    assert 3 == len(slack.posts), "what it had found was not told, or told again"
