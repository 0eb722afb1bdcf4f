"""The watchdog's judgement, by a clock that the test owns."""

import threading
from datetime import timedelta

from alertd.run.watchdog import LATE, STUCK, Heartbeats
from tests.simulation.world import HOUR, MINUTE, SECOND, SimulatedClock


def test_a_job_that_misses_three_ticks_is_overdue_until_it_runs() -> None:
    clock = SimulatedClock()
    hearts = Heartbeats(clock)
    hearts.watch("poll", 10 * SECOND)
    clock.advance(30 * SECOND)
    assert () == hearts.overdue()
    clock.advance(SECOND)
    assert ("poll",) == hearts.overdue()
    hearts.began("poll")
    assert () == hearts.overdue()
    hearts.finished("poll")
    assert () == hearts.overdue()


def test_a_scan_that_never_comes_back_is_stuck_after_a_quarter_of_an_hour() -> None:
    clock = SimulatedClock()
    hearts = Heartbeats(clock)
    hearts.watch("poll", 10 * SECOND)
    hearts.began("poll")
    clock.advance(STUCK)
    assert () == hearts.stuck()
    clock.advance(SECOND)
    assert ("poll",) == hearts.stuck()


def test_a_job_that_runs_seldom_is_not_stuck_between_its_ticks() -> None:
    clock = SimulatedClock()
    hearts = Heartbeats(clock)
    hearts.watch("sweep", HOUR)
    clock.advance(3 * HOUR)
    assert () == hearts.stuck()
    clock.advance(MINUTE)
    assert ("sweep",) == hearts.stuck()


def test_a_jump_of_the_wall_clock_is_no_stall() -> None:
    clock = SimulatedClock()
    hearts = Heartbeats(clock)
    hearts.watch("poll", 10 * SECOND)
    clock.offset = timedelta(days=400)
    assert () == hearts.overdue() + hearts.stuck()


def test_a_sweep_that_takes_an_hour_is_not_stuck_while_its_pages_come() -> None:
    """Completed work is counted: a page is a part of it. Another thread's pages are not."""
    clock = SimulatedClock()
    hearts = Heartbeats(clock)
    hearts.watch("sweep", 10 * SECOND)
    hearts.began("sweep")
    for _ in range(6):
        clock.advance(10 * MINUTE)
        assert () == hearts.stuck()
        hearts.progressed()
    clock.advance(10 * MINUTE)
    other = threading.Thread(target=hearts.progressed)
    other.start()
    other.join()
    assert {"sweep": 10 * MINUTE} == hearts.late()
    clock.advance(6 * MINUTE)
    assert ("sweep",) == hearts.stuck()


def test_people_hear_of_what_is_late_before_it_counts_as_stuck() -> None:
    clock = SimulatedClock()
    hearts = Heartbeats(clock)
    hearts.watch("deliver", 2 * SECOND)
    clock.advance(LATE)
    assert {} == hearts.late()
    clock.advance(SECOND)
    assert ["deliver"] == list(hearts.late())
    assert () == hearts.stuck()


def test_a_job_that_begins_after_a_long_rest_is_not_late() -> None:
    clock = SimulatedClock()
    hearts = Heartbeats(clock)
    hearts.watch("prune", 6 * HOUR)
    clock.advance(6 * HOUR)
    hearts.began("prune")
    assert {} == hearts.late()
