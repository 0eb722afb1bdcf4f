"""Where the log goes, when it does not take anything: real pipes, real files, and whoever logs goes on."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import structlog

from alertd import lines, log
from alertd.lines import Lines

# No test waits for it: longer than what is asserted to be quick.
LONG = 10


@contextmanager
def pipe() -> Iterator[tuple[int, Lines]]:
    """The reading end, and lines that go into the other one."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        made = Lines(stream)
        try:
            yield reader, made
        finally:
            made.close()
            drain(reader)
            assert made.flush()
            os.close(reader)


def drain(reader: int) -> bytes:
    """What stands in the pipe now."""
    found = b""
    os.set_blocking(reader, False)
    with suppress(BlockingIOError):
        while more := os.read(reader, 1 << 20):
            found += more
    return found


def test_a_line_is_written_when_the_call_returns() -> None:
    """What is done next may kill the process."""
    with pipe() as (reader, made):
        assert made.write("one\n")
        assert b"one\n" == os.read(reader, 100)


def test_a_reader_that_hangs_delays_one_caller_by_a_second_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines wait for it up to a bound; what is beyond is counted, and everything is told once it reads again."""
    monkeypatch.setattr(lines, "MOST_KEPT", 10_000)
    with pipe() as (reader, made):
        began = time.monotonic()
        for number in range(1_000):
            made.write(f"{number:08} {'x' * 991}\n")
        assert time.monotonic() - began < 3 * lines.WAIT.total_seconds()
        failing = made.failing()
        assert failing
        assert failing.dropped > 900
        assert 0 == made.untold()
        written = b""
        while not made.flush(lines.WAIT / 100):
            written += os.read(reader, 1 << 20)
        written += drain(reader)
        assert None is made.failing()
        assert failing.dropped == made.untold()
        assert [f"{number:08}" for number in range(1_000 - failing.dropped)] == [
            line[:8].decode() for line in written.splitlines()
        ]
        assert 0 == made.untold()


def test_a_reader_that_died_costs_nobody_anything() -> None:
    """Each line is lost and counted."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        made = Lines(stream)
        began = time.monotonic()
        assert [False] * 100 == [made.write("x\n") for _ in range(100)]
        assert time.monotonic() - began < lines.WAIT.total_seconds()
        assert 100 == made._dropped
        made.close()


def test_a_full_disk_tears_no_line_into_the_next(tmp_path: Path) -> None:
    """What was written in part ends with its line; the first that fits again stands alone, and the loss is told."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    stream = (tmp_path / "log").open("w")
    log.configure(form="json", level="info", stream=stream)
    try:
        structlog.get_logger().info("first")
        resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "log").stat().st_size + 10, hard))
        for _ in range(5):
            structlog.get_logger().info("lost")
        assert log._out.lines.failing()
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert None is log.failing()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        structlog.reset_defaults()
        stream.close()
    _, torn, tried, told = (tmp_path / "log").read_text().splitlines()
    assert 10 == len(torn)
    assert '"event": "log_tried_again"' in tried
    assert '"event": "log_lines_dropped"' in told
    assert '"since_the_start": 5' in told


def test_a_terminal_or_pipe_that_somebody_made_non_blocking_gets_every_line() -> None:
    """It is shared with others, who may have asked for that."""
    with pipe() as (reader, made):
        os.set_blocking(made._put.__self__._number, False)  # type: ignore[attr-defined]
        read: list[bytes] = []
        reading = threading.Thread(target=lambda: read.extend(iter(lambda: os.read(reader, 1 << 16)[-1:], b"!")))
        big = "x" * 300_000
        reading.start()
        assert made.write(f"{big}\n")
        assert made.write("!")
        reading.join(LONG)
        assert not reading.is_alive()


def test_what_is_logged_from_the_child_of_a_fork_is_written(tmp_path: Path) -> None:
    """It has none of its parent's threads."""
    with (tmp_path / "log").open("w") as stream:
        log.configure(form="json", level="info", stream=stream)
        structlog.get_logger().info("parent")
        child = os.fork()
        if not child:
            structlog.get_logger().info("child")
            os._exit(0)
        assert 0 == os.waitpid(child, 0)[1]
    structlog.reset_defaults()
    assert ['"parent"', '"child"'] == [
        line.split('"event": ')[1].split(",")[0] for line in (tmp_path / "log").read_text().splitlines()
    ]


def test_alertd_without_a_standard_error_logs_to_nobody() -> None:
    """It was closed before the start: its number may belong to the ledger by now."""
    made = Lines(None)
    assert not made.write("x\n")
    assert made.failing()
    made.close()
