"""The ledger's file as a stranger sees it: what is open in it, and whether it is sound."""

import sqlite3
from contextlib import closing
from pathlib import Path

_OPEN = """
SELECT (SELECT count(*) FROM notifications WHERE delivery_id IS NULL AND closed = 0)
     + (SELECT count(*) FROM messages WHERE state <> 'sent')
"""


def count_open(path: Path) -> int:
    """What waits, and messages that are not sent."""
    with closing(sqlite3.connect(path)) as ledger:
        return int(ledger.execute(_OPEN).fetchone()[0])


def damage(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as ledger:
        [[sound]] = ledger.execute("PRAGMA integrity_check").fetchall()
        hanging = ledger.execute("PRAGMA foreign_key_check").fetchall()
    return [] if sound == "ok" and not hanging else [f"integrity: {sound} {hanging}"]
