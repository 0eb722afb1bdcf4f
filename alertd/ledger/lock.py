"""Who holds a ledger: one alertd, by a lock on the file itself, whatever names it has.

flock(2) is a lock of its own: SQLite's are of another kind (fcntl), which closing any descriptor of it would drop.
So the lock's descriptor is opened before SQLite opens the file, and closed after SQLite has.
"""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from alertd.errors import LedgerHeldError, LedgerUnusableError

# For who finds it held: who that is. It locks nothing.
_NOTE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS = 0o077


@contextmanager
def held(path: Path, *, now: datetime) -> Iterator[None]:
    """Hold the ledger for as long as the process lives; the kernel frees it whatever happens. Who may open the file may
    hold it: nobody but its owner may."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise LedgerUnusableError(
            f"the ledger {path} cannot be opened: {error.strerror}. Check its owner and mode."
        ) from error
    try:
        found = os.fstat(descriptor)
        if found.st_mode & _OTHERS and found.st_uid == os.geteuid():
            os.fchmod(descriptor, found.st_mode & ~_OTHERS & 0o7777)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            who = _note(path) or "which has only just started"
            raise LedgerHeldError(
                f"ledger {path} is held by another alertd ({who}). Two would race; this one stops."
            ) from error
        except OSError as error:
            raise LedgerUnusableError(
                f"the lock on the ledger {path} cannot be taken: {error.strerror}. Use a local disk."
            ) from error
        with suppress(OSError):  # a full disk, or a note of another user: nothing hangs on it
            _leave_note(path, now=now)
        yield
    finally:
        os.close(descriptor)


def holder(path: Path) -> str | None:
    """Who holds the ledger now, None for nobody. Read from the kernel's list: to try the lock would be to take it for a
    moment, and an alertd that starts in that moment would stop."""
    try:
        inode = path.stat().st_ino
        locks = [line.split() for line in Path("/proc/locks").read_text("utf-8").splitlines()]
    except OSError:
        return None
    # a line of it: 1: FLOCK ADVISORY WRITE 812 fe:00:131081 0 EOF
    if any(lock[1] == "FLOCK" and lock[5].endswith(f":{inode}") for lock in locks if len(lock) > 5):
        return _note(path) or "by a process that left no note"  # the lock counts: a note may be deleted
    return None


def _leave_note(path: Path, *, now: datetime) -> None:
    descriptor = os.open(_note_path(path), _NOTE_FLAGS, 0o600)
    with open(descriptor, "w", encoding="utf-8") as note:  # noqa: PTH123 of a descriptor
        os.fchmod(descriptor, 0o600)
        note.write(f"pid {os.getpid()} on {socket.gethostname()}, since {now:%Y-%m-%d %H:%M:%S} UTC")


def _note(path: Path) -> str | None:
    try:
        return _note_path(path).read_text("utf-8").strip() or None
    except OSError:
        return None


def _note_path(path: Path) -> Path:
    """Beside the file, not beside a link to it."""
    real = path.resolve()
    return real.with_name(f"{real.name}.lock")
