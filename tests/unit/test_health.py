"""The watchdog's judgement, by a clock that the test owns."""

from datetime import timedelta

from alertd.run.watchdog import STUCK, Heartbeats
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
