"""Where a responder looks next. Addresses hold nothing that their reader could take for more than text."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import quote

from alertd.event.event import Event
from alertd.message.escape import clean
from alertd.message.style import Style

AROUND = timedelta(minutes=15)

_REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}", re.ASCII)
_CLOUDTRAIL_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# The console of each partition, by how its regions begin; of others it is not known.
_CONSOLES = {"us-gov": "console.amazonaws-us-gov.com", "cn": "console.amazonaws.cn"}
_CONSOLE = "console.aws.amazon.com"
_CLOSED = ("us-iso", "eu-iso", "eusc")
# By profile, the fields of the event id and of the address in each shape of its documents.
_FIELDS = {
    "cloudtrail": (("event.id", "eventID"), ("source.address", "sourceIPAddress")),
    "gcp-audit": (("event.id", "insertId"), ("source.ip", "protoPayload.requestMetadata.callerIp")),
}
# A longer word is no id or address, and would only make the link too long to send.
_MOST_WORD = 200


@dataclass(frozen=True, slots=True)
class Link:
    words: str
    address: str


def links(event: Event, style: Style, *, runbook: str | None) -> tuple[Link, ...]:
    return tuple(_links(event, style, runbook=runbook))


def _links(event: Event, style: Style, *, runbook: str | None) -> Iterator[Link]:
    console = _cloudtrail(event)
    if console:
        yield Link("CloudTrail event", console)
    if style.discover_url:
        minutes = AROUND // timedelta(minutes=1)
        yield Link(f"Discover ±{minutes} min", _discover(event, style.discover_url, data_view=style.discover_data_view))
    if runbook and runbook.startswith(("https://", "http://")):
        yield Link("Runbook", quote(clean(runbook, len(runbook)), safe="/:?#[]@!$&'()*+,;=%~"))


def _cloudtrail(event: Event) -> str | None:
    """The event's page in the console of its partition. It is kept there for 90 days."""
    region = event.region or ""
    if event.profile != "cloudtrail" or not _REGION.fullmatch(region) or not _CLOUDTRAIL_ID.fullmatch(event.id):
        return None
    if region.startswith(_CLOSED):
        return None
    console = next((host for prefix, host in _CONSOLES.items() if region.startswith(f"{prefix}-")), _CONSOLE)
    return f"https://{console}/cloudtrailv2/home?region={region}#/events/{event.id}"


def _discover(event: Event, url: str, *, data_view: str | None) -> str:
    """Kibana's form; OpenSearch Dashboards still takes it and turns it into its own."""
    time = f"(from:{_rison(_shifted(event.time, -AROUND))},to:{_rison(_shifted(event.time, AROUND))})"
    view = f"index:{_rison(data_view)}," if data_view else ""
    state = f"({view}query:(language:kuery,query:{_rison(_query(event))}))"
    return f"{url.rstrip('/')}/app/discover#/?_g=(time:{time})&_a={state}"


def _query(event: Event) -> str:
    """The event, and whatever else its address did."""
    ids, addresses = _FIELDS.get(event.profile, ((), ()))
    terms = [f"_id:{_quoted(event.document_id)}", *(f"{field}:{_quoted(event.id)}" for field in ids)]
    if _is_address(event.source_address):
        terms += [f"{field}:{_quoted(event.source_address or '')}" for field in addresses]
    return " or ".join(terms)


def _is_address(text: str | None) -> bool:
    """A service's name is no answer to a search for addresses, and an error on a field of type ip."""
    try:
        ip_address(text or "")
    except ValueError:
        return False
    return True


def _shifted(moment: datetime, by: timedelta) -> str:
    with suppress(OverflowError):  # at the ends of the calendar
        moment += by
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _quoted(text: str) -> str:
    """A KQL string: no more than one word of the query."""
    return '"' + clean(text, _MOST_WORD).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _rison(text: str) -> str:
    """A string in the notation of Kibana's addresses, percent-encoded as a whole."""
    return quote("'" + text.replace("!", "!!").replace("'", "!'") + "'", safe="")
