"""One source's ticks, with a simulated index that goes away."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from alertd.ledger.file import create
from alertd.ledger.model import NotificationKind
from alertd.ledger.sqlite import open_ledger
from alertd.ops.trouble import Troubles
from alertd.poll.scan import Poll
from alertd.poll.ticks import Watch
from tests.simulation.history import RULES, SOURCE
from tests.simulation.world import DAY, HOUR, SECOND, Document, Faults, Index, SimulatedClock, event_id


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[tuple[Watch, Index]]:
    clock = SimulatedClock()
    create(tmp_path / "alertd.db", now=clock.now())
    with closing(open_ledger(tmp_path / "alertd.db", now=clock.now())) as ledger:
        index = Index(clock, Faults(Random(1), crash=0, search=0))
        troubles = Troubles(clock)
        poll = Poll(SOURCE, (RULES,), lambda: index, ledger, clock, troubles)
        poll.start()
        yield Watch("trail", 10 * SECOND, HOUR, poll, clock, troubles), index


def test_people_hear_of_the_third_failure_in_a_row_and_of_its_end(watch: tuple[Watch, Index]) -> None:
    ticks, index = watch
    index.down_until = index.clock.true + DAY
    for heard in (0, 0, 1, 1):
        ticks.sweep_if_due()
        assert heard == len(ticks.troubles.open())
        index.clock.advance(HOUR)
    index.down_until = index.clock.true
    ticks.sweep_if_due()
    assert () == ticks.troubles.open()


def test_after_a_restart_only_a_complete_sweep_ends_the_trouble(watch: tuple[Watch, Index]) -> None:
    """The fast scan has nothing to ask for yet: that it did not fail shows nothing."""
    ticks, index = watch
    ticks.troubles.begin("source trail", "cannot be searched")
    index.down_until = index.clock.true + SECOND
    ticks.fast()
    ticks.sweep_if_due()
    ticks.fast()
    assert 1 == len(ticks.troubles.open())
    index.clock.advance(2 * SECOND)
    ticks.sweep_if_due()
    assert () == ticks.troubles.open()


def test_a_fast_scan_that_works_does_not_hide_a_sweep_that_fails(watch: tuple[Watch, Index]) -> None:
    ticks, index = watch
    ticks.sweep_if_due()
    index.clock.advance(HOUR)
    for _ in range(3):
        index.down_until = index.clock.true + SECOND
        ticks.sweep_if_due()
        index.clock.advance(HOUR)
        ticks.fast()
    assert ["source trail"] == [episode.subject for episode in ticks.troubles.open()]


def test_a_failed_sweep_is_tried_again_soon_and_not_at_the_next_regular_one(watch: tuple[Watch, Index]) -> None:
    ticks, index = watch
    index.down_until = index.clock.true + SECOND
    ticks.sweep_if_due()
    index.clock.advance(2 * SECOND)
    assert not ticks.poll._ready
    ticks.sweep_if_due()
    assert ticks.poll._ready


def test_the_sweep_comes_again_and_finds_what_became_searchable_late(watch: tuple[Watch, Index]) -> None:
    ticks, index = watch
    ticks.sweep_if_due()
    now = index.clock.true
    index.documents.append(Document("trail-0", "d1", event_id(1), now, now + DAY, root=True))
    told = []
    for _ in range(26):
        index.clock.advance(HOUR)
        ticks.fast()
        ticks.sweep_if_due()
        told.append(ticks.poll.ledger.waiting_count("security", NotificationKind.MESSAGE))
    assert [0] * 23 + [1] * 3 == told


def test_ticks_during_a_pause_do_not_ask_the_server(watch: tuple[Watch, Index]) -> None:
    ticks, index = watch
    index.down_until = index.clock.true + SECOND / 2
    ticks.sweep_if_due()
    index.clock.advance(SECOND * 0.75)
    ticks.sweep_if_due()
    assert not ticks.poll._ready  # the server is back; the pause of a second is not over
