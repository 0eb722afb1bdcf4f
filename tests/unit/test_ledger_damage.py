"""Single bits of the ledger's file altered, all over it. SQLite keeps no checksums of values, but the index of each key
and state tells on it: what decides whether an event is told, and whether again, is never read wrong."""

import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from alertd.errors import LedgerUnusableError
from alertd.ledger.sqlite import open_ledger
from tests.contract.test_ledger import NOW
from tests.unit.test_ledger_file import written

FLIPS = 800
DECISIVE = {
    "events": "event_key, event_id, session",
    "matches": "event_key, rule_set",
    "messages": "delivery_id, seq, destination, state",
    "notifications": "event_key, destination, rule_set, delivery_id, closed",
    "rules": "rule_set, rule",
}


def _decisive(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return {
            table: connection.execute(f"SELECT {columns} FROM {table} NOT INDEXED ORDER BY 1, 2").fetchall()
            for table, columns in DECISIVE.items()
        }


def test_a_bit_flipped_anywhere_is_refused_or_changes_nothing_that_decides_what_is_told(tmp_path: Path) -> None:
    path = tmp_path / "alertd.db"
    sound = written(path)
    wanted = _decisive(path)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    step = len(sound) / FLIPS
    seen: Counter[str] = Counter()
    for number in range(FLIPS):
        at, bit = int((number + dice.random()) * step), dice.randrange(8)
        altered = bytearray(sound)
        altered[at] ^= 1 << bit
        path.write_bytes(altered)
        try:
            open_ledger(path, now=NOW).close()
        except LedgerUnusableError:
            seen["refused"] += 1
        else:
            seen["opened"] += 1
            assert wanted == _decisive(path), f"byte {at}, bit {bit}"
        assert altered == path.read_bytes(), f"byte {at}, bit {bit}: the file was touched"
    print(dict(seen))
    assert seen["refused"] > FLIPS / 20
    assert seen["opened"] > FLIPS / 20
