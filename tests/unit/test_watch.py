"""One source's ticks, with a simulated index that goes away."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from alertd.errors import PartialError
from alertd.ledger.file import create
from alertd.ledger.model import NotificationKind
from alertd.ledger.sqlite import open_ledger
from alertd.ops.trouble import Troubles
from alertd.poll.scan import Poll
from alertd.poll.ticks import Watch
from alertd.search import Hit, Search
from tests.simulation.history import RULES, SOURCE
from tests.simulation.world import DAY, HOUR, MINUTE, SECOND, Document, Faults, Index, SimulatedClock, event_id


@dataclass(slots=True)
class Holed(Index):
    """While a shard is out, a whole answer is refused. Notes what is asked of the rest."""

    is_out: bool = False
    parts: list[str] = field(default_factory=list)  # each query

    def pages(self, search: Search) -> Iterator[tuple[Hit, ...]]:
        if self.is_out and not search.part:
            raise PartialError("only 4 of 5 shards answered")
        if search.part:
            self.parts.append(str(search.query))
        return Index.pages(self, search)

    def validate(self, index: str, query: object) -> str | None:
        if self.is_out:
            raise PartialError("only 4 of 5 shards answered")
        return None

    def deep(self) -> int:
        """How often the whole look-back of the rest was read."""
        reach = f"now-{int(SOURCE.look_back.total_seconds())}s"
        return sum(reach in query for query in self.parts)

    def happen(self, number: int, *, ago: timedelta = SECOND) -> None:
        at = self.clock.true
        self.documents.append(Document("trail-0", f"d{number}", event_id(number), at - ago, at, root=True))


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[tuple[Watch, Holed]]:
    clock = SimulatedClock()
    create(tmp_path / "alertd.db", now=clock.now())
    with closing(open_ledger(tmp_path / "alertd.db", now=clock.now())) as ledger:
        index = Holed(clock, Faults(Random(1), crash=0, search=0))
        troubles = Troubles(clock)
        poll = Poll(SOURCE, (RULES,), lambda: index, ledger, clock, troubles)
        poll.start()
        yield Watch("trail", 10 * SECOND, HOUR, poll, clock, troubles), index


def test_people_hear_of_the_third_failure_in_a_row_and_of_its_end(watch: tuple[Watch, Holed]) -> None:
    ticks, index = watch
    index.down_until = index.clock.true + DAY
    for heard in (0, 0, 1, 1):
        ticks.sweep_if_due()
        assert heard == len(ticks.troubles.open())
        index.clock.advance(HOUR)
    index.down_until = index.clock.true
    ticks.sweep_if_due()
    assert () == ticks.troubles.open()


def test_after_a_restart_only_a_complete_sweep_ends_the_trouble(watch: tuple[Watch, Holed]) -> None:
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


def test_a_fast_scan_that_works_does_not_hide_a_sweep_that_fails(watch: tuple[Watch, Holed]) -> None:
    ticks, index = watch
    ticks.sweep_if_due()
    index.clock.advance(HOUR)
    for _ in range(3):
        index.down_until = index.clock.true + SECOND
        ticks.sweep_if_due()
        index.clock.advance(HOUR)
        ticks.fast()
    assert ["source trail"] == [episode.subject for episode in ticks.troubles.open()]


def test_a_failed_sweep_is_tried_again_soon_and_not_at_the_next_regular_one(watch: tuple[Watch, Holed]) -> None:
    ticks, index = watch
    index.down_until = index.clock.true + SECOND
    ticks.sweep_if_due()
    index.clock.advance(2 * SECOND)
    assert not ticks.poll._ready
    ticks.sweep_if_due()
    assert ticks.poll._ready


def test_the_sweep_comes_again_and_finds_what_became_searchable_late(watch: tuple[Watch, Holed]) -> None:
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


def test_ticks_during_a_pause_do_not_ask_the_server(watch: tuple[Watch, Holed]) -> None:
    ticks, index = watch
    index.down_until = index.clock.true + SECOND / 2
    ticks.sweep_if_due()
    index.clock.advance(SECOND * 0.75)
    ticks.sweep_if_due()
    assert not ticks.poll._ready  # the server is back; the pause of a second is not over


def run(watch: Watch, index: Holed, length: timedelta) -> None:
    for _ in range(round(length / watch.every)):
        index.clock.advance(watch.every)
        watch.fast()
        watch.sweep_if_due()


def told(watch: Watch) -> int:
    return watch.poll.ledger.waiting_count("security", NotificationKind.MESSAGE)


def test_while_a_shard_is_out_the_whole_look_back_is_read_once_in_a_sweeps_interval(
    watch: tuple[Watch, Holed],
) -> None:
    """The sweep is tried every half minute, but reads what the rest holds only when it is due."""
    ticks, index = watch
    ticks.sweep_if_due()
    index.is_out = True
    index.clock.advance(HOUR)
    run(ticks, index, HOUR - MINUTE)
    assert 1 == index.deep()
    index.happen(1, ago=DAY)
    run(ticks, index, 2 * MINUTE)
    assert (2, 1) == (index.deep(), told(ticks))
    index.is_out = False
    run(ticks, index, MINUTE)
    assert () == ticks.troubles.open()


def test_while_a_shard_is_out_each_poll_tells_what_the_others_hold(watch: tuple[Watch, Holed]) -> None:
    """As soon as ever, and reading no more than since the poll before, however long the shard is out."""
    ticks, index = watch
    ticks.sweep_if_due()
    index.is_out = True
    for number in range(1, 400):
        index.happen(number)
        run(ticks, index, ticks.every)
        assert number == told(ticks)
    reach = SOURCE.overlap + ticks.every
    assert f"now-{int(reach.total_seconds())}s" in index.parts[-2]


def test_a_new_rule_set_whose_baseline_waits_for_a_shard_alerts_at_each_poll(watch: tuple[Watch, Holed]) -> None:
    ticks, index = watch
    index.happen(1, ago=DAY)
    index.is_out = True
    run(ticks, index, ticks.every)
    for number in range(2, 20):
        index.happen(number)
        run(ticks, index, ticks.every)
        assert number - 1 == told(ticks)
    index.is_out = False
    run(ticks, index, MINUTE)
    assert (18, 1) == (told(ticks), ticks.poll.ledger.waiting_count("security", NotificationKind.BASELINE))


def test_where_the_rest_cannot_be_read_either_nobody_says_that_it_is_told(
    watch: tuple[Watch, Holed], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks, index = watch
    ticks.sweep_if_due()
    index.is_out = True
    asked = []

    def none(search: Search) -> Iterator[tuple[Hit, ...]]:
        asked.append(search.part)
        raise PartialError("no whole answer")

    monkeypatch.setattr(Holed, "pages", lambda _, search: none(search))
    run(ticks, index, 2 * MINUTE)
    [trouble] = ticks.troubles.open()
    assert "told meanwhile" not in trouble.text
    assert asked.count(True) < 2 * MINUTE / ticks.every  # it waits longer each time
