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
    """The wall clock, carried on without jumps until its owner follows one, and moves the deadlines kept by it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.basis = _basis(clock)

    def now(self) -> datetime:
        return self.basis + timedelta(seconds=self.elapsed_seconds())

    def jump(self) -> timedelta:
        """By how much somebody has set the wall clock since; nothing, where it only drifts."""
        by = _basis(self._clock) - self.basis
        return by if abs(by) >= JUMP else timedelta(0)

    def follow(self, by: timedelta) -> None:
        self.basis += by

    def elapsed_seconds(self) -> float:
        return self._clock.elapsed_seconds()


def _basis(clock: Clock) -> datetime:
    """What the wall clock shows when the elapsed clock shows 0: the same until somebody sets the wall clock, or the
    machine starts again."""
    return clock.now() - timedelta(seconds=clock.elapsed_seconds())


def skew(told: datetime, *, asked_at: datetime, answered_at: datetime) -> timedelta | None:
    """How far another clock, asked for its time, is ahead of this machine's; None: they agree, or nearly."""
    if asked_at - MOST_SKEW <= told <= answered_at + MOST_SKEW:
        return None
    return told - answered_at


def compared(told: datetime, *, asked_at: datetime, answered_at: datetime) -> str:
    """How far the other clock is ahead, as people read it. It was read somewhere between asking and its answer."""
    tenths = round((told - asked_at - (answered_at - asked_at) / 2).total_seconds(), 1)
    return f"clock {tenths or 0.0:+.1f} s"  # a float would say -0


def skew_told(ahead: timedelta) -> str:
    seconds = abs(ahead).total_seconds()
    by = next(
        (f"{seconds / size:.0f} {name}" for size, name in _UNITS if seconds >= 2 * size), f"{seconds:.0f} seconds"
    )
    return f"this machine's clock is {by} {'behind' if ahead > timedelta(0) else 'ahead of'} the search server's"


# Less is what a clock that is kept right drifts, and what the two of them are read apart.
JUMP = timedelta(seconds=1)
# Whoever reads the time over a network errs by some of it.
MOST_SKEW = timedelta(seconds=5)
_UNITS = ((86400, "days"), (3600, "hours"), (60, "minutes"))

# CLOCK_MONOTONIC stops while a laptop or a virtual machine is suspended; only Linux has the one that does not.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
