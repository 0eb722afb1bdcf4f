"""Headlines that name fields of the document itself."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from alertd.event.profile import load_profile
from alertd.ledger.rows import facts_from_json, facts_to_json
from alertd.message import render_event
from alertd.message.template import check_template, named_fields
from alertd.rules.model import Query, Rule, RuleSet
from alertd.rules.named import MOST_CHARACTERS, MOST_VALUES, asked_fields, with_named
from tests.unit.told import DELIVERY_ID, EVENT, RULE, STYLE, blocks, of, shown, text

BUCKET = "requestParameters.bucketName"


def rule(summary: str) -> Rule:
    facts = replace(RULE, summary=summary)
    return Rule(facts, Query("dsl", "{}", {}, "team.toml:1"), (), "team.toml:1", named=named_fields(summary))


def header(summary: str, document: dict[str, object]) -> str:
    facts = with_named(rule(summary), document, {}).facts
    payload = render_event(of(EVENT, facts_from_json(facts_to_json(facts))), style=STYLE, delivery_id=DELIVERY_ID)
    title: str = blocks(payload)[0]["text"]["text"]
    return title.removeprefix("🔴 ").removesuffix(" · payments-prod")


@pytest.mark.parametrize(
    ("summary", "named", "words"),
    [
        ("{{ document.requestParameters.bucketName }}", [BUCKET], "payroll"),
        ('{{ document["requestParameters"]["bucketName"] }}', [BUCKET], "payroll"),
        ('{{ document["requestParameters.bucketName"] }}', [BUCKET], "payroll"),
        ("{{ document.requestParameters.bucketName.upper() }}", [BUCKET], "PAYROLL"),
        ("{{ document.requestParameters.bucketName[:3] | upper }}", [BUCKET], "PAY"),
        ("{{ document['@timestamp'] }} {{ document.items.keys }}", ["@timestamp", "items.keys"], "noon two"),
        ("{% if document.readOnly == 'false' %}changed{% endif %}", ["readOnly"], "changed"),
        ("{{ document.resources.ARN }}", ["resources.ARN"], "arn:1, arn:2"),
        ("{{ document.answer.text.id }}", ["answer.text.id"], "7"),
        ("{{ document.nothing.here or 'absent' }}", ["nothing.here"], "absent"),
        (
            "{% set name = document.requestParameters.bucketName %}{% for x in [name, name] %}{{ x }} {% endfor %}",
            [BUCKET],
            "payroll payroll",
        ),
        ("{{ document.requestParameters }}", ["requestParameters"], '{"bucketName":"payroll"}'),
        ("{{ document.requestParameters }} {{ event.account }}", ["requestParameters"], None),
    ],
)
def test_a_headline_names_any_field_of_the_document(summary: str, named: list[str], words: str | None) -> None:
    """Found when it is loaded, however it is spelled, and also where a field is called as a method of Python is."""
    document: dict[str, object] = {
        "requestParameters": {"bucketName": "payroll"},
        "@timestamp": "noon",
        "items": {"keys": "two"},
        "readOnly": False,
        "resources": [{"ARN": "arn:1"}, {"ARN": "arn:2"}, {"ARN": "arn:1"}],
        "answer": {"text": '{"id": 7}'},
    }
    assert (None, named) == (check_template(summary), list(named_fields(summary)))
    assert words is None or words == header(summary, document)


@pytest.mark.parametrize(
    ("summary", "mistake"),
    [
        ("{{ document[event.action] }}", "picks a field of the document by a value or a number: name a field"),
        ("{{ document.requestParameters[event.action] }}", "picks a field of the document by a value or a number"),
        ("{{ document['a' ~ event.action] }}", "picks a field of the document by a value or a number"),
        ("{{ document.resources[0].ARN }}", "picks a field of the document by a value or a number"),
        ("{{ document }}", "uses the whole document"),
        ("{% for name in document %}{{ name }}{% endfor %}", "uses the whole document"),
        ("{% set other = document %}{{ other.name }}", "uses the whole document"),
        ("{{ document | tojson }}", "uses the whole document"),
        ("{% set document = event %}{{ document.account }}", "uses the whole document"),
        ("{{ document.get('name') }}", "uses the whole document"),
        ("{{ document['*'] }}", '"*" is no field of a document'),
        ("{{ document['a..b'] }}", '"a..b" is no field of a document'),
        ("{{ document['" + "a." * 20 + "b'] }}", "is no field of a document"),
        ("{{ document._id }}", "event.document_id"),
        (" ".join(f"{{{{ document.a{number} }}}}" for number in range(11)), "names 11 fields of the document: at most"),
        ("{{ document.name.nothing() }}", "the template fails for every event: "),
        ("{% macro m(document) %}{{ document.a }}{% endmacro %}{{ m(event) }}", "uses the whole document"),
    ],
)
def test_what_cannot_be_known_when_the_rule_is_loaded_is_refused(summary: str, mistake: str) -> None:
    """With the way out: only what is named is asked for, and kept."""
    assert mistake in (check_template(summary) or "")


@pytest.mark.parametrize("hostile", ["{{ 7 * 7 }}", "<!channel>", "\u202eevil\x1b[31m", "a · b", "\ud800\0"])
def test_a_field_that_is_hostile_is_shown_as_plain_text(hostile: str) -> None:
    facts = with_named(rule("at {{ document.name }}"), {"name": hostile}, {}).facts
    facts_to_json(facts).encode()
    payload = render_event(of(EVENT, facts), style=STYLE, delivery_id=DELIVERY_ID)
    assert blocks(payload)[0]["text"]["type"] == "plain_text"
    assert "<!channel>" not in text(payload)
    assert not any(odd in shown(payload) for odd in ("\x1b", "\u202e", "at 49", "a · b", "\0"))


def test_what_is_kept_of_a_field_is_bounded() -> None:
    """A document may hold megabytes; the ledger keeps every match for months."""
    deep: object = "x"
    for _ in range(10_000):
        deep = [deep]
    document = {"long": "y" * 1_000_000, "many": [str(number) for number in range(1_000_000)], "deep": deep}
    kept = dict(
        with_named(rule("{{ document.long }}{{ document.many }}{{ document.deep }}"), document, {}).facts.document
    )
    assert (MOST_CHARACTERS, MOST_VALUES) == (len(kept["long"]), len(kept["many"].split(", ")))
    assert "deep" not in kept


def test_what_no_template_names_is_neither_asked_for_nor_kept() -> None:
    """A rule without such a template costs nothing."""
    profile, plain, naming = load_profile("cloudtrail"), rule("{{ event.action }}"), rule("{{ document.tls.version }}")
    assert plain is with_named(plain, {"tls": {"version": "1.3"}}, {})
    assert "document" not in json.loads(facts_to_json(plain.facts))
    sets = [RuleSet("team", "cloudtrail", None, rules, Path("team.toml")) for rules in ((plain,), (plain, naming))]
    assert profile.fields == asked_fields(profile, sets[0])
    assert (*profile.fields, "tls.version", "tls") == asked_fields(profile, sets[1])


def test_a_match_of_before_is_told_by_a_template_that_names_the_document() -> None:
    """Its row says nothing of the document, and one of a newer alertd says more than this one knows."""
    row = {**json.loads(facts_to_json(replace(RULE, summary="at {{ document.name }}!"))), "later": {"new": 1}}
    payload = render_event(of(EVENT, facts_from_json(json.dumps(row))), style=STYLE, delivery_id=DELIVERY_ID)
    assert blocks(payload)[0]["text"]["text"].startswith("🔴 at !")
