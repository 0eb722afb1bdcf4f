"""Scans of a simulated index into a real ledger."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from alertd import status
from alertd.errors import PartialError, PermanentError, RetryError
from alertd.ledger.file import create
from alertd.ledger.model import NotificationKind, Scan, ScanKind
from alertd.ledger.sqlite import SqliteLedger, open_ledger
from alertd.ops.trouble import Troubles
from alertd.poll.scan import Poll
from alertd.poll.witness import CLOCK
from alertd.rules.model import Query, RuleSet
from alertd.search import Hit, Search
from tests.simulation.history import RULES, SOURCE
from tests.simulation.world import DAY, HOUR, MINUTE, SECOND, Document, Faults, Index, SimulatedClock, event_id

_BROKEN = Query("dsl", '{"broken":{}}', {"broken": {}}, "root.toml:9")
_NOBODY = Query("dsl", '{"ids":{"values":["nobody"]}}', {"ids": {"values": ["nobody"]}}, "root.toml:5")
_EVERYONE = Query("dsl", '{"match_all":{}}', {"match_all": {}}, "root.toml:1")
_WIDE = replace(RULES, query=_EVERYONE)  # what the file's query takes, not each of its rules does


@dataclass(slots=True)
class Lost(Index):
    """Its point in time is lost when `pages_left` pages were read."""

    pages_left: int = 1_000_000
    meanwhile: Callable[[], object] | None = None  # what happens once, while it is asked
    refuses: str = "no such text"  # queries that contain it
    red: str = ""  # an index whose shards do not answer

    def validate(self, index: str, query: Mapping[str, object]) -> str | None:
        if self.red:
            raise PartialError(f"no shard of {self.red} answers")
        return "failed to parse" if self.refuses in json.dumps(query) else None

    def pages(self, search: Search) -> Iterator[tuple[Hit, ...]]:
        if self.refuses in json.dumps(search.query):
            raise PermanentError("failed to parse")
        if self.red and not search.part:
            raise PartialError(f"no shard of {self.red} answers")
        for page in Index.pages(self, search):
            yield tuple(hit for hit in page if hit.index != self.red)

    def _answers(self) -> None:
        happens, self.meanwhile = self.meanwhile, None
        if happens:
            happens()
        if self.pages_left == 0:
            raise RetryError("the point in time is gone")
        self.pages_left -= 1


@dataclass(slots=True)
class Trail:
    ledger: SqliteLedger
    clock: SimulatedClock
    index: Lost

    def poll(self, rules: RuleSet = RULES, **changed: timedelta) -> Poll:
        """As after a start of alertd."""
        source = replace(SOURCE, **changed)  # type: ignore[arg-type] # durations only
        poll = Poll(source, (rules,), lambda: self.index, self.ledger, self.clock, Troubles(self.clock))
        poll.start()
        return poll

    def happen(self, *numbers: int, ago: timedelta = SECOND, late: timedelta = timedelta(0), root: bool = True) -> None:
        at = self.clock.true - ago
        for number in numbers:
            self.index.documents.append(Document("trail-0", f"d{number}", event_id(number), at, at + late, root))

    def waiting(self, kind: NotificationKind = NotificationKind.MESSAGE) -> set[int]:
        notes = self.ledger.waiting("security", kind, limit=10_000)
        return {int(note.event.id[-12:], 16) for note in notes}

    def listed(self) -> set[int]:
        return self.waiting(NotificationKind.BASELINE)

    def covered(self) -> object:
        return self.ledger.rule_states("root")["root-used"].covered_until


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    clock = SimulatedClock()
    create(tmp_path / "alertd.db", now=clock.now())
    with closing(open_ledger(tmp_path / "alertd.db", now=clock.now())) as ledger:
        yield Trail(ledger, clock, Lost(clock, Faults(Random(1), crash=0, search=0)))


def test_the_first_start_lists_what_was_before_it_and_alerts_what_comes_after(trail: Trail) -> None:
    trail.happen(1, ago=3 * DAY)
    poll = trail.poll()
    trail.clock.advance(MINUTE)
    trail.happen(2)
    poll.sweep()
    assert ({1}, {2}) == (trail.listed(), trail.waiting())


def test_what_happened_in_the_second_of_the_start_is_alerted(trail: Trail) -> None:
    """CloudTrail tells whole seconds: it may have happened after the start."""
    trail.clock.advance(SECOND / 2)
    poll = trail.poll()
    trail.happen(1, ago=SECOND / 2)
    poll.sweep()
    assert ({1}, set()) == (trail.waiting(), trail.listed())


def test_what_a_new_rule_finds_without_a_time_is_listed_and_what_comes_later_is_alerted(trail: Trail) -> None:
    """It was there before the rule: dated when it is seen, all of the past would be news."""
    no_time = replace(SOURCE, profile=replace(SOURCE.profile, paths={**SOURCE.profile.paths, "time": ()}))
    trail.happen(1, ago=3 * DAY)
    poll = Poll(no_time, (RULES,), lambda: trail.index, trail.ledger, trail.clock, Troubles(trail.clock))
    poll.start()
    poll.sweep()
    trail.clock.advance(MINUTE)
    trail.happen(2)
    poll.sweep()
    assert ({1}, {2}) == (trail.listed(), trail.waiting())


def test_a_time_that_only_the_source_names_tells_the_past_from_the_new(trail: Trail) -> None:
    """Read like the profile's own: searched and not read, every past event would be alerted, dated now."""
    paths = {**SOURCE.profile.paths, "time": ()}
    named = replace(SOURCE, profile=replace(SOURCE.profile, paths=paths, more_times=(("eventTime",),)))
    trail.happen(1, ago=3 * DAY)
    poll = Poll(named, (RULES,), lambda: trail.index, trail.ledger, trail.clock, Troubles(trail.clock))
    poll.start()
    trail.clock.advance(MINUTE)
    trail.happen(2)
    poll.sweep()
    assert ({1}, {2}) == (trail.listed(), trail.waiting())


def test_an_event_is_told_if_any_of_its_copies_matches(trail: Trail) -> None:
    """Raw and ECS, or before and after an enrichment, in one page or on different days: no copy hides another."""
    poll = trail.poll(_WIDE)
    poll.source = replace(SOURCE, page_size=100)  # copies in one page
    poll.sweep()
    trail.clock.advance(MINUTE)
    trail.happen(*range(20), root=False)
    first = list(trail.index.documents)
    trail.index.documents += [replace(each, index="trail-1", root=True) for each in first[:10]]
    poll.fast()
    assert set(range(10)) == trail.waiting()
    trail.index.documents += [replace(each, index="trail-1", root=True) for each in first[10:]]
    poll.fast()
    assert set(range(20)) == trail.waiting()


def test_a_document_that_matches_only_after_a_change_is_told(trail: Trail) -> None:
    """That no rule took it is known of its old version only."""
    poll = trail.poll(_WIDE)
    trail.clock.advance(MINUTE)
    trail.happen(1, root=False)
    poll.sweep()
    trail.index.documents[0] = replace(trail.index.documents[0], root=True, version=2)
    poll.sweep()
    assert {1} == trail.waiting()


def test_nothing_that_no_rule_takes_is_recorded(trail: Trail) -> None:
    poll = trail.poll()
    trail.clock.advance(MINUTE)
    trail.happen(1, root=False)
    assert 0 == poll.sweep() + poll.fast()


def test_a_fast_scan_finds_what_is_within_its_window_and_the_sweep_what_came_later(trail: Trail) -> None:
    poll = trail.poll()
    trail.clock.advance(HOUR)
    poll.sweep()
    trail.clock.advance(10 * MINUTE)
    trail.happen(1, ago=24 * MINUTE)
    trail.happen(2, ago=30 * MINUTE)
    poll.fast()
    assert {1} == trail.waiting()
    poll.sweep()
    assert {1, 2} == trail.waiting()


def test_the_sweep_finds_what_became_searchable_thirty_days_late(trail: Trail) -> None:
    poll = trail.poll()
    trail.clock.advance(HOUR)
    trail.happen(1, late=30 * DAY)
    poll.sweep()
    trail.clock.advance(30 * DAY - MINUTE)
    poll.fast()
    trail.clock.advance(2 * MINUTE)
    poll.fast()
    assert set() == trail.waiting() | trail.listed()
    poll.sweep()
    assert {1} == trail.waiting()


def test_after_a_downtime_longer_than_the_look_back_everything_since_is_alerted(trail: Trail) -> None:
    trail.poll().sweep()
    trail.clock.advance(HOUR)
    trail.happen(1)
    trail.clock.advance(35 * DAY)
    trail.poll().sweep()
    assert {1} == trail.waiting()


def test_many_pages_are_one_scan(trail: Trail) -> None:
    poll = trail.poll()
    trail.clock.advance(MINUTE)
    trail.happen(*range(100))
    assert 100 == poll.sweep()
    assert set(range(100)) == trail.waiting()
    assert 0 == poll.sweep()


def test_a_point_in_time_lost_midway_moves_nothing_that_is_covered(trail: Trail) -> None:
    poll = trail.poll()
    poll.sweep()
    covered = trail.covered()
    trail.clock.advance(MINUTE)
    trail.happen(*range(100))
    trail.index.pages_left = 5
    with pytest.raises(RetryError):
        poll.fast()
    assert covered == trail.covered()
    assert len(trail.waiting()) < 100
    trail.index.pages_left = 1000
    poll.fast()
    assert set(range(100)) == trail.waiting()


@pytest.mark.parametrize("jump", [-2 * DAY, -MINUTE, MINUTE, 2 * DAY])
def test_a_jump_of_the_wall_clock_hides_nothing(trail: Trail, jump: timedelta) -> None:
    poll = trail.poll()
    poll.sweep()
    trail.clock.offset = jump
    trail.clock.advance(MINUTE)
    trail.happen(1)
    poll.fast()
    assert {1} == trail.waiting()


def test_a_jump_of_the_wall_clock_hides_nothing_of_an_outage(trail: Trail) -> None:
    """How long the server was away is measured by a clock that does not jump."""
    poll = trail.poll()
    trail.clock.advance(MINUTE)
    poll.sweep()
    trail.clock.offset = -2 * DAY
    trail.clock.advance(HOUR)
    trail.happen(1, ago=50 * MINUTE)
    poll.fast()
    assert {1} == trail.waiting()


def test_an_event_without_an_id_is_told(trail: Trail) -> None:
    """It is known by its place: told twice if it is copied, but told."""
    poll = trail.poll()
    trail.clock.advance(MINUTE)
    at = trail.clock.true
    trail.index.documents.append(Document("trail-0", "d1", "", at, at, root=True))
    poll.fast()
    poll.sweep()
    told = trail.ledger.waiting("security", NotificationKind.MESSAGE, limit=10)
    assert ["cloudtrail:trail-0/d1"] == [note.event.key for note in told]


def test_a_changed_rule_lists_the_past_that_it_newly_matches_and_repeats_nothing(trail: Trail) -> None:
    trail.poll().sweep()
    trail.clock.advance(HOUR)
    trail.happen(1)
    trail.happen(2, ago=HOUR / 2, root=False)
    trail.poll().sweep()
    assert {1} == trail.waiting()
    trail.clock.advance(DAY)
    changed = replace(RULES, rules=(replace(RULES.rules[0], query=_EVERYONE),))
    trail.poll(changed).sweep()
    assert ({1}, {2}) == (trail.waiting(), trail.listed())


def test_what_came_late_while_a_rule_was_changed_is_told_within_the_overlap_and_listed_before_it(trail: Trail) -> None:
    """Nobody can tell it from what only the changed rule matches."""
    trail.poll().sweep()
    trail.clock.advance(MINUTE)
    trail.happen(1, ago=SOURCE.overlap)
    trail.happen(2, ago=SOURCE.overlap + 2 * MINUTE)
    changed = replace(RULES, rules=(replace(RULES.rules[0], query=_EVERYONE),))
    trail.poll(changed).sweep()
    assert ({1}, {2}) == (trail.waiting(), trail.listed())


def test_a_longer_look_back_lists_what_it_newly_reaches(trail: Trail) -> None:
    trail.happen(1, ago=20 * DAY)
    trail.poll(look_back=10 * DAY).sweep()
    assert set() == trail.listed()
    trail.poll(look_back=31 * DAY).sweep()
    assert ({1}, set()) == (trail.listed(), trail.waiting())


def test_a_new_rule_lists_its_past_and_the_others_go_on_alerting(trail: Trail) -> None:
    trail.poll().sweep()
    trail.clock.advance(HOUR)
    trail.happen(1, root=False)
    trail.poll().sweep()
    trail.clock.advance(HOUR)
    trail.happen(2)
    second = replace(RULES.rules[0], facts=replace(RULES.rules[0].facts, id="anybody"), query=_EVERYONE)
    trail.poll(replace(RULES, rules=(*RULES.rules, second))).sweep()
    assert ({2}, {1}) == (trail.waiting(), trail.listed())


def test_a_renamed_file_with_its_id_repeats_nothing(trail: Trail) -> None:
    trail.happen(1)
    trail.poll().sweep()
    trail.clock.advance(HOUR)
    renamed = trail.poll(replace(RULES, path=Path("other.toml")))
    assert 0 == renamed.sweep()


def test_after_a_lost_ledger_the_past_is_listed_and_not_alerted_again(trail: Trail, tmp_path: Path) -> None:
    trail.poll()
    trail.clock.advance(HOUR)
    trail.happen(1)
    trail.poll().sweep()
    assert {1} == trail.waiting()
    create(tmp_path / "again.db", now=trail.clock.now(), after_loss=True)
    with closing(open_ledger(tmp_path / "again.db", now=trail.clock.now())) as ledger:
        after = Trail(ledger, trail.clock, trail.index)
        after.poll().sweep()
        assert ({1}, set()) == (after.listed(), after.waiting())


def test_a_rule_that_the_server_refuses_stops_no_other(trail: Trail) -> None:
    trail.index.refuses = "broken"
    second = replace(RULES.rules[0], facts=replace(RULES.rules[0].facts, id="broken-rule"), query=_BROKEN)
    poll = trail.poll(replace(RULES, rules=(second, *RULES.rules)))
    trail.clock.advance(MINUTE)
    trail.happen(1)
    poll.sweep()
    assert {1} == trail.waiting()
    assert ["rule broken-rule"] == [episode.subject for episode in poll.troubles.open()]


def test_a_red_index_holds_back_no_alert_from_the_others(trail: Trail) -> None:
    """What they hold is told once; nothing counts as searched until all answers, and then the rest is told."""
    poll = trail.poll()
    poll.sweep()
    covered = trail.covered()
    trail.clock.advance(MINUTE)
    trail.happen(1, 2)
    trail.index.documents[1] = replace(trail.index.documents[1], index="trail-red")
    trail.index.red = "trail-red"
    for scan in (poll.fast, poll.sweep, poll.fast):
        with pytest.raises(PartialError, match="no shard of trail-red"):
            scan()
        assert {1} == trail.waiting()
        assert covered == trail.covered()
    trail.index.red = ""
    poll.fast()
    assert {1, 2} == trail.waiting()


def test_a_red_index_at_the_first_start_lists_nothing_before_all_is_known(trail: Trail) -> None:
    """New events are told; the past is one list, of all indices."""
    trail.happen(1, 2, ago=3 * DAY)
    trail.index.documents[1] = replace(trail.index.documents[1], index="trail-red")
    trail.index.red = "trail-red"
    poll = trail.poll()
    trail.clock.advance(MINUTE)
    trail.happen(3)
    with pytest.raises(PartialError):
        poll.sweep()
    assert ({3}, set()) == (trail.waiting(), trail.listed())
    assert trail.covered() is None
    trail.index.red = ""
    poll.sweep()
    assert ({3}, {1, 2}) == (trail.waiting(), trail.listed())


def test_a_rule_that_the_server_takes_again_tells_what_it_missed(trail: Trail) -> None:
    trail.index.refuses = "userIdentity.type"
    nobody = replace(RULES.rules[0], facts=replace(RULES.rules[0].facts, id="nobody"), query=_NOBODY)
    poll = trail.poll(replace(RULES, rules=(*RULES.rules, nobody)))
    trail.clock.advance(MINUTE)
    trail.happen(1)
    poll.sweep()
    poll.fast()
    assert (set(), ["rule root-used"]) == (trail.waiting(), [episode.subject for episode in poll.troubles.open()])
    trail.index.refuses = "no such text"
    poll.sweep()
    assert ({1}, ()) == (trail.waiting(), poll.troubles.open())


def test_a_poll_beside_the_sweep_makes_nothing_old_that_a_refused_rule_missed(trail: Trail) -> None:
    """It covers the rule from now on: what the rule missed before that is still to be alerted, and not listed."""
    trail.index.refuses = "userIdentity.type"
    nobody = replace(RULES.rules[0], facts=replace(RULES.rules[0].facts, id="nobody"), query=_NOBODY)
    poll = trail.poll(replace(RULES, rules=(*RULES.rules, nobody)))
    trail.clock.advance(MINUTE)
    trail.happen(1)
    poll.sweep()
    trail.clock.advance(2 * HOUR)
    poll.fast()
    trail.index.refuses = "no such text"
    trail.index.meanwhile = poll.fast
    poll.sweep()
    assert ({1}, set()) == (trail.waiting(), trail.waiting(NotificationKind.BASELINE))


def test_what_pruning_may_forget_was_not_searched(trail: Trail) -> None:
    """A first start prunes before it searches; later the look-back grows: what that newly reaches is listed."""
    trail.happen(1, ago=3 * HOUR)
    poll = trail.poll(look_back=HOUR)
    trail.ledger.prune(before=trail.clock.now() - 400 * DAY)
    poll.sweep()
    [told] = status.rule_sets(trail.ledger, trail.clock.now())
    assert (trail.clock.true - HOUR, ()) == (told.covered_from, told.gaps)
    trail.poll(look_back=DAY).sweep()
    assert ({1}, set()) == (trail.listed(), trail.waiting())


@pytest.mark.parametrize("offset", [-800 * DAY, -6 * MINUTE, 6 * MINUTE, 800 * DAY])
def test_a_first_start_with_a_wrong_clock_lists_what_was_and_alerts_what_comes(trail: Trail, offset: timedelta) -> None:
    """By the search server's time; what the ledger says of it is right, and people hear of the clock."""
    trail.happen(1, ago=MINUTE)
    trail.clock.offset = offset
    poll = trail.poll()
    trail.clock.advance(3 * SECOND)
    trail.happen(2)
    poll.sweep()
    [told] = status.rule_sets(trail.ledger, trail.clock.now())
    assert (trail.clock.true - SOURCE.look_back, trail.clock.true) == (told.covered_from, told.covered_until)
    assert [CLOCK] == [episode.subject for episode in poll.troubles.open()]
    trail.clock.offset = timedelta(0)
    trail.clock.advance(MINUTE)
    trail.happen(3)
    poll.fast()
    assert ({1}, {2, 3}) == (trail.listed(), trail.waiting())
    assert () == poll.troubles.open()


def test_a_ledger_that_a_clock_ahead_has_hurt_heals_and_says_so(trail: Trail) -> None:
    trail.poll().sweep()
    ahead = trail.clock.now() + 700 * DAY
    hurt = Scan("root", ScanKind.SWEEP, ahead, ahead, HOUR, 0, 0, {})
    trail.ledger.record([], now=ahead, scans=[replace(hurt, covered=_fingerprints(trail))])
    trail.ledger.prune(before=ahead)
    trail.clock.advance(MINUTE)
    poll = trail.poll()
    trail.clock.advance(SECOND)
    trail.happen(1)
    poll.sweep()
    assert ({1}, set()) == (trail.waiting(), trail.listed())
    [told] = status.rule_sets(trail.ledger, trail.clock.now())
    assert (trail.clock.true - SOURCE.look_back, trail.clock.true, ()) == (
        told.covered_from,
        told.covered_until,
        told.gaps,
    )
    assert ["clock of rule set root"] == [episode.subject for episode in poll.troubles.open()]
    poll.sweep()
    assert () == poll.troubles.open()


def _fingerprints(trail: Trail) -> dict[str, str]:
    return {name: state.fingerprint for name, state in trail.ledger.rule_states("root").items()}


@pytest.mark.parametrize("offset", [-800 * DAY, 800 * DAY])
def test_nothing_is_forgotten_on_the_word_of_one_clock(trail: Trail, offset: timedelta) -> None:
    """Not ours, not the server's: the newest document is no further than time itself."""
    trail.happen(1, ago=MINUTE)
    poll = trail.poll()
    poll.sweep()
    past = trail.clock.true - MINUTE
    for ours, theirs in ((offset, timedelta(0)), (timedelta(0), offset), (offset, offset)):
        trail.clock.offset, trail.index.ahead = ours, theirs
        poll.witness.look(at_once=True)
        told = poll.witness.surely_past()
        assert told is not None
        assert told <= past
