"""The one source of time. Everything else takes a Clock, so that tests and the simulation can own it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Wall clock, aware, UTC. It may jump: use it for records, never to measure."""

    def elapsed_seconds(self) -> float:
        """Seconds since an arbitrary start; never goes back and counts suspended time. Use it to measure."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def elapsed_seconds(self) -> float:
        return time.clock_gettime(_STEADY)


class SteadyClock:
    """The wall clock as it was at the start, carried on without jumps: for deadlines that must not move with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.now()
        self._start_seconds = clock.elapsed_seconds()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.elapsed_seconds() - self._start_seconds)

    def elapsed_seconds(self) -> float:
        return self._clock.elapsed_seconds()


# CLOCK_MONOTONIC stops while a laptop or a virtual machine is suspended; only Linux has the one that does not.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
