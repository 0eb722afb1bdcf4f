"""`alertd run`: the daemon in the foreground, as systemd and Docker want it."""

import gc
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from alertd import __version__, compose, log
from alertd.clock import SystemClock
from alertd.config import Settings, load_settings
from alertd.ledger import moving
from alertd.ledger.file import create
from alertd.ledger.owner import leave_to_owner
from alertd.ledger.sqlite import open_ledger
from alertd.ops.trouble import Troubles
from alertd.rules.kept import RuleText, keep, place
from alertd.rules.model import RuleSet
from alertd.run.daemon import Daemon
from alertd.run.memory import share_one_arena
from alertd.run.schedule import Job
from alertd.run.stopping import Stop, still_alive

# The subject of rule files that do not load.
RULES = "rules"
# Of the last ones that did, where they cannot be kept.
KEPT = "kept rules"
REPEAT_EVERY = timedelta(minutes=10)


def run_daemon(config: Path | None, *, once: bool, init: bool) -> None:
    """Returns after an orderly stop; raises AlertdError with its exit code otherwise."""
    share_one_arena()
    stop = Stop()
    stop.listen()
    settings = load_settings(config)
    log.configure(form=settings.log.format, level=settings.log.level, secrets=settings.secrets())
    rules = compose.rules.to_run(settings)
    if init and not settings.ledger.path.exists():
        create(settings.ledger.path, now=SystemClock().now())
    serve(settings, rules.rule_sets, once=once, stop=stop, texts=rules.texts, broken=rules.broken)


def serve(
    settings: Settings,
    rule_sets: Sequence[RuleSet],
    *,
    once: bool,
    stop: Stop,
    texts: Sequence[RuleText] = (),
    broken: str | None = None,
) -> None:
    """Run what was read, on an existing ledger, until a signal: the part of the daemon's life that may die anywhere.

    `texts`: of the rule files, to be kept. `broken`: why these are not the rules that the files hold now.
    """
    clock = SystemClock()
    _say_what_starts(settings, clock.now())
    ledger = open_ledger(settings.ledger.path, now=clock.now())
    try:
        moving.release_past(ledger, [rule_set.id for rule_set in rule_sets])
        troubles = compose.telling.troubles(settings, ledger, clock=clock, over_after=timedelta(0) if once else None)
        watches = compose.searching.watches(settings, rule_sets, ledger, clock=clock, troubles=troubles)
        couriers = compose.telling.couriers(settings, ledger, clock=clock, troubles=troubles)
        not_kept = _keep(settings, texts, clock.now())
        daemon = Daemon(
            ledger=ledger,
            clock=clock,
            watches=watches,
            couriers=couriers,
            troubles=troubles,
            chores=(
                *compose.minding.chores(settings, rule_sets, ledger, clock=clock, troubles=troubles),
                *_told(RULES, broken, troubles),
                *_told(KEPT, not_kept, troubles),
            ),
            keep=settings.ledger.keep,
            stop=stop.asked,
            still_alive=still_alive,
        )
        _say_what_holds(daemon)
        gc.collect()
        gc.freeze()  # what is there by now stays: looking through all of it again and again takes time at each poll
        stop.running()
        if once:
            daemon.once()
        else:
            daemon.run()
    finally:
        ledger.close()
        leave_to_owner(settings.ledger.path)


def _told(subject: str, wrong: str | None, troubles: Troubles) -> tuple[Job, ...]:
    """A trouble of which nothing complains any more counts as over."""
    if wrong is None:
        troubles.end(subject)
        return ()
    troubles.begin(subject, wrong)
    return (Job(subject, REPEAT_EVERY, partial(troubles.begin, subject, wrong)),)


def _keep(settings: Settings, texts: Sequence[RuleText], now: datetime) -> str | None:
    """They loaded, and alertd starts with them. Why they could not be kept."""
    try:
        if texts:
            keep(settings.ledger.path, texts, now=now)
    except OSError as error:
        return (
            f"{place(settings.ledger.path)} cannot be renewed: {error.strerror}. If a rule file breaks, alertd will "
            "not start again, or with older rules. Check its owner and mode, and its folder's; then restart."
        )
    finally:
        leave_to_owner(settings.ledger.path)  # also if the process is killed: root may have typed this command
    return None


def _say_what_starts(settings: Settings, now: datetime) -> None:
    """Before the ledger is opened, which may take a while and may fail."""
    log_ = structlog.get_logger("alertd")
    log_.info("starting", version=__version__, config=str(settings.path), ledger=str(settings.ledger.path), now=now)
    for warning in settings.warnings:
        log_.warning("configuration", warning=warning)


def _say_what_holds(daemon: Daemon) -> None:
    for courier in daemon.couriers:
        guarantee = courier.destination.guarantee.value
        structlog.get_logger("alertd").info("destination", destination=courier.destination.name, guarantee=guarantee)
