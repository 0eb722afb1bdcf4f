"""What messages need to know beside the event and its rule: values, not the configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from alertd.event.account import Account, shown
from alertd.event.event import Event
from alertd.message.expected import Expected
from alertd.rules.model import RuleFacts


@dataclass(frozen=True, slots=True)
class Style:
    accounts: Mapping[str, Account] = field(default_factory=dict)
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    discover_url: str | None = None  # of Kibana or OpenSearch Dashboards
    discover_data_view: str | None = None  # id of the data view or index pattern

    expected: tuple[Expected, ...] = ()

    def expects(self, event: Event, rule: RuleFacts) -> str | None:
        """What announced the event, in words; the first in the file that fits."""
        return next((each.words(self.timezone) for each in self.expected if each.fits(event, rule)), None)

    def known(self, event: Event) -> Account | None:
        return self.accounts.get(event.account or "")

    def account(self, event: Event) -> str | None:
        """payments-prod (111122223333), or the bare number."""
        return shown(event.account, self.accounts)

    def named(self, account: str) -> str:
        known = self.accounts.get(account)
        return f"{known.name} ({account})" if known else account

    def account_name(self, event: Event) -> str:
        known = self.known(event)
        return known.name if known else event.account or "unknown account"
