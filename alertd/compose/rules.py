"""Settings → rule sets, and who is told of what they take."""

from dataclasses import replace
from pathlib import Path

from alertd.config.model import Settings
from alertd.event.account import Account
from alertd.rules.files import find_rule_files
from alertd.rules.load import Surroundings, load_rules
from alertd.rules.model import RuleSet
from alertd.rules.route import Route, Routing


def rule_sets(settings: Settings, *, tests: bool = False) -> tuple[RuleSet, ...]:
    """Without tests, or with those whose events are here: where alertd runs there need be none.

    ConfigError with every mistake in every rule file.
    """
    around = replace(surroundings(settings), tests=tests, needs_events=False)
    return load_rules(rule_files(settings), around)


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
        runbook_base=settings.rules.runbook_base,
    )


def _check_template(text: str) -> str | None:
    from alertd.message.template import check_template  # noqa: PLC0415 Jinja2 costs memory: only where a rule has one

    return check_template(text)


def accounts(settings: Settings) -> dict[str, Account]:
    return {number: Account(number, **dict(table)) for number, table in settings.accounts.items()}


def routing(settings: Settings) -> Routing:
    places = [f"{settings.path.name}, [[routes]] number {number}" for number in range(1, len(settings.routes) + 1)]
    return Routing(
        [Route(**dict(table), where=where) for table, where in zip(settings.routes, places, strict=True)],
        accounts(settings),
    )
