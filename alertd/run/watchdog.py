"""When each job last finished: what the watchdog judges by."""

import threading
from datetime import timedelta

from alertd.clock import Clock

# A job is nudged when it missed this many ticks, and given up as stuck when it never came back for this long.
MISSED_TICKS = 3
STUCK = timedelta(minutes=15)


class Heartbeats:
    """Counts on the elapsed clock: a jump of the wall clock is no stall, and hides none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._every: dict[str, timedelta] = {}
        self._finished: dict[str, float] = {}
        self._running: set[str] = set()

    def watch(self, job: str, every: timedelta) -> None:
        with self._lock:
            self._every[job] = every
            self._finished[job] = self._clock.elapsed_seconds()

    def began(self, job: str) -> None:
        with self._lock:
            self._running.add(job)

    def finished(self, job: str) -> None:
        """Done, well or not: a job that fails quickly is not stuck."""
        with self._lock:
            self._running.discard(job)
            self._finished[job] = self._clock.elapsed_seconds()

    def overdue(self) -> tuple[str, ...]:
        """Jobs that should have run several times by now, and do not run."""
        with self._lock:
            return tuple(
                job
                for job, every in self._every.items()
                if job not in self._running and self._age(job) > every * MISSED_TICKS
            )

    def stuck(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(job for job, every in self._every.items() if self._age(job) > max(every * MISSED_TICKS, STUCK))

    def _age(self, job: str) -> timedelta:
        return timedelta(seconds=self._clock.elapsed_seconds() - self._finished[job])
