"""Where the log goes, line by line: each is written whole, or dropped and counted. Nobody waits for it for long.

A thread of its own writes: a pipe whose reader hangs, or a disk that does, stops nobody else. Who logs waits until the
line is written, but not for longer than a second: so what happened before a post is in the log before it, and a log
that takes nothing delays an alert by a second, once.
"""

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TextIO

from alertd.clock import SystemClock

WAIT = timedelta(seconds=1)
# Characters that wait for a log that hangs; what comes beyond them is dropped.
MOST_KEPT = 256 * 1024

_clock = SystemClock()


@dataclass(frozen=True, slots=True)
class Failing:
    """Lines are lost, or wait, at present."""

    since_seconds: float  # by the elapsed clock
    dropped: int


class Lines:
    """Safe for several threads. Nothing raises."""

    def __init__(self, stream: TextIO | None) -> None:
        self._put = _writer(stream)
        self.renew()

    def renew(self) -> None:
        """As if nothing had been written yet: for a child that has none of its parent's threads."""
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque()
        self._kept = 0  # characters of those
        self._taken = self._done = 0
        self._dropped = self._told = 0
        self._is_stuck = False  # a line takes longer than anybody may wait
        self._failing_since: float | None = None
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def write(self, line: str) -> bool:
        """False: it is lost, or waits for longer than a caller may."""
        with self._changed:
            if self._waiting and self._kept + len(line) > MOST_KEPT:
                return self._lose()
            if not self._start():
                return self._lose()
            self._waiting.append(line)
            self._kept += len(line)
            self._taken += 1
            mine, dropped = self._taken, self._dropped
            self._changed.notify_all()
            if self._is_stuck or self._thread is threading.current_thread():
                return False
            if not self._changed.wait_for(lambda: self._done >= mine, WAIT.total_seconds()):
                self._is_stuck = True
                self._fail()
            return self._done >= mine and self._dropped == dropped

    def flush(self, within: timedelta = WAIT) -> bool:
        """Whether everything was written, or lost, by then."""
        with self._changed:
            return self._changed.wait_for(lambda: self._done == self._taken, within.total_seconds())

    def failing(self) -> Failing | None:
        with self._changed:
            return None if self._failing_since is None else Failing(self._failing_since, self._dropped)

    def untold(self) -> int:
        """How many lines are lost since the start, if that was not told yet and can be. Whoever asks tells."""
        with self._changed:
            if self._failing_since is not None or self._told == self._dropped:
                return 0
            self._told = self._dropped
            return self._told

    def close(self) -> None:
        """No more lines will come."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _start(self) -> bool:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="log", daemon=True)
            with suppress(RuntimeError):  # no thread can be started now
                thread.start()
                self._thread = thread
        return self._thread is not None

    def _run(self) -> None:
        while line := self._next():
            is_written = self._put(line)
            with self._changed:
                self._kept -= len(line)
                self._done += 1
                self._is_stuck = self._is_stuck and bool(self._waiting)
                if not is_written:
                    self._lose()
                elif not self._is_stuck:
                    self._failing_since = None
                self._changed.notify_all()

    def _next(self) -> str | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            return self._waiting.popleft() if self._waiting else None

    def _lose(self) -> bool:
        self._dropped += 1
        self._fail()
        return False

    def _fail(self) -> None:
        if self._failing_since is None:
            self._failing_since = _clock.elapsed_seconds()


def _writer(stream: TextIO | None) -> Callable[[str], bool]:
    """Writes a line, whole, and says whether it could."""
    if stream is None:  # it was closed when alertd started
        return lambda _: False
    try:
        return _Descriptor(stream).put
    except (OSError, ValueError):  # it is no file
        return _Stream(stream).put


class _Descriptor:
    """Past Python's buffers: what a full disk kept in one would be written later, or fail at the end of the process."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream  # closed, its number might become that of another file
        self._number = stream.fileno()
        self._encoding = stream.encoding or "utf-8"
        self._is_torn = False  # the last line was written in part

    def put(self, line: str) -> bool:
        rest = memoryview((("\n" if self._is_torn else "") + line).encode(self._encoding, "backslashreplace"))
        whole = len(rest)
        while rest:
            try:
                rest = rest[os.write(self._number, rest) :]
            except BlockingIOError:  # whoever shares the pipe or terminal asked for this
                waits = select.poll()
                waits.register(self._number, select.POLLOUT)
                waits.poll()
            except OSError:
                self._is_torn = self._is_torn or len(rest) < whole
                return False
        self._is_torn = False
        return True


class _Stream:
    """Within tests, mostly."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def put(self, line: str) -> bool:
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):
            return False
        return True
