"""Events → Slack messages. Pure: no clock, no socket, no ledger to ask."""

from alertd.message.baseline import render_baseline
from alertd.message.digest import render_digest, render_session
from alertd.message.echo import render_echo
from alertd.message.expected import Expected
from alertd.message.minimal import render_minimal
from alertd.message.ops import render_ops
from alertd.message.repeat import keep_marks, mark_repeat, mark_replay
from alertd.message.single import render_event
from alertd.message.style import Style

__all__ = [
    "Expected",
    "Style",
    "keep_marks",
    "mark_repeat",
    "mark_replay",
    "render_baseline",
    "render_digest",
    "render_echo",
    "render_event",
    "render_minimal",
    "render_ops",
    "render_session",
]
