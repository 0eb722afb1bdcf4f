"""What can go wrong between a client and Slack, on the wire and behind it."""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "fin",  # the connection ends without an answer
    "reset",
    "hang",  # silence for delay_seconds, then the end
    "delay",  # the right answer, delay_seconds late
    "drip",  # the answer comes a byte at a time, delay_seconds apart
    "truncated",  # less than Content-Length promises
    "short",  # Content-Length promises less than there is
    "html",  # status 200 with a page
    "garbage",  # status 200 with half a JSON
    "status",  # this status with a page
    "word",  # ok: false with this word
    "redirect",
    "throttle",  # 429 with this Retry-After, None: without
    "late",  # answers nothing, and stores only delay_seconds later
]
KINDS: tuple[Kind, ...] = ("fin", "reset", "truncated", "html", "garbage", "status", "word", "throttle", "late")
READ_KINDS: tuple[Kind, ...] = ("fin", "reset", "truncated", "garbage", "status", "word", "throttle")
POSTS = frozenset({"chat.postMessage", "webhook"})
READS = frozenset({"conversations.history", "conversations.replies"})


@dataclass(frozen=True, slots=True)
class Fault:
    kind: Kind
    stores: bool = False  # whether Slack stored the message before it went wrong
    delay_seconds: float = 0.0
    status: int = 500
    word: str = "internal_error"
    retry_after: str | None = "1"


@dataclass(slots=True)
class Faults:
    """Scripted ones come first, in order; else random ones, by their probability."""

    _scripted: dict[str, list[Fault]] = field(default_factory=dict)
    _dice: random.Random | None = None
    _probability: float = 0.0
    _reads: float = 0.0
    _kinds: Sequence[Kind] = KINDS
    _longest_late_seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, method: str, *faults: Fault) -> None:
        """For the next requests of this method, one each: "webhook" for webhooks; "connection" for the next
        connections, before anything is read from them (fin, reset, hang)."""
        with self._lock:
            self._scripted.setdefault(method, []).extend(faults)

    def random(
        self,
        seed: int,
        probability: float,
        *,
        kinds: Sequence[Kind] = KINDS,
        longest_late_seconds: float = 0.0,
        reads: float = 0.0,
    ) -> None:
        """Posts go wrong with this probability from now on, reads of the history with that of `reads`; 0 ends it."""
        with self._lock:
            self._dice, self._probability, self._reads = random.Random(seed), probability, reads
            self._kinds, self._longest_late_seconds = kinds, longest_late_seconds

    def take(self, method: str) -> Fault | None:
        with self._lock:
            scripted = self._scripted.get(method)
            if scripted:
                return scripted.pop(0)
            if method in POSTS:
                return self._roll(self._probability, self._kinds)
            return self._roll(self._reads, READ_KINDS) if method in READS else None

    def _roll(self, probability: float, kinds: Sequence[Kind]) -> Fault | None:
        if self._dice is None or self._dice.random() >= probability:
            return None
        kind = self._dice.choice(kinds)
        stores = kind not in {"throttle", "late"} and self._dice.random() < 0.5
        return Fault(kind, stores=stores, delay_seconds=self._dice.random() * self._longest_late_seconds)
