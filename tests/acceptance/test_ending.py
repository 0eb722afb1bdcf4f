"""The real process ends when it is told to, or when a part of it hangs, and the log is never in its way."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO

import pytest

from tests.acceptance.installation import CHANNEL, Installation, event_id, root_event

HANGING = "tests.acceptance.hanging"
# What tests.acceptance.hanging shortens it to, and a machine that is busy.
ORDERLY_STOP_SECONDS, SLACK_SECONDS = 3, 4


@contextmanager
def started(installed: Installation, *program: str) -> Iterator[subprocess.Popen[bytes]]:
    if not (installed.folder / "alertd.db").exists():
        installed.run("init")
    process = installed.start(program=program or ("alertd",))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ended(process: subprocess.Popen[bytes], seconds: float = 25) -> int | None:
    """Its exit code; None: it still runs."""
    with suppress(subprocess.TimeoutExpired):
        return process.wait(seconds)
    return None


def alive(installed: Installation) -> bool:
    return installed.run("status", "--check").returncode == 0


@pytest.mark.parametrize("what", ["poll", "courier"])
def test_a_part_that_never_returns_ends_the_process_for_its_supervisor(installed: Installation, what: str) -> None:
    """Exit 5; before that it is unhealthy and a trouble. The next start sends what waited, once."""
    event = root_event()
    with started(installed, HANGING, what) as process:
        installed.wait_for(lambda: '"event": "started"' in installed.log, "started")
        time.sleep(0.1)
        installed.add(event)
        installed.wait_for(lambda: "hanging" in installed.log, "the hanging part")
        job = {"poll": "poll cloudtrail", "courier": "deliver security"}[what]
        installed.wait_for(lambda: f'"thread {job}"' in installed.log, "the trouble", seconds=20)
        check = installed.run("status", "--check")
        assert 5 == check.returncode, check.stdout
        assert f"{job} has completed nothing for long" in check.stdout
        assert 5 == ended(process)
    assert f"{job} completed nothing for" in installed.log
    assert 5 == installed.run("status", "--check").returncode
    with started(installed):
        installed.wait_for_events({event_id(event)})
    assert 1 == len(installed.slack.messages(CHANNEL))


@pytest.mark.parametrize("end", ["read", "unread"])
def test_what_keeps_the_interpreter_to_itself_ends_the_process(installed: Installation, end: str) -> None:
    """No thread of it runs: neither its watchdog nor its signals. The log names the place, unless nobody reads it: then
    the kernel ends it. The next start sends what waited."""
    event = root_event()
    installed.run("init")
    with _unread() if end == "unread" else nullcontext() as output:
        process = installed.start(program=(HANGING, "regex"), output=output)
        try:
            installed.wait_for(lambda: "hanging" in installed.log, "the hanging part")
            installed.add(event)
            process.send_signal(signal.SIGTERM)
            assert {"read": 1, "unread": -signal.SIGALRM}[end] == ended(process, 40)
        finally:
            process.kill()
            process.wait()
    assert (end == "read") == ("in run_away" in installed.log)
    with started(installed):
        installed.wait_for_events({event_id(event)})
    assert 1 == len(installed.slack.messages(CHANNEL))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
@pytest.mark.parametrize("what", ["poll", "courier", "nothing"])
def test_a_signal_ends_it_in_time_whatever_hangs(installed: Installation, what: str, name: str) -> None:
    """In order, with a line that says why. Nothing of it lives on while its ledger is free."""
    with started(installed, HANGING, what) as process:
        installed.wait_for(lambda: '"event": "started"' in installed.log, "started")
        if what != "nothing":
            installed.add(root_event())
            installed.wait_for(lambda: "hanging" in installed.log, "the hanging part")
        began = time.monotonic()
        process.send_signal(signal.Signals[name])
        assert 0 == ended(process)
        assert time.monotonic() - began < ORDERLY_STOP_SECONDS + SLACK_SECONDS
    assert f'"signal": "{name}"' in installed.log
    assert ('"event": "stopped"' if what == "nothing" else '"event": "cut_short"') in installed.log


@pytest.mark.parametrize("what", ["start", "migration"])
def test_a_signal_ends_it_at_once_while_it_starts(installed: Installation, what: str) -> None:
    """There is nothing to finish yet. Whoever looks has read that it starts."""
    with started(installed, HANGING, what) as process:
        installed.wait_for(lambda: "hanging" in installed.log, "the start")
        assert '"event": "starting"' in installed.log.partition("hanging")[0]
        process.send_signal(signal.SIGTERM)
        assert 0 == ended(process, SLACK_SECONDS)
    assert '"signal": "SIGTERM"' in installed.log


def test_a_closed_terminal_does_not_end_what_was_started_to_outlive_it(installed: Installation) -> None:
    """`nohup alertd run`."""
    installed.run("init")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with installed.daemon() as daemon:
            daemon.wait_until_started()
            daemon.process.send_signal(signal.SIGHUP)
            event = root_event()
            installed.add(event)
            installed.wait_for_events({event_id(event)})
            assert None is daemon.process.poll()
    finally:
        signal.signal(signal.SIGHUP, before)


# the log


@pytest.mark.parametrize("end", ["dead", "hanging", "full"])
def test_whatever_becomes_of_the_log_alerts_go_on(installed: Installation, end: str) -> None:
    """A reader that died, one that reads nothing, a disk without room. A stop works too, and says the usual code."""
    installed.run("init")
    reader, writer = os.pipe()
    if end == "dead":
        os.close(reader)
    elif end == "full":
        os.close(writer)
        writer = os.open("/dev/full", os.O_WRONLY)
    else:
        _fill(writer)
    with os.fdopen(writer, "wb", buffering=0) as output:
        process = installed.start(output=output)
    try:
        installed.wait_for(lambda: alive(installed), "alive", seconds=20)
        for _ in range(3):
            event = root_event()
            installed.add(event)
            installed.wait_for_events({event_id(event)})
        process.send_signal(signal.SIGTERM)
        assert 0 == ended(process)
    finally:
        process.kill()
        process.wait()
        if end != "dead":
            os.close(reader)
    assert 3 == len(installed.slack.messages(CHANNEL))


@contextmanager
def _unread() -> Iterator[IO[bytes]]:
    """A pipe that is full, of which nobody reads."""
    reader, writer = os.pipe()
    _fill(writer)
    try:
        with os.fdopen(writer, "wb", buffering=0) as output:
            yield output
    finally:
        os.close(reader)


def _fill(writer: int) -> None:
    os.set_blocking(writer, False)
    while _takes_more(writer):
        pass
    os.set_blocking(writer, True)


def _takes_more(writer: int) -> bool:
    try:
        return os.write(writer, b"x" * 65_536) > 0
    except BlockingIOError:
        return False


def test_an_exit_code_stands_where_nobody_can_be_told_why(installed: Installation, tmp_path: Path) -> None:
    """No ledger: 3, also into a full disk; a supervisor decides by it."""
    with Path("/dev/full").open("wb") as output:
        assert 3 == ended(installed.start(output=output))


def test_status_says_why_it_is_not_ready(installed: Installation) -> None:
    """Never searched; blocked with alerts waiting; dead."""
    installed.run("init")
    never = installed.run("status", "--check")
    assert 5 == never.returncode
    assert "not running" in never.stdout
    with installed.daemon() as daemon:
        daemon.wait_until_started()
        installed.wait_for(lambda: alive(installed), "alive")
        installed.slack.workspace.find(CHANNEL).is_archived = True
        installed.add(root_event())
        installed.wait_for(lambda: not alive(installed), "not ready")
        shown = installed.run("status", "--check", "--json")
        told = json.loads(shown.stdout)
        assert (5, False) == (shown.returncode, told["alive"])
        assert ["security refuses messages, and 1 wait"] == told["not_ready"]
