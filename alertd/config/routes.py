"""Routes and announced use that are right, each for itself, and can never decide or say anything."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from alertd.config.model import Route, Tables
from alertd.rules.model import Rule
from alertd.toml.file import suggest


def useless_routes(tables: Tables) -> Iterator[str]:
    accounts = tables.accounts.values()
    known = {
        "account": list(tables.accounts),
        "environment": sorted({account.environment for account in accounts if account.environment}),
        "tag": sorted({tag for account in accounts for tag in account.tags}),
    }
    taker = None
    for number, route in enumerate(tables.routes, 1):
        if taker:
            yield f"[[routes]] number {number} is never reached: number {taker} has no conditions and takes everything"
        elif not _conditions(route):
            taker = number
        # without accounts one may name their ids all the same
        for condition in ("environment", "tag", *(("account",) if accounts else ())):
            for value in getattr(route, condition):
                if value not in known[condition]:
                    hint = suggest(value, known[condition]) if known[condition] else "Add it to [accounts]."
                    what = (
                        f"no account is {value}" if condition == "account" else f'no account has {condition} "{value}"'
                    )
                    yield f"[[routes]] number {number}: {what}. {hint}"
    for each in tables.expected if accounts else ():
        for account in each.account:
            if account not in tables.accounts:
                yield f"[[expected]] {each.ticket}: no account is {account}. {suggest(account, known['account'])}"


def useless_for_rules(tables: Tables, rules: Sequence[Rule]) -> Iterator[str]:
    """What only shows beside the rules."""
    ids = [rule.id for rule in rules]
    named = [(f"[[routes]] number {number}", route.rule) for number, route in enumerate(tables.routes, 1)]
    named += [(f"[[expected]] {each.ticket}", each.rule) for each in tables.expected]
    for where, patterns in named if rules else ():
        for pattern in patterns:
            if not any(fnmatchcase(rule_id, pattern) for rule_id in ids):
                yield f'{where}: no rule is "{pattern}". {suggest(pattern, ids)}'
    if tables.routes and rules and all(rule.names_notify for rule in rules):
        yield "[[routes]] decide nothing: every rule, or its file, names whom to tell"


def _conditions(route: Route) -> Sequence[str]:
    return [name for name in ("severity", "rule", "account", "environment", "tag") if getattr(route, name)]
