"""`alertd test-rule --live`: what rules would have alerted on in the configured cluster. Sends and records nothing."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from alertd import compose
from alertd.cli.lint import of_source
from alertd.cli.progress import watched
from alertd.cli.test_rule.drawing import NO_DELIVERY, Drawing
from alertd.clock import SystemClock
from alertd.config import Settings
from alertd.deliver.batch import DIGEST_CANDIDATES
from alertd.errors import PartialError
from alertd.event.event import Event
from alertd.event.profile import load_profile
from alertd.ledger.model import Notification, NotificationKind
from alertd.message import render_digest
from alertd.poll.refused import refused_of, where_refused, without
from alertd.rules.compile import candidates, classification, exception_of, first_rule, window
from alertd.rules.lint import MOST_DAILY, Known, RuleWarning, lint
from alertd.rules.model import Deliver, Rule, RuleSet
from alertd.rules.named import asked_fields, with_named
from alertd.search import Hit, Search, SearchClient
from alertd.trial.volume import DayVolume, volume

Taken = tuple[Rule, Event]
# A whole document, for who wants to save it.
EVERY_FIELD = ("*",)


@dataclass(frozen=True, slots=True)
class Look:
    rule_set: str
    index: str
    events: tuple[Taken, ...]  # oldest first
    silent: int = 0  # events that an exception keeps silent
    days: dict[str, tuple[DayVolume, ...]] = field(default_factory=dict)  # by destination
    refused: tuple[str, ...] = ()  # queries that the server does not take, each with its place and the reason


def look(
    rule_set: RuleSet,
    settings: Settings,
    client: SearchClient,
    reach: timedelta,
    *,
    keep: Callable[[Hit], None] | None = None,
) -> Look:
    """`keep` gets every event's whole document, once. What the server refuses is set aside, and the rest goes on.

    RetryError, PermanentError, PartialError.
    """
    table = settings.sources[rule_set.source]
    rule_set, refused = sound_part(rule_set, table.index, client)
    drawing = Drawing(
        load_profile(table.profile, times=table.time_fields), compose.telling.style(settings), SystemClock().now()
    )
    fields = EVERY_FIELD if keep else asked_fields(drawing.profile, rule_set)
    found: dict[str, Taken] = {}
    silent: set[str] = set()
    found_hits = hits(rule_set, settings, client, reach, fields=fields)
    for hit in watched(found_hits, f"searching {table.index} for {rule_set.id}"):
        rule, _ = first_rule(rule_set, hit.matched)
        event = drawing.event(hit)
        if rule is None or event.key in found:
            continue
        if exception_of(rule, hit.matched, event.time):
            silent.add(event.key)
            continue
        found[event.key] = (with_named(rule, hit.source, hit.fields), event)
        if keep:
            keep(hit)
    events = tuple(sorted(found.values(), key=lambda pair: pair[1].time))
    days = {name: _volume(told, drawing) for name, told in _by_destination(events, settings).items()}
    return Look(rule_set.id, table.index, events, len(silent), days, refused)


def sound_part(rule_set: RuleSet, index: str, client: SearchClient) -> tuple[RuleSet, tuple[str, ...]]:
    """The rule set without the queries that the server refuses; and those, for people."""
    # before anything is searched: what a search has yielded, and saved, could not be taken back
    names = dict(refused_of(rule_set, client, index))
    return (without(rule_set, names), where_refused(rule_set, names)) if names else (rule_set, ())


def hits(
    rule_set: RuleSet,
    settings: Settings,
    client: SearchClient,
    reach: timedelta,
    *,
    fields: tuple[str, ...],
    undated: bool = False,
) -> Iterator[Hit]:
    """Every document that some rule could match, with the names of the queries that do. RetryError, PermanentError,
    PartialError: what was yielded is then no complete answer."""
    table = settings.sources[rule_set.source]
    timeout = settings.elasticsearch.timeout
    for query in candidates([rule_set], window(table.time_fields, reach, undated=undated)):
        for page in client.pages(Search(table.index, query, (), table.page_size, timeout)):
            yield from _classified(rule_set, page, Search(table.index, {}, fields, table.page_size, timeout), client)


def _classified(rule_set: RuleSet, page: Sequence[Hit], search: Search, client: SearchClient) -> Iterator[Hit]:
    """The page's documents with the names of the rules, and of their exceptions, that match them."""
    names: dict[tuple[str, str], tuple[str, ...]] = {}
    documents: dict[tuple[str, str], Hit] = {}
    if not page:
        return
    for query in classification(rule_set, [hit.id for hit in page]):
        for part in client.pages(Search(search.index, query, search.fields, search.page_size, search.timeout)):
            for hit in part:
                place = (hit.index, hit.id)
                documents[place] = hit
                names[place] = names.get(place, ()) + hit.matched
    if gone := [hit for hit in page if (hit.index, hit.id) not in documents]:
        raise PartialError(
            f"{len(gone)} documents of {search.index} disappeared between two searches, {gone[0].id} for one"
        )
    for place, hit in documents.items():
        yield Hit(hit.index, hit.id, hit.source, hit.fields, names[place])


def _by_destination(events: Sequence[Taken], settings: Settings) -> dict[str, list[Notification]]:
    routing = compose.rules.routing(settings)
    told: dict[str, list[Notification]] = {}
    for rule, event in events:
        kind = NotificationKind.SESSION if rule.facts.deliver is Deliver.SESSION else NotificationKind.MESSAGE
        for name in routing(rule, event):
            told.setdefault(name, []).append(Notification(0, name, kind, event, rule.facts, seen_at=event.time))
    return told


def _volume(told: Sequence[Notification], drawing: Drawing) -> tuple[DayVolume, ...]:
    def named(notifications: Sequence[Notification]) -> int:
        return render_digest(notifications[:DIGEST_CANDIDATES], style=drawing.style, delivery_id=NO_DELIVERY)[1]

    return volume(told, named=named)


def warnings(
    rule_sets: Sequence[RuleSet], looks: Sequence[Look], settings: Settings, client: SearchClient
) -> tuple[RuleWarning, ...]:
    """RetryError, PermanentError, PartialError."""
    known: dict[str, Known] = {}
    for name, table in settings.sources.items():
        known |= of_source([each for each in rule_sets if each.source == name], table, client)
    for found in looks:
        daily = Counter((rule.id, event.time.date()) for rule, event in found.events)
        heavy = frozenset(rule_id for (rule_id, _), count in daily.items() if count > MOST_DAILY)
        known[found.rule_set] = replace(known[found.rule_set], heavy=heavy)
    return lint(rule_sets, now=SystemClock().now(), known=known)


def totals(days: Sequence[DayVolume]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for day in days:
        counts["events"] += day.events
        counts["messages"] += day.messages
        counts["digests"] += day.digests
    return counts
