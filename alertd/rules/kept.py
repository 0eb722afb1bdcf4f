"""The last rule files that loaded, kept beside the ledger: one that broke since must not leave all unwatched."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

# More is not kept: some ten thousand rules.
MOST_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule file as it was read."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Kept:
    at: str  # ISO 8601
    texts: tuple[RuleText, ...]


def place(ledger: Path) -> Path:
    return ledger.with_name(f"{ledger.name}.rules")


def keep(ledger: Path, texts: Sequence[RuleText], *, now: datetime) -> None:
    """As a whole, or not at all. OSError."""
    files = [{"path": str(each.path), "text": each.text} for each in texts]
    written = json.dumps({"at": now.isoformat(timespec="seconds"), "files": files}).encode()
    if len(written) > MOST_BYTES:
        raise OSError(None, f"they have more than {MOST_BYTES // (1024 * 1024)} MB")
    draft = place(ledger).with_name(f"{place(ledger).name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(written)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(place(ledger))


def kept(ledger: Path) -> Kept | None:
    """None: nothing was kept. OSError: it cannot be read."""
    try:
        with place(ledger).open("rb") as file:
            found = json.loads(file.read(MOST_BYTES + 1))
        return Kept(str(found["at"]), tuple(RuleText(Path(each["path"]), str(each["text"])) for each in found["files"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise OSError(None, "it is damaged") from error
