"""`alertd status`: how things stand, from the ledger alone. It works while the daemon runs, and when it does not."""

from datetime import datetime
from pathlib import Path

import typer

from alertd import __version__, status
from alertd.cli import show
from alertd.clock import SystemClock
from alertd.config import Settings, load_settings
from alertd.ledger.lock import holder
from alertd.ledger.sqlite import open_readonly
from alertd.ops.backlog import UNKNOWN_FOR_LONG
from alertd.ops.life import last_sign
from alertd.status import LATE_SCAN, DestinationStatus, Patience, RuleSetStatus, unready

STALLED = 5
# Where the kernel lists who holds the ledger. Without it the signs of life must do.
LOCKS = Path("/proc/locks")


def show_status(config: Path | None, *, as_json: bool, check_alive: bool) -> int:
    """Exit code."""
    settings = load_settings(config, secrets=False)
    now = SystemClock().now()
    ledger = open_readonly(settings.ledger.path)
    try:
        sets, places, troubles = status.rule_sets(ledger, now), status.destinations(ledger), ledger.episodes()
        gone = status.gone(ledger, settings.destinations)
        sign = last_sign(ledger)
        unsearched = status.unsearched(ledger, sign.rule_sets) if sign else {}
    finally:
        ledger.close()
    running = holder(settings.ledger.path)
    why_not = [] if running or not LOCKS.exists() else ["it is not running"]
    why_not += unready(sign, sets, places, patience=_patience(settings), now=now)
    if as_json:
        show.as_json(
            {
                "running": running,
                "alive": not why_not,
                "not_ready": why_not,
                "rule_sets": sets,
                "destinations": places,
                "troubles": troubles,
                "gone": gone,
                "unsearched": unsearched,
            }
        )
    else:
        ready = f"not ready: {'; '.join(why_not)}" if why_not else "ready"
        typer.echo(f"alertd {__version__} · {f'running, {running}' if running else 'not running'} · {ready}")
        show.table(
            ["rule set", "last scan", "coverage", "new 24 h", "open"], [_rule_set_line(each, now) for each in sets]
        )
        show.table(
            ["destination", "state", "queue", "unknown", "oldest", "last sent", "reason"],
            [_destination_line(each, now) for each in places],
        )
        for text in (*gone.values(), *unsearched.values()):
            show.text(text)
        if troubles:
            lasting = [[each.subject, show.lasting(each.began_at, now), each.text] for each in troubles]
            show.table(["trouble", "lasts", "what"], lasting)
    return STALLED if check_alive and why_not else 0


def _patience(settings: Settings) -> Patience:
    slowest = max(source.interval for source in settings.sources.values())
    after = settings.ops.backlog_after
    return Patience(max(LATE_SCAN, slowest * 3), after, max(after, UNKNOWN_FOR_LONG))


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
