"""The full check of a large ledger, beside the work: alertd does not wait for it, and ends when it finds damage.

It reads without a lock, table by table, so nothing waits for it either. What looks like damage may be a write that came
in between: such a table is read again, in the end while nobody writes.
"""

import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

import structlog

from alertd.ledger.file import connect
from alertd.ledger.refusal import RESTORE, is_lock
from alertd.ledger.turns import Turns

# How often a table is read beside writes before they are kept waiting.
TRIES_BESIDE = 3
UNLOCKED = "ro&immutable=1"
# Of memory, in KiB.
CACHE = 500

_log = structlog.get_logger("alertd.ledger")


class Inspection:
    def __init__(self, path: Path, turns: Turns) -> None:
        self._path = path
        self._turns = turns
        self._tables = [row["name"] for row in turns.read("tables")]
        self._stop = threading.Event()
        self._connection: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="ledger-check", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._connection:
            self._connection.interrupt()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        for table in self._tables:
            damage = self._look(table)
            if self._stop.is_set():
                return
            if damage:
                _log.error("ledger_damaged", ledger=str(self._path), table=table, damage=damage)
                self._turns.refuse(f"the ledger {self._path} is damaged: {damage}. {RESTORE}")
                return
        _log.info("ledger_checked", ledger=str(self._path))

    def _look(self, table: str) -> str | None:
        for _ in range(TRIES_BESIDE):
            writes = self._turns.writes
            if self._read(table, UNLOCKED) is None or self._stop.is_set():
                return None
            if writes == self._turns.writes:
                break
        while not self._stop.is_set():
            # by SQLite's lock no other process writes either: a command may have. One that holds the lock is no damage
            with suppress(BlockingIOError), self._turns.still():
                return self._read(table, "ro")
        return None

    def _read(self, table: str, mode: str) -> str | None:
        """What is wrong with it."""
        try:
            with closing(connect(self._path, mode=mode)) as connection:
                self._connection = connection
                connection.execute(f"PRAGMA cache_size = -{CACHE}")
                found = connection.execute(f"PRAGMA integrity_check({table})").fetchone()[0]
                if found != "ok":
                    return str(found)
                hanging = connection.execute(f"PRAGMA foreign_key_check({table})").fetchone()
                return f"a row of {table} hangs in the air" if hanging else None
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if is_lock(error):
                raise BlockingIOError(str(error)) from error
            return str(error)
        finally:
            self._connection = None
