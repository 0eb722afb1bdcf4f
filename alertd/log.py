"""structlog, to standard error: JSON lines for machines, colours for people. No secret passes."""

import logging
import re
import sys
from collections.abc import Iterable
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[secret]"
# Slack's tokens and webhook addresses, whoever brought them here.
_SHAPES = re.compile(r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?<=/services/)[\w/]+")
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(*, form: str, level: str, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """`form`: "json", "console", or "auto": colours on a terminal, JSON elsewhere."""
    stream = stream or sys.stderr
    console = form == "console" or (form == "auto" and stream.isatty())
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty(), sort_keys=False)
        if console
        else structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _Redactor(secrets),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    # Libraries log addresses and bodies; what matters of their failures alertd says itself.
    for name in ("elastic_transport", "opensearch", "slack_sdk", "urllib3", "apscheduler"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


class _Redactor:
    """Replaces known secrets, and what looks like one, in every value."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {name: self._clean(value) for name, value in event.items()}

    def _clean(self, value: object) -> object:
        if not isinstance(value, str):
            text = str(value)
            return value if self._hide(text) == text else self._hide(text)
        return self._hide(value)

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return _SHAPES.sub(HIDDEN, text)
