"""What somebody sees in the first hour: help, notes of check, colour."""

import re

import pytest

from tests.acceptance.installation import Installation


def test_the_short_way_to_ask_for_help_is_the_long_one(installed: Installation) -> None:
    """Of the program and of a command; a flag takes no value, and nothing is wider than the terminal."""
    for command in ([], ["check"], ["test-rule"], ["replay"]):
        short, long = (installed.run(*command, option, columns=80) for option in ("-h", "--help"))
        assert (0, long.stdout) == (short.returncode, short.stdout)
        assert "<bool>" not in short.stdout
        assert max(map(len, short.stdout.splitlines())) <= 80


def test_a_shell_can_complete_commands(installed: Installation) -> None:
    """It asks by --install-completion."""
    assert "--install-completion" in installed.run("--help").stdout


@pytest.mark.parametrize("key", ["runbook_base", "discover_url"])
def test_check_notes_which_button_is_missing_and_why(installed: Installation, key: str) -> None:
    """A note, not a warning: --strict lets it pass."""
    assert 0 == installed.run("init").returncode
    notes = [line for line in installed.run("check").stdout.splitlines() if line.startswith("note")]
    assert any(re.search(rf"{key}.*button", line) for line in notes), notes
    table = {"runbook_base": "[rules]\n", "discover_url": "[message]\n"}[key]
    text = installed.config.read_text()
    text = text if table in text else f"{text}\n{table}"
    installed.config.write_text(text.replace(table, f'{table}{key} = "https://wiki.example.com"\n'))
    assert key not in installed.run("check").stdout


def test_check_says_last_what_failed(installed: Installation) -> None:
    """On a long page the end is what one sees."""
    done = installed.run("check")
    lines = [line for line in done.stdout.splitlines() if line]
    assert "there is no ledger" in lines[-2]
    assert lines[-2].startswith("failed  ledger")
    quiet = [line for line in installed.run("check", "-q").stdout.splitlines() if line]
    assert lines[-2:] == quiet[-2:]
    assert not any(line.startswith("config ") for line in quiet)
