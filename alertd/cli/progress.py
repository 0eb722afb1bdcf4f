"""One line on a terminal that says that long work goes on. It is erased at the end, and never in a pipe or a file."""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.cells import set_cell_size

from alertd.clock import SystemClock

# As often as an eye can follow; a million events must not wait for the terminal.
PACE_SECONDS = 0.2
_ERASE = "\r\x1b[K"

_Item = TypeVar("_Item")


def watched(items: Iterable[_Item], what: str) -> Iterator[_Item]:
    """The items; meanwhile how many there were."""
    clock = SystemClock()
    with progress() as say:
        say(what)
        told = clock.elapsed_seconds()
        for number, item in enumerate(items, start=1):
            if clock.elapsed_seconds() - told >= PACE_SECONDS:
                say(f"{what}: {number:,} events")
                told = clock.elapsed_seconds()
            yield item


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Gives what shows a text in place of the one before."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _: None
        return
    try:
        yield _show
    finally:
        _write(_ERASE)


def _show(text: str) -> None:
    # a line as wide as the terminal would begin another, which nothing erases
    width = shutil.get_terminal_size().columns - 1
    _write(_ERASE + (text if len(text) < width else set_cell_size(text, width)))


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
