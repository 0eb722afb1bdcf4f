"""`alertd check`: everything that stands between this configuration and an alert, at once. Changes nothing."""

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from pathlib import Path

import typer

from alertd import compose, status
from alertd.cli import lint, rehearsal, show
from alertd.clock import Clock, SystemClock, compared, skew, skew_told
from alertd.config import Settings, load_settings
from alertd.config.destination import type_and_place
from alertd.config.permissions import writable
from alertd.config.routes import useless_for_rules
from alertd.errors import AlertdError, ConfigError, LedgerUnusableError, PartialError, PermanentError, RetryError
from alertd.event.profile import load_profile
from alertd.ledger.file import judge
from alertd.ledger.sqlite import open_readonly
from alertd.message.words import counted
from alertd.ops.dead_feed import newest_document
from alertd.rules.compile import named_queries
from alertd.rules.lint import Known, RuleWarning
from alertd.rules.lint import lint as lint_rules
from alertd.rules.model import RuleSet
from alertd.search import SearchClient

FAILED = 1


@dataclass(frozen=True, slots=True)
class Finding:
    part: str
    subject: str
    ok: bool
    text: str


def check_all(config: Path | None, *, as_json: bool, strict: bool, quiet: bool) -> int:
    """Exit code. `strict`: warnings fail too. `quiet`: only what is not well is shown."""
    settings = load_settings(config)  # its mistakes are a list of their own
    findings: list[Finding] = []
    warnings = [RuleWarning("", settings.path.name, text) for text in settings.warnings]
    for finding in _findings(settings, warnings):
        findings.append(finding)
        if not as_json and not (quiet and finding.ok):
            state = "ok  " if finding.ok else "FAILED"
            show.text(f"{finding.part:<13} {finding.subject:<40} {state} {finding.text}".rstrip())
    failed = [finding for finding in findings if not finding.ok]
    if as_json:
        show.as_json({"findings": findings, "warnings": [lint.as_data(warning) for warning in warnings]})
    else:
        typer.echo()
        for warning in (each for each in warnings if not (quiet and each.level == "note")):
            show.text(lint.as_line(warning) if warning.code else f"{warning.level:<7}  {warning.text}")
        # once more at the end: on a long page that is what one sees
        for finding in failed:
            show.text(f"failed  {finding.part} {finding.subject}: {finding.text}")
        counts = f"{len(findings) - len(failed)} checks passed, {len(failed)} failed"
        typer.echo(f"{counts}, {lint.count(warnings)} warnings.")
    return FAILED if failed or (strict and lint.count(warnings)) else 0


def _findings(settings: Settings, warnings: list[RuleWarning]) -> Iterator[Finding]:
    clock = SystemClock()
    yield Finding("config", str(settings.path), True, "")
    warnings += lint.over(settings, clock.now())
    sets: tuple[RuleSet, ...] = ()
    try:
        sets = compose.rules.rule_sets(settings, tests=True)
        rules = [rule for rule_set in sets for rule in rule_set.rules]
        tests = sum(len(rule.tests) for rule in rules)
        size = (counted(len(sets), "file"), counted(len(rules), "rule"), counted(tests, "test"))
        absent = sum(len(test.missing) for rule in rules for test in rule.tests)
        note = f"{counted(absent, 'file')} of test events not here: only test-rule needs them" if absent else ""
        yield Finding("rules", ", ".join(size), True, note)
        warnings += map(_plain, useless_for_rules(settings, rules))
        warnings += map(_plain, filter(None, (writable(rule_set.path) for rule_set in sets)))
    except ConfigError as error:
        yield from (Finding("rules", problem.where, False, problem.what) for problem in error.problems)
    # with one channel for everything there is nothing better to be had
    warnings += (replace(_plain(text), is_note=True) for text in _unheard(settings, sets))
    yield from _profiles(settings)
    warnings += (replace(_plain(text), is_note=True) for text in _missing_buttons(settings, sets))
    yield _ledger(settings)
    yield from _gone(settings, sets)
    known: dict[str, Known] = {}
    yield from _search(settings, sets, clock, warnings, known)
    warnings += lint_rules(sets, now=clock.now(), known=known)
    for name, table in settings.destinations.items():
        target = compose.telling.destination(name, table, clock=clock)
        problems = target.check()
        subject = f"{name}  {type_and_place(table)}"
        yield Finding("destination", subject, not problems, "; ".join(problems) or target.guarantee.value)


def _profiles(settings: Settings) -> Iterator[Finding]:
    """Those that cannot be read. What reads a source needs its own, also where no rule uses it yet."""
    for name in dict.fromkeys(table.profile for table in settings.sources.values()):
        try:
            load_profile(name)
        except ConfigError as error:
            yield from (Finding("profile", problem.where, False, problem.what) for problem in error.problems)


def _missing_buttons(settings: Settings, sets: tuple[RuleSet, ...]) -> Iterator[str]:
    """What messages would offer, were it known where it is."""
    # without a base a name leads nowhere
    unled = [
        rule.id
        for each in sets
        for rule in each.rules
        if rule.facts.runbook is None and not settings.rules.runbook_base
    ]
    if unled:
        yield f"[rules] runbook_base is not set: no Runbook button on alerts of {counted(len(unled), 'rule')}"
    if settings.message.discover_url is None:
        yield "[message] discover_url is not set: no buttons that open the event in Kibana or Dashboards"


def _unheard(settings: Settings, sets: tuple[RuleSet, ...]) -> Iterator[str]:
    """Where nobody would hear of trouble."""
    ops = settings.ops.notify
    if ops is None:
        yield "[ops] notify is not set: alertd's own trouble is in its log only"
        return
    told = {name for rule_set in sets for rule in rule_set.rules for name in rule.notify}
    told |= {name for route in settings.routes for name in route.notify}
    if ops in told:
        yield (
            f"[ops] notify names {ops}, which alerts go to as well: when it refuses messages, nobody hears of it. "
            "Name another channel, or e-mail."
        )


def _plain(text: str) -> RuleWarning:
    """Of no rule: it has no code, and cannot be silenced."""
    return RuleWarning("", "", text)


def _ledger(settings: Settings) -> Finding:
    try:
        judge(settings.ledger.path, writable=True)  # as `alertd run` will want it
        ledger = open_readonly(settings.ledger.path, whole=True)
        try:
            events = counted(status.event_count(ledger), "event")
            return Finding("ledger", str(settings.ledger.path), True, f"{events} · integrity ok")
        finally:
            ledger.close()
    except LedgerUnusableError as error:
        return Finding("ledger", str(settings.ledger.path), False, str(error))


def _gone(settings: Settings, sets: tuple[RuleSet, ...]) -> Iterator[Finding]:
    """What the ledger names and the configuration lacks: it would never be told, or never be searched again."""
    try:
        with closing(open_readonly(settings.ledger.path)) as ledger:
            left = status.gone(ledger, settings.destinations)
            # rule files that do not load are a finding of their own
            unsearched = status.unsearched(ledger, {rule_set.id for rule_set in sets}) if sets else {}
    except LedgerUnusableError:
        return  # it has a finding of its own
    for name, text in left.items():
        yield Finding("destination", name, False, text)
    for name, text in unsearched.items():
        yield Finding("rules", f"rule set {name}", False, text)


def _search(
    settings: Settings,
    sets: tuple[RuleSet, ...],
    clock: Clock,
    warnings: list[RuleWarning],
    known: dict[str, Known],
) -> Iterator[Finding]:
    """Fills `known`, of the rule sets whose source answers."""
    where = ", ".join(settings.elasticsearch.url) or "Elastic Cloud"
    try:
        client = compose.searching.search_client(settings.elasticsearch)
        server, clocks = client.server(), _clocks(client, settings, clock, warnings)
    except AlertdError as error:
        yield Finding("elasticsearch", where, False, str(error))
        return
    version = server.version or "of a version that this key may not ask for"
    yield Finding("elasticsearch", where, True, " · ".join([f"{server.flavor} {version}", *clocks]))
    empty: set[str] = set()
    for name in settings.sources:
        about = _source(name, settings, client, clock, warnings, empty=empty)
        mine = [rule_set for rule_set in sets if rule_set.source == name]
        refused = {each.id: [*_refused(each, settings.sources[name].index, client)] for each in mine}
        yield from (about, *chain.from_iterable(refused.values()))
        if about.ok:
            # the daemon leaves out what is refused, too
            yield from _rehearsal(name, [each for each in mine if not refused[each.id]], settings, client)
    # where nothing was ever indexed no field exists, whatever the rules name
    known.update(lint.ask_cluster([each for each in sets if each.source not in empty], settings, client))


def _clocks(client: SearchClient, settings: Settings, clock: Clock, warnings: list[RuleWarning]) -> tuple[str, ...]:
    """As the daemon compares them."""
    table = next(iter(settings.sources.values()))
    asked = clock.now()
    told = client.server_time(table.index, table.time_fields[0])
    answered = clock.now()
    if told is None:
        return ()
    wrong = skew(told, asked_at=asked, answered_at=answered)
    if wrong:
        warnings.append(_plain(f"{skew_told(wrong)}: set one of them right"))
    return (compared(told, asked_at=asked, answered_at=answered),)


def _source(
    name: str,
    settings: Settings,
    client: SearchClient,
    clock: Clock,
    warnings: list[RuleWarning],
    *,
    empty: set[str],
) -> Finding:
    """Adds the name to `empty` where no event was ever indexed."""
    table = settings.sources[name]
    subject = f"{name}  {table.index}"
    try:
        indices = client.indices(table.index)
        wanted = lint.times(table)
        types = client.field_types(table.index, wanted)
        known = tuple(name for name in table.time_fields if name in types)
        newest = newest_document(client, table.index, known)
    except (RetryError, PermanentError, PartialError) as error:
        return Finding("source", subject, False, str(error))
    for field in wanted:
        kinds = types.get(field, frozenset())
        if not kinds:
            return Finding("source", subject, False, f'no index has the time field "{field}": set time_fields')
        if not kinds <= {"date", "date_nanos"}:
            return Finding("source", subject, False, _no_date(field, kinds))
    age = clock.now() - newest if newest else None
    if age is None:
        empty.add(name)
    if age is None or (table.silent_after and age >= table.silent_after):
        warnings.append(_plain(f"source {name}: {_age(age)}: is CloudTrail still arriving?"))
    count = "1 index" if len(indices) == 1 else f"{len(indices):,} indices"
    ingest = [f"{table.ingest_field} present"] if table.ingest_field else []
    return Finding("source", subject, True, " · ".join([count, _age(age), *ingest]))


def _rehearsal(name: str, sets: Sequence[RuleSet], settings: Settings, client: SearchClient) -> Iterator[Finding]:
    # of a profile that cannot be read there is a finding already
    with suppress(ConfigError):
        for why in rehearsal.refusals(name, sets, settings, client):
            yield Finding("search", f"{name}  {settings.sources[name].index}", False, why)


def _no_date(field: str, kinds: frozenset[str]) -> str:
    said = f'"{field}" is {"/".join(sorted(kinds))} and not a date'
    if kinds & {"long", "integer", "double", "float", "unsigned_long"}:
        how = 'map it as a date with "format": "epoch_second" (or "epoch_millis") and reindex'
        return f"{said}, so a search by time compares numbers and finds nothing: {how}, or set time_fields"
    return f"{said}: set time_fields"


def _age(age: timedelta | None) -> str:
    return "no event yet" if age is None else f"newest event {show.span(age)} old"


def _refused(rule_set: RuleSet, index: str, client: SearchClient) -> Iterator[Finding]:
    """Rules whose query the server refuses against this mapping."""
    queries = [("", rule_set.query)] if rule_set.query else []
    queries += named_queries(rule_set)
    untried: list[str] = []
    for name, query in queries:
        try:
            why = client.validate(index, query.clause)
        except (RetryError, PermanentError, PartialError) as error:
            untried.append(str(error))
            continue
        if why:
            yield Finding("rule", f"{query.where} {name}", False, f"is refused by the search server: {why}")
    # mostly because of the index or a privilege, which has nothing to do with the single query
    if untried:
        text = f"{len(untried)} of its {len(queries)} queries could not be tried: {untried[0]}"
        yield Finding("rules", rule_set.id, False, text)
