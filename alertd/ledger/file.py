"""The ledger's file: creating, locking, opening and judging it. Never created, repaired or replaced in passing."""

import fcntl
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import IO

from alertd.errors import LedgerHeldError, LedgerUnusableError

APPLICATION_ID = 0x616C7274  # "alrt"
_HEADER = b"SQLite format 3\x00"
# Network filesystems of which SQLite cannot trust the locks (statfs magic numbers as /proc/mounts names them).
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs"})
_DAMAGE = frozenset({"SQLITE_CORRUPT", "SQLITE_CORRUPT_INDEX", "SQLITE_ERROR", "SQLITE_NOTADB"})
_PRAGMAS = {
    # One file and no shared memory; each commit is on the disk, its directory entry too, before it returns.
    "journal_mode": "delete",
    "synchronous": 3,
    "foreign_keys": 1,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "mmap_size": 0,
    "busy_timeout": 5000,
}


def migrations() -> list[str]:
    """The SQL of each schema version, from 1."""
    folder = files("alertd.ledger") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text("utf-8") for name in names]


def create(path: Path, *, now: datetime, after_loss: bool = False) -> None:
    """Make a new, empty ledger. Refuses to touch anything that stands there already."""
    if path.exists():
        raise LedgerUnusableError(f"there is something at {path} already; alertd init never overwrites.")
    draft = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        connection = connect(draft, mode="rwc")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        migrate(connection)
        connection.execute("INSERT INTO meta VALUES ('created_at', ?)", (now.isoformat(),))
        connection.execute("INSERT INTO meta VALUES ('after_loss', ?)", (str(int(after_loss)),))
        connection.close()
        # A link, unlike a rename, fails where another alertd init was quicker.
        path.hardlink_to(draft)
        draft.unlink()
        _sync_directory(path.parent)
    except FileExistsError as error:
        raise LedgerUnusableError(f"there is something at {path} already; alertd init never overwrites.") from error
    except (OSError, sqlite3.Error) as error:
        raise LedgerUnusableError(
            f"the ledger {path} cannot be created: {error}. Check that its folder is writable."
        ) from error


def connect(path: Path, *, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{path.absolute().as_posix().replace('%', '%25').replace('?', '%3f').replace('#', '%23')}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    for name, wanted in _PRAGMAS.items():
        if mode == "ro" and name == "journal_mode":
            continue
        connection.execute(f"PRAGMA {name} = {wanted}")
        got = connection.execute(f"PRAGMA {name}").fetchone()
        if got is not None and got[0] != wanted:
            raise LedgerUnusableError(f"the ledger {path}: SQLite keeps {name} at {got[0]} rather than {wanted}.")
    return connection


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema to this alertd's version, each step in a transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, sql in enumerate(migrations()[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")


def as_of_now(connection: sqlite3.Connection) -> sqlite3.Connection:
    """For a look at the ledger of an earlier alertd, which only the daemon may migrate: a copy of it in memory."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == len(migrations()):
        return connection
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    copy.row_factory = sqlite3.Row
    with closing(connection):
        connection.backup(copy)
    migrate(copy)
    return copy


def judge(path: Path, *, writable: bool) -> None:
    """Refuse what is no sound ledger of this or an earlier alertd, before SQLite could change anything of it."""
    if not path.exists():
        raise LedgerUnusableError(
            f"there is no ledger at {path}. If this is the first start: alertd init. "
            "If it was lost: restore it from a backup, or alertd init --after-loss "
            "(lists past events once, re-sends none)."
        )
    try:
        with path.open("rb") as file:  # before the lock is taken by SQLite: closing it later would drop that
            header = file.read(100)
    except OSError as error:
        raise LedgerUnusableError(
            f"the ledger {path} cannot be read: {error.strerror}. Check its owner and mode."
        ) from error
    if not header:
        raise LedgerUnusableError(f"the ledger {path} is empty: it was lost or truncated. {_RESTORE}")
    if header[:16] != _HEADER or int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise LedgerUnusableError(f"{path} is not an alertd ledger. It was left as it is; check ledger.path.")
    version, ours = int.from_bytes(header[60:64], "big"), len(migrations())
    if version > ours:
        raise LedgerUnusableError(
            f"the ledger {path} has schema {version}, newer than this alertd knows ({ours}). "
            "Install the newer alertd again; the file was left as it is."
        )
    filesystem = _filesystem(path)
    if filesystem in _NETWORK:
        raise LedgerUnusableError(
            f"the ledger {path} is on a network filesystem ({filesystem}), whose locks cannot be trusted. "
            "Use a local disk."
        )
    if writable and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        raise LedgerUnusableError(f"the ledger {path} or its folder is read-only for this user. Check owner and mode.")


def check_integrity(connection: sqlite3.Connection, path: Path) -> None:
    """The full check: the quick one does not compare a table with its indices, and would let an altered key pass."""
    try:
        result = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        broken = connection.execute("PRAGMA foreign_key_check").fetchone()
        altered = _schema(connection) != _schema_as_made(connection.execute("PRAGMA user_version").fetchone()[0])
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise cannot_open(path, error) from error
    if result != "ok":
        raise LedgerUnusableError(f"the ledger {path} is damaged: {result}. {_RESTORE}")
    if broken:
        raise LedgerUnusableError(f"the ledger {path} is damaged: a row of {broken[0]} hangs in the air. {_RESTORE}")
    if altered:
        raise LedgerUnusableError(f"the ledger {path} is damaged: its tables are not those of alertd. {_RESTORE}")


def _schema_as_made(version: int) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(":memory:")) as model:
        for sql in migrations()[:version]:
            model.executescript(sql)
        return _schema(model)


def _schema(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name").fetchall()
    return [tuple(row) for row in found if not str(row[1]).startswith("sqlite_stat")]


def cannot_open(path: Path, error: sqlite3.Error | UnicodeDecodeError) -> LedgerUnusableError:
    """SQLite blames the file, or what is around it. It quotes damaged names, which Python then cannot decode."""
    if isinstance(error, UnicodeDecodeError) or getattr(error, "sqlite_errorname", "") in _DAMAGE:
        return LedgerUnusableError(f"the ledger {path} is damaged: {error}. {_RESTORE}")
    return LedgerUnusableError(f"the ledger {path} cannot be opened: {error}. The file was left as it is.")


@contextmanager
def held(path: Path, *, now: datetime) -> Iterator[None]:
    """Hold the lock beside the ledger for as long as the process lives; the kernel frees it whatever happens."""
    lock_path = _lock_path(path)
    try:
        lock = lock_path.open("a+")
    except OSError as error:
        raise LedgerUnusableError(
            f"the lock {lock_path} cannot be opened: {error.strerror}. Check owner and mode."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LedgerHeldError(
                f"ledger {path} is held by another alertd ({_holder(lock)}). Two would race; this one stops."
            ) from error
        except OSError as error:
            raise LedgerUnusableError(
                f"the lock {lock_path} cannot be taken: {error.strerror}. Use a local disk that knows flock."
            ) from error
        lock.truncate(0)
        lock.write(f"pid {os.getpid()} on {socket.gethostname()}, since {now:%Y-%m-%d %H:%M:%S} UTC")
        lock.flush()
        yield


def holder(path: Path) -> str | None:
    """Who holds the ledger now, None for nobody. Read from the kernel's list: to try the lock would be to take it for a
    moment, and an alertd that starts in that moment would stop."""
    try:
        inode = _lock_path(path).stat().st_ino
        locks = [line.split() for line in Path("/proc/locks").read_text("utf-8").splitlines()]
        # a line of it: 1: FLOCK ADVISORY WRITE 812 fe:00:131081 0 EOF
        if any(lock[1] == "FLOCK" and lock[5].endswith(f":{inode}") for lock in locks if len(lock) > 5):
            return _lock_path(path).read_text("utf-8").strip() or None
    except OSError:
        return None
    return None


def _lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _holder(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read().strip() or "which has only just started"


def _filesystem(path: Path) -> str:
    """The type of the filesystem that holds the path, as Linux names it; "" where it does not tell."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    except OSError:
        return ""
    resolved = path.resolve()
    holding = [(point, kind) for point, kind in mounts if resolved.is_relative_to(point)]
    return max(holding, key=lambda mount: len(mount[0]), default=("", ""))[1]


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_RESTORE = (
    "The file was left as it is. Restore it from a backup; or move it away and alertd init --after-loss "
    "(lists past events once, re-sends none)."
)
