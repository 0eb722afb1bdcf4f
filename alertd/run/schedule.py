"""APScheduler and nothing else: a metronome. A missed, doubled or late tick changes latency, never correctness."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from alertd.clock import Clock


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    every: timedelta
    run: Callable[[], None]


class Metronome:
    """Runs each job at once, then every so often, never beside itself. A tick that comes late is not dropped."""

    def __init__(self, jobs: tuple[Job, ...], clock: Clock) -> None:
        self._clock = clock
        # One thread for each job: with fewer, a slow scan would starve the others.
        pool = ThreadPoolExecutor(max_workers=max(1, len(jobs)))
        # UTC: a change of summer time must not skip or double a tick.
        self._scheduler = BackgroundScheduler(executors={"default": pool}, timezone="UTC")
        for job in jobs:
            self._scheduler.add_job(
                job.run,
                "interval",
                seconds=job.every.total_seconds(),
                id=job.name,
                next_run_time=clock.now(),
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
            )

    def start(self) -> None:
        self._scheduler.start()

    def nudge(self, name: str) -> None:
        """Run a job now: after the wall clock was put back, its next run would be that much later."""
        self._scheduler.modify_job(name, next_run_time=self._clock.now())

    def stop(self) -> None:
        """No further runs; those under way go on."""
        self._scheduler.shutdown(wait=False)
