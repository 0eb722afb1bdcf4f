"""Signs of life in the ledger: there whoever asks sees them, whatever became of the process that left them."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from alertd.ledger import Ledger
from alertd.ledger.rows import from_micros, to_micros

SIGN_EVERY = timedelta(seconds=20)
# Longer than a disk or a machine that is busy holds one up.
SILENT = timedelta(minutes=3)

_NAME = "life"


@dataclass(frozen=True, slots=True)
class Life:
    """What alertd last said of itself: that proves the thread that said it; others are named if they are late."""

    at: datetime
    rule_sets: tuple[str, ...]  # those that it searches
    late: tuple[str, ...]  # threads and jobs that have completed nothing for long


def sign(ledger: Ledger, life: Life) -> None:
    told = {"at": to_micros(life.at), "rule_sets": life.rule_sets, "late": life.late}
    ledger.remember(_NAME, json.dumps(told))


def last_sign(ledger: Ledger) -> Life | None:
    found = ledger.remembered(_NAME)
    if found is None:
        return None
    told = json.loads(found)
    return Life(from_micros(told["at"]), tuple(told["rule_sets"]), tuple(told["late"]))


def is_silent(life: Life, *, now: datetime) -> bool:
    """A sign from the future was left before the clock was put back; the next one comes soon."""
    return abs(now - life.at) > SILENT
