"""Whatever fails, and wherever the process dies: nothing is lost, repeated in silence, or told that does not match."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.history import described, replay

# On memory: that commits survive a power cut is what the chaos tests are about.
_FAST = Path("/dev/shm")
FIRST = int(os.environ.get("SIMULATION_SEED", "1"))
DAYS = float(os.environ.get("SIMULATION_DAYS", "20"))
COUNT = int(os.environ.get("SIMULATION_COUNT", "5"))


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=_FAST if _FAST.is_dir() else None) as name:
        yield Path(name)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_every_match_is_told_once_whatever_fails_and_wherever_the_process_dies(seed: int, folder: Path) -> None:
    problems, history = replay(seed, DAYS, folder)
    posted = sum(channel.posted for channel in history.channels)
    print(f"seed {seed}: {len(history.root)} matches, {posted} posts, {history.faults.crashes} crashes")
    assert history.root
    assert not problems, described(seed, DAYS, problems)
