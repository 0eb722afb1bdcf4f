"""APScheduler and nothing else: a metronome. A missed, doubled or late tick changes latency, never correctness."""

import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from alertd.clock import Clock


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    every: timedelta
    run: Callable[[], None]


# APScheduler ends in no time, unless a thread of its own hangs.
STOP = timedelta(seconds=2)


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Ticks every so often. What was missed is one tick: APScheduler's own trigger lists each of them under a lock, and
    a clock that is set from 1970 to now has missed a hundred million."""

    __slots__ = ("_every",)

    def __init__(self, every: timedelta) -> None:
        self._every = every

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        due = (previous or now) + self._every
        return due if due > now else now + self._every


class Metronome:
    """Runs each job at once, then every so often, never beside itself. A tick that comes late is not dropped."""

    def __init__(self, jobs: tuple[Job, ...], clock: Clock) -> None:
        self._clock = clock
        self._nudging: threading.Thread | None = None
        # One thread for each job: with fewer, a slow scan would starve the others.
        pool = ThreadPoolExecutor(max_workers=max(1, len(jobs)))
        # UTC: a change of summer time must not skip or double a tick.
        self._scheduler = BackgroundScheduler(executors={"default": pool}, timezone="UTC")
        for job in jobs:
            self._scheduler.add_job(
                job.run,
                Every(job.every),
                id=job.name,
                next_run_time=clock.now(),
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
            )

    def start(self) -> None:
        self._scheduler.start()

    def nudge(self, names: Collection[str]) -> None:
        """Run these jobs now: after the wall clock was put back, their next run would be that much later. Does not wait
        for APScheduler, whose lock may be held: whoever nudges also judges what hangs."""
        if self._nudging is None or not self._nudging.is_alive():
            self._nudging = threading.Thread(target=self._nudge, args=(names,), name="nudge", daemon=True)
            self._nudging.start()

    def _nudge(self, names: Collection[str]) -> None:
        with suppress(JobLookupError):  # it has stopped meanwhile, and knows none
            for name in names:
                self._scheduler.modify_job(name, next_run_time=self._clock.now())

    def stop(self) -> None:
        """No further runs; those under way go on. Where APScheduler hangs it is left: the process ends."""
        stopping = threading.Thread(target=self._scheduler.shutdown, args=(False,), name="stop", daemon=True)
        stopping.start()
        stopping.join(STOP.total_seconds())
