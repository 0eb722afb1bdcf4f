"""Headlines that rules write themselves."""

from dataclasses import replace

import pytest

from alertd.event.event import Event
from alertd.message import render_event
from alertd.message.template import check_template
from tests.unit.told import DELIVERY_ID, EVENT, RULE, STYLE, TIME, blocks, of, shown, text


def header(summary: str, event: Event = EVENT) -> str:
    payload = render_event(of(event, replace(RULE, summary=summary)), style=STYLE, delivery_id=DELIVERY_ID)
    title: str = blocks(payload)[0]["text"]["text"]
    return title


GOOD = [
    (
        "{{ event.account_name }}: root signed in from {{ event.source_ip }}",
        "payments-prod: root signed in from 203.0.113.7",
    ),
    ("{{ event.country | lower }} {{ event.error_code | upper }}!", "se !"),
    ("{% if event.mfa is false %}NO MFA{% else %}fine{% endif %}", "NO MFA"),
    ("{{ event.time.strftime('%H:%M') }} {{ event['action'] }}", "13:05 ConsoleLogin"),
    ("{{ event.ingested }}plain", "plain"),
    ("{% if event.read_only is none %}nobody knows{% endif %}{{ event.read_only }}", "nobody knows"),
]


@pytest.mark.parametrize(("summary", "words"), GOOD)
def test_a_summary_is_the_headline(summary: str, words: str) -> None:
    """Absent facts are empty, and flags may be neither yes nor no."""
    assert check_template(summary) is None
    assert f"🔴 {words} · payments-prod" == header(summary)


@pytest.mark.parametrize(
    ("summary", "mistake"),
    [
        ("{{ event.acount }}", 'the template names event.acount. Did you mean "account"?'),
        ("{% if event.mfa %}{{ event.usr }}{% endif %}", "the template names event.usr."),
        ("{{ event['usr'] }}", "the template names event.usr."),
        (
            "{{ account }} {{ rule }}",
            "the template names account, rule: it knows {{ event.NAME }} and {{ document.PATH }} only",
        ),
        ("{{ event.account", "the template is wrong: "),
        ("{{ event.account | shout }}", "the template is wrong: No filter named 'shout'."),
        ("{{ 1 / 0 }}", "the template fails for every event: division by zero"),
        ("{{ event.time.nothing }}", "the template fails for every event: "),
        ("{{ event.ingested.year }}", "the template fails for an event that lacks most facts: "),
        ("{{ event[event.id] }}", "the template fails for every event: "),
        ("{{ event.__class__ }}", "the template names event.__class__."),
        ("{{ ''.__class__.__mro__ }}", "the template fails for every event: access to attribute"),
        ("{{ " + "(" * 2_000 + " }}", "the template is wrong: "),
    ],
)
def test_a_mistake_is_found_when_the_rule_is_loaded(summary: str, mistake: str) -> None:
    """Also in a branch that is seldom taken. It says nothing of files that are Jinja's own."""
    found = check_template(summary) or ""
    assert found.startswith(mistake)
    assert "<introspection>" not in found


def test_a_summary_that_fails_for_an_event_gives_way_to_the_ordinary_headline() -> None:
    """The event is told in full, and the mistake with it."""
    rule = replace(RULE, summary="{{ 1 / (event.account_name | length - 13) }}")
    payload = render_event(of(EVENT, rule), style=STYLE, delivery_id=DELIVERY_ID)
    assert "🔴 Root signed in to the AWS console without MFA · payments-prod" == blocks(payload)[0]["text"]["text"]
    assert "the rule's summary fails for this event: division by zero" in shown(payload)


def test_an_empty_summary_gives_way_to_the_ordinary_headline() -> None:
    """A message without a headline tells nobody anything."""
    assert "🔴 Root signed in to the AWS console without MFA · payments-prod" == header("{{ event.error_code }} \u200b")


@pytest.mark.parametrize(
    "hostile", ["{{ 7 * 7 }}", "{% raw %}", "<!channel>", "@here", "\u202eevil\x1b[31m", "{{ event.__class__ }}"]
)
def test_what_an_event_says_is_never_run_nor_parsed(hostile: str) -> None:
    """A template's text is the rule's; a value is only text."""
    event = replace(EVENT, user_agent=hostile, time=TIME)
    rule = replace(RULE, summary="by {{ event.user_agent }}")
    payload = render_event(of(event, rule), style=STYLE, delivery_id=DELIVERY_ID)
    assert "49" not in header("by {{ event.user_agent }}", event)
    assert "<" not in text(payload)
    assert "@here" not in text(payload)
    assert not {"\u202e", "\x1b"} & set(payload)


def test_a_summary_that_asks_for_more_memory_than_there_is_gives_way_too() -> None:
    """A rule may take an event's text for a format, and whoever acts in an account writes that."""
    summary = "{{ event.user_agent.format(event.action) }}"
    assert check_template(summary) is None
    title = header(summary, replace(EVENT, user_agent="{:999999999999999}"))
    assert "🔴 Root signed in to the AWS console without MFA · payments-prod" == title
