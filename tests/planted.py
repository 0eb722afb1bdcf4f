"""The secret that tests hand to alertd. Nothing that a test prints or leaves behind may hold it."""

from collections.abc import Iterator
from pathlib import Path

# Recognisable in any output, and shaped like nothing that is a secret by its looks.
PLANTED = "planted" + "Secret" + "0a1b2c"
# What tests write with a secret in it: files that hold one, and configurations that are wrong because they do.
WRITTEN_BY_TESTS = {".toml", ".json"}


def leaks(folder: Path) -> Iterator[Path]:
    """Logs, ledgers, reports and whatever else lies there with the secret in it."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.suffix not in WRITTEN_BY_TESTS:
            content = path.read_bytes()
            if PLANTED.encode() in content and not _is_secret_file(content):
                yield path


def _is_secret_file(content: bytes) -> bool:
    return all(PLANTED.encode() in word for word in content.split())
