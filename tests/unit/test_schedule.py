"""The metronome, with real threads."""

import threading
import time
from datetime import datetime, timedelta

from alertd.clock import SystemClock
from alertd.run.schedule import Every, Job, Metronome

WAIT = 10


def test_ticks_that_come_while_a_job_runs_do_not_run_it_beside_itself_and_are_not_lost() -> None:
    running, together, again = threading.Lock(), threading.Event(), threading.Event()
    entered, release, others = threading.Event(), threading.Event(), threading.Semaphore(0)

    def slow() -> None:
        if not running.acquire(blocking=False):
            together.set()
            return
        if entered.is_set():
            again.set()
        entered.set()
        release.wait(WAIT)
        running.release()

    jobs = (
        Job("slow", timedelta(seconds=0.02), slow),
        Job("quick", timedelta(seconds=0.02), others.release),
    )
    metronome = Metronome(jobs, SystemClock())
    metronome.start()
    try:
        assert entered.wait(WAIT)
        for _ in range(5):  # many of slow's ticks pass, and the other job goes on meanwhile
            assert others.acquire(timeout=WAIT)
        assert not again.is_set()
        release.set()
        assert again.wait(WAIT)
        assert not together.is_set()
    finally:
        release.set()
        metronome.stop()


def test_a_nudged_job_runs_before_its_next_tick() -> None:
    ran = threading.Semaphore(0)
    metronome = Metronome((Job("poll", timedelta(days=1), ran.release),), SystemClock())
    metronome.start()
    try:
        assert ran.acquire(timeout=WAIT)
        metronome.nudge(["poll"])
        assert ran.acquire(timeout=WAIT)
    finally:
        metronome.stop()


class _Behind(SystemClock):
    def __init__(self, by: timedelta = timedelta(hours=1)) -> None:
        self._by = by

    def now(self) -> datetime:
        return super().now() - self._by


def test_a_tick_that_comes_very_late_is_not_dropped() -> None:
    """The machine slept through it: the job runs when it wakes, not at the next tick."""
    ran = threading.Semaphore(0)
    metronome = Metronome((Job("poll", timedelta(days=1), ran.release),), _Behind())
    metronome.start()
    try:
        assert ran.acquire(timeout=WAIT)
    finally:
        metronome.stop()


def test_a_clock_that_is_set_by_fifty_years_has_missed_one_tick() -> None:
    """The machine started in 1970, and learned the time while alertd ran."""
    every, now = timedelta(seconds=10), SystemClock().now()
    trigger = Every(every)
    assert now < trigger.get_next_fire_time(now - timedelta(days=50 * 365), now) <= now + every
    assert now - timedelta(seconds=4) + every == trigger.get_next_fire_time(now - timedelta(seconds=4), now)


def test_ticks_missed_for_a_year_are_run_once_and_cost_nothing() -> None:
    ran = threading.Semaphore(0)
    metronome = Metronome((Job("poll", timedelta(seconds=10), ran.release),), _Behind(timedelta(days=365)))
    spent = time.process_time()
    metronome.start()
    try:
        assert ran.acquire(timeout=WAIT)
        assert not ran.acquire(timeout=0.2)
        assert time.process_time() - spent < 1
    finally:
        metronome.stop()


def test_neither_a_nudge_nor_a_stop_waits_for_a_scheduler_that_hangs() -> None:
    """Else the thread that judges what hangs would hang with it, and so would the end of the process."""
    done = threading.Event()
    metronome = Metronome((Job("poll", timedelta(days=1), lambda: None),), SystemClock())
    metronome.start()

    def nudge_and_stop() -> None:
        metronome.nudge(["poll"])
        metronome.nudge(["poll"])
        metronome.stop()
        done.set()

    with metronome._scheduler._jobstores_lock:
        threading.Thread(target=nudge_and_stop, daemon=True).start()
        assert done.wait(WAIT)
