"""The running alertd: polls on the metronome, delivers in a thread for each destination, supervises, and stops in
order. Poll and deliver meet only in the ledger. What runs is put together in compose."""

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from alertd.clock import Clock, SteadyClock
from alertd.deliver.courier import LOOK, Courier
from alertd.errors import AlertdError, LedgerFullError, LedgerUnusableError, StalledError
from alertd.ledger import Ledger
from alertd.message.moment import span
from alertd.ops import life, own_log
from alertd.ops.trouble import LEDGER, Troubles
from alertd.poll.ticks import Watch
from alertd.run import stopping, watchdog
from alertd.run.schedule import Job, Metronome
from alertd.run.watchdog import Heartbeats

SUPERVISE_EVERY = timedelta(seconds=1)
# After an unexpected failure of a courier: long enough not to flood the log, short enough to be missed by nobody.
COURIER_PAUSE = timedelta(seconds=30)
PRUNE_EVERY = timedelta(hours=1)
TEND_EVERY = timedelta(seconds=5)
OWN_LOG_EVERY = timedelta(seconds=20)
# A scan that is cut short never happened: a stop waits for it only as long as nobody minds.
SCANS_STOP = timedelta(seconds=2)

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
    still_alive: Callable[[], None] = lambda: None  # called every second
    failure: AlertdError | None = None
    _heartbeats: Heartbeats = field(init=False)
    _news: tuple[threading.Event, ...] = field(init=False)  # of each courier: there may be something for it

    def __post_init__(self) -> None:
        self._heartbeats = Heartbeats(self.clock)
        self._news = tuple(threading.Event() for _ in self.couriers)

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
        """Returns after an orderly stop; raises what ended the daemon. Ends the process where a thread hangs."""
        for watch in self.watches:
            watch.poll.recorded = self._recorded
            watch.poll.start()
        self.troubles.told = self._tell_couriers
        jobs = self._jobs()
        metronome, steady = Metronome(jobs, self.clock), SteadyClock(self.clock)
        # a thread that hangs must not keep the interpreter from ending
        threads = [
            threading.Thread(target=self._deliver, args=each, name=_job(each[0]), daemon=True)
            for each in zip(self.couriers, self._news, strict=True)
        ]
        self.still_alive()
        try:
            for courier, thread in zip(self.couriers, threads, strict=True):
                self._heartbeats.watch(_job(courier), LOOK)
                thread.start()
            metronome.start()
            _log.info("started", sources=[watch.name for watch in self.watches])
            self._supervise(metronome, {job.name for job in jobs}, steady)
        finally:
            self.stop.set()
            self._tell_couriers()
            metronome.stop()
            hanging = self._wait_for(threads)
            if hanging:
                self._leave(hanging)
        if self.failure:
            raise self.failure
        _log.info("stopped")

    def _jobs(self) -> tuple[Job, ...]:
        jobs = [
            Job("prune", PRUNE_EVERY, self._prune),
            Job("troubles", TEND_EVERY, self.troubles.tend),
            Job("life", life.SIGN_EVERY, self._sign),
            Job("log", OWN_LOG_EVERY, lambda: own_log.look(self.troubles, self.clock)),
            *self.chores,
        ]
        for watch in self.watches:
            jobs.append(Job(f"poll {watch.name}", watch.every, watch.fast))
            jobs.append(Job(f"sweep {watch.name}", watch.every, watch.sweep_if_due))
        for job in jobs:
            self._heartbeats.watch(job.name, job.every)
        return tuple(replace(job, run=self._watched(job.name, job.run)) for job in jobs)

    def _watched(self, job: str, run: Callable[[], object]) -> Callable[[], None]:
        guarded = self._guarded(job, run)

        def watched() -> None:
            if self.stop.is_set():
                return
            self._heartbeats.began(job)
            try:
                guarded()
            finally:
                self._heartbeats.finished(job)

        return watched

    def _guarded(self, job: str, run: Callable[[], object]) -> Callable[[], None]:
        """The boundary of a job, which nothing passes: APScheduler would only log it, a courier's thread would end."""
        was_full = False

        def judged() -> None:
            nonlocal was_full
            try:
                run()
            except LedgerFullError as error:
                was_full = True
                self.troubles.begin(LEDGER, f"{error} Nothing is recorded meanwhile; nothing is lost.")
            except LedgerUnusableError:
                raise
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

        def guarded() -> None:
            try:
                judged()
            except LedgerUnusableError as error:
                self._fail(error)
            except Exception:  # noqa: BLE001 to tell of a failure may fail too
                _log.exception("job_failed", job=job)

        return guarded

    def _deliver(self, courier: Courier, news: threading.Event) -> None:
        """A destination's thread. Its step may fail like a job's; what it was sending is then unknown."""
        job = _job(courier)
        run = self._guarded(job, lambda: self._deliver_until_stop(courier, news))
        try:
            while not self.stop.is_set():
                run()
                self._heartbeats.finished(job)
                self.stop.wait(COURIER_PAUSE.total_seconds())
        finally:
            self._heartbeats.finished(job)
            if not self.stop.is_set():  # by what is no Exception: nobody would start it again
                self._fail(AlertdError(f"the thread {job} ended unexpectedly. Please report it with the log."))

    def _deliver_until_stop(self, courier: Courier, news: threading.Event) -> None:
        job = _job(courier)
        self._heartbeats.began(job)
        courier.recover()
        while not self.stop.is_set():
            self._heartbeats.began(job)
            news.clear()  # before the look: what comes during it is news for the next one
            wait = courier.step()
            self.troubles.end(f"job {job}")
            self._heartbeats.finished(job)
            news.wait(wait.total_seconds())

    def _recorded(self, new: int) -> int:
        """By the thread of a scan, which has completed a page."""
        self._heartbeats.progressed()
        if new:
            self._tell_couriers()
        return new

    def _tell_couriers(self) -> None:
        for news in self._news:
            news.set()

    def _sign(self) -> None:
        """Say in the ledger that alertd lives, and to people which of its threads may not."""
        late = self._heartbeats.late()
        self.troubles.settle("thread", {f"thread {job}": _lateness(age) for job, age in late.items()})
        sets = tuple(rule_set.id for watch in self.watches for rule_set in watch.poll.rule_sets)
        life.sign(self.ledger, life.Life(self.clock.now(), sets, tuple(late)))

    def _supervise(self, metronome: Metronome, ticking: set[str], steady: SteadyClock) -> None:
        """Takes no lock that a hanging thread may hold: neither the ledger nor the troubles."""
        while not self.stop.wait(SUPERVISE_EVERY.total_seconds()):
            self.still_alive()
            jump = steady.jump()
            steady.follow(jump)
            # whatever is due by the wall clock is due at another time now; the sign of life bears a wrong one
            due = ticking if jump else ticking.intersection(self._heartbeats.overdue())
            if due:
                metronome.nudge(due)
            stuck = self._heartbeats.stuck()
            if stuck:
                self._fail(StalledError(f"{', '.join(stuck)} completed nothing for {span(watchdog.STUCK)}."))

    def _fail(self, error: AlertdError) -> None:
        self.failure = self.failure or error
        self.stop.set()

    def _prune(self) -> None:
        """Forgetting cannot be undone: only what is old by every clock there is, not by ours alone."""
        moments = [watch.poll.witness.surely_past() for watch in self.watches]
        past = [moment for moment in moments if moment]
        if past and len(past) == len(moments):
            self.ledger.prune(before=min(past) - self.keep)

    def _wait_for(self, threads: Sequence[threading.Thread]) -> tuple[str, ...]:
        """Until posts under way are done and recorded, and what a scan records. The names of what hangs."""
        began = self.clock.elapsed_seconds()

        def left(most: timedelta) -> float:
            return max(0.0, began + most.total_seconds() - self.clock.elapsed_seconds())

        for thread in threads:
            if thread.ident:
                thread.join(timeout=left(stopping.ORDERLY_STOP - stopping.MARGIN))
        while self._heartbeats.running() and left(SCANS_STOP):
            threading.Event().wait(min(0.02, left(SCANS_STOP)))
        hanging = [thread.name for thread in threads if thread.is_alive()]
        return tuple(dict.fromkeys([*hanging, *self._heartbeats.running()]))

    def _leave(self, hanging: Sequence[str]) -> None:
        """The ledger is not closed: what hangs may still use it."""
        failure = self.failure or (AlertdError(repr(sys.exc_info()[1])) if sys.exc_info()[1] else None)
        _log.log(40 if failure else 30, "cut_short", hanging=hanging, reason=str(failure) if failure else None)
        stopping.leave(failure.exit_code if failure else 0)


def _job(courier: Courier) -> str:
    return f"deliver {courier.destination.name}"


def _lateness(age: timedelta) -> str:
    return (
        f"has completed nothing for {span(age)}. What it does waits. After {span(watchdog.STUCK)} alertd ends, so that "
        "its supervisor starts it again."
    )
