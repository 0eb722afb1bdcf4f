"""The log, on standard error: one entry a line, as JSON or for people. No secret passes, no document is quoted whole.

An exception is a line too: a traceback is written at level "debug" only.
"""

import atexit
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from alertd.lines import Failing, Lines
from alertd.secret import Credential, Secrets

# Of one value. Reasons and ids are shorter; what is longer is somebody's document.
MOST_CHARACTERS = 2_000
# Of one entry's values within values: deeper ones are written as text.
MOST_LEVELS = 4

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# What a command says at its end may be read in a pager, page by page.
_READING = timedelta(minutes=1)
_TRACEBACK = "exception"


def configure(*, form: str, level: str, secrets: Iterable[Credential | str] = (), stream: TextIO | None = None) -> None:
    """`form`: "json", "console", or "auto": for people on a terminal, JSON elsewhere."""
    stream = stream or sys.stderr
    is_terminal = stream is not None and stream.isatty()
    for_people = form == "console" or (form == "auto" and is_terminal)
    last: list[Processor] = (
        [
            _make_printable,
            structlog.dev.ConsoleRenderer(colors=is_terminal, exception_formatter=structlog.dev.plain_traceback),
        ]
        if for_people
        else [structlog.processors.JSONRenderer(sort_keys=True)]
    )
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _Exceptions(with_traceback=level == "debug"),
        _Cleaner(secrets),
        # after cleaning: a secret may be as short as to be found in these
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *last,
    ]
    _out.turn_to(stream)
    structlog.configure(
        processors=[_Entry(steps)],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _out,
        cache_logger_on_first_use=False,
    )
    _take_over_libraries()


def flush() -> None:
    """Wait, not for long, until what was logged is written."""
    _out.lines.flush()


def say(text: str) -> None:
    """To whoever started alertd, as it is. Nobody there, or no room: then the exit code must do."""
    is_lost = _out.lines.failing()
    _out.lines.write(f"{text}\n")
    if not is_lost:
        _out.lines.flush(_READING)


def failing() -> Failing | None:
    """Whether lines are lost at present. Looking tries again: nothing else may be logged for hours."""
    if _out.lines.failing():
        structlog.get_logger("alertd.log").info("log_tried_again")
    return _out.lines.failing()


class _Out:
    """The end of the log's way. Nothing here raises, and nothing waits for long."""

    def __init__(self) -> None:
        self.lines = Lines(None)
        os.register_at_fork(after_in_child=self._renew)
        atexit.register(flush)

    def turn_to(self, stream: TextIO | None) -> None:
        self.lines.close()
        self.lines = Lines(stream)

    def msg(self, line: str) -> None:
        self.lines.write(f"{line}\n")
        dropped = self.lines.untold()
        if dropped:
            structlog.get_logger("alertd.log").error("log_lines_dropped", since_the_start=dropped)

    debug = info = warning = error = critical = msg

    def _renew(self) -> None:
        self.lines.renew()


class _Entry:
    """An entry becomes its line, whatever is in it: to log is nothing that could fail."""

    def __init__(self, steps: Sequence[Processor]) -> None:
        self._steps = steps

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        made: Any = event  # what a step makes of it: an entry, and in the end a line
        name = str(event.get("event"))
        try:
            for step in self._steps:
                made = step(logger, method, made)
        except Exception as error:  # noqa: BLE001 what cannot be shown must not end a thread that delivers
            return json.dumps(
                {"event": "entry_unreadable", "level": method, "of": name, "reason": type(error).__name__}
            )
        return str(made)


def _take_over_libraries() -> None:
    """Warnings of libraries become entries too; what they say below that has addresses and bodies in it."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Forward)]:
        root.removeHandler(handler)
    root.addHandler(_Forward(logging.WARNING))
    logging.captureWarnings(True)
    for name in ("slack_sdk", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # They warn of each failed request, which alertd reports itself, with what it does about it.
    for name in ("elastic_transport", "opensearch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # It warns of each tick that finds the job still running, which is how slow scans are meant to be met.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


class _Forward(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        level = min(record.levelno // logging.DEBUG * logging.DEBUG, logging.CRITICAL)
        logger = structlog.get_logger()
        logger.log(level, "library_warned", logger=record.name, text=_Text(record), exc_info=record.exc_info)


class _Text:
    """A library's words, put together where it may fail."""

    def __init__(self, record: logging.LogRecord) -> None:
        self._record = record

    def __str__(self) -> str:
        return self._record.getMessage()


class _Exceptions:
    """An exception becomes its message and where it was raised."""

    def __init__(self, *, with_traceback: bool) -> None:
        self._with_traceback = with_traceback

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        error = _error(event.pop("exc_info", None))
        if error is None:
            return event
        event["error"] = f"{type(error).__name__}: {error}"
        event["raised_at"] = _raised_at(error.__traceback__)
        if self._with_traceback:
            event[_TRACEBACK] = "".join(traceback.format_exception(error)).rstrip()
        return event


def _error(exc_info: object) -> BaseException | None:
    """As the logging module allows it: an exception, its triple, or True for the one being handled."""
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    elif exc_info is True:
        exc_info = sys.exc_info()[1]
    return exc_info if isinstance(exc_info, BaseException) else None


def _raised_at(trace: TracebackType | None) -> str:
    """The innermost place in alertd, or else the innermost."""
    frames = traceback.extract_tb(trace)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
    return next(
        (f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in reversed(own or frames)), ""
    )


class _Cleaner:
    """Hides secrets, and cuts what is long, in every value of an entry."""

    def __init__(self, secrets: Iterable[Credential | str]) -> None:
        self._secrets = Secrets(secrets)

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {
            name: self._secrets.hide(str(value)) if name == _TRACEBACK else self._clean(value, MOST_LEVELS)
            for name, value in event.items()
        }

    def _clean(self, value: object, levels: int) -> object:
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, dict) and levels:
            return _bounded({self._text(str(key)): self._clean(below, levels - 1) for key, below in value.items()})
        if isinstance(value, (list, tuple, set, frozenset)) and levels:
            return _bounded([self._clean(below, levels - 1) for below in value])
        return self._text(value.isoformat() if isinstance(value, datetime) else str(value))

    def _text(self, text: str) -> str:
        # hidden before it is cut: half a secret would not be found
        return _cut(self._secrets.hide(text))


def _bounded(value: dict[str, object] | list[object]) -> object:
    text = json.dumps(value)
    return value if len(text) <= MOST_CHARACTERS else _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}… ({len(text)} characters)"


def _make_printable(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A terminal obeys control characters, and some of the text comes from whoever attacks."""
    return {name: _printable(name, value) for name, value in event.items()}


def _printable(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    kept = "\n" if name == _TRACEBACK else ""
    return "".join(
        mark if mark.isprintable() or mark in kept else mark.encode("unicode_escape").decode() for mark in value
    )


_PACKAGE = Path(__file__).parent
_out = _Out()
