"""The daemon's threads, with a real ledger and a destination that takes its time."""

import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from alertd.clock import SystemClock
from alertd.ledger.file import create
from alertd.ledger.model import MessageState
from alertd.ledger.sqlite import open_ledger
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
        courier = replace(office.courier(Scripted([], during=take_time)), clock=SystemClock())
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
