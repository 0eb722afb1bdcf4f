"""What the security team knows of the accounts it watches."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str
    owner: str | None = None
    environment: str | None = None
    tags: tuple[str, ...] = ()


def shown(number: str | None, accounts: Mapping[str, Account]) -> str | None:
    """payments-prod (111122223333), or the bare number."""
    known = accounts.get(number or "")
    if known:
        return f"{known.name} ({number})"
    return f"{number} (not in the accounts table)" if number and accounts else number
