"""How alertd ends: a signal asks for an orderly stop, from the first moment on; what hangs ends with the process.

A thread of its own waits for signals: handlers would have to wait for the main thread, which may be busy or hang.
Where a call keeps the interpreter to itself no thread of ours runs at all: then what stands outside of Python ends it.
"""

import faulthandler
import os
import signal
import sys
import threading
from datetime import timedelta
from typing import NoReturn

import structlog

from alertd import log

# A post under way may take its whole deadline (12 s); systemd and Docker kill later than this.
ORDERLY_STOP = timedelta(seconds=14)
# Kept of that for what comes after the threads.
MARGIN = timedelta(seconds=1)
# Longer than the watchdog waits, which ends alertd with more words.
DEAD_MAN = timedelta(minutes=17)
# For the place where it hangs to be written to standard error, which may take nothing.
DEAD_MAN_MARGIN = timedelta(seconds=10)

_log = structlog.get_logger("alertd.daemon")


def hold_signals() -> None:
    """From now on they wait for `Stop.listen`. Threads that are started later inherit it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _heeded())


class Stop:
    """Whether alertd is to stop. Before `running` there is nothing to finish, and a signal ends it at once."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._is_running = False

    def listen(self) -> None:
        """In the main thread."""
        hold_signals()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # whoever started alertd may have had it ignored
        threading.Thread(target=self._await_signal, name="signals", daemon=True).start()

    def running(self) -> None:
        self._is_running = True

    def _await_signal(self) -> None:
        name = signal.Signals(signal.sigwait(_heeded())).name
        _log.info("stopping", signal=name)
        self.asked.set()
        if self._is_running:
            threading.Event().wait(ORDERLY_STOP.total_seconds())  # by then the process is gone, unless something hangs
            _log.error("cut_short", reason="something did not end in time; what it did is settled at the next start")
        leave(0)


def still_alive() -> None:
    """Once a second. Where that stops, because one call (a runaway regular expression, a library) keeps the interpreter
    to itself, the process ends: a thread that needs no Python writes where it hangs, and exits with 1. If that cannot
    be written, the kernel's alarm ends it; process 1 of a container would not heed the alarm alone.
    """
    if sys.__stderr__ is not None:  # closed at the start, its number is that of another file by now
        faulthandler.dump_traceback_later(DEAD_MAN.total_seconds(), exit=True, file=sys.__stderr__)
    signal.setitimer(signal.ITIMER_REAL, (DEAD_MAN + DEAD_MAN_MARGIN).total_seconds())


def leave(code: int) -> NoReturn:
    """The last resort: the interpreter would wait for threads that hang.

    The ledger is still held: what hangs may write or post until this very moment, so no other alertd may begin before.
    """
    log.flush()
    os._exit(code)


def _heeded() -> frozenset[signal.Signals]:
    """SIGHUP would load the configuration again, if alertd could; `nohup` asks to go on without a terminal."""
    asked = {signal.SIGTERM, signal.SIGINT}
    return frozenset(asked if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else asked | {signal.SIGHUP})
