"""Why a ledger cannot be used, in words that say what is so and what to do."""

import errno
import sqlite3
from pathlib import Path

from alertd.errors import LedgerFullError, LedgerUnusableError

RESTORE = (
    "The file was left as it is. Restore it from a backup; or move it away and alertd init --after-loss "
    "(lists past events once, re-sends none)."
)
_DAMAGE = frozenset({"SQLITE_CORRUPT", "SQLITE_CORRUPT_INDEX", "SQLITE_ERROR", "SQLITE_NOTADB"})
_LOCKED = frozenset({"SQLITE_BUSY", "SQLITE_BUSY_RECOVERY", "SQLITE_BUSY_TIMEOUT", "SQLITE_LOCKED"})


def passing(path: Path, error: sqlite3.Error | OSError) -> LedgerFullError | None:
    """What passes without a person: a full disk, and another program's lock."""
    if is_lock(error):
        return LedgerFullError(
            f"the ledger {path} is locked by another program, such as a database tool or a backup, until that is done."
        )
    if name(error) == "SQLITE_FULL" or getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}:
        return LedgerFullError(f"the ledger {path} cannot grow: the disk is full. Make room.")
    return None


def is_lock(error: Exception) -> bool:
    return name(error) in _LOCKED


def cannot_open(path: Path, error: sqlite3.Error | UnicodeDecodeError) -> LedgerUnusableError:
    """SQLite blames the file, or what is around it. It quotes damaged names, which Python then cannot decode."""
    if isinstance(error, UnicodeDecodeError) or name(error) in _DAMAGE:
        return LedgerUnusableError(f"the ledger {path} is damaged: {error}. {RESTORE}")
    return passing(path, error) or LedgerUnusableError(
        f"the ledger {path} cannot be opened: {error}. The file was left as it is."
    )


def name(error: Exception) -> str:
    return str(getattr(error, "sqlite_errorname", ""))
