"""Many events in one message, each of them named: when there are too many to send each, and what a session did."""

from collections import Counter
from collections.abc import Callable, Sequence

from alertd.ledger.model import Notification
from alertd.message.apart import joined
from alertd.message.blocks import header, listing, mark, paragraph
from alertd.message.escape import clean
from alertd.message.line import full_line
from alertd.message.moment import between
from alertd.message.payload import fitting, payload
from alertd.message.style import Style
from alertd.message.words import SIGNS, counted
from alertd.rules.model import Severity

# More accounts than these are counted, not named: each line below names its own.
_MOST_ACCOUNTS = 5
_MOST_NAME = 50


def render_digest(notifications: Sequence[Notification], *, style: Style, delivery_id: str) -> tuple[str, int]:
    """The payload, and how many of the notifications it names: the first ones."""
    return _listed(notifications, _flood, style=style, delivery_id=delivery_id)


def render_session(notifications: Sequence[Notification], *, style: Style, delivery_id: str) -> tuple[str, int]:
    """The same, for calls that belong to one session or need no message each."""
    return _listed(notifications, _calls, style=style, delivery_id=delivery_id)


def _listed(
    notifications: Sequence[Notification],
    title: Callable[[Sequence[Notification]], str],
    *,
    style: Style,
    delivery_id: str,
) -> tuple[str, int]:
    lines = fitting(full_line(notification, style) for notification in notifications)
    told = notifications[: len(lines)]
    headline = f"{title(told)}, {between([notification.event.time for notification in told])}"
    counts = f"{_severities(told)} · {_accounts(told, style)}"
    blocks = [header(headline), paragraph(counts), *listing(lines), mark(delivery_id, "every event is listed")]
    return payload(f"{headline} · {counts}", blocks), len(lines)


def _flood(told: Sequence[Notification]) -> str:
    return f"📦 {counted(len(told), 'more event')} (too many for a message each)"


def _calls(told: Sequence[Notification]) -> str:
    reading = "read-only call" if all(notification.event.read_only for notification in told) else "call"
    root = " by root" if all(notification.event.identity_type == "Root" for notification in told) else ""
    return f"👣 {counted(len(told), reading)}{root}"


def _severities(told: Sequence[Notification]) -> str:
    """🔴 critical 3 · 🟠 medium 34: the gravest first."""
    counts = Counter(notification.rule.severity for notification in told)
    gravest = [severity for severity in reversed(Severity) if counts[severity]]
    return " · ".join(f"{SIGNS[severity]} {severity.value} {counts[severity]:,}" for severity in gravest)


def _accounts(told: Sequence[Notification], style: Style) -> str:
    """payments-prod 30, data-lake 7"""
    counts = Counter(
        joined(clean(style.account_name(notification.event), _MOST_NAME)) for notification in told
    ).most_common()
    named = [f"{name} {count:,}" for name, count in counts[:_MOST_ACCOUNTS]]
    rest = len(counts) - len(named)
    return ", ".join([*named, *([counted(rest, "more account")] if rest else [])])
