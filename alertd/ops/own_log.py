"""alertd's own log, where it takes no lines: people hear of it another way."""

from datetime import timedelta

from alertd import log
from alertd.clock import Clock
from alertd.ops.trouble import Troubles

# A log's disk that is full for a moment, or a collector that starts again, is no trouble: the log tells what it lost.
PATIENCE = timedelta(minutes=1)

_SUBJECT = "log"


def look(troubles: Troubles, clock: Clock) -> None:
    failing = log.failing()
    if failing is None:
        troubles.end(_SUBJECT)
        return
    lasts = timedelta(seconds=clock.elapsed_seconds() - failing.since_seconds)
    if lasts >= PATIENCE:
        troubles.begin(
            _SUBJECT,
            f"takes no lines: {failing.dropped} are lost by now. Alerts go on. Look at what reads alertd's standard "
            "error, and at its disk.",
        )
