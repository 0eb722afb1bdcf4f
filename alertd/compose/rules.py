"""Settings → rule sets, and who is told of what they take."""

from dataclasses import dataclass, replace
from pathlib import Path

from alertd.config.accounts import known_accounts
from alertd.config.model import Settings
from alertd.errors import ConfigError, Problem
from alertd.rules.files import find_rule_files
from alertd.rules.kept import RuleText, kept, place
from alertd.rules.load import Surroundings, load_rules, load_texts
from alertd.rules.model import RuleSet
from alertd.rules.route import Route, Routing


def rule_sets(settings: Settings, *, tests: bool = False) -> tuple[RuleSet, ...]:
    """Without tests, or with those whose events are here: where alertd runs there need be none.

    ConfigError with every mistake in every rule file.
    """
    around = replace(surroundings(settings), tests=tests, needs_events=False)
    return load_rules(rule_files(settings), around)


@dataclass(frozen=True, slots=True)
class ToRun:
    """What the daemon runs."""

    rule_sets: tuple[RuleSet, ...]
    texts: tuple[RuleText, ...]  # to be kept once it has started; none: they are what was kept
    broken: str | None = None  # why it is not what the files say now


def to_run(settings: Settings) -> ToRun:
    """The rule files, or where they do not load the last ones that did. ConfigError if there are none."""
    around = replace(surroundings(settings), tests=False)
    try:
        return ToRun(*load_texts(rule_files(settings), around))
    except ConfigError as error:
        try:
            last = kept(settings.ledger.path)
        except OSError as unread:
            what = f"the rule files that last loaded are kept here and cannot be used either: {unread.strerror}"
            raise ConfigError([*error.problems, Problem(str(place(settings.ledger.path)), what)]) from unread
        if last is None:
            raise
        try:
            rule_sets, _ = load_texts(last.texts, around)
        except ConfigError:
            raise error from None  # the configuration changed meanwhile: the old rules do not fit it
        first, *more = error.problems
        others = f" (and {len(more)} more)" if more else ""
        what = (
            f"do not load: {first}{others}. Those that last did, of {last.at}, go on. "
            "Put the files right, see alertd check, and restart."
        )
        return ToRun(rule_sets, (), what)


def rule_files(settings: Settings) -> tuple[Path, ...]:
    """ConfigError."""
    return find_rule_files(settings.path.absolute().parent, settings.rules.paths)


def surroundings(settings: Settings) -> Surroundings:
    return Surroundings(
        sources=settings.sources.keys(),
        destinations=settings.alert_destinations,
        not_for_alerts=settings.destinations.keys() - set(settings.alert_destinations),
        default_notify=settings.rules.notify or settings.alert_destinations,
        check_template=_check_template,
        named_fields=_named_fields,
        runbook_base=settings.rules.runbook_base,
    )


def _check_template(text: str) -> str | None:
    from alertd.message.template import check_template  # noqa: PLC0415 Jinja2 costs memory: only where a rule has one

    return check_template(text)


def _named_fields(text: str) -> tuple[str, ...]:
    from alertd.message.template import named_fields  # noqa: PLC0415 as above

    return named_fields(text)


def routing(settings: Settings) -> Routing:
    places = [f"{settings.path.name}, [[routes]] number {number}" for number in range(1, len(settings.routes) + 1)]
    return Routing(
        [Route(**dict(table), where=where) for table, where in zip(settings.routes, places, strict=True)],
        known_accounts(settings),
    )
