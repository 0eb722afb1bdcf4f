"""alertd of which one part never returns, with shorter patience: `python -m tests.acceptance.hanging poll run`.

`regex` is a poll that keeps the interpreter to itself meanwhile.

Only how long it waits is changed, and that one call hangs: as a defect of ours, or of a library's, might make it.
"""

import re
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
    print("hanging", flush=True)
    threading.Event().wait()


def count_for_ever(connection: sqlite3.Connection) -> None:
    """Within SQLite, where no signal handler of Python's runs."""
    sys.stderr.write("hanging\n")
    sys.stderr.flush()
    connection.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")


def run_away(*_: object) -> None:
    print("hanging", flush=True)
    re.match("(a+)+$", "a" * 100 + "b")


def hurry() -> None:
    stopping.ORDERLY_STOP, stopping.MARGIN = 3 * _SECOND, _SECOND
    watchdog.LATE, watchdog.STUCK = 2 * _SECOND, 8 * _SECOND
    stopping.DEAD_MAN, stopping.DEAD_MAN_MARGIN = 10 * _SECOND, 3 * _SECOND
    life.SIGN_EVERY = _SECOND / 2


def break_(what: str) -> None:
    if what == "poll":
        Poll.fast = hang  # type: ignore[method-assign, assignment]
    elif what == "regex":
        Poll.fast = run_away  # type: ignore[method-assign, assignment]
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
