"""Whom an event is told: what its rule or rule set says, else the first route that fits, else the default. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from alertd.event.account import Account
from alertd.event.event import Event
from alertd.rules.model import Rule


@dataclass(frozen=True, slots=True)
class Route:
    """Fits where each condition that it has is met by one of its values."""

    notify: tuple[str, ...]
    severity: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()  # ids, or patterns of them with * and ?
    account: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()  # of the account
    tag: tuple[str, ...] = ()  # of the account
    where: str = ""

    def __str__(self) -> str:
        """severity: high or critical; tag: pci"""
        conditions = {name: getattr(self, name) for name in ("severity", "rule", "account", "environment", "tag")}
        return "; ".join(f"{name}: {_any(values)}" for name, values in conditions.items() if values) or "no conditions"


@dataclass(frozen=True, slots=True)
class Step:
    """A route that was tried, and the conditions that it does not meet: none, and it decides."""

    route: Route
    unmet: tuple[str, ...]  # 'environment is staging, not production'


@dataclass(frozen=True, slots=True)
class Decision:
    notify: tuple[str, ...]
    why: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """Called with a rule and an event that it takes: the names of destinations."""

    routes: Sequence[Route] = ()
    accounts: Mapping[str, Account] = field(default_factory=dict)

    def __call__(self, rule: Rule, event: Event) -> tuple[str, ...]:
        return self.decide(rule, event).notify

    def decide(self, rule: Rule, event: Event) -> Decision:
        if rule.names_notify:
            return Decision(rule.notify, f"rule {rule.id}, or its file, names them")
        steps: list[Step] = []
        for route in self.routes:
            steps.append(Step(route, tuple(_unmet(route, rule, event, self.accounts.get(event.account or "")))))
            if not steps[-1].unmet:
                return Decision(route.notify, f"the route at {route.where} fits", tuple(steps))
        why = "no route fits: the default" if self.routes else "there are no routes: the default"
        return Decision(rule.notify, why, tuple(steps))


def _unmet(route: Route, rule: Rule, event: Event, account: Account | None) -> list[str]:
    unmet = []
    severity = rule.facts.severity.value
    if route.severity and severity not in route.severity:
        unmet.append(f"severity is {severity}, not {_any(route.severity)}")
    if route.rule and not any(fnmatchcase(rule.id, pattern) for pattern in route.rule):
        unmet.append(f"rule is {rule.id}, not {_any(route.rule)}")
    if route.account and event.account not in route.account:
        unmet.append(f"account is {event.account or 'unknown'}, not {_any(route.account)}")
    unknown = "unknown: the account is not in the accounts table"
    environment = account.environment if account else None
    if route.environment and environment not in route.environment:
        unmet.append(
            f"environment is {environment or (unknown if not account else 'not set')}, {_not(route.environment)}"
        )
    if route.tag and not (account and set(account.tags) & set(route.tag)):
        tags = (", ".join(account.tags) or "none") if account else unknown
        unmet.append(f"tags: {tags}; {_not(route.tag)}")
    return unmet


def _not(values: Sequence[str]) -> str:
    return f"not {_any(values)}"


def _any(values: Sequence[str]) -> str:
    return " or ".join(values)
