"""`alertd test-rule --against`: which events the changed rules add, lose, or move to another rule."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import typer

from alertd import compose
from alertd.cli import show
from alertd.cli.progress import watched
from alertd.cli.test_rule.asked import Asked
from alertd.cli.test_rule.comparison import Comparison, Moved, comparison_report
from alertd.cli.test_rule.drawing import Drawing
from alertd.cli.test_rule.formats import Format
from alertd.cli.test_rule.given import Given, given, read_mapping
from alertd.cli.test_rule.live import hits, sound_part
from alertd.cli.test_rule.live_report import parse_reach
from alertd.cli.test_rule.offline import FLAVOR
from alertd.cli.test_rule.versions import load_version
from alertd.clock import SystemClock
from alertd.config import Settings
from alertd.errors import ConfigError, Problem
from alertd.event.event import Event
from alertd.event.profile import load_profile
from alertd.rules.compile import exception_of, first_rule
from alertd.rules.mappings import for_flavor
from alertd.rules.model import RuleSet
from alertd.rules.samples import SampleError, read_samples
from alertd.search import Hit, SearchClient
from alertd.search.connect import connect
from alertd.search.connection import Connection
from alertd.search.embedded import RefusedIndexError, embedded_server
from alertd.trial.compare import Line, Tally, changed_sets, compare, kind_of
from alertd.trial.panel import Server

FAILED = 1
# Events that are named; the rest is counted.
MOST_NAMED = 1_000

Versions = tuple[tuple[RuleSet, ...], tuple[RuleSet, ...]]


def compare_versions(asked: Asked, against: str, form: Format) -> int:
    """Exit code: 1 if something could not be compared."""
    mine = given(asked.files, asked.config, secrets=asked.live)
    new = mine.rule_sets()
    old = load_version(against, mine.paths, whole_folders=not asked.files)
    versions = changed_sets(old, new)
    if asked.live:
        found = _live(versions, mine, parse_reach(asked.since))
    else:
        lines = _of_file(asked.events) if asked.events else _of_tests(new)
        found = _offline(versions, mine, lines, asked.mapping)
    say = typer.echo if form is Format.JSON else show.text
    say(comparison_report(form, found, against))
    return FAILED if found.unjudged else 0


def _offline(versions: Versions, mine: Given, lines: Iterable[Line], mapping: Path | None) -> Comparison:
    fields = read_mapping(mapping)
    old, new = versions
    drawing = Drawing(mine.profile((*new, *old)[0]) if new or old else load_profile("cloudtrail"), mine.style)
    tally, counts, named = Tally(), Counter[str](), list[Moved]()

    def event(document: object, where: str) -> Event:
        source = document if isinstance(document, dict) else {}
        return drawing.event(Hit("", where, source))

    def happened(document: object) -> datetime:
        return event(document, "").time

    try:
        with embedded_server() as embedded:
            search = connect(Connection(urls=(embedded.url,)), flavor=FLAVOR)
            server = Server(
                search,
                FLAVOR,
                embedded.fill_index,
                embedded.drop_index,
                for_flavor(fields, flavor=FLAVOR) if fields else None,
            )
            for change in compare(old, new, watched(lines, "comparing"), server, happened=happened, tally=tally):
                counts[change.kind] += 1
                if len(named) < MOST_NAMED:
                    told = event(change.document, change.where)
                    named.append(Moved(change.kind, change.before, change.after, told, change.where))
            search.close()
    except SampleError as error:
        raise ConfigError([Problem("--events", str(error))]) from error
    except RefusedIndexError as error:
        raise ConfigError([Problem(str(mapping), f"the embedded server refuses this mapping: {error}")]) from error
    unjudged = [f"{where}: the search server refuses the event: {why}" for where, why in tally.refused.items()]
    if tally.refused_count > len(unjudged):
        unjudged.append(f"and {tally.refused_count - len(unjudged):,} more events that the search server refuses")
    unjudged += [f"{name}: the search server refuses the query: {why}" for name, why in tally.broken.items()]
    return Comparison(tally.events, counts["adds"], counts["loses"], counts["moves"], tuple(named), tuple(unjudged))


def _of_tests(sets: Sequence[RuleSet]) -> Iterator[Line]:
    """The events of all tests, each once."""
    samples = [sample for each in sets for rule in each.rules for test in rule.tests for sample in test.samples]
    texts = {json.dumps(sample.document): sample.where for sample in samples}
    yield from (Line(where, text) for text, where in texts.items())


def _of_file(path: Path) -> Iterator[Line]:
    """Line by line: there may be millions. ConfigError, SampleError."""
    if path.suffix not in {".ndjson", ".jsonl"}:
        yield from (Line(sample.where, json.dumps(sample.document)) for sample in read_samples(path, str(path)))
        return
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for number, text in enumerate(file, start=1):
                if text.strip():
                    yield Line(f"{path}:{number}", text)
    except OSError as error:
        raise ConfigError([Problem(str(path), f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(path), f"is not UTF-8: {error.reason}")]) from error


@dataclass(frozen=True, slots=True)
class _Told:
    rules: tuple[str, ...]
    event: Event


def _live(versions: Versions, mine: Given, reach: timedelta) -> Comparison:
    settings = mine.settings
    if settings is None:
        raise ConfigError([Problem("--live", "needs a configuration: --config FILE, or alertd.toml here")])
    client = compose.searching.search_client(settings.elasticsearch)
    sources = {each.id: each.source for each in versions[1]}
    told: list[dict[str, _Told]] = []
    unjudged: list[str] = []
    for name, sets in zip(("old", "new"), versions, strict=True):
        found: dict[str, _Told] = {}
        for rule_set in sets:
            default = next(iter(settings.sources))
            source = sources.get(rule_set.id) or (rule_set.source if rule_set.source in settings.sources else default)
            sound, refused = sound_part(rule_set, settings.sources[source].index, client)
            unjudged += [f"{name} {each}" for each in refused]
            for rule_id, event in _taken(replace(sound, source=source), settings, client, reach):
                known = found.get(event.key, _Told((), event)).rules
                found[event.key] = _Told((*known, rule_id), event)
        told.append(found)
    client.close()
    return replace(_difference(*told), unjudged=tuple(unjudged))


def _taken(
    rule_set: RuleSet, settings: Settings, client: SearchClient, reach: timedelta
) -> Iterator[tuple[str, Event]]:
    """Each event once, with the rule that tells it."""
    table = settings.sources[rule_set.source]
    profile = load_profile(table.profile, times=table.time_fields)
    drawing = Drawing(profile, compose.telling.style(settings), SystemClock().now())
    seen: set[str] = set()
    found = hits(rule_set, settings, client, reach, fields=drawing.profile.fields)
    for hit in watched(found, f"searching {table.index} for {rule_set.id}"):
        rule, _ = first_rule(rule_set, hit.matched)
        event = drawing.event(hit)
        if rule and event.key not in seen and not exception_of(rule, hit.matched, event.time):
            seen.add(event.key)
            yield rule.id, event


def _difference(before: dict[str, _Told], after: dict[str, _Told]) -> Comparison:
    counts, named = Counter[str](), list[Moved]()
    keys = dict.fromkeys((*before, *after))
    for key in keys:
        was, is_now = before.get(key), after.get(key)
        lost = tuple(rule for rule in (was.rules if was else ()) if not is_now or rule not in is_now.rules)
        won = tuple(rule for rule in (is_now.rules if is_now else ()) if not was or rule not in was.rules)
        either = is_now or was
        if (lost or won) and either:
            kind = kind_of(lost, won)
            counts[kind] += 1
            named.append(Moved(kind, lost, won, either.event, f"{either.event.index}/{either.event.document_id}"))
    named.sort(key=lambda moved: moved.event.time, reverse=True)
    return Comparison(len(keys), counts["adds"], counts["loses"], counts["moves"], tuple(named[:MOST_NAMED]), ())
