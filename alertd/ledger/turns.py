"""One connection for several threads: they take turns, a transaction each, and SQLite's errors become ours."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alertd.errors import LedgerUnusableError
from alertd.ledger.queries import named
from alertd.ledger.refusal import passing


class Turns:
    """After an I/O error, or damage, every call fails: only a new start may trust the file."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._turn = threading.RLock()
        self._broken: str | None = None
        self.writes = 0  # how many began or ended: what reads without a lock can tell whether one came in between

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._turn, self._judged():
            self._connection.execute("BEGIN IMMEDIATE")
            self.writes += 1
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self.writes += 1

    def read(self, query: str, **parameters: int | str | None) -> list[sqlite3.Row]:
        with self._turn, self._judged():
            return self._connection.execute(named()[query], parameters).fetchall()

    def execute(self, query: str, parameters: Mapping[str, Any]) -> sqlite3.Cursor:
        """Within a transaction."""
        return self._connection.execute(named()[query], parameters)

    def refuse(self, reason: str) -> None:
        """From now on every call fails with this reason."""
        self._broken = self._broken or reason

    def close(self) -> None:
        with self._turn:
            self._connection.close()

    @contextmanager
    def still(self) -> Iterator[None]:
        """Nobody writes meanwhile."""
        with self._turn:
            yield

    @contextmanager
    def _judged(self) -> Iterator[None]:
        """A full disk and a lock pass; after anything else only a new start may go on."""
        if self._broken:
            raise LedgerUnusableError(self._broken)
        try:
            yield
        except sqlite3.Error as error:
            if passes := passing(self._path, error):
                raise passes from error
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            self._broken = (
                f"the ledger {self._path} cannot be used any more: {name}: {error}. "
                "alertd stops; what it was doing is settled at the next start."
            )
            raise LedgerUnusableError(self._broken) from error
