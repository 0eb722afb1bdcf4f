"""Heart 1: search → ledger. A scan either completes, and moves what is covered, or it never happened.

What a scan finds is recorded page by page; the ledger ignores what it knows, so scans may overlap, repeat and run
beside each other. Poll never sends anything.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from alertd.clock import Clock
from alertd.errors import AlertdError, PartialError, PermanentError, RetryError
from alertd.event.event import Event, read_event, read_key
from alertd.ledger import Ledger
from alertd.ledger.model import Match, MatchKind, RuleState, Scan, ScanKind
from alertd.ops.trouble import Troubles
from alertd.poll.asking import classified, is_candidate, question, with_surroundings
from alertd.poll.part import Looks, PartToldError
from alertd.poll.reach import alerted_from, is_new, since_covered, was_before
from alertd.poll.refused import Refused
from alertd.poll.source import Source
from alertd.poll.witness import Witness
from alertd.rules.compile import candidates, exception_of, first_rule, window
from alertd.rules.load import fingerprint
from alertd.rules.model import Rule, RuleSet
from alertd.rules.named import with_named
from alertd.rules.route import Routing
from alertd.search import DocumentState, Hit, SearchClient

# Documents that no rule takes are remembered so that a quiet poll need not classify them again.
MOST_REMEMBERED = 200_000

_log = structlog.get_logger("alertd.poll")


@dataclass(slots=True)
class Poll:
    """The scans of one source. Holds what may be forgotten: the ledger has all that may not."""

    source: Source
    rule_sets: tuple[RuleSet, ...]
    connect: Callable[[], SearchClient]
    ledger: Ledger
    clock: Clock
    troubles: Troubles
    route: Callable[[Rule, Event], tuple[str, ...]] = field(default_factory=Routing)
    recorded: Callable[[int], int] = lambda new: new  # told of each page by its number of new events, and returns it
    _client: SearchClient | None = None
    # (rule set, document) that no rule takes; another copy of the event may match, and so may this one once it changed
    _unclaimed: dict[tuple[str, DocumentState], None] = field(default_factory=dict)
    _refused: Refused = field(init=False)
    _looks: Looks = field(init=False)
    witness: Witness = field(init=False)
    # by rule set and rule: with a thousand rules, working them out at each poll takes longer than the search
    _fingerprints: dict[str, dict[str, str]] = field(init=False)
    _last_start_seconds: float | None = None  # of the last complete scan
    _ready: frozenset[str] = frozenset()  # rule sets whose baseline is done

    def __post_init__(self) -> None:
        source = self.source
        self._refused = Refused(source.index, self.troubles)
        self._looks = Looks(self.clock)
        reach = source.index, source.time_fields, lambda: self._search
        self.witness = Witness(*reach, self.ledger, self.clock, self.troubles)
        self._fingerprints = {
            rule_set.id: {rule.id: fingerprint(rule_set, rule) for rule in rule_set.rules}
            for rule_set in self.rule_sets
        }

    def start(self) -> None:
        """Note when each new rule began, before anything can fail."""
        self.witness.begin(self._fingerprints)

    def fast(self) -> int:
        """Scan what may be new for every rule set that has its baseline. Returns how many events were recorded."""
        ready = tuple(rule_set for rule_set in self.rule_sets if rule_set.id in self._ready)
        # their baseline waits for shards that do not answer: what is new in the others is told
        for waiting in self.rule_sets:
            if waiting.id not in self._ready and self._looks.has_seen(waiting):
                self._tell_part(ScanKind.FAST, self._refused.without((waiting,)), self.source.look_back)
        if not ready:
            return 0
        self.witness.look()
        return self._complete(ScanKind.FAST, ready, self._reach_since_last(ready))

    def sweep(self, *, part_every: timedelta = timedelta(0)) -> int:
        """Scan the whole look-back: first the baseline of new and changed rules, then everything against the ledger.

        Where only a part of the shards answers, that part is read no oftener than every `part_every`.
        """
        self.witness.look(at_once=True)
        if self._refused and self._refused.try_again(self.rule_sets, self._search):
            self._unclaimed.clear()
        found, lacking = 0, None
        for rule_set in self.rule_sets:
            try:
                if self._due_baseline(rule_set):
                    found += self._complete(ScanKind.BASELINE, (rule_set,), self.source.look_back, part_every)
            except PartialError as error:
                lacking = error  # the other sets are to tell what there is too
                continue
            self._ready |= {rule_set.id}
        if ready := tuple(rule_set for rule_set in self.rule_sets if rule_set.id in self._ready):
            found += self._complete(ScanKind.SWEEP, ready, self._look_back(), part_every)
        if lacking:
            raise lacking
        self._refused.settle(self.rule_sets)
        return found

    def _complete(
        self, kind: ScanKind, rule_sets: Sequence[RuleSet], reach: timedelta, part_every: timedelta = timedelta(0)
    ) -> int:
        """Run one scan; where the server refuses it, set the rules to blame aside and run it without them."""
        self._refused.report()
        try:
            return self._scan(kind, self._refused.without(rule_sets), reach)
        except (PermanentError, PartialError) as error:
            if not self._is_refused(rule_sets, error):
                if isinstance(error, PartialError):
                    is_due = kind is ScanKind.FAST or self._looks.is_due(rule_sets, part_every)
                    if not is_due or self._tell_part(kind, self._refused.without(rule_sets), reach):
                        raise PartToldError(str(error)) from error
                raise
            _log.warning("scan_repeated_without_failing_rules", source=self.source.name, reason=str(error))
            return self._scan(kind, self._refused.without(rule_sets), reach)

    def _is_refused(self, rule_sets: Sequence[RuleSet], failure: AlertdError) -> bool:
        try:
            return self._refused.find(rule_sets, self._search)
        except PartialError:  # no query is to blame for shards that answer none
            if isinstance(failure, PartialError):
                return False
            raise

    def _tell_part(self, kind: ScanKind, rule_sets: Sequence[RuleSet], reach: timedelta) -> bool:
        """Some shards do not answer: what the others hold is told, and nothing counts as searched. Whether it is.

        Only what is to be alerted: what is to be listed is so when all of it was found.
        """
        began_seconds, is_fast = self.clock.elapsed_seconds(), kind is ScanKind.FAST
        if is_fast:
            reach = self._looks.reach(rule_sets, longest=reach, overlap=self.source.overlap)
        as_begun = {each.id: self.ledger.rule_states(each.id) for each in rule_sets}
        try:
            for page in self._candidate_pages(rule_sets, reach, undated=not is_fast, part=True):
                for rule_set in rule_sets:
                    hits = [hit for hit in page if is_candidate(hit, rule_set)]
                    matches = self._matches(rule_set, hits, as_begun[rule_set.id], part=True)
                    alerts = [match for match in matches if match.kind is MatchKind.ALERT]
                    self.ledger.record(alerts, now=self.clock.now())
        except (RetryError, PermanentError, PartialError) as error:
            _log.warning("part_not_searched", source=self.source.name, reason=str(error))
            return False
        self._looks.note(rule_sets, began_seconds, deep=not is_fast)
        return True

    def _scan(self, kind: ScanKind, rule_sets: Sequence[RuleSet], reach: timedelta) -> int:
        started_at, started_seconds = self.clock.now(), self.clock.elapsed_seconds()
        until = self.witness.now()
        # a poll beside a baseline covers the same rules, and would make old what the baseline is still to alert
        as_begun = {} if kind is ScanKind.FAST else {each.id: self.ledger.rule_states(each.id) for each in rule_sets}
        looked_at, matched = Counter[str](), Counter[str]()  # by rule set
        held: list[Match] = []  # the last page goes into the ledger together with the scan
        found = 0
        for page in self._candidate_pages(rule_sets, reach, undated=kind is not ScanKind.FAST):
            found += self.recorded(self.ledger.record(held, now=self.clock.now()))
            held = []
            for rule_set in rule_sets:
                hits = [hit for hit in page if is_candidate(hit, rule_set)]
                matches = self._matches(rule_set, hits, as_begun.get(rule_set.id))
                if not matched[rule_set.id]:  # what later pages bring is told in digests, which have no room for it
                    matches = with_surroundings(matches, self.source, self._search)
                looked_at[rule_set.id] += len(hits)
                matched[rule_set.id] += len(matches)
                held += matches
            page, hits = (), []  # noqa: PLW2901 megabytes: gone before the next ones come
        finished_at = self.clock.now()
        times = started_at, finished_at, reach
        # the last page was searched by the server's time at the end
        since = until + timedelta(seconds=self.clock.elapsed_seconds() - started_seconds) - reach
        scans = [
            Scan(each.id, kind, *times, looked_at[each.id], matched[each.id], self._covered(each), since, until)
            for each in rule_sets
        ]
        found += self.recorded(self.ledger.record(held, now=finished_at, scans=scans))
        if kind is not ScanKind.BASELINE and (self._last_start_seconds or 0) < started_seconds:
            self._last_start_seconds = started_seconds
        return found

    def _candidate_pages(
        self, rule_sets: Sequence[RuleSet], reach: timedelta, *, undated: bool, part: bool = False
    ) -> Iterator[tuple[Hit, ...]]:
        """Documents without a time are looked for by the sweep: no range would ever find them."""
        within = window(
            self.source.time_fields,
            reach,
            ingest_field=self.source.ingest_field,
            ingest_reach=reach - self.source.overlap + self.source.ingest_overlap,
            undated=undated,
        )
        for query in candidates(rule_sets, within):
            yield from self._search.pages(question(self.source, query, self.source.profile.key_fields, part=part))

    @property
    def _search(self) -> SearchClient:
        """Connected when it is first needed: the server may be down when alertd starts."""
        if self._client is None:
            self._client = self.connect()
        return self._client

    def _matches(
        self,
        rule_set: RuleSet,
        hits: Sequence[Hit],
        as_begun: Mapping[str, RuleState] | None,
        *,
        part: bool = False,
    ) -> list[Match]:
        """Classify the hits that the ledger has not seen: which rule takes each event, by any of its copies.

        `as_begun`: the rules' states; None: they are read where there is a match, which with a thousand rules is quick.
        """
        by_key: defaultdict[str, list[Hit]] = defaultdict(list)
        for hit in hits:
            if (rule_set.id, hit.state) in self._unclaimed:
                continue
            key = read_key(hit.source, hit.fields, index=hit.index, document_id=hit.id, profile=self.source.profile)
            by_key[key].append(hit)
        unseen = self.ledger.unseen(rule_set.id, by_key.keys())
        unknown = [hit for key in unseen for hit in by_key[key]]
        documents = classified(unknown, rule_set, self.source, self._search, part=part)
        taken: list[tuple[Rule, tuple[str, ...], Hit]] = []
        for key in unseen:
            for seen in by_key[key]:
                hit = documents[seen.index, seen.id]
                rule, also = first_rule(rule_set, hit.matched)
                if rule:
                    taken.append((rule, also, hit))
                    break
                self._remember(rule_set, seen)
        states = as_begun or self.ledger.rule_states(rule_set.id, {rule.id for rule, _, _ in taken})
        matches = [self._match(rule, also, hit, states[rule.id]) for rule, also, hit in taken]
        return sorted(matches, key=lambda match: match.event.time)

    def _match(self, rule: Rule, also: tuple[str, ...], hit: Hit, state: RuleState) -> Match:
        place = {"index": hit.index, "document_id": hit.id}
        event = read_event(hit.source, hit.fields, **place, profile=self.source.profile, seen_at=self.witness.now())
        current = self._fingerprints[state.rule_set][state.rule]
        boundary = alerted_from(state, current, overlap=self.source.overlap)
        kind = MatchKind.BASELINE if boundary and was_before(event, boundary, state) else MatchKind.ALERT
        exception = exception_of(rule, hit.matched, event.time)
        if exception:
            kind = MatchKind.EXCEPTED
        _log.info("event_matched", event_key=event.key, rule=rule.id, kind=kind.value, event_time=event.time)
        why = f"{exception.reason} (until {exception.until:%Y-%m-%d %H:%M} UTC)" if exception else None
        facts = with_named(rule, hit.source, hit.fields).facts
        return Match(event, facts, kind, self.route(rule, event), also, why)

    def _remember(self, rule_set: RuleSet, hit: Hit) -> None:
        if self._refused:
            return  # the failing rule might have taken it
        if len(self._unclaimed) >= MOST_REMEMBERED:
            self._unclaimed.clear()
        self._unclaimed[rule_set.id, hit.state] = None

    # how far back

    def _reach_since_last(self, rule_sets: Sequence[RuleSet]) -> timedelta:
        if self._last_start_seconds is not None:
            since = timedelta(seconds=self.clock.elapsed_seconds() - self._last_start_seconds)
        else:
            since = self._since_covered(rule_sets)
        return since + self.source.overlap

    def _look_back(self) -> timedelta:
        """Longer than the look-back after a longer downtime."""
        return max(self.source.look_back, self._since_covered(self.rule_sets) + self.source.overlap)

    def _since_covered(self, rule_sets: Sequence[RuleSet]) -> timedelta:
        states = [self.ledger.rule_states(each.id, self._fingerprints[each.id]) for each in rule_sets]
        return since_covered([state for by_rule in states for state in by_rule.values()], now=self.witness.now())

    # new and changed rules

    def _due_baseline(self, rule_set: RuleSet) -> bool:
        states = self.ledger.rule_states(rule_set.id)
        fingerprints = self._fingerprints[rule_set.id]
        return any(is_new(states.get(rule.id), fingerprints[rule.id]) for rule in rule_set.rules)

    def _covered(self, rule_set: RuleSet) -> dict[str, str]:
        """The rules of a scan, which may lack those that the server refuses, with their fingerprints."""
        fingerprints = self._fingerprints[rule_set.id]
        return {rule.id: fingerprints[rule.id] for rule in rule_set.rules}
