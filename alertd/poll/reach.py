"""How far back: what a scan has to reach, and from when on a rule alerts. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from alertd.event.event import Event
from alertd.ledger.model import RuleState


def since_covered(states: Iterable[RuleState], *, now: datetime) -> timedelta:
    """Since the rules, as a whole, were last covered."""
    covered = [state.covered_until for state in states if state.covered_until]
    # a clock may have been put back meanwhile: the sweep makes up for what that hides
    return max(now - min(covered), timedelta(0)) if covered else timedelta(0)


def alerted_from(state: RuleState, current: str, *, overlap: timedelta) -> datetime | None:
    """Events of the rule before this time are listed rather than alerted; None: all are alerted. `current`: its
    fingerprint now."""
    if state.covered_until is None:
        # CloudTrail's times are whole seconds: what happened in the second of the start happened after it
        return state.started_at.replace(microsecond=0)
    if state.fingerprint != current:
        return state.covered_until - overlap
    return max((at for at in (state.floor, state.forgotten_before) if at), default=None)


def was_before(event: Event, boundary: datetime, state: RuleState) -> bool:
    """Without a time it is as old as its arrival; without that too, what a rule finds first was there before it."""
    known = event.ingested if event.undated else event.time
    return known < boundary if known else state.covered_until is None


def is_new(state: RuleState | None, current: str) -> bool:
    """Whether the rule as it is now is still to have its baseline."""
    return state is None or state.covered_until is None or state.fingerprint != current
