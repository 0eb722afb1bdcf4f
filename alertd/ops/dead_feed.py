"""Sources that went silent: a pipeline that stopped looks like a quiet night, so people must hear of it."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from alertd.clock import Clock
from alertd.errors import PartialError, PermanentError, RetryError
from alertd.ops.trouble import Troubles
from alertd.search import SearchClient

_log = structlog.get_logger("alertd.silence")


@dataclass(slots=True)
class Silence:
    """Looks at one source, once in each sweep interval, with one cheap query."""

    source: str
    index: str
    time_fields: tuple[str, ...]
    after: timedelta
    connect: Callable[[], SearchClient]
    clock: Clock
    troubles: Troubles
    _watched_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        self._watched_seconds = self.clock.elapsed_seconds()

    def look(self) -> None:
        try:
            with closing(self.connect()) as client:
                newest = newest_document(client, self.index, self.time_fields)
                now = client.server_time(self.index) or self.clock.now()
        except (RetryError, PermanentError, PartialError) as error:
            # the scans tell people of a server that does not answer
            _log.warning("newest_unknown", source=self.source, reason=str(error))
            return
        watched = timedelta(seconds=self.clock.elapsed_seconds() - self._watched_seconds)
        what = silent(newest, self.after, now=now, watched=watched)
        if what:
            self.troubles.begin(self._subject, f"{what}. Is it still being shipped to {self.index}?")
        else:
            self.troubles.end(self._subject)

    @property
    def _subject(self) -> str:
        return f"silent source {self.source}"


def newest_document(client: SearchClient, index: str, time_fields: tuple[str, ...]) -> datetime | None:
    """By whichever of the fields is latest. RetryError, PermanentError, PartialError."""
    times = [time for time in (client.newest(index, name) for name in time_fields) if time]
    return max(times, default=None)


def silent(newest: datetime | None, after: timedelta, *, now: datetime, watched: timedelta) -> str | None:
    """What to say of it, or None. A source without any document may be about to begin: it has as long as the others,
    counted from when alertd began to watch it."""
    if newest is None:
        return "no document at all" if watched >= after else None
    return f"no data since {newest:%Y-%m-%d %H:%M} UTC" if now - newest >= after else None
