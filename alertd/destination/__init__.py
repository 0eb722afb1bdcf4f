"""Where messages go. post() tries once and tells what became of it; it never retries by itself."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sent:
    """The destination confirmed it. A webhook tells no ts."""

    channel: str | None = None
    ts: str | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Certainly not posted (no connection, an incomplete request): the same may be tried again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """Not posted: too fast. Nothing may be sent to this destination before retry_after is over."""

    retry_after: timedelta
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Posted or not: nobody can tell from here. Only reading the channel settles it."""

    reason: str
    is_astray: bool = False  # it says that it went to another place than it was sent to: people hear of it at once


@dataclass(frozen=True, slots=True)
class PayloadRefused:
    """Not posted and never will be in this form: send a plainer one."""

    reason: str


@dataclass(frozen=True, slots=True)
class DestinationRefused:
    """Not posted: channel, token or workspace refuses every message until a person repairs it."""

    reason: str


@dataclass(frozen=True, slots=True)
class ThreadGone:
    """Not posted: the parent message no longer exists. Post at the top level instead."""

    reason: str


Outcome = Sent | NotSent | Throttled | Unknown | PayloadRefused | DestinationRefused | ThreadGone


class Guarantee(StrEnum):
    EXACTLY_ONCE = "exactly once"
    REPEATS_MARKED = "at least once, repeats marked"
    AT_MOST_ONCE = "at most once, doubtful ones held"


@dataclass(frozen=True, slots=True)
class Posted:
    """A message of ours, found in the channel."""

    channel: str
    ts: str
    thread_ts: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a complete read of a channel found: every delivery id asked for, with all its copies, oldest first."""

    copies: Mapping[str, tuple[Posted, ...]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A message of ours as the channel shows it."""

    delivery_id: str
    posted: Posted
    text: str  # all of its texts
    permalink: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """A complete read of a channel: every message of ours in it, oldest first."""

    channel: str
    shown: tuple[Shown, ...]


class Reader(Protocol):
    def introduce(self) -> None:
        """Learn who the bot is, and where: a message's address is built from it. RetryError, PermanentError."""

    def find(self, wanted: Mapping[str, str | None], *, since: datetime) -> Finding:
        """Read the channel from `since` (alertd's clock; margins are added here) and report every copy of each
        wanted delivery id. `wanted` maps delivery id → ts of the thread it was posted in, None for top level.
        RetryError or PermanentError when it could not be read completely: that says nothing about any message."""

    def history(self, *, since: datetime, threads: Collection[str]) -> History:
        """Read the channel from `since` (as find does), these threads of it (each by its parent's ts), and every other
        one that shows a reply of ours. Waits where it is asked to. RetryError, PermanentError."""

    def delete(self, posted: Posted) -> None:
        """Delete a message of ours. Deleting one that is gone is no error. RetryError, PermanentError."""

    def permalink(self, posted: Posted) -> str | None:
        """The message's address for people, None if Slack does not tell."""


class Destination(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def reader(self) -> Reader | None:
        """None: this destination cannot be read back (a webhook alone)."""

    @property
    def guarantee(self) -> Guarantee: ...

    @property
    def threads(self) -> bool:
        """Whether replies can be posted: the ts of a sent message is known."""

    def post(self, payload: str, *, delivery_id: str, thread_ts: str | None) -> Outcome:
        """Post this frozen JSON (`{"text": …, "blocks": […]}`), once, with the delivery id as mark."""

    def check(self) -> tuple[str, ...]:
        """Everything that stands in the way of posting and reading back, for people. Posts nothing."""
