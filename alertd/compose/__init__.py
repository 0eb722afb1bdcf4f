"""Settings → the parts of a running alertd. The only place where they are put together."""

from alertd.compose import minding, rules, searching, telling

__all__ = ["minding", "rules", "searching", "telling"]
