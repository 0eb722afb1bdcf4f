"""Events → Slack messages. Pure: no clock, no socket, no ledger."""

from alertd.message.render import (
    mark_repeat,
    render_baseline,
    render_digest,
    render_echo,
    render_event,
    render_minimal,
    render_ops,
    render_session,
)
from alertd.message.style import Account, Style

__all__ = [
    "Account",
    "Style",
    "mark_repeat",
    "render_baseline",
    "render_digest",
    "render_echo",
    "render_event",
    "render_minimal",
    "render_ops",
    "render_session",
]
