"""Whose the files beside the ledger are, where root works on the ledger of another user."""

import os
import stat
from contextlib import suppress
from pathlib import Path


def leave_to_owner(path: Path) -> None:
    """Give the ledger, and what lies beside it under its name, to the folder's owner, as far as it is root's.

    Otherwise the daemon, which is that user, could not open what a command of root's has made: SQLite does the same
    with its journals.
    """
    if os.geteuid() != 0:
        return
    owner = path.parent.stat()
    if owner.st_uid == 0:
        return
    for each in path.parent.glob(f"{path.name}*"):
        # the folder is that user's, who may put into it what leads elsewhere
        with suppress(FileNotFoundError):
            found = each.lstat()
            if found.st_uid == 0 and stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                os.chown(each, owner.st_uid, owner.st_gid, follow_symlinks=False)
