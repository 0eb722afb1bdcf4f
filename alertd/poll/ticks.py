"""One source's scans, tick by tick: sweeps when due, and waits longer after each failure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from alertd.clock import Clock
from alertd.errors import PartialError, PermanentError, RetryError
from alertd.ops.trouble import LEDGER, Troubles
from alertd.poll.part import PartToldError
from alertd.poll.scan import Poll

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=30)
# Failures in a row before people hear of it: a server that restarts is no trouble.
PATIENCE = 3

_log = structlog.get_logger("alertd.watch")


@dataclass(slots=True)
class Watch:
    """The fast scan and the sweep run in threads of their own; each may fail and is tried again at a later tick."""

    name: str
    every: timedelta
    sweep_every: timedelta
    poll: Poll
    clock: Clock
    troubles: Troubles
    _swept_seconds: float | None = None
    _failures: dict[str, int] = field(default_factory=dict)
    _not_before_seconds: dict[str, float] = field(default_factory=dict)

    def fast(self) -> None:
        self._try("poll", self.poll.fast)

    def sweep_if_due(self) -> None:
        now = self.clock.elapsed_seconds()
        if self._swept_seconds is None or now - self._swept_seconds >= self.sweep_every.total_seconds():
            self._try("sweep", self._sweep)

    def _sweep(self) -> None:
        began = self.clock.elapsed_seconds()
        self.poll.sweep(part_every=self.sweep_every)
        self._swept_seconds = began

    def _try(self, what: str, scan: Callable[[], object]) -> None:
        subject = f"source {self.name}"
        if self.clock.elapsed_seconds() < self._not_before_seconds.get(what, 0):
            return
        try:
            scan()
        except (RetryError, PermanentError, PartialError) as error:
            self._failures[what] = self._failures.get(what, 0) + 1
            pause = min(FIRST_PAUSE * 2 ** min(self._failures[what] - 1, 10), LONGEST_PAUSE)
            if not (what == "poll" and isinstance(error, PartToldError)):  # it goes on with what answers
                self._not_before_seconds[what] = self.clock.elapsed_seconds() + pause.total_seconds()
            _log.warning("scan_failed", source=self.name, scan=what, failures=self._failures[what], reason=str(error))
            if isinstance(error, PermanentError) or self._failures[what] >= PATIENCE:
                self.troubles.begin(subject, _told(error))
        else:
            self._failures.pop(what, None)
            self.troubles.end(LEDGER)  # a scan that is complete was recorded
            # a new start knows of no failure: only a sweep shows that all is well again
            if self._swept_seconds is not None and not self._failures:
                self.troubles.end(subject)


def _told(error: RetryError | PermanentError | PartialError) -> str:
    if isinstance(error, PartialError):
        meanwhile = " What the rest holds is told meanwhile." if isinstance(error, PartToldError) else ""
        return f"answers in part only: {error}{meanwhile} Nothing is lost: it will catch up."
    return f"cannot be searched: {error} Nothing is lost: it will catch up."
