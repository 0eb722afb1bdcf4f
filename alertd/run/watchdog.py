"""What each thread last completed, and when: what the watchdog judges by."""

import threading
from collections.abc import Mapping
from datetime import timedelta

from alertd.clock import Clock

# A job is nudged when it missed this many ticks.
MISSED_TICKS = 3
# Without anything completed for so long people hear of it: a page of a search, a post, a look into a channel each have
# deadlines that are shorter by far.
LATE = timedelta(minutes=5)
# And for so long it never comes back.
STUCK = timedelta(minutes=15)


class Heartbeats:
    """Counts on the elapsed clock: a jump of the wall clock is no stall, and hides none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._every: dict[str, timedelta] = {}
        self._completed: dict[str, float] = {}
        self._running: dict[int, str] = {}  # thread → job

    def watch(self, job: str, every: timedelta) -> None:
        with self._lock:
            self._every[job] = every
            self._completed[job] = self._clock.elapsed_seconds()

    def began(self, job: str) -> None:
        """By the thread that does it."""
        with self._lock:
            self._running[threading.get_ident()] = job
            self._completed[job] = self._clock.elapsed_seconds()

    def progressed(self) -> None:
        """The job of this thread has completed a part: a sweep may have many pages, and each counts."""
        with self._lock:
            job = self._running.get(threading.get_ident())
            if job is not None:
                self._completed[job] = self._clock.elapsed_seconds()

    def finished(self, job: str) -> None:
        """Done, well or not: a job that fails quickly is not stuck."""
        with self._lock:
            self._running.pop(threading.get_ident(), None)
            self._completed[job] = self._clock.elapsed_seconds()

    def running(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._running.values())

    def overdue(self) -> tuple[str, ...]:
        """Jobs that should have run several times by now, and do not run."""
        with self._lock:
            running = set(self._running.values())
            return tuple(
                job
                for job, every in self._every.items()
                if job not in running and self._age(job) > every * MISSED_TICKS
            )

    def late(self) -> Mapping[str, timedelta]:
        """Jobs that people should hear of → for how long they have completed nothing."""
        return self._without_work(LATE)

    def stuck(self) -> tuple[str, ...]:
        return tuple(self._without_work(STUCK))

    def _without_work(self, most: timedelta) -> dict[str, timedelta]:
        """One that runs may take so long for a part of its work; one that waits for its tick, a few ticks besides."""
        with self._lock:
            running = set(self._running.values())
            return {
                job: self._age(job)
                for job, every in self._every.items()
                if self._age(job) > (most if job in running else max(every * MISSED_TICKS, most))
            }

    def _age(self, job: str) -> timedelta:
        return timedelta(seconds=self._clock.elapsed_seconds() - self._completed[job])
