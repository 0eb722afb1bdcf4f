"""The search beside the ledger: what matches, and the ledger never saw it."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from alertd.history.audit import SEARCHABLE, Cover, Finding, Found, Judged, Kind, Unverified
from alertd.ledger.model import RuleState


def judge_search(
    found: Sequence[Found],
    unseen: Collection[tuple[str, str]],
    covers: Mapping[tuple[str, str], Cover],
    *,
    now: datetime,
) -> Judged:
    """`unseen`: (rule set, event key) of what the ledger does not know. `covers`: by rule set and rule."""
    findings: list[Finding] = []
    beyond: Counter[tuple[str, str]] = Counter()
    proven: Counter[str] = Counter()
    for each in found:
        if (each.rule_set, each.key) not in unseen:
            proven[each.rule_set] += 1
        elif each.excepted:
            proven[each.rule_set] += 1  # nobody was to be told
        elif why := _beyond(each, covers[each.rule_set, each.rule], now):
            beyond[each.rule, why] += 1
        else:
            findings.append(_finding(each, covers[each.rule_set, each.rule], now))
    unverified = tuple(Unverified(rule, why, events=count) for (rule, why), count in beyond.items())
    return Judged(tuple(findings), unverified, proven_events=proven)


def _beyond(found: Found, cover: Cover, now: datetime) -> str | None:
    """Why the ledger need not know it."""
    if cover.state is None or cover.state.covered_until is None:
        return "has not run yet (alertd run lists what it finds in the past)"
    if not cover.is_current:
        return "was changed since alertd last ran it (what it finds in the past is listed then)"
    return _too_old(found, cover.state, cover.look_back, now) if found.time else None


def _too_old(found: Found, state: RuleState, look_back: timedelta | None, now: datetime) -> str | None:
    time = found.time or now
    if look_back and (found.arrived or now) - time > look_back:
        days = look_back.total_seconds() / 86400
        return f"looks back {days:g} d: what is older than the look-back is not looked for"
    if state.searched_since is None or time < state.searched_since:
        return "never searched that far back (older than the look-back: not looked for)"
    told_from = max((at for at in (state.floor, state.forgotten_before) if at), default=None)
    if told_from and time < told_from:
        return f"was to tell nothing from before {told_from:%Y-%m-%d %H:%M} UTC"
    return None


def _finding(found: Found, cover: Cover, now: datetime) -> Finding:
    arrived = found.arrived or found.time
    due = arrived + cover.sweep_every + SEARCHABLE if arrived else None
    what = " ".join(("event", found.event_id, *_when(found), f"of rule {found.rule}"))
    if due and now < due:
        return Finding(Kind.OPEN, f"{what} is not in the ledger yet: the next sweep takes it", events=(found.event_id,))
    hint = "" if found.arrived else _unless(cover)
    return Finding(Kind.MISSING, f"{what} matches, and the ledger does not know it{hint}", events=(found.event_id,))


def _when(found: Found) -> Iterator[str]:
    if found.time:
        yield f"({found.time:%Y-%m-%d %H:%M:%S} UTC)"


def _unless(cover: Cover) -> str:
    """Its pipeline does not note when a document arrived."""
    if cover.swept_at is None:
        return ""
    return (
        f" (unless it arrived after the last sweep, {cover.swept_at:%Y-%m-%d %H:%M:%S} UTC: audit again after the next)"
    )
