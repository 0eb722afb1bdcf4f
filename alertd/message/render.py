"""Notifications → payloads. Pure; every event that goes in is named in what comes out."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from alertd.ledger.model import Notification
from alertd.message.escape import clean
from alertd.message.payload import (
    MOST_ALTOGETHER,
    Block,
    buttons,
    fields,
    fitting,
    header,
    lines,
    mark,
    paragraph,
    payload,
)
from alertd.message.style import Style
from alertd.message.template import render_template
from alertd.message.words import headline, is_sign_in, lateness, mfa, origin, result
from alertd.rules.model import Severity

_SIGNS = {
    Severity.CRITICAL: "🔴",
    Severity.HIGH: "🔴",
    Severity.MEDIUM: "🟠",
    Severity.LOW: "🟡",
    Severity.INFO: "⚪",
}
# Room for lines of events: the rest is for the header, the mark and what JSON adds.
_LINES = MOST_ALTOGETHER - 800
_REPEAT = "↩ possible repeat of an alert sent at {:%H:%M} UTC · Slack did not confirm the first"


def render_event(notification: Notification, *, style: Style, delivery_id: str) -> str:
    event, rule = notification.event, notification.rule
    title = (render_template(rule.summary, event, style) if rule.summary else None) or headline(event)
    account, factor = style.account(event), mfa(event)
    known = style.accounts.get(event.account or "")
    belongs = [text for text in (known.owner and f"owner {known.owner}", known.environment) if text] if known else []
    agent = " · ".join(
        text for text in (event.user_agent, event.invoked_by and f"invoked by {event.invoked_by}") if text
    )
    pairs = [
        ("Account", " · ".join([account, *belongs]), False) if account else None,
        ("When", f"{style.local(event.time)} · {lateness(event, notification.seen_at)}", False),
        ("From", origin(event) or "", False) if origin(event) else None,
        ("Who", event.actor, False) if event.actor and event.identity_type != "Root" else None,
        ("With", agent, False) if agent else None,
        ("MFA", factor, event.mfa is False and is_sign_in(event)) if factor else None,
        ("Result", result(event), event.outcome == "failure"),
        ("Request", event.parameters, False) if event.parameters else None,
        ("Update of", event.update_of, False) if event.update_of else None,
        ("Odd", "; ".join(event.problems), True) if event.problems else None,
    ]
    blocks = [
        header(f"{_SIGNS[rule.severity]} {title} · {style.account_name(event)}"),
        fields([pair for pair in pairs if pair]),
        buttons(style.links(event, rule.runbook)),
        mark(delivery_id, rule.id, rule.severity.value, f"event {event.id}"),
    ]
    without = f" {factor}" if factor == "no MFA" and is_sign_in(event) else ""
    whence = f" from {event.source_address} {event.country or ''}".rstrip() if event.source_address else ""
    text = f"{title}{f' with{without}' if without else ''}: {account or 'unknown account'}{whence}"
    return payload(text, [block for block in blocks if block])


def render_digest(notifications: Sequence[Notification], *, style: Style, delivery_id: str) -> tuple[str, int]:
    return _listed(notifications, style, delivery_id, "📦 {count} more events, {span} (too many for one message each)")


def render_session(notifications: Sequence[Notification], *, style: Style, delivery_id: str) -> tuple[str, int]:
    return _listed(notifications, style, delivery_id, "👣 {count} read-only calls by root, {span}")


def render_baseline(
    notifications: Sequence[Notification], *, style: Style, delivery_id: str, look_back: timedelta
) -> str:
    """The newest that fit are named; all are in the ledger."""
    newest = list(reversed(notifications))
    named = [_line(notification, style) for notification in newest]
    fit = fitting(named, _LINES)
    count, days = len(notifications), look_back.days
    title = f"▶ Rule set {notifications[0].rule.rule_set} started"
    would = f"In the last {days} days it would have alerted {count} time{'s' if count > 1 else ''}"
    which = "" if fit == count else f" (newest {fit} below)"
    blocks = [
        header(title),
        paragraph(f"{would}{which}. These were not alerted; new events alert from now on."),
        lines(named[:fit]),
        mark(delivery_id, "events from before the start"),
    ]
    return payload(f"{title}. {would}.", blocks)


def render_echo(notification: Notification, *, style: Style, delivery_id: str) -> str:
    event, rule = notification.event, notification.rule
    text = f"{_SIGNS[rule.severity]} Rule {rule.id} matches this event too: {rule.title}"
    return payload(
        f"{text}: {style.account_name(event)}",
        [paragraph(text), mark(delivery_id, rule.id, rule.severity.value, f"event {event.id}")],
    )


def render_minimal(notifications: Sequence[Notification], reason: str, delivery_id: str) -> str:
    """Plain words, for when Slack refused the full form."""
    named = [
        f"{item.event.time:%Y-%m-%d %H:%M:%S} UTC {item.rule.id}: "
        f"account {item.event.account or 'unknown'}, event {item.event.id}"
        for item in notifications
    ]
    texts = [clean(line, 300) for line in named]
    text = f"alertd: {len(texts)} event(s); the full message was refused ({clean(reason, 100)})"
    return payload(
        text, [paragraph(text), *([lines(texts[: fitting(texts, _LINES)])] if texts else []), mark(delivery_id)]
    )


def render_ops(text: str, *, delivery_id: str, over: bool) -> str:
    words = f"{'✅' if over else '⚠'} alertd: {text}"
    return payload(words, [paragraph(words), mark(delivery_id, "about alertd itself")])


def mark_repeat(frozen: str, first_attempt: datetime, *, style: Style) -> str:  # noqa: ARG001 UTC for all
    """A frozen payload with the words that it may be there twice."""
    message = json.loads(frozen)
    line = _REPEAT.format(first_attempt)
    blocks: list[Block] = message["blocks"]
    text = message["text"]
    if not text.startswith("↩"):
        message = {**message, "text": f"{line} {text}", "blocks": [paragraph(line), *blocks]}
    return json.dumps(message, ensure_ascii=False)


def _listed(notifications: Sequence[Notification], style: Style, delivery_id: str, title: str) -> tuple[str, int]:
    named = [_line(notification, style) for notification in notifications]
    fit = max(1, fitting(named, _LINES))
    told = notifications[:fit]
    times = [notification.event.time for notification in told]
    words = title.format(count=fit, span=f"{min(times):%m-%d %H:%M}-{max(times):%H:%M} UTC")
    return payload(words, [header(words), lines(named[:fit]), mark(delivery_id)]), fit


def _line(notification: Notification, style: Style) -> str:
    event = notification.event
    what = " ".join(text for text in (event.action, event.outcome, mfa(event) if is_sign_in(event) else None) if text)
    parts = (f"{event.time:%m-%d %H:%M:%S}", style.account_name(event), what, event.source_address or "", event.id)
    return "  ".join(clean(part, 60) for part in parts if part)
