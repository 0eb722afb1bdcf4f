"""Routes that are right, each for itself, and can never decide anything."""

from collections.abc import Iterator, Sequence

from alertd.config.model import Route, Tables
from alertd.toml import suggest


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


def _conditions(route: Route) -> Sequence[str]:
    return [name for name in ("severity", "rule", "account", "environment", "tag") if getattr(route, name)]
