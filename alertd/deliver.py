"""Heart 2: what the ledger says must be told → one destination. Claim, reconcile if in doubt, send once, record.

Each message is posted by one thread, one at a time. That it is being sent is durable before the socket opens, so a
process that dies leaves a doubt that is settled by reading the channel, never a message posted blindly again.
"""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from alertd import verdict
from alertd.batch import Batch, freeze_next
from alertd.clock import Clock
from alertd.destination import Destination, Finding, Outcome, PayloadRefused, Posted, Reader, Sent, Unknown
from alertd.errors import LedgerFullError, PermanentError, RetryError
from alertd.ledger import Ledger
from alertd.ledger.model import Attempt, DestinationCondition, DestinationState, Message, MessageState, NotificationKind
from alertd.message import keep_marks
from alertd.trouble import LEDGER, Troubles
from alertd.verdict import Doubt, OnUnknown

# How long a new notification may wait for this thread to look. Looking costs a few index reads.
IDLE = timedelta(seconds=0.2)
# A full disk is somebody else's to clean up.
FULL_PAUSE = timedelta(seconds=5)
# Failures in a row before people hear of it: one lost connection is no trouble.
PATIENCE = 3
# Messages are read back from before their first attempt, even if the clock was wrong by this much then.
CLOCK_MARGIN = timedelta(hours=1)
# No pause is longer. One that ends later was set before the clock was put back.
LONGEST_WAIT = timedelta(hours=2)

# Kinds that go out at once; a session's list gathers for a minute.
_PROMPT = (NotificationKind.MESSAGE, NotificationKind.BASELINE)

_log = structlog.get_logger("alertd.deliver")


@dataclass(slots=True)
class Courier:
    """Delivers to one destination. `step` does the next thing and says how long nothing will be due after it."""

    destination: Destination
    ledger: Ledger
    clock: Clock
    batch: Batch
    doubt: Doubt
    mark_repeat: Callable[[str, datetime], str]  # payload, time of the first attempt → the same, marked
    troubles: Troubles
    random: random.Random
    _unrecorded: Callable[[], None] | None = None  # an outcome that a full disk kept out of the ledger
    _is_full: bool = False  # the last step found no room

    def step(self) -> timedelta:
        if self._tell_past_ledger():
            return FULL_PAUSE
        try:
            wait = self._next(self.clock.now())
        except LedgerFullError as error:
            # Nothing was recorded and nothing will be posted without its record.
            self._is_full = True
            self.troubles.begin(LEDGER, f"{error} Nothing is sent until there is room again; nothing is lost.")
            return FULL_PAUSE
        if self._is_full or not wait:  # what had no room was written now, or a message and what became of it
            self._is_full = False
            self.troubles.end(LEDGER)
        return wait

    def _next(self, now: datetime) -> timedelta:
        self._record_late()
        state = self.ledger.destination(self.destination.name)
        self._settle_unknown(now)
        self._sweep_copies(now)
        wait = _hold(state, now)
        if wait:
            return min(wait, IDLE * 5)
        message = self.ledger.next_pending(self.destination.name, now=now)
        if message is None or message.replay_of:  # no news waits behind what is told again
            freeze_next(self.batch, state, now=now)
            message = self.ledger.next_pending(self.destination.name, now=now)
        if message is None:
            return IDLE
        self._send(message)
        return timedelta(0)

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
        now = self.clock.now()
        for message in self.ledger.messages(self.destination.name, MessageState.SENDING):
            doubtful = verdict.unknown(message, "alertd stopped while sending", doubt=self.doubt, now=now)
            # Slack may have taken it just now: the next one keeps its distance
            paced = replace(self.ledger.destination(self.destination.name), next_post_at=now + verdict.PACE)
            self.ledger.save(doubtful, was=MessageState.SENDING, destination=paced)
            _log.warning("unknown_send_found", **_facts(doubtful))

    def _send(self, message: Message) -> None:
        """Commit `sending`, post, record what became of it."""
        started_at = self.clock.now()
        sending = replace(
            message,
            state=MessageState.SENDING,
            attempts=message.attempts + 1,
            attempted_at=started_at,
            not_before=None,
        )
        attempt = Attempt(message.delivery_id, sending.attempts, started_at)
        self.ledger.save(sending, was=MessageState.PENDING, attempt=attempt)
        _log.info("attempt_started", **_facts(sending))
        outcome = self.destination.post(
            message.payload, delivery_id=message.delivery_id, thread_ts=self._thread_ts(message)
        )
        self._record(sending, outcome, attempt)

    def _record(self, sending: Message, outcome: Outcome, attempt: Attempt) -> None:
        now = self.clock.now()
        done, state = verdict.after_outcome(
            sending,
            outcome,
            self.ledger.destination(self.destination.name),
            doubt=self.doubt,
            plainer=self._plainer(sending, outcome) if isinstance(outcome, PayloadRefused) else sending.payload,
            now=now,
            jitter=self.random.random(),
        )
        done = self._with_permalink(done)
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
            **_facts(done),
        )
        self._report(state, done)

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
            _log.warning("told_past_ledger", outcome=type(outcome).__name__, **_facts(message))
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

    # unknown messages

    def _settle_unknown(self, now: datetime) -> None:
        in_doubt = self.ledger.messages(self.destination.name, MessageState.UNKNOWN)
        due = [message for message in in_doubt if _due(message, now)]
        if not due:
            if not in_doubt:
                self.troubles.end(self._doubt_subject)
            return
        if self.destination.reader is None:
            self._settle_blindly(due)
            return
        finding = self._read(self.destination.reader, due)
        if isinstance(finding, str):
            for message in due:
                marked = self._marked(message)
                unread = verdict.after_failed_read(message, finding, doubt=self.doubt, marked=marked, now=now)
                self._save_doubt(unread, finding)
            return
        for message in due:
            copies = finding.copies.get(message.delivery_id, ())
            read = verdict.after_read(message, copies, doubt=self.doubt, began=now, now=self.clock.now())
            self._save_doubt(self._with_permalink(read), "found" if copies else "not found")

    def _settle_blindly(self, due: Sequence[Message]) -> None:
        for message in due:
            if self.doubt.on_unknown is OnUnknown.RESEND_MARKED:
                self._save_doubt(verdict.post_marked(message, self._marked(message)), "cannot be read back")
            else:
                self.troubles.begin(
                    self._doubt_subject,
                    f"an attempt had no answer ({message.last_error}) and is held: look into the channel for "
                    f"{message.delivery_id[:6]}, then alertd retry {message.delivery_id}",
                )

    def _save_doubt(self, message: Message, result: str) -> None:
        last = self.ledger.attempts(message.delivery_id)[-1]
        note = replace(last, detail=f"{last.detail or 'no answer'}; read back: {result}")
        self.ledger.save(message, was=MessageState.UNKNOWN, attempt=note)
        _log.info("doubt_read", result=result, state=message.state.value, ts=message.ts, **_facts(message))

    def _sweep_copies(self, now: datetime) -> None:
        """A message that was posted again may have arrived twice after all: keep the first."""
        reader = self.destination.reader
        if reader is None:
            return
        due = [message for message in self.ledger.to_sweep(self.destination.name) if _due(message, now)]
        if not due:
            return
        finding = self._read(reader, due)
        if isinstance(finding, str):
            return
        for message in due:
            swept, surplus = verdict.after_sweep(message, finding.copies.get(message.delivery_id, ()), now=now)
            if self._delete(reader, surplus):
                self.ledger.save(swept, was=MessageState.SENT)
                _log.log(30 if surplus else 20, "copies_swept", deleted=len(surplus), **_facts(swept))

    def _delete(self, reader: Reader, surplus: Sequence[Posted]) -> bool:
        for posted in surplus:
            try:
                reader.delete(posted)
            except RetryError:
                return False
            except PermanentError as error:
                self.troubles.begin(
                    f"destination {self.destination.name} copies", f"a repeated message cannot be deleted: {error}"
                )
        return True

    def _read(self, reader: Reader, messages: Sequence[Message]) -> Finding | str:
        """One read for all of them, or why the channel could not be read."""
        wanted = {message.delivery_id: self._thread_ts(message) for message in messages}
        since = min(message.created_at for message in messages) - CLOCK_MARGIN
        try:
            finding = reader.find(wanted, since=since)
        except RetryError as error:
            return str(error)
        except PermanentError as error:
            self.troubles.begin(self._doubt_subject, f"the channel cannot be read back: {error}")
            return str(error)
        return finding

    def _thread_ts(self, message: Message) -> str | None:
        return self.ledger.message(message.thread_of).ts if message.thread_of else None

    def _with_permalink(self, message: Message) -> Message:
        reader = self.destination.reader
        if message.state is not MessageState.SENT or reader is None or not (message.channel and message.ts):
            return message
        posted = Posted(message.channel, message.ts, self._thread_ts(message))
        return replace(message, permalink=reader.permalink(posted))

    def _plainer(self, message: Message, outcome: PayloadRefused) -> str:
        plain = self.batch.render.minimal(self.ledger.items(message.delivery_id), outcome.reason, message.delivery_id)
        return keep_marks(message.payload, plain)

    def _marked(self, message: Message) -> str:
        return self.mark_repeat(message.payload, message.attempted_at or message.created_at)

    @property
    def _doubt_subject(self) -> str:
        return f"destination {self.destination.name} unknown sends"


def _hold(state: DestinationState, now: datetime) -> timedelta:
    """How long nothing may be posted: a pause, or the pace."""
    until = max((at for at in (state.paused_until, state.next_post_at) if at), default=now)
    return until - now if now < until < now + LONGEST_WAIT else timedelta(0)


def _due(message: Message, now: datetime) -> bool:
    return message.not_before is None or not now < message.not_before < now + LONGEST_WAIT


def _facts(message: Message) -> dict[str, object]:
    return {
        "delivery_id": message.delivery_id,
        "destination": message.destination,
        "kind": message.kind.value,
        "attempt": message.attempts,
    }
