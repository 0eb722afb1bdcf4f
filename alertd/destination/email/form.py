"""What a mail looks like: plain text, whose subject says nothing but what it shows."""

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import unescape

MOST_SUBJECT = 150


def mail(text: str, *, delivery_id: str, sender: str, recipients: Sequence[str], now: datetime) -> EmailMessage:
    """`text` is escaped as Slack wants it."""
    words = _inert(unescape(text))
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = ", ".join(recipients)
    subject = words if len(words) <= MOST_SUBJECT else f"{words[: MOST_SUBJECT - 1]}…"
    # some versions of Python decode what looks like an encoded word, and write what it says as it is
    made["Subject"] = subject.replace("=?", "= ?")
    made["Date"] = format_datetime(now)
    # the same at every attempt: mail programs show a repeat once
    made["Message-ID"] = f"<{delivery_id}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(f"{words}\n\n-- \nalertd, delivery {delivery_id}\n", cte="quoted-printable")
    return made


def _inert(text: str) -> str:
    """On one line, without what is not seen: control characters, marks that turn the line around, half characters."""
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)
