"""What is put to the faults: how a product is configured and started, and by what it is known to be ready."""

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

# The same for every product. Production has longer ones; all of them are shortened alike.
RUN_EVERY_SECONDS = 2
POST_TIMEOUT_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where one product stands in one row: nothing in it is shared with another."""

    folder: Path
    url: str  # of the search server
    index: str  # its indices are INDEX-one and INDEX-two
    web_apis: tuple[str, ...]  # of its destinations, in order
    webhooks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Product:
    name: str
    method: str  # how the stand-in for Slack names its posts
    is_ready: Callable[[Place, str], bool]  # whether its first search is done; takes its output since it started
    prepare: Callable[[Place], dict[str, str]]  # the configuration files that it wrote
    command: Callable[[Place], Sequence[str]]
    must_be_clean: bool = False


def environment() -> dict[str, str]:
    """Without what either product would read its settings from."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ES_", "ALERTD_"))}


def run_once(command: Sequence[str], folder: Path) -> None:
    """RuntimeError, with what it wrote, if it fails."""
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=folder, env=environment(), timeout=120
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr[-1000:]}")
