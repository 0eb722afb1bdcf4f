"""The daemon's threads, with a real ledger and a destination that takes its time."""

import threading
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alertd.clock import SteadyClock, SystemClock
from alertd.errors import AlertdError
from alertd.ledger.file import create
from alertd.ledger.model import Message, MessageKind, MessageState
from alertd.ledger.sqlite import open_ledger
from alertd.ops.life import Life
from alertd.ops.trouble import Troubles
from alertd.run.daemon import Daemon
from tests.simulation.world import DAY, SimulatedClock
from tests.unit.test_deliver import NOW, Office, Scripted

WAIT_SECONDS = 10


def test_a_stop_waits_for_the_post_under_way_and_its_record(tmp_path: Path) -> None:
    """What Slack took is in the ledger as sent when run() returns: the next start has no doubt to settle."""
    posting, returned = threading.Event(), threading.Event()

    def take_time() -> None:
        posting.set()
        # longer than a stop that does not wait needs to return
        returned.wait(1)

    create(tmp_path / "alertd.db", now=NOW)
    with closing(open_ledger(tmp_path / "alertd.db", now=NOW)) as ledger:
        office = Office(ledger, SimulatedClock(NOW))
        office.happen(1)
        courier = replace(office.courier(Scripted([], during=take_time)), clock=SteadyClock(SystemClock()))
        daemon = Daemon(ledger, SystemClock(), (), (courier,), Troubles(SystemClock()), keep=400 * DAY)
        sent: list[int] = []

        def run() -> None:
            daemon.run()
            sent.append(len(office.sent()))
            returned.set()

        running = threading.Thread(target=run)
        running.start()
        assert posting.wait(WAIT_SECONDS)
        daemon.stop.set()
        running.join(WAIT_SECONDS)
        for thread in threading.enumerate():
            if thread.name.startswith("deliver-"):
                thread.join(WAIT_SECONDS)
        assert [1] == sent
        assert 1 == len(ledger.messages("security", MessageState.SENT))


class Bell(threading.Event):
    """Tells when somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.set()
        return super().wait(timeout)


def test_what_a_scan_records_wakes_the_courier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks by itself too seldom for an alert."""
    monkeypatch.setattr("alertd.deliver.courier.LOOK", DAY)
    posted = threading.Event()
    create(tmp_path / "alertd.db", now=NOW)
    with closing(open_ledger(tmp_path / "alertd.db", now=NOW)) as ledger:
        office = Office(ledger, SimulatedClock(NOW))
        courier = replace(office.courier(Scripted([], during=posted.set)), clock=SteadyClock(SystemClock()))
        daemon = Daemon(ledger, SystemClock(), (), (courier,), Troubles(SystemClock()), keep=400 * DAY)
        bell = Bell()
        daemon._news = (bell,)
        running = threading.Thread(target=daemon.run)
        running.start()
        try:
            assert bell.waited.wait(WAIT_SECONDS)
            office.happen(1)
            daemon._recorded(1)
            assert posted.wait(WAIT_SECONDS)
        finally:
            daemon.stop.set()
            running.join(WAIT_SECONDS)


def test_what_alertd_says_of_itself_wakes_the_courier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as the ledger has it: trouble is not told later than an alert."""
    monkeypatch.setattr("alertd.deliver.courier.LOOK", DAY)
    posted = threading.Event()
    create(tmp_path / "alertd.db", now=NOW)
    with closing(open_ledger(tmp_path / "alertd.db", now=NOW)) as ledger:
        office = Office(ledger, SimulatedClock(NOW))
        courier = replace(office.courier(Scripted([], during=posted.set)), clock=SteadyClock(SystemClock()))
        troubles = Troubles(SystemClock(), ledger, _tell)
        daemon = Daemon(ledger, SystemClock(), (), (courier,), troubles, keep=400 * DAY)
        bell = Bell()
        daemon._news = (bell,)
        running = threading.Thread(target=daemon.run)
        running.start()
        try:
            assert bell.waited.wait(WAIT_SECONDS)
            troubles.begin("source cloudtrail", "cannot be searched")
            assert posted.wait(WAIT_SECONDS)
        finally:
            daemon.stop.set()
            running.join(WAIT_SECONDS)


def test_a_sign_of_life_bears_the_time_of_now_soon_after_the_clock_was_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks would hear of a sign from the future, and of none since, until the next tick by that clock."""
    signed, signed_anew, limit = threading.Event(), threading.Event(), SystemClock().now() - 399 * DAY

    def sign(_: object, life: Life) -> None:
        (signed_anew if life.at < limit else signed).set()

    monkeypatch.setattr("alertd.ops.life.sign", sign)
    create(tmp_path / "alertd.db", now=NOW)
    with closing(open_ledger(tmp_path / "alertd.db", now=NOW)) as ledger:
        clock = _Set()
        daemon = Daemon(ledger, clock, (), (), Troubles(clock), keep=400 * DAY)
        running = threading.Thread(target=daemon.run)
        running.start()
        try:
            assert signed.wait(WAIT_SECONDS)
            clock.offset = -400 * DAY
            assert signed_anew.wait(WAIT_SECONDS)
        finally:
            daemon.stop.set()
            running.join(WAIT_SECONDS)


class _Set(SystemClock):
    offset = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.offset


def _tell(text: str, over: bool) -> Message:
    return Message("ops", "security", MessageKind.OPS, f"{text} {over}", NOW)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_courier_that_ends_by_what_is_no_error_ends_alertd(tmp_path: Path) -> None:
    """A library that calls sys.exit, or panics: a thread that nobody starts again would be missed by nobody."""

    def panic() -> None:
        raise SystemExit

    create(tmp_path / "alertd.db", now=NOW)
    with closing(open_ledger(tmp_path / "alertd.db", now=NOW)) as ledger:
        office = Office(ledger, SimulatedClock(NOW))
        office.happen(1)
        courier = replace(office.courier(Scripted([], during=panic)), clock=SteadyClock(SystemClock()))
        daemon = Daemon(ledger, SystemClock(), (), (courier,), Troubles(SystemClock()), keep=400 * DAY)
        ends = threading.Timer(WAIT_SECONDS, daemon.stop.set)
        ends.start()
        with pytest.raises(AlertdError, match="the thread deliver security ended unexpectedly"):
            daemon.run()
        ends.cancel()


def test_nothing_passes_the_boundary_of_a_job(tmp_path: Path) -> None:
    """To tell of a failure may fail as well."""

    def fail(*_: object) -> Message:
        raise ValueError("in the job, and where it is told")

    create(tmp_path / "alertd.db", now=NOW)
    with closing(open_ledger(tmp_path / "alertd.db", now=NOW)) as ledger:
        daemon = Daemon(ledger, SystemClock(), (), (), Troubles(SystemClock(), ledger, fail), keep=400 * DAY)
        daemon._guarded("a job", fail)()
        assert None is daemon.failure
