"""One alertd holds a ledger; another program's lock passes; a large ledger is looked through beside the work."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from alertd.errors import LedgerFullError, LedgerHeldError, LedgerUnusableError
from alertd.ledger import file, sqlite
from alertd.ledger.file import APPLICATION_ID, create, migrations
from alertd.ledger.lock import holder
from alertd.ledger.sqlite import open_ledger, open_readonly
from tests.contract.test_ledger import NOW, match, waiting
from tests.unit.test_ledger_file import written


def _link(path: Path) -> Path:
    other = path.with_name("other.db")
    other.hardlink_to(path)
    return other


def _symlink(path: Path) -> Path:
    (path.parent / "elsewhere").mkdir()
    other = path.parent / "elsewhere" / "link.db"
    other.symlink_to(path)
    return other


def _note_gone(path: Path) -> Path:
    path.with_name("alertd.db.lock").unlink()
    return path


@pytest.mark.parametrize(
    "rename", [_link, _symlink, _note_gone], ids=["hard link", "symbolic link", "its note was deleted"]
)
def test_a_second_alertd_is_refused_whatever_name_it_uses(rename: Callable[[Path], Path], tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    create(path, now=NOW)
    with closing(open_ledger(path, now=NOW)) as ledger:
        ledger.record([match(1)], now=NOW)
        other = rename(path)
        with pytest.raises(LedgerHeldError, match="held by another alertd"):
            open_ledger(other, now=NOW)
        assert 1 == ledger.record([match(2)], now=NOW)
    open_ledger(other, now=NOW).close()


def test_nobody_but_its_owner_may_hold_it(tmp_path: Path) -> None:
    """Whoever may open the file may lock it; a lock on the note beside it means nothing."""
    path, note = tmp_path / "alertd.db", tmp_path / "alertd.db.lock"
    create(path, now=NOW)
    path.chmod(0o644)
    note.touch(mode=0o644)
    with note.open() as stranger:
        fcntl.flock(stranger, fcntl.LOCK_EX)
        open_ledger(path, now=NOW).close()
    assert {0o600} == {each.stat().st_mode & 0o777 for each in (path, note)}


def test_who_holds_it_is_told_by_every_name(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    create(path, now=NOW)
    link = _symlink(path)
    with closing(open_ledger(path, now=NOW)):
        assert {f"pid {os.getpid()}"} == {(holder(each) or "").partition(" on ")[0] for each in (path, link)}
        _note_gone(path)
        assert "by a process that left no note" == holder(path)
    assert None is holder(path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(file._PRAGMAS, "busy_timeout", 50)
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", partial(connect, timeout=0.05))


@pytest.mark.usefixtures("impatient")
def test_a_lock_on_the_ledger_that_passes_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "alertd.db"
    create(path, now=NOW)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    said = threading.Event()

    class Log:
        def warning(self, event: str, **facts: object) -> None:
            assert "ledger_locked" == event
            said.set()

    monkeypatch.setattr(file, "_log", Log())
    passing = threading.Thread(target=lambda: (said.wait(30), other.execute("ROLLBACK")))
    passing.start()
    with closing(open_ledger(path, now=NOW)) as ledger:
        assert said.is_set()
        assert 1 == ledger.record([match(1)], now=NOW)
    passing.join()
    other.close()


@pytest.mark.usefixtures("impatient")
def test_a_lock_that_stays_is_named_as_one_and_the_start_is_tried_again(tmp_path: Path) -> None:
    """Not as damage and not as a full disk; with an exit code that the unit starts again."""
    path = tmp_path / "alertd.db"
    create(path, now=NOW)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for opener in (partial(open_ledger, path, now=NOW), partial(open_readonly, path)):
            with pytest.raises(LedgerFullError, match="locked by another program") as refused:
                opener()
            assert "grow" not in str(refused.value)
            assert str(refused.value.exit_code) not in _never_started_again()


def _never_started_again() -> list[str]:
    unit = (Path(__file__).parents[2] / "packaging" / "alertd.service").read_text("utf-8")
    return (
        next(line for line in unit.splitlines() if line.startswith("RestartPreventExitStatus=")).split("=")[1].split()
    )


def _first_day(path: Path) -> None:
    """As the first commits made it, under the same schema number."""
    sql = migrations()[0].replace(", 'excepted'", "", 1)
    sql = sql.replace("    exception TEXT,\n    CHECK ((kind = 'excepted') = (exception IS NOT NULL)),\n", "")
    assert "exception" not in sql
    with closing(sqlite3.connect(path)) as old:
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        old.executescript(sql)
        old.execute("INSERT INTO events VALUES ('k1', 'e1', 1, 2, NULL, '{}')")
        old.execute("INSERT INTO matches VALUES ('k1', 'root', 'root-used', 'alert', '{}', '[]', 2)")
        old.execute("PRAGMA user_version = 1")
        old.commit()


def test_a_ledger_of_the_first_day_is_read_and_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    _first_day(path)
    with closing(open_readonly(path, whole=True)) as ledger:
        assert frozenset() == ledger.unseen("root", ["k1"])
    for _ in range(2):
        with closing(open_ledger(path, now=NOW)) as ledger:
            assert frozenset() == ledger.unseen("root", ["k1"])


def test_every_opener_refuses_tables_that_are_not_those_of_alertd(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    create(path, now=NOW)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP INDEX told_once")
    for opener in (partial(open_ledger, path, now=NOW), partial(open_readonly, path)):
        with pytest.raises(LedgerUnusableError, match="not those of alertd"):
            opener()


def _check(path: Path) -> LedgerUnusableError | None:
    """What a large ledger says once it was looked through beside the work."""
    with closing(open_ledger(path, now=NOW)) as ledger:
        for thread in threading.enumerate():
            if thread.name == "ledger-check":
                thread.join(timeout=60)
        try:
            waiting(ledger)
        except LedgerUnusableError as error:
            return error
        return None


def test_damage_that_is_found_beside_the_work_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "SMALL", 0)
    path = tmp_path / "alertd.db"
    written(path)
    assert None is _check(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM messages WHERE delivery_id = 'd3'")  # and what it told hangs in the air
    refused = _check(path)
    assert refused
    assert "is damaged" in str(refused)
    assert 3 == refused.exit_code


def test_writes_beside_the_check_are_not_taken_for_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "SMALL", 0)
    path = tmp_path / "alertd.db"
    written(path)
    with closing(open_ledger(path, now=NOW)) as ledger:
        for number in range(1000, 1400):
            ledger.record([match(number, at=NOW + timedelta(seconds=number))], now=NOW)
        for thread in threading.enumerate():
            if thread.name == "ledger-check":
                thread.join(timeout=60)
        assert 1 == ledger.record([match(5000)], now=NOW)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_large_ledger_of_an_earlier_alertd_is_looked_through_beside_the_work_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    """It is brought up to date first: nobody waits for the look."""
    monkeypatch.setattr(sqlite, "SMALL", 0)
    monkeypatch.setattr(file, "check_integrity", _not_waited_for)
    path = tmp_path / "alertd.db"
    _first_day(path)
    if damaged:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("DELETE FROM events")  # and its match hangs in the air
    refused = _check(path)
    assert damaged is ("hangs in the air" in str(refused)), refused
    assert damaged is (refused is not None)


def _not_waited_for(*_: object) -> None:
    raise AssertionError("the start waited until all of it was read")


def test_what_could_not_be_created_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own limit stands for the full disk."""
    connect = file.connect

    def small(path: Path, *, mode: str) -> sqlite3.Connection:
        connection = connect(path, mode=mode)
        connection.execute("PRAGMA max_page_count = 4")
        return connection

    monkeypatch.setattr(file, "connect", small)
    with pytest.raises(LedgerFullError, match="disk is full"):
        create(tmp_path / "state" / "alertd.db", now=NOW)
    assert [] == list(tmp_path.iterdir())
