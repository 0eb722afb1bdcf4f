"""Settings → what looks for trouble beside poll and deliver."""

from collections.abc import Sequence
from datetime import time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from alertd.clock import Clock
from alertd.compose.searching import feed, search_client
from alertd.compose.telling import ops_message
from alertd.config.model import Settings
from alertd.ledger.sqlite import SqliteLedger
from alertd.ops.backlog import Backlog
from alertd.ops.daily import Daily
from alertd.ops.dead_feed import Silence
from alertd.ops.trouble import Troubles
from alertd.rules.model import RuleSet
from alertd.run.schedule import Job

BACKLOG_EVERY = timedelta(seconds=30)
DAILY_EVERY = timedelta(minutes=1)
OFF = "off"


def chores(
    settings: Settings, sets: Sequence[RuleSet], ledger: SqliteLedger, *, clock: Clock, troubles: Troubles
) -> tuple[Job, ...]:
    """What looks for trouble beside poll and deliver, and the daily line."""
    ops, used = settings.ops, {rule_set.source: settings.sources[rule_set.source] for rule_set in sets}
    reach = partial(search_client, settings.elasticsearch)
    searched = {rule_set.id: (rule_set.source, used[rule_set.source].interval) for rule_set in sets}
    backlog = Backlog(ledger, clock, troubles, tuple(settings.destinations), searched, ops.backlog_after)
    jobs = [Job("backlog", BACKLOG_EVERY, backlog.look)]
    for name, table in used.items():
        if table.silent_after:
            watched = Silence(name, table.index, table.time_fields, table.silent_after, reach, clock, troubles)
            jobs.append(Job(f"silence {name}", table.sweep_interval, watched.look))
    if ops.notify and ops.daily != OFF:
        at, zone = time.fromisoformat(ops.daily), ZoneInfo(settings.message.timezone)
        feeds = [feed(table) for table in used.values()]
        daily = Daily(at, zone, feeds, reach, ledger, clock, partial(ops_message, ops.notify, clock))
        jobs.append(Job("daily", DAILY_EVERY, daily.look))
    return tuple(jobs)
