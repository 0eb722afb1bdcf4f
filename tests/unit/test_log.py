"""What the log shows, and what it never does."""

import io
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import structlog
from elastic_transport import ConnectionError as NoConnection
from elastic_transport import NodeConfig, Transport
from hypothesis import example, given
from hypothesis import strategies as st
from slack_sdk import WebClient

from alertd import log
from alertd.errors import RetryError
from alertd.event.event import event_from_json
from alertd.secret import HIDDEN, hide_lookalikes, looks_secret

# Not the one that no test may print: here a library does, and alertd hides it.
PLANTED = "another" + "Secret" + "0a1b2c"
LIBRARIES = ("elastic_transport", "opensearch", "slack_sdk", "urllib3", "apscheduler")


@pytest.fixture(autouse=True)
def _leave_logging_as_it_was() -> Iterator[None]:
    handlers = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = handlers
    logging.captureWarnings(False)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _entries(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def _raise() -> None:
    raise RetryError(f"no answer from {PLANTED}")


def _warn(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(text, stacklevel=1)


def test_an_entry_is_one_line_of_json_with_time_and_level() -> None:
    """For whatever collects it: keys in order, time in UTC."""
    stream = io.StringIO()
    log.configure(form="json", level="info", stream=stream)
    structlog.get_logger("alertd").info(
        "alert_sent", rule="r", at=datetime(2026, 11, 23, tzinfo=UTC), attempt=2, ts=None
    )
    (entry,) = _entries(stream)
    assert ["at", "attempt", "event", "level", "rule", "timestamp", "ts"] == list(entry)
    assert ("alert_sent", "info", 2, None) == (entry["event"], entry["level"], entry["attempt"], entry["ts"])
    assert "2026-11-23T00:00:00+00:00" == entry["at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", str(entry["timestamp"]))


def test_the_format_follows_where_it_is_written_to() -> None:
    """A person at a terminal, or a machine: unless one is named."""
    written = {}
    for name, form, stream in (
        ("auto on a terminal", "auto", Terminal()),
        ("auto elsewhere", "auto", io.StringIO()),
        ("json on a terminal", "json", Terminal()),
        ("console elsewhere", "console", io.StringIO()),
    ):
        log.configure(form=form, level="info", stream=stream)
        structlog.get_logger().info("started")
        written[name] = "json" if stream.getvalue().startswith("{") else "console"
    assert {
        "auto on a terminal": "console",
        "auto elsewhere": "json",
        "json on a terminal": "json",
        "console elsewhere": "console",
    } == written


def test_what_is_below_the_level_is_not_written() -> None:
    """Of alertd's own entries and of the libraries'."""
    stream = io.StringIO()
    log.configure(form="json", level="error", stream=stream)
    structlog.get_logger().warning("scan_failed")
    logging.getLogger("elastic_transport.node_pool").warning("node failed")
    structlog.get_logger().error("trouble_began")
    assert ["trouble_began"] == [entry["event"] for entry in _entries(stream)]


# Secrets


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("level", ["info", "debug"])
def test_no_known_secret_is_written_in_any_part_of_an_entry(form: str, level: str) -> None:
    """In texts, in values within values, in objects, in exceptions and their tracebacks, in libraries' warnings."""
    stream = io.StringIO()
    log.configure(form=form, level=level, secrets=[PLANTED], stream=stream)
    logger = structlog.get_logger()
    event = f"with {PLANTED}"
    logger.warning(event, text=PLANTED, deep={"a": [{PLANTED: (PLANTED,)}]}, path=Path(PLANTED))
    logger.warning("bound", error=ValueError(PLANTED), bytes=PLANTED.encode())
    try:
        _raise()
    except RetryError:
        logger.exception("failed")
    logging.getLogger("elastic_transport").warning("%s", PLANTED, exc_info=ValueError(PLANTED))
    _warn(PLANTED)
    assert stream.getvalue().count(HIDDEN) >= len(["with", "text", "deep", "path", "error", "bytes", "failed"])
    assert PLANTED not in stream.getvalue()


@example("a b", quote_plus)
@example("a/b", quote)
@given(
    st.text(min_size=3), st.sampled_from([str, repr, json.dumps, quote, quote_plus, lambda text: repr(text + "'\"")])
)
def test_a_secret_is_found_however_it_was_quoted(secret: str, quoted: Callable[[str], str]) -> None:
    """As it is, inside a repr, inside JSON and inside an address."""
    cleaner = log._Cleaner([f"<{secret}>"])
    entry = cleaner(None, "", {"text": f"before {quoted(f'<{secret}>')} after"})
    assert HIDDEN in entry["text"]
    assert secret not in entry["text"].replace(HIDDEN, "").removeprefix("before ").removesuffix(" after")


def test_what_looks_like_a_secret_of_slack_is_hidden_without_being_known() -> None:
    """It may come from anywhere: another app's error, a document."""
    for secret in (
        "xoxb-test-token",
        "xoxp-test-token",
        "xoxe.xoxp-test-token",
        "xapp-test-token",
        "hooks.slack.com/services/x/y/z",
        "hooks.slack-gov.com/services/x/y/z",
        "hooks.slack.com/workflows/x",
    ):
        assert looks_secret(f"a {secret}.")
        assert secret not in hide_lookalikes(f'"{secret}", {secret} and {secret}')
    for harmless in ("xoxb", "a token (xoxb-…)", "https://slack.com/services/x", "foxbat-1"):
        assert not looks_secret(harmless)
        assert harmless == hide_lookalikes(harmless)


def test_of_a_webhook_the_path_alone_is_hidden_too() -> None:
    """Errors quote it without the host."""
    stream = io.StringIO()
    log.configure(form="json", level="info", secrets=["https://hooks.example.com/in/abc"], stream=stream)
    structlog.get_logger().info("x", text="POST /in/abc to hooks.example.com")
    assert f"POST {HIDDEN} to hooks.example.com" == _entries(stream)[0]["text"]


def test_the_longer_of_two_secrets_is_hidden_whole() -> None:
    """One may begin with the other."""
    stream = io.StringIO()
    log.configure(form="json", level="info", secrets=["abc", "abcdef", ""], stream=stream)
    structlog.get_logger().info("x", text="abcdef abc")
    assert f"{HIDDEN} {HIDDEN}" == _entries(stream)[0]["text"]


def test_time_and_level_stay_readable_with_the_shortest_secret() -> None:
    """They are made here and hold nothing of anybody's."""
    stream = io.StringIO()
    log.configure(form="json", level="info", secrets=["2", "info"], stream=stream)
    structlog.get_logger().info("x")
    (entry,) = _entries(stream)
    assert "info" == entry["level"]
    assert "2" in str(entry["timestamp"])


# Length, control characters


def test_no_document_is_written_whole() -> None:
    """A long text is cut, and a secret that would be cut in half is hidden first."""
    stream = io.StringIO()
    log.configure(form="json", level="info", secrets=[PLANTED], stream=stream)
    edge = "x" * (log.MOST_CHARACTERS - len(HIDDEN)) + PLANTED + "y" * 100_000
    document = {f"field{number}": {"a": ["v" * 50]} for number in range(1_000)}
    structlog.get_logger().info("x", text=edge, document=document, lines=["z" * 1_000] * 100)
    (entry,) = _entries(stream)
    assert str(entry["text"]).endswith(f"{HIDDEN}… (102000 characters)")
    for name in ("document", "lines"):
        assert isinstance(entry[name], str)
        assert len(str(entry[name])) < log.MOST_CHARACTERS + 50


def test_values_within_values_have_an_end() -> None:
    """A structure that holds itself, or a thousand levels, is written as text."""
    endless: list[object] = []
    endless.append(endless)
    circle: dict[str, object] = {}
    circle["again"] = circle
    stream = io.StringIO()
    log.configure(form="json", level="info", stream=stream)
    structlog.get_logger().info("x", endless=endless, circle=circle)
    (entry,) = _entries(stream)
    assert "[...]" in str(entry["endless"])
    assert "{...}" in str(entry["circle"])


@pytest.mark.parametrize("form", ["json", "console"])
@given(text=st.text())
def test_text_of_an_attacker_stays_within_its_line(form: str, text: str) -> None:
    """No line of its own, no control of the terminal, and no character that cannot be written."""
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n")
    log.configure(form=form, level="info", stream=stream)
    structlog.get_logger().info("x", text=text, reason=f"{text}\n\x1b[2J\u009b\u202e\ud800")
    stream.seek(0)
    written = stream.read()
    assert 1 == written.count("\n")
    assert written.removesuffix("\n").isprintable()
    structlog.reset_defaults()


# Exceptions and libraries


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_exception_is_one_line_that_tells_where(form: str) -> None:
    """What went wrong and where, without pages of frames."""
    stream = io.StringIO()
    log.configure(form=form, level="info", stream=stream)
    try:
        _raise()
    except RetryError:
        structlog.get_logger().exception("scan_failed")
    assert 1 == stream.getvalue().count("\n")
    assert f"RetryError: no answer from {PLANTED}" in stream.getvalue()
    assert "in _raise" in stream.getvalue()
    assert "Traceback" not in stream.getvalue()


def test_where_an_exception_was_raised_is_told_by_alertds_own_code() -> None:
    """The frame of a library says less."""
    stream = io.StringIO()
    log.configure(form="json", level="info", stream=stream)
    try:
        event_from_json("{")
    except ValueError:
        structlog.get_logger().exception("scan_failed")
    assert re.fullmatch(r"event\.py:\d+ in event_from_json", str(_entries(stream)[0]["raised_at"]))


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_is_written_at_debug(form: str) -> None:
    """With its causes."""
    stream = io.StringIO()
    log.configure(form=form, level="debug", stream=stream)
    try:
        try:
            _raise()
        except RetryError as error:
            raise ValueError("because") from error
    except ValueError:
        structlog.get_logger().exception("scan_failed")
    assert "Traceback (most recent call last)" in stream.getvalue()
    assert "The above exception was the direct cause" in stream.getvalue()


def test_libraries_warn_through_the_same_log_and_say_no_more() -> None:
    """A real client that finds nobody says nothing: alertd reports that itself. What else libraries warn of is JSON."""
    stream = io.StringIO()
    log.configure(form="json", level="debug", stream=stream)
    with pytest.raises(NoConnection):
        Transport([NodeConfig("http", "127.0.0.1", 9)], max_retries=0).perform_request("GET", "/")
    WebClient(token="xoxb-test-token")._logger.debug("a request with its headers")
    logging.getLogger("opensearch").info("a request with its body")
    logging.getLogger("apscheduler.scheduler").warning("a job is still running")
    logging.getLogger("urllib3.connectionpool").warning("connection pool is full")
    _warn("a deprecated call")
    entries = _entries(stream)
    assert [("library_warned", "urllib3.connectionpool"), ("library_warned", "py.warnings")] == [
        (entry["event"], entry["logger"]) for entry in entries
    ]
    assert "connection pool is full" in str(entries[0]["text"])
    assert "a deprecated call" in str(entries[1]["text"])


def test_configuring_again_writes_nothing_twice() -> None:
    """A command may start with one format and go on with the configured one."""
    first, second = io.StringIO(), io.StringIO()
    log.configure(form="json", level="info", stream=first)
    log.configure(form="json", level="info", stream=second)
    logging.getLogger("slack_sdk").warning("x")
    assert (0, 1) == (len(_entries(first)), len(_entries(second)))


class Unreadable:
    def __str__(self) -> str:
        raise ValueError("no text")


def test_an_entry_that_cannot_be_shown_raises_nothing() -> None:
    """Neither alertd's own nor a library's: whoever logs goes on."""
    stream = io.StringIO()
    log.configure(form="json", level="info", stream=stream)
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    structlog.get_logger().info("x", text=Unreadable())
    structlog.get_logger().info("y", text=[[[[deep]]]])
    log._Forward().handle(logging.LogRecord("urllib3", logging.WARNING, "", 0, "%d of %d", ("one",), None))
    structlog.get_logger().error("z", exc_info=ValueError(Unreadable()))
    assert [("entry_unreadable", name) for name in ("x", "y", "library_warned", "z")] == [
        (entry["event"], entry["of"]) for entry in _entries(stream)
    ]
    while deep:
        deep = deep.pop()  # type: ignore[assignment]
