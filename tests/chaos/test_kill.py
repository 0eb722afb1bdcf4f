"""SIGKILL at random instants of the real daemon, with the real ledger, slack-sdk and sockets; then a count.

CI takes some hundred kills; `make chaos` takes 100,000.
"""

import random
import subprocess
import sys
from pathlib import Path

import pytest

KILLS, KILLS_BY_WEBHOOK = 500, 150

pytestmark = pytest.mark.timeout(1200)


def _kill(*arguments: str) -> None:
    """In a process of its own: what is forked must have no threads, and pytest has."""
    command = [sys.executable, "-m", "tests.chaos.killing", *arguments]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=Path(__file__).parents[2], check=False
    )
    print(done.stdout)
    assert 0 == done.returncode, done.stdout


def test_killed_at_random_instants_each_event_is_told_exactly_once_by_token() -> None:
    """None lost, none repeated, none posted and deleted; the log tells the same as Slack."""
    _kill("--kills", str(KILLS), "--seed", str(random.randrange(2**32)))


def test_killed_at_random_instants_no_event_is_lost_by_webhook_and_each_repeat_is_marked() -> None:
    """None lost, and of each message one at most without the mark."""
    _kill("--webhook", "--kills", str(KILLS_BY_WEBHOOK), "--seed", str(random.randrange(2**32)))
