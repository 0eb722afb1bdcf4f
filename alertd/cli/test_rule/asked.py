"""What `alertd test-rule` was asked to do."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Asked:
    files: tuple[Path, ...]
    config: Path | None
    mapping: Path | None
    update: bool
    live: bool
    since: str
    slack_preview: bool
    post: str | None
    save: Path | None
    against: str | None
    events: Path | None
    form: str
    strict: bool
    quiet: bool
