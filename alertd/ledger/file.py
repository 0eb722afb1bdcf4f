"""The ledger's file: creating, opening and judging it. Never created, repaired or replaced in passing."""

import os
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import structlog

from alertd.errors import LedgerUnusableError
from alertd.ledger.refusal import RESTORE, cannot_open, is_lock, passing

APPLICATION_ID = 0x616C7274  # "alrt"
_HEADER = b"SQLite format 3\x00"
# Network filesystems of which SQLite cannot trust the locks (statfs magic numbers as /proc/mounts names them).
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs"})
# Of a copy, in KiB; the rest of it is in a temporary file.
IN_MEMORY = 32_000
# Of some 5 seconds each.
LOCKED_TRIES = 12
# Of pages in memory: half of SQLite's own measure, which a daemon fills within the hour and never gives back. The
# system keeps the file's pages as well.
CACHE_KB = 1000
_PRAGMAS = {
    # One file and no shared memory; each commit is on the disk, its directory entry too, before it returns.
    "journal_mode": "delete",
    "synchronous": 3,
    "foreign_keys": 1,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "mmap_size": 0,
    "cache_size": -CACHE_KB,
    "busy_timeout": 5000,
}

_log = structlog.get_logger("alertd.ledger")


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
    had_folder = path.parent.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        with closing(connect(draft, mode="rwc")) as connection:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            migrate(connection)
            connection.execute("INSERT INTO meta VALUES ('created_at', ?)", (now.isoformat(),))
            connection.execute("INSERT INTO meta VALUES ('after_loss', ?)", (str(int(after_loss)),))
        # A link, unlike a rename, fails where another alertd init was quicker.
        path.hardlink_to(draft)
        draft.unlink()
        _sync_directory(path.parent)
    except FileExistsError as error:
        raise LedgerUnusableError(f"there is something at {path} already; alertd init never overwrites.") from error
    except (OSError, sqlite3.Error) as error:
        _leave_nothing(draft, with_folder=not had_folder)
        raise passing(path, error) or LedgerUnusableError(
            f"the ledger {path} cannot be created: {error}. Check that its folder is writable."
        ) from error


def _leave_nothing(draft: Path, *, with_folder: bool) -> None:
    with suppress(OSError):
        draft.unlink(missing_ok=True)
        draft.with_name(f"{draft.name}-journal").unlink(missing_ok=True)
        if with_folder:
            draft.parent.rmdir()


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


def connect_patiently(path: Path) -> sqlite3.Connection:
    """Another program's lock on the file is waited for, some seconds at each try."""
    for tries in range(1, LOCKED_TRIES + 1):
        try:
            return connect(path, mode="rw")
        except sqlite3.Error as error:
            if not is_lock(error) or tries == LOCKED_TRIES:
                raise
            _log.warning("ledger_locked", ledger=str(path), waits_for="another program's lock on it", tries=tries)
    raise AssertionError("the last try returns or raises")


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema to this alertd's version, each step in a transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 1 and _schema(connection) == _schema_as_made([_first_day()]):
        _mend_first_day(connection)
    for number, sql in enumerate(migrations()[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")


def is_current(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA user_version").fetchone()[0] == len(migrations()))


def as_of_now(connection: sqlite3.Connection) -> sqlite3.Connection:
    """For a look at the ledger of an earlier alertd, which only the daemon may migrate: a copy of it, in a temporary
    file where it is large."""
    if is_current(connection):
        return connection
    copy = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    copy.row_factory = sqlite3.Row
    copy.execute("PRAGMA journal_mode = OFF")  # nobody needs it back as it was
    copy.execute(f"PRAGMA cache_size = -{IN_MEMORY}")
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
        raise LedgerUnusableError(f"the ledger {path} is empty: it was lost or truncated. {RESTORE}")
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
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise cannot_open(path, error) from error
    if result != "ok":
        raise LedgerUnusableError(f"the ledger {path} is damaged: {result}. {RESTORE}")
    if broken:
        raise LedgerUnusableError(f"the ledger {path} is damaged: a row of {broken[0]} hangs in the air. {RESTORE}")


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Quick, whatever the ledger's size."""
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        found = _schema(connection)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise cannot_open(path, error) from error
    if found == _schema_as_made(migrations()[:version]) or (version == 1 and found == _schema_as_made([_first_day()])):
        return
    raise LedgerUnusableError(f"the ledger {path} is damaged: its tables are not those of alertd. {RESTORE}")


def _first_day() -> str:
    """The first schema as it was before exceptions, under the same number."""
    sql = migrations()[0].replace("'baseline', 'excepted')),\n    facts", "'baseline')),\n    facts")
    return sql.replace("    exception TEXT,\n    CHECK ((kind = 'excepted') = (exception IS NOT NULL)),\n", "")


def _mend_first_day(connection: sqlite3.Connection) -> None:
    """A last column that may be absent, and a looser check: no row changes, only what is said of the table."""
    sql = next(row[3] for row in _schema_as_made(migrations()[:1]) if row[1] == "matches")
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'matches'", (sql,))
    connection.execute("PRAGMA writable_schema = RESET")


def _schema_as_made(steps: list[str]) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(":memory:")) as model:
        for sql in steps:
            model.executescript(sql)
        return _schema(model)


def _schema(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name").fetchall()
    return [tuple(row) for row in found if not str(row[1]).startswith("sqlite_stat")]


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
