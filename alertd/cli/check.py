"""`alertd check`: everything that stands between this configuration and an alert, at once. Changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import typer

from alertd import compose, status
from alertd.cli import show
from alertd.clock import Clock, SystemClock
from alertd.config import Settings, load_settings
from alertd.config.routes import useless_for_rules
from alertd.errors import AlertdError, ConfigError, LedgerUnusableError, PartialError, PermanentError, RetryError
from alertd.ledger.sqlite import open_readonly
from alertd.rules.compile import named_queries
from alertd.rules.model import RuleSet
from alertd.search import SearchClient
from alertd.silence import newest_document

FAILED = 1
# A clock that is wrong by more misdates what people read, though it loses nothing.
MOST_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Finding:
    part: str
    subject: str
    ok: bool
    text: str


def check_all(config: Path | None, *, as_json: bool) -> int:
    """Exit code."""
    settings = load_settings(config)  # its mistakes are a list of their own
    findings: list[Finding] = []
    warnings = list(settings.warnings)
    for finding in _findings(settings, warnings):
        findings.append(finding)
        if not as_json:
            state = "ok  " if finding.ok else "FAILED"
            typer.echo(f"{finding.part:<13} {finding.subject:<40} {state} {finding.text}".rstrip())
    failed = [finding for finding in findings if not finding.ok]
    if as_json:
        show.as_json({"findings": findings, "warnings": warnings})
    else:
        typer.echo()
        for warning in warnings:
            typer.echo(f"warning  {warning}")
        typer.echo(f"{len(findings) - len(failed)} checks passed, {len(failed)} failed, {len(warnings)} warnings.")
    return FAILED if failed else 0


def _findings(settings: Settings, warnings: list[str]) -> Iterator[Finding]:
    clock = SystemClock()
    yield Finding("config", str(settings.path), True, "")
    warnings += (
        f"[[expected]] {each.ticket} is over since {show.moment(each.until)}: remove it"
        for each in settings.expected
        if each.until <= clock.now()
    )
    sets: tuple[RuleSet, ...] = ()
    try:
        sets = compose.rule_sets(settings)
        rules = [rule for rule_set in sets for rule in rule_set.rules]
        warnings += [f"{rule.where}  rule {rule.id} has no test" for rule in rules if not rule.tests]
        warnings += [
            f"{each.where}  the exception of rule {rule.id} is over since {show.moment(each.until)}: remove it"
            for rule in rules
            for each in rule.exceptions
            if each.until <= clock.now()
        ]
        tests = sum(len(rule.tests) for rule in rules)
        yield Finding("rules", f"{len(sets)} files, {len(rules)} rules, {tests} tests", True, "")
        warnings += useless_for_rules(settings, rules)
    except ConfigError as error:
        yield from (Finding("rules", problem.where, False, problem.what) for problem in error.problems)
    warnings += _unheard(settings, sets)
    yield _ledger(settings)
    yield from _search(settings, sets, clock, warnings)
    for name, table in settings.destinations.items():
        target = compose.destination(name, table, clock=clock)
        problems = target.check()
        subject = f"{name}  {table.type} {table.place}".rstrip()
        yield Finding("destination", subject, not problems, "; ".join(problems) or target.guarantee.value)


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


def _ledger(settings: Settings) -> Finding:
    try:
        ledger = open_readonly(settings.ledger.path)
        try:
            return Finding("ledger", str(settings.ledger.path), True, f"{status.event_count(ledger):,} events")
        finally:
            ledger.close()
    except LedgerUnusableError as error:
        return Finding("ledger", str(settings.ledger.path), False, str(error))


def _search(settings: Settings, sets: tuple[RuleSet, ...], clock: Clock, warnings: list[str]) -> Iterator[Finding]:
    where = ", ".join(settings.elasticsearch.url) or "Elastic Cloud"
    try:
        client = compose.search_client(settings.elasticsearch)
        server = client.server()
    except AlertdError as error:
        yield Finding("elasticsearch", where, False, str(error))
        return
    server_time = client.server_time()
    skew = server_time - clock.now() if server_time else timedelta(0)
    if abs(skew) > MOST_SKEW:
        warnings.append(
            f"the server's clock and this machine's differ by {show.span(abs(skew))}: set one of them right"
        )
    yield Finding("elasticsearch", where, True, f"{server.flavor} {server.version}")
    for name in settings.sources:
        yield _source(name, settings, client, clock, warnings)
        for rule_set in (rule_set for rule_set in sets if rule_set.source == name):
            yield from _refused(rule_set, settings.sources[name].index, client)


def _source(name: str, settings: Settings, client: SearchClient, clock: Clock, warnings: list[str]) -> Finding:
    table = settings.sources[name]
    subject = f"{name}  {table.index}"
    try:
        indices = client.indices(table.index)
        wanted = (*table.time_fields, *([table.ingest_field] if table.ingest_field else []))
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
            return Finding(
                "source", subject, False, f'"{field}" is {"/".join(sorted(kinds))} and not a date: set time_fields'
            )
    age = clock.now() - newest if newest else None
    if age is None or (table.silent_after and age >= table.silent_after):
        warnings.append(f"source {name}: {_age(age)}: is CloudTrail still arriving?")
    return Finding("source", subject, True, f"{len(indices)} indices · {_age(age)}")


def _age(age: timedelta | None) -> str:
    return "no event yet" if age is None else f"newest event {show.span(age)} old"


def _refused(rule_set: RuleSet, index: str, client: SearchClient) -> Iterator[Finding]:
    """Rules whose query the server refuses against this mapping."""
    queries = [("", rule_set.query)] if rule_set.query else []
    queries += named_queries(rule_set)
    for name, query in queries:
        try:
            why = client.validate(index, query.clause)
        except (RetryError, PermanentError, PartialError) as error:
            why = str(error)
        if why:
            yield Finding("rule", f"{query.where} {name}", False, f"is refused by the search server: {why}")
