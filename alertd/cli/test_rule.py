"""`alertd test-rule`: the tests in rule files on the embedded server, or a look at what rules match on the cluster."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import typer

from alertd import compose
from alertd.cli import show
from alertd.clock import SystemClock
from alertd.config import Settings, load_settings
from alertd.config.duration import parse_duration
from alertd.demo.search import embedded_server
from alertd.errors import ConfigError, Problem
from alertd.event import Event, read_event
from alertd.ledger.model import Notification, NotificationKind
from alertd.message import Style, render_event
from alertd.message.template import check_template
from alertd.message.terminal import to_terminal
from alertd.profile import Profile, load_profile
from alertd.rules.compile import candidates, classification, first_rule, window
from alertd.rules.load import Surroundings, find_rule_files, load_rules
from alertd.rules.model import Rule, RuleSet
from alertd.search import Hit, Search, SearchClient
from alertd.search.connection import Connection, connect
from alertd.trial import Mismatch, PartResult, Result, run_tests

FAILED = 1
# Messages of tests carry no delivery of their own.
NO_DELIVERY = "0" * 32
NEWEST = 10
BAR = 40  # characters of the longest day in the histogram


def run_rule_tests(files: Sequence[Path], config: Path | None, *, as_json: bool) -> int:
    """Exit code. Without a configuration any source and destination a rule names will do."""
    clock = SystemClock()
    began = clock.elapsed_seconds()
    settings = _settings(config)
    sets = load_rules(_paths(files, settings), _around(settings))
    results: list[Result] = []
    with embedded_server() as server:
        search = connect(Connection(urls=(server.url,)), flavor="opensearch")
        for rule_set in sets:
            profile = _profile(rule_set, settings)
            render = partial(_message, profile=profile, style=compose.style(settings) if settings else Style())
            results += run_tests(rule_set, search, fill_index=server.fill_index, fields=profile.fields, render=render)
        search.close()
    failed = [result for result in results if not result.passed]
    if as_json:
        show.as_json({"passed": len(results) - len(failed), "failed": len(failed), "tests": results})
    else:
        for rule_set in sets:
            typer.echo("\n".join(_report(rule_set, [result for result in results if result.rule_set == rule_set.id])))
        seconds = clock.elapsed_seconds() - began
        typer.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed in {seconds:.2f} s")
    return FAILED if failed else 0


def search_live(files: Sequence[Path], config: Path | None, *, since: str, as_json: bool) -> int:
    """Exit code. Nothing is sent, nothing is recorded."""
    try:
        reach = parse_duration(since)
    except ValueError as error:
        raise ConfigError([Problem("--since", str(error))]) from error
    settings = load_settings(config)
    sets = load_rules(_paths(files, settings), compose.surroundings(settings))
    client = compose.search_client(settings.elasticsearch)
    looks = [_look(rule_set, settings, client, reach) for rule_set in sets]
    client.close()
    if as_json:
        show.as_json([{"rule_set": look.rule_set, "events": look.events} for look in looks])
        return 0
    for look in looks:
        _show_look(look, since, settings)
    typer.echo("nothing was sent; nothing was recorded")
    return 0


@dataclass(frozen=True, slots=True)
class Look:
    rule_set: str
    index: str
    events: tuple[tuple[Rule, Event], ...]  # oldest first


def _look(rule_set: RuleSet, settings: Settings, client: SearchClient, reach: timedelta) -> Look:
    table = settings.sources[rule_set.source]
    profile = load_profile(table.profile)
    timeout = settings.elasticsearch.timeout
    found: dict[str, tuple[Rule, Event]] = {}
    for query in candidates([rule_set], window(table.time_fields, reach)):
        for page in client.pages(Search(table.index, query, (), table.page_size, timeout)):
            for hit in _classified(
                rule_set, page, Search(table.index, {}, profile.fields, table.page_size, timeout), client
            ):
                rule, _ = first_rule(rule_set, hit.matched)
                if rule:
                    event = _event(hit, profile)
                    found.setdefault(event.key, (rule, event))
    return Look(rule_set.id, table.index, tuple(sorted(found.values(), key=lambda pair: pair[1].time)))


def _classified(rule_set: RuleSet, page: Sequence[Hit], search: Search, client: SearchClient) -> Iterator[Hit]:
    """The page's documents with the names of the rules that match them."""
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
    for place, hit in documents.items():
        yield Hit(hit.index, hit.id, hit.source, hit.fields, names[place])


def _show_look(look: Look, since: str, settings: Settings) -> None:
    style = compose.style(settings)
    count = len(look.events)
    typer.echo(f"{count} event{'' if count == 1 else 's'} in {since} on {look.index} for {look.rule_set}")
    for line in _histogram([event.time.date() for _, event in look.events]):
        typer.echo(line)
    newest = look.events[::-1][:NEWEST]
    show.table(
        ["time (UTC)", "rule", "account", "from", "result"],
        [
            [
                f"{event.time:%m-%d %H:%M:%S}",
                rule.id,
                style.account_name(event),
                event.source_address or "",
                event.outcome or "",
            ]
            for rule, event in newest
        ],
    )
    if newest:
        rule, event = newest[0]
        typer.echo("\nthe newest as Slack would show it:")
        typer.echo("\n".join(to_terminal(_render(rule, event, style))) + "\n")


def _histogram(days: Sequence[date]) -> Iterator[str]:
    if not days:
        return
    counts = Counter(days)
    most = max(counts.values())
    for offset in range((max(days) - min(days)).days + 1):
        day = min(days) + timedelta(days=offset)
        count = counts[day]
        yield f"{day:%b %d} ▏{'█' * round(BAR * count / most):<{BAR}} {count or ''}".rstrip()


def _settings(config: Path | None) -> Settings | None:
    """Rules are tested in repositories that have no configuration: then names are not checked."""
    return load_settings(config) if config or Path("alertd.toml").exists() else None


def _paths(files: Sequence[Path], settings: Settings | None) -> tuple[Path, ...]:
    if files:
        missing = [Problem(str(file), "there is no such file") for file in files if not file.is_file()]
        if missing:
            raise ConfigError(missing)
        return tuple(files)
    if settings:
        return find_rule_files(settings.path.absolute().parent, settings.rules.paths)
    return find_rule_files(Path.cwd(), ["rules/*.toml"])


def _around(settings: Settings | None) -> Surroundings:
    return compose.surroundings(settings) if settings else Surroundings(None, None, (), check_template)


def _profile(rule_set: RuleSet, settings: Settings | None) -> Profile:
    return load_profile(settings.sources[rule_set.source].profile if settings else "cloudtrail")


def _message(rule: Rule, hit: Hit, *, profile: Profile, style: Style) -> str:
    return "\n".join(to_terminal(_render(rule, _event(hit, profile), style)))


def _render(rule: Rule, event: Event, style: Style) -> str:
    notification = Notification(0, "", NotificationKind.MESSAGE, event, rule.facts, seen_at=event.time)
    return render_event(notification, style=style, delivery_id=NO_DELIVERY)


def _event(hit: Hit, profile: Profile) -> Event:
    now: datetime = SystemClock().now()
    return read_event(hit.source, hit.fields, index=hit.index, document_id=hit.id, profile=profile, seen_at=now)


def _report(rule_set: RuleSet, results: Sequence[Result]) -> Iterator[str]:
    yield f"{rule_set.path}"
    for rule in rule_set.rules:
        yield f"  {rule.id}" + ("" if rule.tests else "  (no tests)")
        for result in (result for result in results if result.rule == rule.id):
            yield f"    {'✓' if result.passed else '✗'} {result.test.name}"
            for mismatch in result.mismatches:
                yield from _explanation(mismatch)
    yield ""


def _explanation(mismatch: Mismatch) -> Iterator[str]:
    yield f"        expected  {mismatch.expected}"
    yield f"        got       {mismatch.got}"
    if mismatch.hint:
        yield f"        {mismatch.hint}"
    for part in mismatch.parts:
        yield f"        {_part(part)}"
    yield f"        {mismatch.where}"


def _part(part: PartResult) -> str:
    values = ", ".join(f"{field} = {value}" for field, value in part.values)
    return f"{'  ' * part.depth}{part.text}  {'✓' if part.holds else '✗'}" + (
        f"   the event has {values}" if values else ""
    )
