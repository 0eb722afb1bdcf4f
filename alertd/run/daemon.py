"""The running alertd: polls on the metronome, delivers in a thread for each destination, supervises, and stops in
order. Poll and deliver meet only in the ledger. What runs is put together in compose."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from alertd.clock import Clock
from alertd.deliver.courier import Courier
from alertd.errors import AlertdError, LedgerFullError, LedgerUnusableError, StalledError
from alertd.ledger import Ledger
from alertd.ops.trouble import LEDGER, Troubles
from alertd.poll.ticks import Watch
from alertd.run.schedule import Job, Metronome
from alertd.run.watchdog import Heartbeats

# A post under way may take its whole deadline (12 s); systemd and Docker kill later than this.
ORDERLY_STOP = timedelta(seconds=14)
SUPERVISE_EVERY = timedelta(seconds=1)
# After an unexpected failure of a courier: long enough not to flood the log, short enough to be missed by nobody.
COURIER_PAUSE = timedelta(seconds=30)
PRUNE_EVERY = timedelta(hours=6)
TEND_EVERY = timedelta(seconds=2)

_log = structlog.get_logger("alertd.daemon")


@dataclass(slots=True)
class Daemon:
    """Runs until `stop` is set or something makes going on senseless. `failure` is that something."""

    ledger: Ledger
    clock: Clock
    watches: Sequence[Watch]
    couriers: Sequence[Courier]
    troubles: Troubles
    keep: timedelta  # how long events are remembered after they were last seen
    chores: tuple[Job, ...] = ()  # what looks for trouble, and tells of it
    stop: threading.Event = field(default_factory=threading.Event)
    failure: AlertdError | None = None

    def once(self) -> None:
        """Sweep every source and deliver what can be delivered, once. Raises what a poll raises."""
        for watch in self.watches:
            watch.poll.start()
            watch.poll.sweep()
        self.troubles.tend()
        for courier in self.couriers:
            courier.recover()
            while not self.stop.wait(courier.step().total_seconds()) and courier.is_busy():
                pass

    def run(self) -> None:
        """Returns after an orderly stop; raises what ended the daemon."""
        for watch in self.watches:
            watch.poll.start()
        heartbeats = Heartbeats(self.clock)
        jobs = self._jobs(heartbeats)
        metronome = Metronome(jobs, self.clock)
        threads = [
            threading.Thread(target=self._deliver, args=(courier,), name=f"deliver-{courier.destination.name}")
            for courier in self.couriers
        ]
        for thread in threads:
            thread.start()
        metronome.start()
        _log.info("started", sources=[watch.name for watch in self.watches])
        try:
            self._supervise(heartbeats, metronome)
        finally:
            self.stop.set()
            metronome.stop()
            self._join(threads)
        if self.failure:
            raise self.failure
        _log.info("stopped")

    def _jobs(self, heartbeats: Heartbeats) -> tuple[Job, ...]:
        chores = (Job("prune", PRUNE_EVERY, self._prune), Job("troubles", TEND_EVERY, self.troubles.tend), *self.chores)
        jobs = [replace(chore, run=self._guarded(chore.name, chore.run, heartbeats)) for chore in chores]
        for watch in self.watches:
            for name, run in (("poll", watch.fast), ("sweep", watch.sweep_if_due)):
                job = f"{name} {watch.name}"
                heartbeats.watch(job, watch.every)
                jobs.append(Job(job, watch.every, self._guarded(job, run, heartbeats)))
        return tuple(jobs)

    def _guarded(self, job: str, run: Callable[[], object], heartbeats: Heartbeats) -> Callable[[], None]:
        """The job boundary: APScheduler would only log what comes out of a job."""
        was_full = False

        def guarded() -> None:
            nonlocal was_full
            if self.stop.is_set():
                return
            heartbeats.began(job)
            try:
                run()
            except LedgerFullError as error:
                was_full = True
                self.troubles.begin(LEDGER, f"{error} Nothing is recorded meanwhile; nothing is lost.")
            except LedgerUnusableError as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001 a defect of ours: the other jobs go on, and people hear of it
                _log.exception("job_failed", job=job)
                self.troubles.begin(
                    f"job {job}", f"failed unexpectedly: {error!r}. It is tried again. Please report it."
                )
            else:
                self.troubles.end(f"job {job}")
                if was_full:
                    was_full = False
                    self.troubles.end(LEDGER)
            finally:
                heartbeats.finished(job)

        return guarded

    def _deliver(self, courier: Courier) -> None:
        """A destination's thread. Its step may fail like a job's; what it was sending is then unknown."""
        job = f"deliver {courier.destination.name}"
        run = self._guarded(job, lambda: self._deliver_until_stop(courier, job), Heartbeats(self.clock))
        while not self.stop.is_set():
            run()
            self.stop.wait(COURIER_PAUSE.total_seconds())

    def _deliver_until_stop(self, courier: Courier, job: str) -> None:
        courier.recover()
        while not self.stop.is_set():
            wait = courier.step()
            self.troubles.end(f"job {job}")
            self.stop.wait(wait.total_seconds())

    def _supervise(self, heartbeats: Heartbeats, metronome: Metronome) -> None:
        while not self.stop.wait(SUPERVISE_EVERY.total_seconds()):
            for job in heartbeats.overdue():
                metronome.nudge(job)
            stuck = heartbeats.stuck()
            if stuck:
                self._fail(StalledError(f"{', '.join(stuck)} did not finish for a quarter of an hour."))

    def _fail(self, error: AlertdError) -> None:
        self.failure = self.failure or error
        self.stop.set()

    def _prune(self) -> None:
        self.ledger.prune(before=self.clock.now() - self.keep)

    def _join(self, threads: Sequence[threading.Thread]) -> None:
        deadline = self.clock.elapsed_seconds() + ORDERLY_STOP.total_seconds()
        for thread in threads:
            thread.join(timeout=max(0.0, deadline - self.clock.elapsed_seconds()))
