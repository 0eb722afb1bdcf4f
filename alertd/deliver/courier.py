"""Heart 2: what the ledger says must be told → one destination. Claim, reconcile if in doubt, send once, record.

Each message is posted by one thread, one at a time. That it is being sent is durable before the socket opens, so a
process that dies leaves a doubt that is settled by reading the channel, never a message posted blindly again.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from alertd.clock import SteadyClock
from alertd.deliver import verdict, waits
from alertd.deliver.batch import Batch, freeze_next
from alertd.deliver.reconcile import CLOCK_MARGIN, Reconciler, facts, thread_ts
from alertd.destination import Destination, Outcome, PayloadRefused, Sent, Unknown
from alertd.errors import LedgerFullError, PermanentError, RetryError
from alertd.ledger import Ledger
from alertd.ledger.model import (
    Attempt,
    DestinationCondition,
    DestinationState,
    Message,
    MessageKind,
    MessageState,
    NotificationKind,
)
from alertd.message import keep_marks
from alertd.ops.trouble import LEDGER, Troubles

# How often this thread looks by itself at least. What a scan records and what alertd says of itself wake it; this finds
# what another process wrote, and what a clock that jumped made due. Looking costs a dozen index reads: five times a
# second they were most of what an idle alertd did.
LOOK = timedelta(seconds=5)
# A full disk is somebody else's to clean up.
FULL_PAUSE = timedelta(seconds=5)
# Failures in a row before people hear of it: one lost connection is no trouble.
PATIENCE = 3

# Kinds that go out at once; a session's list gathers for a minute.
_PROMPT = (NotificationKind.MESSAGE, NotificationKind.BASELINE)

_log = structlog.get_logger("alertd.deliver")


@dataclass(slots=True)
class Courier:
    """Delivers to one destination. `step` does the next thing and says how long nothing will be due after it."""

    destination: Destination
    ledger: Ledger
    clock: SteadyClock
    batch: Batch
    reconciler: Reconciler
    troubles: Troubles
    random: random.Random
    _unrecorded: Callable[[], None] | None = None  # an outcome that a full disk kept out of the ledger
    _told_ops: bool = False  # the last message was about alertd itself
    _is_full: bool = False  # the last step found no room

    def step(self) -> timedelta:
        if self._tell_past_ledger():
            return FULL_PAUSE
        try:
            wait = self._next()
        except LedgerFullError as error:
            # Nothing was recorded and nothing will be posted without its record.
            self._is_full = True
            self.troubles.begin(LEDGER, f"{error} Nothing is sent meanwhile; nothing is lost.")
            return FULL_PAUSE
        if self._is_full or not wait:  # what had no room was written now, or a message and what became of it
            self._is_full = False
            self.troubles.end(LEDGER)
        return wait

    def _next(self) -> timedelta:
        self._record_late()
        waits.follow(self.ledger, self.destination.name, self.clock)
        now = self.clock.now()
        state = self.ledger.destination(self.destination.name)
        self.reconciler.settle(now)
        self.reconciler.sweep(now)
        wait = verdict.pause_left(state, now=now)
        if wait:
            return min(wait, self._until_due(now))
        freeze_next(self.batch, state, now=now)
        # alerts and what alertd says of itself take turns: a flood of neither hides the other
        message = self.ledger.next_pending(self.destination.name, now=now, ops_first=not self._told_ops)
        if message is None:
            return self._until_due(now)
        self._told_ops = message.kind is MessageKind.OPS
        self._send(message)
        return timedelta(0)

    def _until_due(self, now: datetime) -> timedelta:
        """Until the next look into the channel, as far as it is known by now."""
        return min(LOOK, verdict.next_due(self.reconciler.open(), now=now) or LOOK)

    def is_busy(self) -> bool:
        """Whether anything can be sent soon: not what waits for a doubt to be settled or for a paused destination."""
        now = self.clock.now()
        state = self.ledger.destination(self.destination.name)
        if state.condition is not DestinationCondition.OK:
            return False
        waits = any(self.ledger.waiting_count(self.destination.name, kind) for kind in _PROMPT)
        return waits or self.ledger.next_pending(self.destination.name, now=now) is not None

    def recover(self) -> None:
        """A message found in `sending` when this thread starts, or starts again, was interrupted: unknown."""
        if self.destination.reader:
            # only for the address of what is sent: without it, nothing but a link is missing
            with suppress(RetryError, PermanentError):
                self.destination.reader.introduce()
        waits.trust(self.ledger, self.destination.name, self.clock, doubt=self.reconciler.doubt)
        now = self.clock.now()
        for message in self.ledger.messages(self.destination.name, MessageState.SENDING):
            doubtful = verdict.unknown(message, "alertd stopped while sending", doubt=self.reconciler.doubt, now=now)
            # Slack may have taken it just now: the next one keeps its distance
            paced = replace(self.ledger.destination(self.destination.name), next_post_at=now + verdict.PACE)
            self.ledger.save(doubtful, was=MessageState.SENDING, destination=paced)
            _log.warning("unknown_send_found", **facts(doubtful))

    def _send(self, message: Message) -> None:
        """Commit `sending`, post, record what became of it."""
        started_at = self.clock.now()
        sending = replace(
            message,
            state=MessageState.SENDING,
            attempts=message.attempts + 1,
            attempted_at=started_at,
            not_before=None,
            read_since=message.read_since or started_at - CLOCK_MARGIN,
        )
        attempt = Attempt(message.delivery_id, sending.attempts, started_at)
        self.ledger.save(sending, was=MessageState.PENDING, attempt=attempt)
        _log.info("attempt_started", **facts(sending))
        outcome = self.destination.post(
            message.payload, delivery_id=message.delivery_id, thread_ts=thread_ts(message, self.ledger)
        )
        self._record(sending, outcome, attempt)

    def _record(self, sending: Message, outcome: Outcome, attempt: Attempt) -> None:
        now = self.clock.now()
        done, state = verdict.after_outcome(
            sending,
            outcome,
            self.ledger.destination(self.destination.name),
            doubt=self.reconciler.doubt,
            plainer=self._plainer(sending, outcome) if isinstance(outcome, PayloadRefused) else sending.payload,
            now=now,
            jitter=self.random.random(),
        )
        done = self.reconciler.with_permalink(done)
        ended = replace(attempt, ended_at=now, outcome=type(outcome).__name__, detail=done.last_error)
        self._unrecorded = lambda: self.ledger.save(done, was=MessageState.SENDING, attempt=ended, destination=state)
        self._record_late()
        _log.log(
            20 if isinstance(outcome, Sent) else 30,
            "attempt_ended",
            outcome=ended.outcome,
            reason=done.last_error,
            ts=done.ts,
            state=done.state.value,
            **facts(done),
        )
        self._report(state, done)
        self._report_astray(outcome)

    def _record_late(self) -> None:
        """What is known of a post is not forgotten while the disk is full: it is recorded before anything else."""
        if self._unrecorded:
            self._unrecorded()
            self._unrecorded = None

    def _tell_past_ledger(self) -> bool:
        """A trouble that the ledger has no room for, such as that it is full, would else be told when it is over."""
        messages = self.troubles.unrecorded(self.destination.name)
        for message in messages:
            outcome = self.destination.post(message.payload, delivery_id=message.delivery_id, thread_ts=None)
            if isinstance(outcome, Sent | Unknown):
                self.troubles.told_past_ledger(message)
            _log.warning("told_past_ledger", outcome=type(outcome).__name__, **facts(message))
        return bool(messages)

    def _report(self, state: DestinationState, message: Message) -> None:
        subject = f"destination {state.name}"
        if state.condition is DestinationCondition.BLOCKED:
            self.troubles.begin(subject, f"refuses every message: {state.reason}. They are kept and tried again.")
        elif state.failures > PATIENCE:
            self.troubles.begin(subject, f"does not take messages: {state.reason}. They are kept and tried again.")
        elif state.condition is DestinationCondition.OK:
            self.troubles.end(subject)
        refused = f"message {message.delivery_id}"
        if message.state is MessageState.SENT:
            self.troubles.end(refused)
        elif message.state is MessageState.PENDING and message.plain and message.not_before:
            self.troubles.begin(
                refused,
                f"is refused by {state.name} even in its plainest form: {message.last_error}. It is tried every hour.",
            )

    def _report_astray(self, outcome: Outcome) -> None:
        """An answer about another place may mean that everybody but those who should read what was told."""
        subject = f"destination {self.destination.name} elsewhere"
        if isinstance(outcome, Sent):
            self.troubles.end(subject)
        elif isinstance(outcome, Unknown) and outcome.is_astray:
            what = f"{outcome.reason}. Messages go to the configured place as before, and it is read for this one."
            self.troubles.begin(subject, what)

    def _plainer(self, message: Message, outcome: PayloadRefused) -> str:
        plain = self.batch.render.minimal(self.ledger.items(message.delivery_id), outcome.reason, message.delivery_id)
        return keep_marks(message.payload, plain)
