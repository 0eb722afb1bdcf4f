"""What the security team knows of the accounts it watches."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str
    owner: str | None = None
    environment: str | None = None
    tags: tuple[str, ...] = ()
