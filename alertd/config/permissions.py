"""Who, beside alertd's user, may read a secret or write what alertd goes by. By mode alone: a folder that is closed
today may be opened tomorrow, and its files with it."""

import stat
from pathlib import Path

from alertd.config.draft import Draft, dotted
from alertd.toml.file import Key
from alertd.toml.value import listed

# Container engines mount secrets here, readable by everybody in the container and by nobody outside it.
_MOUNTED = Path("/run")
_ALLOWED: Key = ("files", "allow_world_readable")


def note_readable(draft: Draft, at: Key, named: str, path: Path) -> None:
    """Refuse a secret that everybody on this machine may read, unless the configuration names it as one."""
    if not path.stat().st_mode & stat.S_IROTH or path.resolve().is_relative_to(_MOUNTED):
        return
    allowed, base = listed(draft.value(_ALLOWED)), draft.file.path.parent
    names = [name for name in allowed if isinstance(name, str)] if isinstance(allowed, list) else []
    if not any(named == name or path == base / name for name in names):
        draft.note(
            at,
            f"everybody on this machine can read {path}. Let only alertd's user: chmod 600. "
            f"Where that cannot be: {dotted(_ALLOWED)} names it.",
        )


def writable(path: Path) -> str | None:
    """What is wrong where others may write the file, or put another in its place. None of a file that is not there."""
    try:
        if path.stat().st_mode & stat.S_IWOTH:
            return f"everybody can write {path}: chmod o-w"
        folder = path.absolute().parent
        mode = folder.stat().st_mode
    except OSError:
        return None
    # in a sticky folder, such as /tmp, only a file's owner may replace it
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        return f"everybody can write in {folder}, and put another {path.name} there: chmod o-w"
    return None
