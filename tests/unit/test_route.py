"""Whom an event is told, and why."""

from dataclasses import replace

import pytest

from alertd.event.account import Account
from alertd.rules.model import Query, Rule
from alertd.rules.route import Route, Routing
from tests.unit.told import ACCOUNT, EVENT, RULE

RULE_OF_FILE = Rule(RULE, Query("lucene", "*", {"match_all": {}}, "r.toml:1"), ("everybody",), "r.toml:1")
UNNAMED = replace(RULE_OF_FILE, names_notify=False)
ACCOUNTS = {ACCOUNT: Account(ACCOUNT, "payments-prod", "@team", "production", ("pci", "eu"))}
OTHER = replace(EVENT, account="999999999999")


def _routing(*routes: Route) -> Routing:
    return Routing([replace(route, where=f"number {n}") for n, route in enumerate(routes, 1)], ACCOUNTS)


def test_a_rule_that_names_its_destinations_is_not_routed() -> None:
    """Whoever wrote the rule meant it."""
    decision = _routing(Route(("pager",))).decide(RULE_OF_FILE, EVENT)
    assert ("everybody",) == decision.notify
    assert "rule aws-root-console-login, or its file, names them" == decision.why


def test_the_first_route_that_fits_decides() -> None:
    """Later ones are not looked at."""
    decision = _routing(Route(("never",), severity=("low",)), Route(("pager",)), Route(("later",))).decide(
        UNNAMED, EVENT
    )
    assert ("pager",) == decision.notify
    assert "the route at number 2 fits" == decision.why
    assert [("severity is high, not low",), ()] == [step.unmet for step in decision.steps]


def test_where_no_route_fits_the_default_holds() -> None:
    """An event is never told to nobody because of a route."""
    decision = _routing(Route(("pager",), environment=("staging",))).decide(UNNAMED, EVENT)
    assert ("everybody",) == decision.notify
    assert "no route fits: the default" == decision.why
    assert ("everybody",) == Routing()(UNNAMED, EVENT)


@pytest.mark.parametrize(
    ("route", "unmet"),
    [
        (Route((), severity=("critical", "high")), ()),
        (Route((), rule=("aws-root-*",)), ()),
        (Route((), rule=("gcp-*", "aws-?")), ("rule is aws-root-console-login, not gcp-* or aws-?",)),
        (Route((), account=("111122223333",)), ()),
        (Route((), account=("000000000000",)), ("account is 111122223333, not 000000000000",)),
        (Route((), environment=("production",)), ()),
        (Route((), tag=("hipaa", "eu")), ()),
        (Route((), tag=("hipaa",)), ("tags: pci, eu; not hipaa",)),
        (
            Route((), tag=("pci",), environment=("staging",)),
            ("environment is production, not staging",),
        ),
    ],
)
def test_every_condition_must_be_met_by_one_of_its_values(route: Route, unmet: tuple[str, ...]) -> None:
    """Within a condition any, between conditions all."""
    [step] = _routing(route).decide(UNNAMED, EVENT).steps
    assert unmet == step.unmet


def test_an_account_that_nobody_knows_has_neither_environment_nor_tags() -> None:
    """And that is what is said of it, so that somebody adds it."""
    [step] = _routing(Route((), tag=("pci",), environment=("production",))).decide(UNNAMED, OTHER).steps
    unknown = "unknown: the account is not in the accounts table"
    assert (f"environment is {unknown}, not production", f"tags: {unknown}; not pci") == step.unmet
    [step] = _routing(Route((), account=(ACCOUNT,))).decide(UNNAMED, replace(EVENT, account=None)).steps
    assert (f"account is unknown, not {ACCOUNT}",) == step.unmet
