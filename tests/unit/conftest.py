"""What unit tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Work in an empty folder, with nothing in the environment that alertd would read."""
    for name in [*os.environ]:
        if name.startswith("ALERTD_") or name in {"CREDENTIALS_DIRECTORY", "STATE_DIRECTORY"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
