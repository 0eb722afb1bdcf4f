"""`alertd route`: where an event would go, and why. Nothing is sent or recorded."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alertd import compose
from alertd.cli import show
from alertd.cli.test_rule.drawing import Drawing, draw
from alertd.cli.test_rule.formats import part_line
from alertd.clock import SystemClock
from alertd.config import Settings, load_settings
from alertd.config.destination import SlackDestination, type_and_place
from alertd.errors import ConfigError, Problem
from alertd.event.event import Event
from alertd.event.profile import load_profile
from alertd.ledger.model import Notification, NotificationKind
from alertd.message.line import full_line
from alertd.message.terminal import to_heading
from alertd.rules.compile import exception_of
from alertd.rules.model import Deliver, RuleException, Sample
from alertd.rules.named import asked_fields, with_named
from alertd.rules.route import Decision
from alertd.rules.samples import SampleError, parse_samples
from alertd.search.connect import connect
from alertd.search.connection import Connection
from alertd.search.embedded import embedded_server
from alertd.trial.place import Left, Placed, Taken, place

NOBODY = 1
STDIN = "-"


@dataclass(frozen=True, slots=True)
class Told:
    """What becomes of an event that a rule set takes."""

    taken: Taken
    event: Event
    exception: RuleException | None
    decision: Decision
    destinations: Mapping[str, str]  # as what it is told there; none where an exception holds
    expected: str | None  # the use that was announced
    heading: str


def route_events(file: Path, config: Path | None, *, as_json: bool) -> int:
    """Exit code: 1 where an event is told nowhere. ConfigError."""
    settings = load_settings(config, secrets=False)
    sets = compose.rules.rule_sets(settings)
    samples = _samples(file)
    style, now = compose.telling.style(settings), SystemClock().now()
    drawings = {
        name: Drawing(load_profile(each.profile, times=each.time_fields), style, now)
        for name, each in settings.sources.items()
    }
    with embedded_server() as server:
        search = connect(Connection(urls=(server.url,)), flavor="opensearch")
        placed, broken = place(
            sets,
            samples,
            search,
            fill_index=server.fill_index,
            fields=lambda rule_set: asked_fields(drawings[rule_set.source].profile, rule_set),
        )
        search.close()
    told = [tuple(_told(each, settings, drawings)) for each in placed]
    if as_json:
        show.as_json([_plain(each, some) for each, some in zip(placed, told, strict=True)])
    else:
        for each, some in zip(placed, told, strict=True):
            show.folded("\n".join((*_report(each, some, settings), "")))
    for where, why in broken.items():
        show.text(f"warning  {where}: the embedded search server refuses this query: {why}", err=True)
    return 0 if all(any(each.destinations for each in some) for some in told) else NOBODY


def _samples(file: Path) -> tuple[Sample, ...]:
    try:
        content = sys.stdin.buffer.read() if str(file) == STDIN else file.read_bytes()
        return tuple(parse_samples(content.decode("utf-8-sig"), "stdin" if str(file) == STDIN else str(file)))
    except OSError as error:
        raise ConfigError([Problem(str(file), f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(file), f"is not UTF-8: {error.reason} at byte {error.start}")]) from error
    except SampleError as error:
        raise ConfigError([Problem("route", str(error))]) from error


def _told(placed: Placed, settings: Settings, drawings: Mapping[str, Drawing]) -> Iterator[Told]:
    """In the order of the rule sets, which is that of the daemon: the first to take an event tells it."""
    routing = compose.rules.routing(settings)
    first: dict[str, str] = {}  # destination → the rule that tells it there
    for taken in placed.taken:
        drawing, rule = drawings[taken.rule_set.source], with_named(taken.rule, taken.hit.source, taken.hit.fields)
        event = drawing.event(taken.hit)
        decision = routing.decide(rule, event)
        exception = exception_of(rule, taken.hit.matched, event.time)
        named = () if exception else tuple(dict.fromkeys(decision.notify))
        notification = Notification(0, "", NotificationKind.MESSAGE, event, rule.facts, seen_at=event.time)
        is_line = rule.facts.deliver is Deliver.SESSION
        yield Told(
            taken,
            event,
            exception,
            decision,
            {name: _form(name, taken, settings, first.get(name)) for name in named},
            drawing.style.expects(event, rule.facts),
            full_line(notification, drawing.style) if is_line else to_heading(draw(rule, event, drawing.style)),
        )
        first = {**dict.fromkeys(named, rule.id), **first}


def _form(name: str, taken: Taken, settings: Settings, told_by: str | None) -> str:
    table = settings.destinations[name]
    has_threads = isinstance(table, SlackDestination)
    if told_by:
        return f"a reply to the message of {told_by}" if has_threads else f"recorded only: {told_by} tells it there"
    if taken.rule.facts.deliver is Deliver.SESSION:
        thread = "in the thread of its session's first message, else " if has_threads else ""
        return f"a line {thread}in a list"
    return "a message of its own"


def _report(placed: Placed, told: Sequence[Told], settings: Settings) -> Iterator[str]:
    yield placed.sample.where
    for each in told:
        yield from (f"  {label:<10}{text}".rstrip() for label, text in _reasons(each, settings))
    if placed.refused:
        yield f"  the embedded search server refuses the event: {placed.refused}"
    elif not told:
        yield "  no rule takes it: nobody is told"
        for left in placed.left:
            yield from _missed(left)


def _reasons(told: Told, settings: Settings) -> Iterator[tuple[str, str]]:
    """Labelled lines; a line without a label belongs to the one above."""
    event, rule = told.event, told.taken.rule
    account = compose.telling.style(settings).account(event) or "unknown"
    yield "event", f"{event.id}  {event.action or 'unknown action'}, account {account}, {show.moment(event.time)} UTC"
    yield "rule", f"{rule.id}, {rule.facts.severity.value}, of {told.taken.rule_set.id}  {rule.where}"
    if told.taken.also:
        yield "", f"also matched: {', '.join(told.taken.also)}"
    if told.exception:
        yield "exception", f"{told.exception.reason} (until {told.exception.until:%Y-%m-%d %H:%M} UTC)"
        yield "", told.exception.where
    yield "route", told.decision.why
    for step in told.decision.steps:
        yield "", f"{step.route.where}: {'; '.join(step.unmet) or f'fits: {step.route}'}"
    if told.expected:
        yield "expected", told.expected
    for name, form in told.destinations.items():
        yield "told", f"{name} ({type_and_place(settings.destinations[name])}): {form}"
    if told.exception:
        yield "told", f"nobody: the exception keeps it from {', '.join(told.decision.notify)}"
    yield "as", told.heading


def _missed(left: Left) -> Iterator[str]:
    for missed in left.nearest:
        what = f"rule {missed.rule} does not match" if missed.rule else "the query of the whole file leaves it out"
        yield f"  {left.rule_set.id}: {what}  {missed.where}"
        yield from (f"      {part_line(part)}" for part in missed.parts)
    more = len(left.rule_set.rules) - len(left.nearest)
    if more > 0 and left.nearest and left.nearest[0].rule:
        yield f"  {left.rule_set.id}: {more} more rules do not match either, and are further from it"


def _plain(placed: Placed, told: Sequence[Told]) -> dict[str, object]:
    return {
        "where": placed.sample.where,
        "told": any(each.destinations for each in told),
        "refused": placed.refused,
        "taken": [
            {
                "rule_set": each.taken.rule_set.id,
                "rule": each.taken.rule.id,
                "severity": each.taken.rule.facts.severity.value,
                "where": each.taken.rule.where,
                "also": each.taken.also,
                "event": each.event,
                "exception": each.exception
                and {"reason": each.exception.reason, "until": each.exception.until, "where": each.exception.where},
                "why": each.decision.why,
                "routes": [{"where": step.route.where, "unmet": step.unmet} for step in each.decision.steps],
                "expected": each.expected,
                "destinations": each.destinations,
                "heading": each.heading,
            }
            for each in told
        ],
        "left": [{"rule_set": each.rule_set.id, "nearest": each.nearest} for each in placed.left],
    }
