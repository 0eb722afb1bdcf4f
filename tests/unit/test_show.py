"""What the commands print."""

import json
import os
import pty
import subprocess
import sys

import pytest

from alertd.cli.show import fold, json_text


def test_json_means_the_same_and_controls_no_terminal() -> None:
    """An event's own text may hold escapes of either kind, and what turns the direction of writing."""
    hostile = {"a\x1b[2J": ["é 漢 🚨", "\x9b2J", "\u202e evil", "\U000e0041", "\ud800", "tab\tline\n"]}
    text = json_text(hostile)
    assert hostile == json.loads(text)
    assert {"\n"} == {char for char in text if not char.isprintable()}
    assert "é 漢 🚨" in text


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("  short", ["  short"]),
        # below what the label is of
        ("  route     one two three four five six", ["  route     one two three four five", "            six"]),
        ("  2026-11-01 10:00:00  happened in the night of that day", None),
        (
            "        eventName:CreateUser  ✗   the event has x",
            ["        eventName:CreateUser  ✗", "          the event has x"],
        ),
        # an address is copied as a whole
        (f"  at https://example.com/{'a' * 40}", ["  at", f"    https://example.com/{'a' * 40}"]),
        ("漢字漢字漢字漢字 漢字漢字漢字漢字 end", ["漢字漢字漢字漢字 漢字漢字漢字漢字", "  end"]),
        ("", [""]),
    ],
)
def test_a_long_line_goes_on_below_its_text(line: str, parts: list[str] | None) -> None:
    """Within the width of the terminal, and no word of it is lost."""
    folded = list(fold(line, 36))
    assert parts in (None, folded)
    assert line.split() == " ".join(folded).split()
    if parts is None:
        assert all(len(part) <= 36 for part in folded)


LONG = "one " * 30


def test_only_a_terminal_gets_long_lines_in_parts() -> None:
    """What is piped stays a line for grep."""
    code = f"from alertd.cli import show; show.folded({LONG.strip()!r})"
    on_terminal, piped = _told(code, stream="stdout")
    assert max(map(len, on_terminal.split("\r\n"))) <= 40
    assert LONG.split() == on_terminal.split()
    assert f"{LONG.strip()}\n" == piped


def test_progress_is_one_line_on_a_terminal_and_erased() -> None:
    """In a pipe or a file there is none of it."""
    code = f"from alertd.cli.progress import watched; assert [1, 2] == list(watched([1, 2], {LONG!r}))"
    on_terminal, piped = _told(code, stream="stderr")
    assert "" == piped
    assert on_terminal.startswith("\r\x1b[Kone one")
    assert on_terminal.endswith("\r\x1b[K")
    assert "\n" not in on_terminal
    assert max(map(len, on_terminal.split("\r\x1b[K"))) < 40


def _told(code: str, *, stream: str) -> tuple[str, str]:
    """What the code writes to this stream where it is a terminal of 40 columns, and where it is a pipe."""
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "COLUMNS": "40", "TERM": "xterm"}
    leader, terminal = pty.openpty()
    try:
        if stream == "stdout":
            subprocess.run(command, stdout=terminal, env=environment, check=True, timeout=60)
        else:
            subprocess.run(command, stderr=terminal, env=environment, check=True, timeout=60)
        shown = os.read(leader, 100_000).decode()
    finally:
        os.close(terminal)
        os.close(leader)
    piped = subprocess.run(command, capture_output=True, env=environment, check=True, timeout=60, text=True)
    return shown, piped.stdout if stream == "stdout" else piped.stderr
