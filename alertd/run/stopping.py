"""How alertd ends: a signal asks for an orderly stop, from the first moment on; what hangs ends with the process.

A thread of its own waits for signals: handlers would have to wait for the main thread, which may be busy or hang.
"""

import os
import signal
import threading
from datetime import timedelta
from typing import NoReturn

import structlog

from alertd import log

# A post under way may take its whole deadline (12 s); systemd and Docker kill later than this.
ORDERLY_STOP = timedelta(seconds=14)
# Kept of that for what comes after the threads.
MARGIN = timedelta(seconds=1)

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
        hold_signals()
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
