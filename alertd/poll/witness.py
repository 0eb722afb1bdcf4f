"""Which time it is, by the search server: the one clock that what is searched depends on.

This machine's wall clock may be wrong at a start and right a moment later. What is noted in the ledger of rules and
scans is in the server's time; where it does not tell, ours has to do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from alertd.clock import Clock, skew, skew_told
from alertd.errors import PartialError, PermanentError, RetryError
from alertd.ledger import Ledger
from alertd.ops.dead_feed import newest_document
from alertd.ops.trouble import Troubles
from alertd.search import SearchClient

# In between the server's time is counted here, by the elapsed clock.
LOOK_EVERY = timedelta(minutes=1)
# A time in the ledger that lies further ahead was noted by a clock that was wrong.
AHEAD = timedelta(minutes=1)
CLOCK = "clock"

_log = structlog.get_logger("alertd.witness")


@dataclass(slots=True)
class Witness:
    """Of one source. Notes when rules began, and puts right what a wrong clock left behind."""

    index: str
    time_fields: tuple[str, ...]
    client: Callable[[], SearchClient]
    ledger: Ledger
    clock: Clock
    troubles: Troubles
    _told: tuple[datetime, float] | None = None  # the server's time, and when it was asked by the elapsed clock
    _looked_seconds: float | None = None
    _began: tuple[datetime, float] | None = None  # when this process did, by both of our clocks
    _rule_sets: tuple[str, ...] = field(default=())

    def begin(self, rule_sets: Mapping[str, Mapping[str, str]]) -> None:
        """Note when each new rule began: what happens from now on is alerted, not listed. By rule set: rule →
        fingerprint."""
        self._began = self.clock.now(), self.clock.elapsed_seconds()
        self._rule_sets = tuple(rule_sets)
        for rule_set, fingerprints in rule_sets.items():
            self.ledger.begin(rule_set, fingerprints, now=self._began[0])

    def look(self, *, at_once: bool = False) -> None:
        """Ask the server for its time, now or every minute. RetryError."""
        wall, asked = self.clock.now(), self.clock.elapsed_seconds()
        if (
            not at_once
            and self._looked_seconds is not None
            and asked - self._looked_seconds < LOOK_EVERY.total_seconds()
        ):
            return
        told = self.client().server_time(self.index, self.time_fields[0])
        self._looked_seconds = asked
        self._told = (told, asked) if told else None
        if told:
            wrong = skew(told, asked_at=wall, answered_at=self.clock.now())
            if wrong:
                text = f"{skew_told(wrong)}. Nothing is lost by it, but times that people read are wrong: set it right."
                self.troubles.begin(CLOCK, text)
            else:
                self.troubles.end(CLOCK)
        self._put_right()

    def now(self) -> datetime:
        if self._told is None:
            return self.clock.now()
        told, asked = self._told
        return told + timedelta(seconds=self.clock.elapsed_seconds() - asked)

    def surely_past(self) -> datetime | None:
        """A moment that is over by every clock there is: the server's, ours, and the newest document's. None where
        not all of them tell."""
        try:
            newest = newest_document(self.client(), self.index, self.time_fields)
        except (RetryError, PermanentError, PartialError) as error:
            _log.info("nothing_forgotten", reason=str(error))
            return None
        return min(newest, self.now(), self.clock.now()) if newest else None

    def _put_right(self) -> None:
        """What this process noted before it knew the time, and what an earlier one noted in the future."""
        if self._began is None:
            return
        noted, noted_seconds = self._began
        now = self.now()
        began = now - timedelta(seconds=self.clock.elapsed_seconds() - noted_seconds)
        for rule_set in self._rule_sets:
            subject = f"{CLOCK} of rule set {rule_set}"
            if self.ledger.heal(rule_set, noted=noted, began=began, latest=now + AHEAD, now=now):
                self.troubles.begin(
                    subject,
                    "the ledger had times from the future: alertd once ran while a clock was ahead. They are set "
                    "right. What happened before may have been forgotten, and is listed where it is found again.",
                )
            else:
                self.troubles.end(subject)
        self._began = began, noted_seconds
