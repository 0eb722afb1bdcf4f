"""A full disk refuses a whole transaction, says so, and is over when there is room again."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alertd.errors import LedgerFullError
from alertd.ledger.file import create
from alertd.ledger.model import NotificationKind
from alertd.ledger.sqlite import SqliteLedger, open_ledger
from tests.contract.test_ledger import NOW, match, scan
from tests.unit.told import RULE


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("NOT TESTED on a full disk: only root may mount a small one")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def _fill(ledger: SqliteLedger) -> int:
    """How many events fit, two at a time."""
    for number in range(0, 4000, 2):
        try:
            ledger.record([match(number), match(number + 1)], now=NOW, scans=[scan()])
        except LedgerFullError:
            return number
    raise AssertionError("it never was full")


def _check(ledger: SqliteLedger, fitted: int) -> None:
    assert fitted > 10
    assert fitted == ledger.waiting_count("security", NotificationKind.MESSAGE)
    absent = ledger.unseen(RULE.rule_set, [match(number).event.key for number in range(fitted + 2)])
    assert {match(fitted).event.key, match(fitted + 1).event.key} == absent


def test_a_full_disk_refuses_the_whole_transaction_and_passes_when_there_is_room(small_disk: Path) -> None:
    path = small_disk / "alertd.db"
    ballast = small_disk / "ballast"
    create(path, now=NOW)
    ballast.write_bytes(bytes(100_000))
    with closing(open_ledger(path, now=NOW)) as ledger:
        fitted = _fill(ledger)
        _check(ledger, fitted)
        ballast.unlink()
        assert 2 == ledger.record([match(fitted), match(fitted + 1)], now=NOW)
    with closing(open_ledger(path, now=NOW)) as again:
        assert fitted + 2 == again.waiting_count("security", NotificationKind.MESSAGE)


def test_a_ledger_that_may_not_grow_refuses_the_whole_transaction_and_stays_usable(tmp_path: Path) -> None:
    """SQLite's own limit, for where no disk can be mounted."""
    path = tmp_path / "alertd.db"
    create(path, now=NOW)
    with closing(open_ledger(path, now=NOW)) as ledger:
        ledger._connection.execute("PRAGMA max_page_count = 60")
        fitted = _fill(ledger)
        _check(ledger, fitted)
        ledger._connection.execute("PRAGMA max_page_count = 6000")
        assert 2 == ledger.record([match(fitted), match(fitted + 1)], now=NOW)
    with closing(open_ledger(path, now=NOW)) as again:
        assert fitted + 2 == again.waiting_count("security", NotificationKind.MESSAGE)
