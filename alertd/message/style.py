"""What messages need to know beside the event and its rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from alertd.event import Event

AROUND = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str
    owner: str | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class Style:
    accounts: Mapping[str, Account] = field(default_factory=dict)
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    discover_url: str | None = None  # of Kibana or OpenSearch Dashboards
    discover_data_view: str | None = None  # id of the data view or index pattern

    def account(self, event: Event) -> str | None:
        """payments-prod (111122223333), or the bare number."""
        if event.account is None:
            return None
        known = self.accounts.get(event.account)
        if known:
            return f"{known.name} ({event.account})"
        return f"{event.account} (not in the accounts table)" if self.accounts else event.account

    def account_name(self, event: Event) -> str:
        known = self.accounts.get(event.account or "")
        return known.name if known else event.account or "unknown account"

    def local(self, moment: datetime) -> str:
        """2026-11-23 13:05:12 UTC · 14:05 CET"""
        text = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        if self.timezone.key == "UTC":
            return text
        there = moment.astimezone(self.timezone)
        day = f" on {there:%m-%d}" if there.date() != moment.astimezone(UTC).date() else ""
        return f"{text} · {there:%H:%M %Z}{day}"

    def links(self, event: Event, runbook: str | None) -> list[tuple[str, str]]:
        """(words, address) of what a responder opens next."""
        links = []
        if event.profile == "cloudtrail" and event.region:
            links.append(("CloudTrail event", _cloudtrail(event)))
        if self.discover_url:
            links.append((f"Discover ±{AROUND.seconds // 60} min", self._discover(event)))
        if runbook:
            links.append(("Runbook", runbook))
        return links

    def _discover(self, event: Event) -> str:
        since, until = (f"{event.time + offset:%Y-%m-%dT%H:%M:%SZ}" for offset in (-AROUND, AROUND))
        view = f",index:'{quote(self.discover_data_view, safe='')}'" if self.discover_data_view else ""
        words = [f'"{event.id}"'] + ([f'"{event.source_address}"'] if event.source_address else [])
        query = quote(" or ".join(words), safe="").replace("'", "!'")
        return (
            f"{self.discover_url}/app/discover#/?_g=(time:(from:'{since}',to:'{until}'))"
            f"&_a=(query:(language:kuery,query:'{query}'){view})"
        )


def _cloudtrail(event: Event) -> str:
    region = quote(event.region or "us-east-1", safe="")
    host = "console.aws.amazon.com"
    if region.startswith("us-gov-"):
        host = "console.amazonaws-us-gov.com"
    elif region.startswith("cn-"):
        host = "console.amazonaws.cn"
    return f"https://{host}/cloudtrailv2/home?region={region}#/events/{quote(event.id, safe='')}"
