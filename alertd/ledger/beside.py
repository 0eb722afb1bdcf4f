"""Adding to the ledger while the daemon has it."""

import sqlite3
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from alertd.errors import LedgerHeldError
from alertd.ledger import file
from alertd.ledger.refusal import cannot_open
from alertd.ledger.sqlite import SqliteLedger, open_ledger


def open_beside(path: Path, *, now: datetime) -> SqliteLedger:
    """Open to add something in one transaction, whether the daemon runs or not: it changes nothing that is there.

    LedgerHeldError where another version of alertd holds it, LedgerUnusableError.
    """
    try:
        return open_ledger(path, now=now)
    except LedgerHeldError:
        with ExitStack() as stack:
            try:
                connection = file.connect(path, mode="rw")
                stack.callback(connection.close)
                version = connection.execute("PRAGMA user_version").fetchone()[0]
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise cannot_open(path, error) from error
            if version != len(file.migrations()):
                raise
            return SqliteLedger(connection, path, stack.pop_all())
