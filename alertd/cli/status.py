"""`alertd status`: how things stand, from the ledger alone. It works while the daemon runs, and when it does not."""

from datetime import datetime, timedelta
from pathlib import Path

import typer

from alertd import __version__, status
from alertd.cli import show
from alertd.clock import SystemClock
from alertd.config import Settings, load_settings
from alertd.ledger.lock import holder
from alertd.ledger.sqlite import open_readonly
from alertd.status import DestinationStatus, RuleSetStatus

# A scan may be slow, or fail a few times in a row, before anybody need be woken.
ALIVE = timedelta(minutes=5)
STALLED = 5


def show_status(config: Path | None, *, as_json: bool, check_alive: bool) -> int:
    """Exit code."""
    settings = load_settings(config, secrets=False)
    now = SystemClock().now()
    ledger = open_readonly(settings.ledger.path)
    try:
        sets, places, troubles = status.rule_sets(ledger, now), status.destinations(ledger), ledger.episodes()
        gone = status.gone(ledger, settings.destinations)
    finally:
        ledger.close()
    alive = _is_alive(sets, settings, now)
    running = holder(settings.ledger.path)
    if as_json:
        show.as_json(
            {
                "running": running,
                "alive": alive,
                "rule_sets": sets,
                "destinations": places,
                "troubles": troubles,
                "gone": gone,
            }
        )
    else:
        searched = "ready" if alive else "not ready: a rule set was not searched lately"
        typer.echo(f"alertd {__version__} · {f'running, {running}' if running else 'not running'} · {searched}")
        show.table(
            ["rule set", "last scan", "coverage", "new 24 h", "open"], [_rule_set_line(each, now) for each in sets]
        )
        show.table(
            ["destination", "state", "queue", "unknown", "oldest", "last sent", "reason"],
            [_destination_line(each, now) for each in places],
        )
        for text in gone.values():
            show.text(text)
        if troubles:
            lasting = [[each.subject, show.span(now - each.began_at), each.text] for each in troubles]
            show.table(["trouble", "lasts", "what"], lasting)
    return STALLED if check_alive and not alive else 0


def _is_alive(sets: tuple[RuleSetStatus, ...], settings: Settings, now: datetime) -> bool:
    slowest = max(source.interval for source in settings.sources.values())
    return bool(sets) and all(each.last_scan and now - each.last_scan < max(ALIVE, slowest * 3) for each in sets)


def _rule_set_line(each: RuleSetStatus, now: datetime) -> list[str]:
    coverage = "none yet"
    if each.covered_from and each.covered_until:
        coverage = show.span(each.covered_until - each.covered_from)
        began, ended = each.gaps[0] if each.gaps else (now, now)
        coverage += f", gap {show.span(ended - began)} on {began:%m-%d}" if each.gaps else ", no gap"
    return [each.name, show.ago(each.last_scan, now), coverage, str(each.new), str(each.open)]


def _destination_line(each: DestinationStatus, now: datetime) -> list[str]:
    return [
        each.state.name,
        each.state.condition.value,
        str(each.queue),
        str(each.unknown),
        show.span(now - each.oldest) if each.oldest else "-",
        show.ago(each.last_sent, now),
        each.state.reason or "",
    ]
