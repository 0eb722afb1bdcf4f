"""alertd of which one part never returns, with shorter patience: `python -m tests.acceptance.hanging poll run`.

Only how long it waits is changed, and that one call hangs: as a defect of ours, or of a library's, might make it.
"""

import sqlite3
import sys
import threading
from datetime import timedelta

from alertd.cli.main import main
from alertd.deliver.courier import Courier
from alertd.ledger import file
from alertd.ops import life
from alertd.poll.scan import Poll
from alertd.run import stopping, watchdog

_SECOND = timedelta(seconds=1)


def hang(*_: object, **__: object) -> None:
    sys.stderr.write("hanging\n")
    sys.stderr.flush()
    threading.Event().wait()


def count_for_ever(connection: sqlite3.Connection) -> None:
    """Within SQLite, where no signal handler of Python's runs."""
    sys.stderr.write("hanging\n")
    sys.stderr.flush()
    connection.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")


def hurry() -> None:
    stopping.ORDERLY_STOP, stopping.MARGIN = 3 * _SECOND, _SECOND
    watchdog.LATE, watchdog.STUCK = 2 * _SECOND, 8 * _SECOND
    life.SIGN_EVERY = _SECOND / 2


def break_(what: str) -> None:
    if what == "poll":
        Poll.fast = hang  # type: ignore[method-assign, assignment]
    elif what == "courier":
        Courier._send = hang  # type: ignore[method-assign]
    elif what == "start":
        file.check_integrity = hang
    elif what == "migration":
        file.migrate = count_for_ever


if __name__ == "__main__":
    hurry()
    break_(sys.argv.pop(1))
    main()
