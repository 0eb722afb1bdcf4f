"""`alertd audit`: search, ledger and channels side by side. Works while the daemon runs; changes nothing."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from alertd import compose, status
from alertd.cli import audit_report
from alertd.cli.period import Period, read_period
from alertd.cli.progress import progress, watched
from alertd.cli.test_rule.live import hits
from alertd.cli.test_rule.sample import NOTE
from alertd.clock import SystemClock
from alertd.config import Settings, load_settings
from alertd.config.destination import EmailDestination
from alertd.errors import PartialError, PermanentError, RetryError
from alertd.event.event import read_event
from alertd.event.profile import load_profile
from alertd.history.audit import Cover, Found, Judged, Place, Records
from alertd.history.audit.channel import judge_channels
from alertd.history.audit.search import judge_search
from alertd.history.audit.told import last_sweeps, records, threads
from alertd.ledger.sqlite import SqliteLedger, open_readonly
from alertd.rules.compile import exception_of, first_rule
from alertd.rules.load import fingerprint
from alertd.rules.model import RuleSet
from alertd.search import SearchClient

NOT_PROVEN = 1


@dataclass(slots=True)
class Gathered:
    """What could be read, and what could not: (what, why)."""

    found: list[Found] = field(default_factory=list)
    searched: dict[str, int] = field(default_factory=dict)  # rule set → events
    places: dict[str, Place] = field(default_factory=dict)
    failed: list[tuple[str, str]] = field(default_factory=list)


def audit_period(config: Path | None, *, since: str, until: str | None, as_json: bool) -> int:
    """Exit code."""
    settings = load_settings(config)
    sets = compose.rules.rule_sets(settings)
    now = SystemClock().now()
    period = read_period(since, until, now=now)
    gathered = Gathered()
    with closing(open_readonly(settings.ledger.path)) as ledger:
        # the ledger comes last: what stands in the search or in a channel is in it by then
        _search(sets, settings, period, gathered, now)
        _read_channels(ledger, settings, period, gathered)
        told = records(ledger, period.since, period.until, shown=_shown(gathered))
        seen = _judge_search(ledger, sets, settings, gathered)
    told = _without_samples(told, gathered)
    end = SystemClock().now()
    report = audit_report.Report(
        since=period.since,
        until=period.until,
        at=end,
        searched=gathered.searched,
        recorded=_recorded(told),
        judged=(seen, judge_channels(told, gathered.places, now=end)),
        failed=tuple(gathered.failed),
        unread=frozenset(name for name, place in gathered.places.items() if place.history is None),
    )
    audit_report.show_report(report, settings, as_json=as_json)
    return NOT_PROVEN if report.breaches or report.failed else 0


# the search


def _search(sets: Sequence[RuleSet], settings: Settings, period: Period, gathered: Gathered, now: datetime) -> None:
    try:
        client = compose.searching.search_client(settings.elasticsearch)
    except (RetryError, PermanentError) as error:
        gathered.failed += [(f"rule set {rule_set.id}", str(error)) for rule_set in sets]
        return
    with closing(client):
        for rule_set in sets:
            try:
                found = _found(rule_set, settings, client, period, now)
            except (RetryError, PermanentError, PartialError) as error:
                gathered.failed.append((f"rule set {rule_set.id}", f"cannot be searched: {error}"))
            else:
                gathered.found += found
                gathered.searched[rule_set.id] = len(found)


def _found(
    rule_set: RuleSet, settings: Settings, client: SearchClient, period: Period, now: datetime
) -> tuple[Found, ...]:
    """Each event once, however often it was delivered."""
    table = settings.sources[rule_set.source]
    profile = load_profile(table.profile, times=table.time_fields)
    found: dict[str, Found] = {}
    reach = now - period.since
    found_hits = hits(rule_set, settings, client, reach, fields=profile.fields, undated=True)
    for hit in watched(found_hits, f"searching {table.index} for {rule_set.id}"):
        rule, _ = first_rule(rule_set, hit.matched)
        event = read_event(hit.source, hit.fields, index=hit.index, document_id=hit.id, profile=profile, seen_at=now)
        if rule is None or (event.time >= period.until and not event.undated):
            continue
        time = None if event.undated else event.time
        excepted = exception_of(rule, hit.matched, event.time) is not None
        found.setdefault(
            event.key, Found(rule_set.id, rule.id, event.key, event.id, time, event.ingested, excepted=excepted)
        )
    return tuple(found.values())


def _judge_search(ledger: SqliteLedger, sets: Sequence[RuleSet], settings: Settings, gathered: Gathered) -> Judged:
    swept = last_sweeps(ledger)
    covers: dict[tuple[str, str], Cover] = {}
    unseen: set[tuple[str, str]] = set()
    for rule_set in sets:
        states = ledger.rule_states(rule_set.id)
        source = settings.sources[rule_set.source]
        for rule in rule_set.rules:
            state = states.get(rule.id)
            is_current = state is not None and state.fingerprint == fingerprint(rule_set, rule)
            covers[rule_set.id, rule.id] = Cover(
                state, is_current, swept.get(rule_set.id), source.sweep_interval, source.look_back
            )
        keys = [each.key for each in gathered.found if each.rule_set == rule_set.id]
        unseen |= {(rule_set.id, key) for key in ledger.unseen(rule_set.id, keys)}
    return judge_search(gathered.found, unseen, covers, now=SystemClock().now())


# the channels


def _read_channels(ledger: SqliteLedger, settings: Settings, period: Period, gathered: Gathered) -> None:
    replied = threads(ledger, period.since)
    named = {each.state.name for each in status.destinations(ledger)}
    for name in sorted(named | settings.destinations.keys()):
        if name not in settings.destinations:
            gathered.places[name] = Place(None, "is no longer configured", "taken on the ledger's word")
        else:
            gathered.places[name] = _place(name, settings, period, replied.get(name, frozenset()), gathered)


def _place(name: str, settings: Settings, period: Period, replied: frozenset[str], gathered: Gathered) -> Place:
    clock = SystemClock()
    table = settings.destinations[name]
    if isinstance(table, EmailDestination):
        return Place(None, "is e-mail", "taken on the mail server's word")
    reader = compose.telling.destination(name, table, clock=clock).reader
    if reader is None:
        return Place(None, "cannot be read back", "taken on Slack's word")
    began = clock.now()
    try:
        with progress() as say:
            say(f"reading {name}")
            history = reader.history(since=period.since, threads=replied)
    except (RetryError, PermanentError) as error:
        gathered.failed.append((f"destination {name}", f"cannot be read: {error}"))
        return Place(None, "could not be read")
    return Place(history, settle=table.settle, read_at=began)


def _shown(gathered: Gathered) -> list[str]:
    histories = [place.history for place in gathered.places.values() if place.history]
    return [shown.delivery_id for history in histories for shown in history.shown]


def _without_samples(told: Records, gathered: Gathered) -> Records:
    """What `alertd test-rule --post` posted says that it is a sample; no ledger knows it."""
    histories = [place.history for place in gathered.places.values() if place.history]
    samples = {shown.delivery_id for history in histories for shown in history.shown if NOTE in shown.text}
    return Records(told.fates, told.messages, told.items, {*told.known, *samples})


def _recorded(told: Records) -> dict[str, int]:
    """What the ledger holds of the period, by kind of match; each event and rule set once."""
    kinds = {(fate.key, fate.rule_set): fate.match.value for fate in told.fates}
    return dict(sorted(Counter(kinds.values()).items()))
