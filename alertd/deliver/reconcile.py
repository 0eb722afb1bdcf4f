"""What is in doubt → settled. A message whose send had no answer is looked for in its channel before anything else is
done with it; after one was posted again, copies that show late are deleted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from alertd.clock import Clock
from alertd.deliver import verdict
from alertd.deliver.verdict import Doubt, OnUnknown
from alertd.destination import Destination, Finding, Posted, Reader
from alertd.errors import PermanentError, RetryError
from alertd.ledger import Ledger
from alertd.ledger.model import Message, MessageState
from alertd.ops.trouble import Troubles

# Messages are read back from before their first attempt, even if the clock was wrong by this much then.
CLOCK_MARGIN = timedelta(hours=1)

_log = structlog.get_logger("alertd.reconcile")


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Settles the unknown messages of one destination, and sweeps the copies that settling them may have made."""

    destination: Destination
    ledger: Ledger
    clock: Clock
    doubt: Doubt
    mark_repeat: Callable[[str, datetime], str]  # payload, time of the first attempt → the same, marked
    troubles: Troubles

    def settle(self, now: datetime) -> None:
        """Say of each unknown message that is due whether it arrived: by reading the channel, where that can be."""
        in_doubt = self.ledger.messages(self.destination.name, MessageState.UNKNOWN)
        due = [message for message in in_doubt if verdict.is_due(message, now=now)]
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
            self._save_doubt(self.with_permalink(read), "found" if copies else "not found")

    def open(self) -> tuple[Message, ...]:
        """What there is to look for in the channel, now or later."""
        name = self.destination.name
        swept = self.ledger.to_sweep(name) if self.destination.reader else ()
        return (*self.ledger.messages(name, MessageState.UNKNOWN), *swept)

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
        _log.info("doubt_read", result=result, state=message.state.value, ts=message.ts, **facts(message))

    def sweep(self, now: datetime) -> None:
        """A message that was posted again may have arrived twice after all: keep the first."""
        reader = self.destination.reader
        if reader is None:
            return
        due = [message for message in self.ledger.to_sweep(self.destination.name) if verdict.is_due(message, now=now)]
        if not due:
            return
        finding = self._read(reader, due)
        if isinstance(finding, str):
            return
        for message in due:
            swept, surplus = verdict.after_sweep(message, finding.copies.get(message.delivery_id, ()), now=now)
            if self._delete(reader, surplus):
                self.ledger.save(swept, was=MessageState.SENT)
                _log.log(30 if surplus else 20, "copies_swept", deleted=len(surplus), **facts(swept))

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
        wanted = {message.delivery_id: thread_ts(message, self.ledger) for message in messages}
        since = min(message.read_since or message.created_at - CLOCK_MARGIN for message in messages)
        try:
            finding = reader.find(wanted, since=since)
        except RetryError as error:
            return str(error)
        except PermanentError as error:
            self.troubles.begin(self._doubt_subject, f"the channel cannot be read back: {error}")
            return str(error)
        return finding

    def with_permalink(self, message: Message) -> Message:
        reader = self.destination.reader
        if message.state is not MessageState.SENT or reader is None or not (message.channel and message.ts):
            return message
        posted = Posted(message.channel, message.ts, thread_ts(message, self.ledger))
        return replace(message, permalink=reader.permalink(posted))

    def _marked(self, message: Message) -> str:
        return self.mark_repeat(message.payload, message.attempted_at or message.created_at)

    @property
    def _doubt_subject(self) -> str:
        return f"destination {self.destination.name} unknown sends"


def thread_ts(message: Message, ledger: Ledger) -> str | None:
    """The ts of the message that this one replies to; None at the top level."""
    return ledger.message(message.thread_of).ts if message.thread_of else None


def facts(message: Message) -> dict[str, object]:
    """What each line of the log says about a message."""
    return {
        "delivery_id": message.delivery_id,
        "destination": message.destination,
        "kind": message.kind.value,
        "attempt": message.attempts,
    }
