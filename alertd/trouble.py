"""alertd's own failures, told once per episode: when one begins, every hour while it lasts, and when it is over."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from alertd.clock import Clock

REMIND = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Episode:
    subject: str  # "source cloudtrail", "destination security", "rule team-root"
    text: str  # what is wrong and what alertd does about it
    since: datetime
    told_at: datetime


class Troubles:
    """The open episodes of this process. `tell(text, over)` carries one to people, beside the log."""

    def __init__(self, clock: Clock, tell: Callable[[str, bool], None] | None = None) -> None:
        self._clock = clock
        self._tell = tell
        self._open: dict[str, Episode] = {}
        self._lock = threading.Lock()
        self._log = structlog.get_logger("alertd.trouble")

    def begin(self, subject: str, text: str) -> None:
        """Something is wrong, or still is."""
        now = self._clock.now()
        with self._lock:
            known = self._open.get(subject)
            due = known is None or now - known.told_at >= REMIND
            told_at = now if known is None or due else known.told_at
            since = known.since if known else now
            self._open[subject] = Episode(subject, text, since, told_at)
        if not due:
            return
        self._log.error("trouble_began" if known is None else "trouble_lasts", subject=subject, text=text, since=since)
        if self._tell:
            self._tell(f"{subject}: {text}", False)

    def end(self, subject: str) -> None:
        """All is well; nothing is told unless something was wrong."""
        with self._lock:
            known = self._open.pop(subject, None)
        if known is None:
            return
        self._log.info("trouble_over", subject=subject, since=known.since)
        if self._tell:
            self._tell(f"{subject}: over. It began at {known.since:%Y-%m-%d %H:%M:%S} UTC: {known.text}", True)

    def open(self) -> tuple[Episode, ...]:
        with self._lock:
            return tuple(self._open.values())
