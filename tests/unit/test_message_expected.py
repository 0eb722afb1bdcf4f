"""Use that was announced: said, and never silent."""

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from alertd.message import Expected, render_digest, render_event
from tests.unit.told import ACCOUNT, DELIVERY_ID, EVENT, NOTIFICATION, RULE, STYLE, TIME, many, of, shown, text

EXPECTED = Expected("CHG-1234", TIME + timedelta(hours=1), "Aiko", TIME - timedelta(hours=1), account=(ACCOUNT,))
ANNOUNCED = replace(STYLE, expected=(EXPECTED,))
OPENING = "Expected (CHG-1234, Aiko, until 2026-11-23 23:05 JST): "


def test_the_first_line_and_the_notification_say_that_it_was_announced() -> None:
    """By whom, under which ticket, and until when in the team's own time. What happened follows whole."""
    payload = render_event(NOTIFICATION, style=ANNOUNCED, delivery_id=DELIVERY_ID)
    assert shown(payload).startswith(f"☑ {OPENING}Root signed in to the AWS console without MFA · payments-prod")
    assert text(payload).startswith(f"☑ {OPENING}Root signed in to the AWS console without MFA: payments-prod")
    assert "high" in shown(payload)


def test_a_list_says_so_too() -> None:
    """A flood may come from the very session that was announced."""
    payload, _ = render_digest(many(3), style=ANNOUNCED, delivery_id=DELIVERY_ID)
    assert 3 == shown(payload).count("expected: CHG-1234, Aiko, until 2026-11-23 23:05 JST")


def test_a_long_announcement_does_not_push_out_what_happened() -> None:
    """The ticket may be a sentence."""
    style = replace(STYLE, expected=(replace(EXPECTED, ticket="x" * 500),))
    assert "Root signed in to the AWS console without MFA · payments-prod" in shown(
        render_event(NOTIFICATION, style=style, delivery_id=DELIVERY_ID)
    )


@pytest.mark.parametrize(
    "other",
    [
        replace(EXPECTED, account=("999999999999",)),
        replace(EXPECTED, rule=("aws-root-mfa*",)),
        replace(EXPECTED, actor=("arn:aws:iam::*:user/*",)),
        replace(EXPECTED, source_ip=(ip_network("198.51.100.0/24"), ip_network("2001:db8::/32"))),
        replace(EXPECTED, since=TIME + timedelta(microseconds=1)),
        replace(EXPECTED, until=TIME),
    ],
)
def test_what_differs_in_one_condition_was_not_announced(other: Expected) -> None:
    """Another account, rule, actor or address, earlier or later: nothing is said of any announcement."""
    assert not other.fits(EVENT, RULE)
    assert "Expected" not in text(
        render_event(NOTIFICATION, style=replace(STYLE, expected=(other,)), delivery_id=DELIVERY_ID)
    )


def test_what_meets_every_condition_was_announced() -> None:
    """One value of each is enough; the end is the first moment that is not expected."""
    whole = Expected(
        "CHG-1",
        TIME + timedelta(microseconds=1),
        since=TIME,
        account=("999999999999", ACCOUNT),
        rule=("gcp-*", "aws-root-*"),
        actor=("arn:aws:iam::*:root",),
        source_ip=(ip_network("203.0.113.0/24"),),
    )
    assert whole.fits(EVENT, RULE)


def test_a_service_has_no_address_to_expect() -> None:
    """AWS writes the name of a service where an address would be."""
    inside = replace(EXPECTED, source_ip=(ip_network("0.0.0.0/0"),))
    assert not inside.fits(replace(EVENT, source_address="cloudformation.amazonaws.com"), RULE)
    assert not inside.fits(replace(EVENT, source_address=None), RULE)
    assert inside.fits(of(EVENT).event, RULE)
