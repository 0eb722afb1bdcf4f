"""What can go wrong, one class per reaction. The message says what happened, where, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass


class AlertdError(Exception):
    """alertd stopped for a reason it did not expect. Please report it with the log."""

    exit_code = 70


class RetryError(AlertdError):
    """The other side did not answer, or asked to be left alone. Nothing was recorded; alertd tries again."""

    exit_code = 1


class PermanentError(AlertdError):
    """The same request will be refused again until somebody changes something. Nothing was recorded."""

    exit_code = 1


class PartialError(AlertdError):
    """The search answered for a part of the data only. Nothing counts as searched; alertd tries again."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where it is, what it is and what would be right, ready to be shown."""

    where: str  # "rules/team.toml:14", or the name of an environment variable
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ConfigError(AlertdError):
    """The configuration or the rules are wrong. Nothing was started."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class LedgerUnusableError(AlertdError):
    """The ledger is missing, damaged, or cannot be written. alertd stops rather than forget what it has sent."""

    exit_code = 3


class LedgerFullError(LedgerUnusableError):
    """The disk is full, or another program locks the ledger. Nothing was recorded; it passes, and is tried again."""

    exit_code = 5  # as what stalled: to be started again


class LedgerHeldError(AlertdError):
    """The ledger is held by another alertd. Two would race; this one stops."""

    exit_code = 4


class StalledError(AlertdError):
    """A thread has completed nothing for far too long. alertd ends so that its supervisor can start it again."""

    exit_code = 5


class LedgerConflictError(AlertdError):
    """A message was no longer in the state it was read in: another thread or another alertd changed it."""
