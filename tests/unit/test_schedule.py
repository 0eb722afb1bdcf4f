"""The metronome, with real threads."""

import threading
from datetime import datetime, timedelta

from alertd.clock import SystemClock
from alertd.run.schedule import Job, Metronome

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
        metronome.nudge("poll")
        assert ran.acquire(timeout=WAIT)
    finally:
        metronome.stop()


class _Behind(SystemClock):
    def now(self) -> datetime:
        return super().now() - timedelta(hours=1)


def test_a_tick_that_comes_very_late_is_not_dropped() -> None:
    """The machine slept through it: the job runs when it wakes, not at the next tick."""
    ran = threading.Semaphore(0)
    metronome = Metronome((Job("poll", timedelta(days=1), ran.release),), _Behind())
    metronome.start()
    try:
        assert ran.acquire(timeout=WAIT)
    finally:
        metronome.stop()
