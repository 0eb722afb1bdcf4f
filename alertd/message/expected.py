"""Use that was announced: a message says so. It is told all the same, for an intruder may come at the same hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, ip_address
from zoneinfo import ZoneInfo

from alertd.event.event import Event
from alertd.rules.model import RuleFacts

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Expected:
    """Fits an event where each condition that it has is met by one of its values."""

    ticket: str
    until: datetime  # what happens from then on is not expected
    who: str | None = None
    since: datetime | None = None
    account: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()  # ids, or patterns of them with * and ?
    actor: tuple[str, ...] = ()  # ARNs, or patterns of them
    source_ip: tuple[Network, ...] = ()

    def fits(self, event: Event, rule: RuleFacts) -> bool:
        return (
            event.time < self.until
            and (self.since is None or event.time >= self.since)
            and (not self.account or event.account in self.account)
            and (not self.rule or any(fnmatchcase(rule.id, pattern) for pattern in self.rule))
            and (not self.actor or any(fnmatchcase(event.actor or "", pattern) for pattern in self.actor))
            and (not self.source_ip or _is_within(event.source_address, self.source_ip))
        )

    def words(self, zone: ZoneInfo) -> str:
        """CHG-1234, Aiko, until 2026-11-24 14:00 JST"""
        until = self.until.astimezone(zone)
        return ", ".join(part for part in (self.ticket, self.who, f"until {until:%Y-%m-%d %H:%M %Z}") if part)


def _is_within(address: str | None, networks: Sequence[Network]) -> bool:
    try:
        return any(ip_address(address or "") in network for network in networks)
    except ValueError:
        return False  # a service's name
