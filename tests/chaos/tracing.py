"""One poll-and-send cycle under strace: which system calls it makes, and what happens when one of them goes wrong."""

import os
import random
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.acceptance.installation import Installation

LEDGER_FILES = ("alertd.db", "alertd.db-journal")
# Faults that a disk has, by the call that meets them.
DISK_FAULTS = {
    "pwrite64": ("ENOSPC", "EIO"),
    "fdatasync": ("EIO", "ENOSPC"),
    "openat": ("EIO", "ENOSPC", "EMFILE"),
    "unlink": ("EIO",),
    "pread64": ("EIO",),
    "ftruncate": ("EIO",),
    "fsync": ("EIO",),
}
# The steps between which a death may leave something half done, on disk or on the wire.
FATAL_CALLS = (
    *("write", "pwrite64", "fsync", "fdatasync", "openat", "unlink", "ftruncate", "flock", "fcntl", "pread64"),
    *("socket", "connect", "sendto", "recvfrom", "poll", "close"),
)
_CALL = re.compile(r"^(?P<thread>\d+) +(?P<name>\w+)\((?P<rest>.*)")
_ONCE = (sys.executable, "-m", "alertd", "run", "--once")


@dataclass(frozen=True, slots=True)
class Injection:
    """The nth call of a name, counted in the main thread, and what becomes of it."""

    call: str
    nth: int
    what: str  # "signal=KILL" or "error=EIO"
    only_ledger: bool = False  # count and hit only calls on the ledger's own files
    lasting: bool = False  # every later call too

    def __str__(self) -> str:
        return f"{self.call}:{self.what}:when={self.nth}{' on the ledger' if self.only_ledger else ''}"


def cannot_trace() -> str:
    """Why strace cannot run here; "" if it can."""
    try:
        done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return "strace is not installed"
    return "" if done.returncode == 0 else f"strace may not trace: {done.stderr.decode(errors='replace').strip()}"


def calls_of_a_cycle(alertd: Installation, *, every: bool) -> dict[str, range]:
    """By name, the numbers of the calls that the main thread makes once it has come to its ledger: FATAL_CALLS, or
    those that touch nothing outside the process too."""
    before, calls = _trace(alertd, ())
    return {
        name: range(before[name] + 1, calls[name] + 1)
        for name in (calls if every else FATAL_CALLS)
        if calls[name] > before[name]
    }


def calls_on_the_ledger(alertd: Installation) -> dict[str, range]:
    """By name, the numbers of the calls on the ledger's own files."""
    _, calls = _trace(alertd, LEDGER_FILES)
    return {name: range(1, calls[name] + 1) for name in DISK_FAULTS if calls[name]}


def _trace(alertd: Installation, paths: Sequence[str]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Calls of the main thread by name: made before the ledger was first touched, and made at all."""
    output = alertd.folder / "trace"
    done = run_once(alertd, "-o", str(output), *_only(alertd, paths))
    assert done.returncode == 0, done.stderr
    before: dict[str, int] = {}
    calls: dict[str, int] = defaultdict(int)
    main = None
    for line in output.read_text(errors="replace").splitlines():
        found = _CALL.match(line)
        if not found:
            continue
        main = main or found["thread"]
        if not before and "/alertd.db" in line:
            before = dict(calls)
        if found["thread"] == main:
            calls[found["name"]] += 1
    return defaultdict(int, before), calls


def run_once(alertd: Installation, *options: str) -> subprocess.CompletedProcess[str]:
    """A cycle under strace."""
    done = subprocess.run(
        ["strace", "-f", "-qq", *options, "--", *_ONCE],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "ALERTD_CONFIG": str(alertd.config)},
        cwd=alertd.folder,
        check=False,
    )
    alertd.outputs += [done.stderr]
    return done


def disturb(alertd: Installation, injection: Injection) -> subprocess.CompletedProcess[str]:
    """A cycle in which it happens. Its output ends in the calls of that name, the struck one marked (INJECTED)."""
    return run_once(
        alertd,
        *("-o", str(alertd.folder / "trace")),
        *_only(alertd, LEDGER_FILES if injection.only_ledger else ()),
        *("-e", f"trace={injection.call}"),
        *("-e", f"inject={injection.call}:{injection.what}:when={injection.nth}{'+' if injection.lasting else ''}"),
    )


def _only(alertd: Installation, names: Sequence[str]) -> list[str]:
    return [option for name in names for option in ("-P", str(alertd.folder / name))]


def spread(points: Mapping[str, Sequence[Injection]], total: int, dice: random.Random) -> list[Injection]:
    """About `total` of them: of each name at least two, the rest by the root of their number, evenly spread. All
    where an answer is waited for: to die there, between the post and its record, is the worst."""
    weight = sum(len(each) ** 0.5 for each in points.values())
    chosen: list[Injection] = []
    for name, each in points.items():
        share = len(each) if name == "recvfrom" else max(2, round(total * len(each) ** 0.5 / weight))
        wanted = min(len(each), share)
        step = len(each) / wanted
        offset = dice.random() * step
        chosen += [each[int(offset + number * step)] for number in range(wanted)]
    return chosen
