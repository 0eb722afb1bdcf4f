"""Where a message leads, and that no event can lead elsewhere."""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import pytest

from alertd.event.event import Event
from alertd.message import Style, render_event
from alertd.message.links import links
from tests.unit.told import DELIVERY_ID, EVENT, RULE, STYLE, blocks, of

KIBANA = Style(discover_url="https://kibana.example.com/s/security/", discover_data_view="logs-aws.cloudtrail-*")


def addresses(event: Event = EVENT, style: Style = STYLE, runbook: str | None = None) -> dict[str, str]:
    return {link.words: link.address for link in links(event, style, runbook=runbook)}


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "console.aws.amazon.com"),
        ("ap-southeast-4", "console.aws.amazon.com"),
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
        ("cn-north-1", "console.amazonaws.cn"),
    ],
)
def test_the_event_opens_in_the_console_of_its_partition(region: str, host: str) -> None:
    """GovCloud and China have consoles of their own."""
    address = addresses(replace(EVENT, region=region))["CloudTrail event"]
    assert f"https://{host}/cloudtrailv2/home?region={region}#/events/{EVENT.id}" == address


@pytest.mark.parametrize(
    "event",
    [
        replace(EVENT, region=None),
        replace(EVENT, region="us-iso-east-1"),
        replace(EVENT, region="us-east-1#@evil.example"),
        replace(EVENT, region="us-east-1\n"),
        replace(EVENT, id="d1"),
        replace(EVENT, id="../../evil"),
        replace(EVENT, profile="gcp-audit"),
    ],
)
def test_there_is_no_console_link_where_none_is_right(event: Event) -> None:
    """An unknown console, or an id that is not CloudTrail's."""
    assert "CloudTrail event" not in addresses(event)


def test_discover_shows_the_event_and_what_its_address_did_around_it() -> None:
    """A quarter of an hour before and after, in the data view, in either shape of the documents."""
    address = addresses(style=KIBANA)["Discover ±15 min"]
    assert address.startswith("https://kibana.example.com/s/security/app/discover#/?_g=(time:(from:%27")
    assert "from:'2026-11-23T12:50:12Z',to:'2026-11-23T13:20:12Z'" in unquote(address)
    assert "index:'logs-aws.cloudtrail-*'" in unquote(address)
    query = f'_id:"d1" or event.id:"{EVENT.id}" or eventID:"{EVENT.id}"'
    source = 'source.address:"203.0.113.7" or sourceIPAddress:"203.0.113.7"'
    assert unquote(address).endswith(f"query:(language:kuery,query:'{query} or {source}'))")


def test_a_service_name_is_no_address_to_search_for() -> None:
    """It would be an error on a field of type ip."""
    address = addresses(replace(EVENT, source_address="support.amazonaws.com"))["Discover ±15 min"]
    assert "source.address" not in address
    assert "support" not in address


def test_an_event_cannot_change_the_search() -> None:
    """A quote in it is a quote, for KQL, for Kibana's notation and for the address."""
    event = replace(EVENT, profile="gcp-audit", id='a" or *:* or b:"\'!,x:(y&_g=z#\\', source_address=None)
    address = addresses(event)["Discover ±15 min"]
    hostile = 'a\\" or *:* or b:\\"!\'!!,x:(y&_g=z#\\\\'
    assert unquote(address).endswith(f'insertId:"{hostile}"\'))')
    assert {1} == {address.count("&"), address.count("#"), address.count("_g=")}


def test_links_at_the_end_of_the_calendar_are_whole() -> None:
    """A document may claim any date."""
    event = replace(EVENT, time=datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    assert "9999-12-31T23:59:00Z" in unquote(addresses(event)["Discover ±15 min"])


@pytest.mark.parametrize(
    ("runbook", "address"),
    [
        ("https://wiki.example.com/a%20b?x=1#root", "https://wiki.example.com/a%20b?x=1#root"),
        ("https://wiki.example.com/a b<c>|d", "https://wiki.example.com/a%20b%3Cc%3E%7Cd"),
        ("javascript:alert(1)", None),
        ("aws-root-user.md", None),
        (None, None),
    ],
)
def test_a_runbook_is_linked_where_it_is_an_address(runbook: str | None, address: str | None) -> None:
    """Slack refuses a message with a button to anything else."""
    assert address == addresses(runbook=runbook).get("Runbook")


def test_each_button_has_an_action_of_its_own() -> None:
    """Slack wants them unique in a message."""
    payload = render_event(of(EVENT), style=STYLE, delivery_id=DELIVERY_ID)
    [row] = [block for block in blocks(payload) if block["type"] == "actions"]
    assert ["link-0", "link-1", "link-2"] == [button["action_id"] for button in row["elements"]]
    assert all(urlsplit(button["url"]).scheme == "https" for button in row["elements"])


def test_a_link_that_is_too_long_is_left_out_and_the_rest_stays() -> None:
    """Slack would refuse the whole message."""
    long = replace(RULE, runbook="https://wiki.example.com/" + "x" * 3_000)
    payload = render_event(of(EVENT, long), style=STYLE, delivery_id=DELIVERY_ID)
    [row] = [block for block in blocks(payload) if block["type"] == "actions"]
    assert ["CloudTrail event", "Discover ±15 min"] == [button["text"]["text"] for button in row["elements"]]
