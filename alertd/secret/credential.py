"""A secret and the file it came from. The file is read again when the secret is refused: people rotate them."""

import stat
import threading
from collections.abc import Callable
from pathlib import Path

# No token, key or password is as long: such a file is something else.
MOST_BYTES = 16 * 1024
# Old values that stay hidden: answers that repeat one may be yet to come.
MOST_REMEMBERED = 8


class Credential:
    """A secret in use. Safe to use from several threads."""

    def __init__(self, value: str, file: Path | None = None) -> None:
        self._values: tuple[str, ...] = (value,)
        self._file = file
        self._seen = _signature(file)
        self._lock = threading.Lock()
        self.renewal = ""  # for people: what became of the last renew()

    def __repr__(self) -> str:
        return "Credential()"

    @property
    def value(self) -> str:
        return self._values[-1]

    @property
    def values(self) -> tuple[str, ...]:
        """All that are known, the one in use last."""
        return self._values

    def renew(self, refused: str, *, fits: Callable[[str], bool] = lambda _: True) -> bool:
        """After the value `refused` was: read the file again, if it has changed. True: another is in use by now.

        What does not fit is not taken up, and what cannot be read is tried at the next refusal: somebody may be
        writing it.
        """
        with self._lock:
            if self.value != refused:
                return True  # another thread was quicker
            if self._file is None:
                return False
            signature = _signature(self._file)
            if signature is not None and signature == self._seen:
                self.renewal = f"{self._file} still holds the one that is refused"
                return False
            try:
                value = _checked(self._file, fits)
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                self.renewal = f"{self._file} was read again: {reason}"
                return False
            self._seen, self.renewal = signature, f"{self._file} was read again"
            if value == refused:
                return False
            self._values = (*self._values, value)[-MOST_REMEMBERED:]
            return True


def read_secret(path: Path) -> str:
    """OSError, ValueError with the reason; nothing of the content is repeated."""
    # a device or a pipe may never end
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("this is not a file")
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError("the file is too long for a secret")
    try:
        secret = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        # from None: it carries the content
        raise ValueError("the file is not UTF-8 text") from None
    if not secret:
        raise ValueError("the file is empty")
    return secret


def _checked(file: Path, fits: Callable[[str], bool]) -> str:
    value = read_secret(file)
    if not value.isprintable() or not fits(value):
        raise ValueError("what it holds now is no such secret")
    return value


def _signature(file: Path | None) -> tuple[int, ...] | None:
    """Changes with the file. A link is followed: secrets are replaced by pointing it elsewhere."""
    if file is None:
        return None
    try:
        found = file.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
