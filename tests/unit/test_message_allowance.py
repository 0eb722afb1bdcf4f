"""What a template may use up: every rendering ends, whatever the rule and the event say."""

from dataclasses import replace

import pytest

from alertd.event.event import Event
from alertd.message import render_event
from alertd.message.template import TEMPLATE_FAILURES, check_template, render_template
from tests.unit.told import DELIVERY_ID, EVENT, RULE, STYLE, blocks, of, shown

TOO_MUCH = [
    "{% for a in range(999999) %}{% for b in range(999999) %}x{% endfor %}{% endfor %}",
    "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    "{% for a in 'x' * 9000 %}{% for b in 'x' * 9000 %}{% if a == 'y' %}y{% endif %}{% endfor %}{% endfor %}",
    "{% for a in range(9999) if a in range(9999) %}{% for b in range(9999) if b < 0 %}{% endfor %}{% endfor %}",
    "{{ 'x' * 10 ** 9 }}",
    "{{ 'x' * 1000000000 }}",
    "{{ [1] * 1000000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ 9 ** 9999 }}",
    "{{ 'x' | center(1000000000) }}",
    "{{ 'x'.center(1000000000) }}",
    "{{ 'x'.ljust(1000000000) }}",
    "{{ 'x\\ny' | indent(1000000000) }}",
    "{{ '%999999999s' | format('x') }}",
    "{{ '%*d' | format(1000000000, 1) }}",
    "{{ '%999999999s' % 'x' }}",
    "{{ '{:>999999999}'.format('x') }}",
    "{{ '{:>{}}'.format('x', 999999999) }}",
    "{{ event.time.strftime('%999999999d') }}",
    "{{ (1.5 | round(1000000000)) }}",
    "{{ 'aaaaaaaaaa' * 1000 | int | replace('a', 'b' * 9000) }}",
    "{{ ('a' * 9000) | replace('a', 'b' * 9000) }}",
    "{{ (('a' * 9000) | list) | join('b' * 9000) }}",
    "{{ range(9999) | map('string') | map('center', 9999) | join }}",
    "{% set x = 'xxxxxxxxxx' %}" + "{% set x = x ~ x %}" * 60 + "{{ x }}",
    "{% set x = 'xxxxxxxxxx' %}" + "{% set x = x + x %}" * 60 + "{{ x }}",
    "{% set x = 'xxxxxxxxxx' %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 60 + "{{ x }}",
    "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x }}",
    "{% set x = (1,) %}" + "{% set x = (x, x) %}" * 60 + "{{ x == x }}",
    "{% set x = {} %}" + "{% set x = {1: x, 2: x} %}" * 60 + "{{ x }}",
    "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "{% for a in [[1]] recursive %}{{ loop(a) }}{% endfor %}",
    "{% for a in range(9000) %}" + "many words " * 100 + "{% endfor %}",
    "{{ range }}",
    "{{ lipsum(n=9999) }}",
    "{{ event.time | pprint }}",
]


@pytest.mark.parametrize("summary", TOO_MUCH)
def test_a_template_without_an_end_is_refused_when_its_rule_is_loaded(summary: str) -> None:
    """`check` and `test-rule` end, and name the line."""
    assert (check_template(summary) or "").startswith("the template ")


@pytest.mark.parametrize(
    ("summary", "event"),
    [
        (
            "{% for a in event.problems %}{% for b in event.problems %}{{ 'x' if a == b }}{% endfor %}{% endfor %}",
            replace(EVENT, problems=tuple(f"{number}" for number in range(200))),
        ),
        (
            "{% for a in event.user_agent %}{% for b in event.user_agent %}{% endfor %}{% endfor %}",
            replace(EVENT, user_agent="x" * 4_000),
        ),
        ("{{ event.user_agent | replace('x', event.user_agent) }}", replace(EVENT, user_agent="x" * 4_000)),
        ("{{ 'x' * (event.user_agent | int(default=1)) }}", replace(EVENT, user_agent="999999999")),
        ("{{ 'x' | center(event.user_agent | int(default=1)) }}", replace(EVENT, user_agent="999999999")),
        ("{{ event.user_agent.format(event.action) }}", replace(EVENT, user_agent="{:99999}")),
        ("{{ event.user_agent | format }}", replace(EVENT, user_agent="%99999d")),
        ("{% for a in event.user_agent %}{{ event.user_agent }}{% endfor %}", replace(EVENT, user_agent="x" * 4_000)),
    ],
)
def test_an_event_that_makes_a_template_too_much_is_told_in_the_plain_form(summary: str, event: Event) -> None:
    """With the reason: neither is the event lost nor the next one late."""
    assert check_template(summary) is None
    payload = render_event(of(event, replace(RULE, summary=summary)), style=STYLE, delivery_id=DELIVERY_ID)
    assert "Root signed in to the AWS console" in blocks(payload)[0]["text"]["text"]
    assert "the rule's summary fails for this event" in shown(payload)


def test_the_bound_counts_steps_and_not_time() -> None:
    """The last turn that is allowed is the same on every machine, and the next one is not."""
    summary = "{% for a in event.problems %}{% endfor %}fine"
    within, beyond = (replace(EVENT, problems=("x",) * count) for count in (20_000, 20_001))
    assert "fine" == render_template(summary, within, style=STYLE)
    with pytest.raises(TEMPLATE_FAILURES, match="20,000 steps"):
        render_template(summary, beyond, style=STYLE)


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (
            "{% for each in event.problems %}{{ loop.index }} {{ each }}{{ ', ' if not loop.last }}{% endfor %}",
            "1 a, 2 b",
        ),
        ("{{ event.problems | map('upper') | join(' ') }} {{ event.problems | length }}", "A B 2"),
        ("{{ '%s in %s' | format(event.action, event.account) }}", "ConsoleLogin in 111122223333"),
        ("{{ '{} {:>4}'.format(event.account, 'x') }}", "111122223333    x"),
        (
            "{{ event.action.replace('Console', '') ~ '-' ~ 2 ** 8 }} {{ event.account | int + 1 }}",
            "Login-256 111122223334",
        ),
        ("{% macro bold(x) %}*{{ x }}*{% endmacro %}{{ bold(event.action) }}", "*ConsoleLogin*"),
        ("{% set x = event.error_code or 'none' %}{{ x | truncate(9) }}", "none"),
        ("{{ event.time.date() }} {{ event.problems }}", "2026-11-23 ('a', 'b')"),
    ],
)
def test_what_headlines_are_made_of_is_within_the_bound(summary: str, words: str) -> None:
    """Loops, filters, formats and arithmetic of an ordinary size."""
    assert words == render_template(summary, replace(EVENT, problems=("a", "b")), style=STYLE)
