"""alertd's own failures, told once per episode: when one begins, every hour while it lasts, and when it is over.

Open episodes are in the ledger, each in one transaction with the message that tells it: a new start goes on where the
last one ended. A trouble that comes back before it was away for `over_after` never was over: that stops flapping.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from alertd.clock import Clock
from alertd.errors import LedgerUnusableError
from alertd.ledger import Ledger
from alertd.ledger.model import Episode, Message, MessageState
from alertd.secret import hide_lookalikes

REMIND = timedelta(hours=1)
# What nothing has complained of for so long is over: its rule, source or destination is gone from the configuration.
UNSEEN = timedelta(hours=3)
# The subject of a disk without room.
LEDGER = "ledger"


@dataclass(slots=True)
class _Known:
    """An open episode, and what may be forgotten of it."""

    episode: Episode
    seen_seconds: float  # when something last complained, by the elapsed clock
    away_seconds: float | None = None  # since when all is well
    recorded: bool = True
    message: Message | None = None  # what tells it, while the ledger has no room for it


class Troubles:
    """The open episodes. `tell(text, over)` makes the message that carries one to people; the log has each anyway."""

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger | None = None,
        tell: Callable[[str, bool], Message] | None = None,
        *,
        over_after: timedelta = timedelta(0),
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._tell = tell
        self._over_after = over_after
        self.told: Callable[[], None] = lambda: None  # there is a message for whoever sends it
        self._lock = threading.Lock()
        self._log = structlog.get_logger("alertd.trouble")
        known = ledger.episodes() if ledger else ()
        self._open = {episode.subject: _Known(episode, clock.elapsed_seconds()) for episode in known}

    def begin(self, subject: str, text: str) -> None:
        """Something is wrong, or still is."""
        now, text = self._clock.now(), hide_lookalikes(text)
        with self._lock:
            known = self._open.get(subject)
            if known is None:
                self._log.error("trouble_began", subject=subject, text=text)
                message = self._message(f"{subject}: {text}", over=False)
                if message and subject == f"destination {message.destination}":
                    self._log.error("ops_unreachable", subject=subject, text="nobody hears of trouble but by this log")
                known = _Known(Episode(subject, text, now, now), self._clock.elapsed_seconds())
                self._open[subject] = known
                self._record(known, message)
                return
            if known.episode.over_at:  # its end could not be recorded, and so was never told
                known.recorded, known.message = True, None
            known.seen_seconds, known.away_seconds = self._clock.elapsed_seconds(), None
            known.episode = replace(known.episode, text=text, over_at=None)
            if known.recorded and is_reminder_due(known.episode, now):
                self._remind(known, now)

    def end(self, subject: str) -> None:
        """All is well, at least now."""
        with self._lock:
            known = self._open.get(subject)
            if known is not None and known.away_seconds is None:
                known.away_seconds = self._clock.elapsed_seconds()

    def settle(self, family: str, found: Mapping[str, str]) -> None:
        """`found` (subject → text) is all that is wrong of a kind: subjects that begin with `family` and a space."""
        for subject, text in found.items():
            self.begin(subject, text)
        for episode in self.open():
            if episode.subject.startswith(f"{family} ") and episode.subject not in found:
                self.end(episode.subject)

    def tend(self) -> None:
        """Tell what is over by now, and record what there was no room for."""
        with self._lock:
            for subject, known in list(self._open.items()):
                if not known.recorded:
                    self._record(known, known.message)
                if known.recorded and not known.episode.over_at and self._is_over(known):
                    self._close(known)
                if known.recorded and known.episode.over_at:
                    self._log.info("trouble_over", subject=subject, since=known.episode.began_at)
                    del self._open[subject]

    def open(self) -> tuple[Episode, ...]:
        """Troubles that last, as far as is known."""
        with self._lock:
            return tuple(known.episode for known in self._open.values() if known.away_seconds is None)

    def unrecorded(self, destination: str) -> tuple[Message, ...]:
        """What this destination should hear although the ledger has no room for it."""
        with self._lock:
            begun = [known.message for known in self._open.values() if not known.episode.over_at]
        return tuple(message for message in begun if message and message.destination == destination)

    def told_past_ledger(self, message: Message) -> None:
        """People have heard of it: once there is room, the episode is recorded without a message."""
        with self._lock:
            for known in self._open.values():
                if known.message is message:
                    known.message = None

    def _remind(self, known: _Known, now: datetime) -> None:
        subject, text, began = known.episode.subject, known.episode.text, known.episode.began_at
        self._log.error("trouble_lasts", subject=subject, text=text, since=began)
        known.episode = replace(known.episode, told_at=now)
        # reminders do not pile up before a destination that takes none
        reminder = f"{subject}: still, since {_begun(began, now)}: {text}"
        self._record(known, self._message(reminder, over=False) if self._has_arrived(known.episode) else None)

    def _is_over(self, known: _Known) -> bool:
        now = self._clock.elapsed_seconds()
        if known.away_seconds is not None:
            return now - known.away_seconds >= self._over_after.total_seconds()
        return now - known.seen_seconds >= UNSEEN.total_seconds()

    def _close(self, known: _Known) -> None:
        episode = known.episode
        since = known.seen_seconds if known.away_seconds is None else known.away_seconds
        over_at = self._clock.now() - timedelta(seconds=self._clock.elapsed_seconds() - since)
        known.episode = replace(episode, over_at=max(over_at, episode.began_at))
        text = (
            f"{episode.subject}: over since {_shown(over_at)}. "
            f"It began at {_begun(episode.began_at, over_at)}: {episode.text}"
        )
        self._record(known, self._message(text, over=True))

    def _record(self, known: _Known, message: Message | None) -> None:
        """Episode and message in one transaction; where the ledger has no room, tend() tries again."""
        told = replace(known.episode, told_by=message.delivery_id if message else known.episode.told_by)
        try:
            if self._ledger:
                self._ledger.save_episode(told, message)
        except LedgerUnusableError as error:
            if known.recorded:
                self._log.error("trouble_unrecorded", subject=told.subject, reason=str(error))
            known.recorded, known.message = False, message
        else:
            known.episode, known.recorded, known.message = told, True, None
        if message:
            self.told()

    def _message(self, text: str, *, over: bool) -> Message | None:
        return self._tell(text, over) if self._tell else None

    def _has_arrived(self, episode: Episode) -> bool:
        """What told of it last."""
        if self._ledger is None or episode.told_by is None:
            return True
        return self._ledger.message(episode.told_by).state in {MessageState.SENT, MessageState.DEAD}


def is_reminder_due(episode: Episode, now: datetime) -> bool:
    """A clock that was put back meanwhile must not silence it for long."""
    return not timedelta(0) <= now - episode.told_at < REMIND


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _begun(began: datetime, now: datetime) -> str:
    """Nobody knows when it really was, if it was in the future."""
    return _shown(began) + (", by a clock that was ahead" if began > now else "")
