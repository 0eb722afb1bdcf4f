"""How the process asks for memory. With an arena for each thread, as glibc has it, megabytes are kept for none."""

import os
from contextlib import suppress

# Of <malloc.h>.
_M_ARENA_MAX = -8


def share_one_arena() -> None:
    """Before the first thread. The unit and the image have MALLOC_ARENA_MAX; elsewhere alertd asks for it itself, if
    the platform allows: nothing depends on it but some memory."""
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    # no ctypes; no memory for its trampolines under some hardening; a C library without arenas
    with suppress(ImportError, MemoryError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 not where it is not needed

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
