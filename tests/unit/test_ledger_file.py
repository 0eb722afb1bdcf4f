"""A ledger that cannot be used is refused with advice, and left as it is, byte for byte."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from alertd.errors import LedgerUnusableError
from alertd.ledger.file import APPLICATION_ID, create, migrations
from alertd.ledger.sqlite import open_ledger, open_readonly
from tests.contract.test_ledger import NOW, begin, freeze, match, scan, send


def written(path: Path, *, events: int = 40) -> bytes:
    """A ledger with something of everything in it."""
    create(path, now=NOW)
    with closing(open_ledger(path, now=NOW)) as ledger:
        begin(ledger)
        for number in range(events):
            ledger.record([match(number)], now=NOW, scans=[scan()])
            send(ledger, freeze(ledger, f"d{number}"))
    return path.read_bytes()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _only_a_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _page_lost(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[3 * 4096 : 4 * 4096] = bytes(4096)
    path.write_bytes(data)


def _text(path: Path) -> None:
    path.write_text("[ledger]\npath = 'alertd.db'\n" * 10)


def _foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(migrations()) + 1}")


def _orphaned(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM messages WHERE delivery_id = 'd3'")


def _name_of_another_type(path: Path) -> None:
    """What one flipped bit makes of a name in the schema."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET name = CAST(name AS BLOB) WHERE name = 'scans_by_rule_set'")


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "empty": (_empty, "is empty"),
    "truncated": (_truncated, "is damaged"),
    "only a header": (_only_a_header, "is damaged|cannot be opened"),
    "zeroed": (_zeroed, "not an alertd ledger"),
    "a page lost": (_page_lost, "is damaged"),
    "text": (_text, "not an alertd ledger"),
    "of another program": (_foreign, "not an alertd ledger"),
    "newer": (_newer, "newer than this alertd knows"),
    "rows that hang in the air": (_orphaned, "is damaged"),
    "a name of another type": (_name_of_another_type, "is damaged"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_ledger_is_refused_with_advice_and_left_as_it_is(name: str, tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    written(path)
    spoil, message = BROKEN[name]
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(LedgerUnusableError, match=message) as refused:
        open_ledger(path, now=NOW)
    assert str(path) in str(refused.value)
    assert re.search(r"left as it is|left as it was|backup|Install", str(refused.value)), refused.value
    assert 3 == refused.value.exit_code
    assert before == path.read_bytes()
    assert {"alertd.db", "alertd.db.lock"} >= {entry.name for entry in tmp_path.iterdir()}


def test_a_missing_ledger_is_never_made_in_passing(tmp_path: Path) -> None:
    for opener in (lambda path: open_ledger(path, now=NOW), open_readonly):
        with pytest.raises(LedgerUnusableError, match="alertd init") as refused:
            opener(tmp_path / "alertd.db")
        assert "--after-loss" in str(refused.value)
    assert [] == list(tmp_path.iterdir())


def test_a_folder_where_the_ledger_should_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    path.mkdir()
    with pytest.raises(LedgerUnusableError, match="directory"):
        open_ledger(path, now=NOW)
    with pytest.raises(LedgerUnusableError, match="never overwrites"):
        create(path, now=NOW)


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    before = written(path)
    with pytest.raises(LedgerUnusableError, match="never overwrites"):
        create(path, now=NOW)
    assert before == path.read_bytes()


_OPENS = """
import sys
from pathlib import Path
from alertd.errors import AlertdError
from alertd.ledger.sqlite import open_ledger
from tests.contract.test_ledger import NOW
try:
    open_ledger(Path(sys.argv[1]), now=NOW)
except AlertdError as error:
    print(error)
    sys.exit(error.exit_code)
"""
# Root may do anything; without these capabilities file modes hold for it too.
_ORDINARY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all") if os.geteuid() == 0 else ()


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "lock_mode", "message"),
    [
        (0o444, 0o777, 0o666, "read-only for this user"),
        (0o666, 0o555, 0o666, "read-only for this user"),
        (0o000, 0o777, 0o666, "cannot be read"),
    ],
    ids=["read-only file", "read-only folder", "unreadable file"],
)
def test_a_ledger_that_this_user_may_not_use_is_refused(
    file_mode: int, folder_mode: int, lock_mode: int, message: str, tmp_path: Path
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    path = folder / "alertd.db"
    before = written(path, events=2)
    lock = folder / "alertd.db.lock"
    path.chmod(file_mode)
    lock.chmod(lock_mode)
    folder.chmod(folder_mode)
    try:
        done = subprocess.run(
            [*_ORDINARY, sys.executable, "-c", _OPENS, str(path)],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            check=False,
        )
        assert 3 == done.returncode, done.stderr
        assert re.search(message, done.stdout), done.stdout
        assert "owner and mode" in done.stdout
    finally:
        folder.chmod(0o700)
        path.chmod(0o600)
    assert before == path.read_bytes()


def test_a_ledger_of_the_first_schema_is_brought_up_to_date_and_keeps_what_it_has(tmp_path: Path) -> None:
    """As an upgrade finds it."""
    path = tmp_path / "alertd.db"
    with closing(sqlite3.connect(path)) as old:
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        old.executescript(migrations()[0])
        old.execute("INSERT INTO meta VALUES ('created_at', 'then')")
        old.execute("PRAGMA user_version = 1")
        old.commit()
    with closing(open_ledger(path, now=NOW)) as ledger:
        assert ("then", ()) == (ledger.remembered("created_at"), ledger.episodes())
    with closing(open_ledger(path, now=NOW)), closing(sqlite3.connect(path)) as new:
        assert (len(migrations()),) == new.execute("PRAGMA user_version").fetchone()
