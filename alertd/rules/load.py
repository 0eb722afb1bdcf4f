"""TOML rule files → rule sets. Strict: every mistake of every file at once, each with its line and a way out."""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from alertd.errors import ConfigError, Problem
from alertd.rules.files import OutsideError, beside, check_readable, shown_path
from alertd.rules.kept import RuleText
from alertd.rules.model import Deliver, Rule, RuleFacts, RuleSet, RuleTest, Sample, Severity, Snapshot
from alertd.rules.others import OTHERS_KEYS
from alertd.rules.query import meaning, read_query
from alertd.rules.quiet import read_exceptions, read_silences
from alertd.rules.samples import SampleError, read_samples, read_snapshot, table_sample
from alertd.toml.file import parse_toml, read_text, suggest
from alertd.toml.table import Mistake, Table

_SET_KEYS = ("id", "source", "notify", "query", "silence", "rules")
_RULE_KEYS = (
    "id",
    "title",
    "severity",
    "query",
    "notify",
    "deliver",
    "runbook",
    "description",
    "false_positives",
    "references",
    "message",
    "silence",
    "exceptions",
    "tests",
)
_MESSAGE_KEYS = ("summary",)
_TEST_KEYS = ("name", "events", "expect", "message_contains", "message_equals", "message_snapshot")
OUTCOMES = ("match", "no match", "exception")
# Ids stand in event keys, logs and names of queries, so they are plain, and short enough for one line.
ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What rules may refer to. Names that are not known here (None) are taken as they are."""

    sources: Collection[str] | None
    destinations: Collection[str] | None
    default_notify: tuple[str, ...]
    check_template: Callable[[str], str | None]  # the mistake in a message template, or None
    named_fields: Callable[[str], tuple[str, ...]] = lambda _: ()  # of a document, that a template names
    tests: bool = True  # or leave them unread, with their files
    needs_events: bool = True  # or a file of events may be missing: where alertd runs, nothing is tested
    not_for_alerts: Collection[str] = ()  # destinations that exist, and may not be named here
    runbook_base: str | None = None  # where runbooks live that a rule names without https://


def load_rules(files: Sequence[Path], around: Surroundings) -> tuple[RuleSet, ...]:
    """ConfigError with every mistake."""
    return load_texts(files, around)[0]


def load_texts(
    files: Sequence[Path | RuleText], around: Surroundings
) -> tuple[tuple[RuleSet, ...], tuple[RuleText, ...]]:
    """Files, or what was read of them before; and what was read. ConfigError with every mistake."""
    problems: list[Problem] = []
    rule_sets, texts = [], []
    for each in files:
        mistakes: list[Mistake] = []
        shown = shown_path(each.path if isinstance(each, RuleText) else each)
        try:
            text = each if isinstance(each, RuleText) else RuleText(each, read_text(each, shown=shown))
            file = parse_toml(text.text, text.path, shown=shown)
            texts.append(text)
            rule_sets.append(_rule_set(Table(file, (), file.data, mistakes), around))
        except ConfigError as error:
            problems += error.problems
        # of a value that nobody thought of: a mistake like any other, so that at a start the last good rules go on
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            problems.append(Problem(shown, f"holds a value that alertd cannot work with: {str(error)[:200]}"))
        problems += [mistake.problem for mistake in sorted(mistakes, key=lambda mistake: mistake.line)]
    problems += _repeated_ids(rule_sets)
    if problems:
        raise ConfigError(problems)
    return tuple(rule_sets), tuple(texts)


def fingerprint(rule_set: RuleSet, rule: Rule) -> str:
    """The same as long as the rule means the same: titles, severities, tests and line breaks may change."""
    meant = [rule_set.source, meaning(rule_set.query) if rule_set.query else None, meaning(rule.query)]
    return hashlib.sha256(json.dumps(meant).encode()).hexdigest()[:16]


def _rule_set(table: Table, around: Surroundings) -> RuleSet:
    table.allow(_SET_KEYS, instead=OTHERS_KEYS)
    set_id = _id(table) if "id" in table.data else _id_of_file(table)
    notify = _notify(table, around)
    rules = tuple(_rule(rule, around, set_id=set_id, notify=notify) for rule in table.tables("rules"))
    if not table.data.get("rules", []):
        table.note(None, "there is no rule in this file: it needs at least one [[rules]] table")
    _check_expectations(table, rules)
    return RuleSet(
        id=set_id,
        source=_source(table, around),
        query=read_query(table) if "query" in table.data else None,
        rules=rules,
        path=table.file.path,
        silences=tuple(read_silences(table)),
    )


def _rule(table: Table, around: Surroundings, *, set_id: str, notify: tuple[str, ...] | None) -> Rule:
    table.allow(_RULE_KEYS, instead=OTHERS_KEYS)
    message = table.table("message")
    message.allow(_MESSAGE_KEYS)
    facts = RuleFacts(
        rule_set=set_id,
        id=_id(table),
        title=table.needed_text("title"),
        severity=_severity(table),
        deliver=table.choice("deliver", Deliver) or Deliver.MESSAGE,
        runbook=_runbook(table, around),
        summary=_template(message, around),
    )
    named = _notify(table, around)
    named = notify if named is None else named
    told = around.default_notify if named is None else named
    if not told and not table.data.get("notify") and around.destinations is not None:
        table.note("notify", "nobody is told: set notify here, at the top of the file, or in [rules] of alertd.toml")
    return Rule(
        facts=facts,
        query=read_query(table),
        notify=told,
        where=table.where(),
        named=around.named_fields(facts.summary) if facts.summary else (),
        names_notify=named is not None,
        exceptions=tuple(read_exceptions(table)),
        description=table.text("description") or "",
        false_positives=table.texts("false_positives"),
        references=table.texts("references"),
        tests=tuple(_test(test, around) for test in table.tables("tests")) if around.tests else (),
        silences=tuple(read_silences(table)),
    )


def _severity(table: Table) -> Severity:
    if "severity" not in table.data:
        table.note("severity", f"severity is missing. {suggest('', [member.value for member in Severity])}")
    return table.choice("severity", Severity) or Severity.MEDIUM


def _test(table: Table, around: Surroundings) -> RuleTest:
    table.allow(_TEST_KEYS)
    expect = table.needed_text("expect")
    for key in ("message_contains", "message_equals", "message_snapshot"):
        if table.data.get(key) and expect in {"no match", "exception"}:
            table.note(key, f'{key} has nothing to look at: with "{expect}" there is no message')
    missing: list[str] = []
    return RuleTest(
        name=table.needed_text("name"),
        samples=tuple(_samples(table, None if around.needs_events else missing)),
        expect=expect,
        where=table.where(),
        missing=tuple(missing),
        message_contains=table.texts("message_contains"),
        message_equals=table.text("message_equals"),
        snapshot=_snapshot(table),
    )


def _snapshot(table: Table) -> Snapshot | None:
    name = table.text("message_snapshot")
    try:
        if not name:
            return None
        path = beside(table.file.path, name)
        if path.exists():
            check_readable(path, name)
        return read_snapshot(path, name)
    except (SampleError, OutsideError) as error:
        table.note("message_snapshot", str(error))
        return None


def _samples(table: Table, missing: list[str] | None) -> Iterator[Sample]:
    """Files that are not there come into `missing`; without it they are a mistake."""
    events = table.data.get("events")
    if not isinstance(events, list) or not events:
        table.note("events", "events must list at least one event: a JSON or NDJSON file beside this one, or a table")
        return
    for number, event in enumerate(events):
        place = table.file.where((*table.at, "events", number))
        try:
            if isinstance(event, dict):
                yield table_sample(event, place)
            elif isinstance(event, str):
                path = beside(table.file.path, event)
                if missing is not None and not path.exists():
                    missing.append(str(path))
                    continue
                if path.exists():
                    check_readable(path, event)
                yield from read_samples(path, event)
            else:
                table.note("events", f"{event!r} is neither the name of a file nor a table")
        except (SampleError, OutsideError) as error:
            line = table.file.line_of((*table.at, "events", number))
            table.mistakes.append(Mistake(line, Problem(place, str(error))))


def _id(table: Table) -> str:
    text = table.needed_text("id")
    if text and not ID.fullmatch(text):
        table.note(
            "id",
            f'id "{text}" must be of small letters, digits, dots, dashes and underscores, at most 100:'
            " the ledger hangs on it",
        )
    if text in OUTCOMES:
        table.note("id", f'id "{text}" is a word that tests use: expect = "{text}"')
    return text


def _id_of_file(table: Table) -> str:
    stem = table.file.path.stem
    if not ID.fullmatch(stem):
        table.note(None, f'the file\'s name cannot be the id of its rule set ("{stem}"): set id = "…" at the top')
    return stem


def _source(table: Table, around: Surroundings) -> str:
    source = table.text("source")
    if around.sources is None:
        return source or ""
    if source is None and "source" not in table.data:
        if len(around.sources) != 1:
            table.note("source", f"source is missing. {suggest('', sorted(around.sources))}")
        return next(iter(around.sources), "")
    if source is not None and source not in around.sources:
        table.note("source", f'unknown source "{source}". {suggest(source, sorted(around.sources))}')
    return source or ""


def _notify(table: Table, around: Surroundings) -> tuple[str, ...] | None:
    if "notify" not in table.data:
        return None
    names = table.texts("notify")
    for name in names:
        if around.destinations is not None and name not in around.destinations:
            what = "only for [ops], not for alerts:" if name in around.not_for_alerts else "unknown destination"
            table.note("notify", f'{what} "{name}". {suggest(name, sorted(around.destinations))}')
    return names


def _runbook(table: Table, around: Surroundings) -> str | None:
    """An address, or a name below [rules] runbook_base; without that there is nothing to link to."""
    text = table.text("runbook")
    if text is None or text.startswith(("https://", "http://")):
        return text
    return f"{around.runbook_base.rstrip('/')}/{text}" if around.runbook_base else None


def _template(table: Table, around: Surroundings) -> str | None:
    summary = table.text("summary")
    mistake = around.check_template(summary) if summary else None
    if mistake:
        table.note("summary", f"message.summary: {mistake}")
    return summary


def _check_expectations(table: Table, rules: Sequence[Rule]) -> None:
    """Only a rule of the same set can take an event from another."""
    allowed = [*OUTCOMES, *(rule.id for rule in rules)]
    for rule in rules:
        for test in rule.tests:
            if test.expect and test.expect not in allowed:
                what = f'expect names no rule of this file: "{test.expect}". {suggest(test.expect, allowed)}'
                line = int(test.where.rpartition(":")[2])
                table.mistakes.append(Mistake(line, Problem(test.where, what)))


def _repeated_ids(rule_sets: Sequence[RuleSet]) -> Iterator[Problem]:
    sets: dict[str, Path] = {}
    rules: dict[str, str] = {}
    for rule_set in rule_sets:
        if first := sets.get(rule_set.id):
            yield Problem(
                f"{shown_path(rule_set.path)}:1",
                f'rule set id "{rule_set.id}" is that of {shown_path(first)} too: the ledger hangs on it',
            )
        sets.setdefault(rule_set.id, rule_set.path)
        for rule in rule_set.rules:
            if rule.id and rule.id in rules:
                yield Problem(
                    rule.where, f'rule id "{rule.id}" is used at {rules[rule.id]} too: the ledger hangs on it'
                )
            rules.setdefault(rule.id, rule.where)
