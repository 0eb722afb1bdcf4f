"""JSON Schema of a rule file, for editors: draft-07, and nothing refers to a place elsewhere in it."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from alertd.rules.load import ID, OUTCOMES
from alertd.rules.model import Deliver, Severity
from alertd.toml.file import MOMENT_PATTERN

Schema = dict[str, Any]  # JSON

_DELIVER = (
    "`message`: one event, one message. `session`: events are listed in the thread of their session's first message."
)


def rules_schema() -> Schema:
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A rule set of alertd",
        **_table(
            "A file of rules: they are tried in this order, and an event belongs to the first that matches it.",
            {
                "id": _id(
                    "Of the rule set; the ledger hangs on it. Default: the file's name without .toml.", "aws-root-user"
                ),
                "source": _text(
                    "Which [sources.NAME] of alertd.toml is searched. Needed where there are several.", "cloudtrail"
                ),
                "notify": _texts(
                    "Which [destinations.NAME] of alertd.toml are told of rules that name none. Without, a route of "
                    "alertd.toml decides, or [rules] notify.",
                    "security",
                ),
                "query": _query(
                    "ANDed with the query of every rule here. It makes searches quick: few events pass it."
                ),
                "silence": _silence("of the whole file"),
                "rules": {
                    "type": "array",
                    "minItems": 1,
                    "description": "The rules, in their order.",
                    "items": _rule(),
                },
            },
            needed=["rules"],
        ),
    }


def _rule() -> Schema:
    return _table(
        "A rule: which events, how grave, who is told.",
        {
            "id": _id("The ledger hangs on it: with another id the rule is a new one.", "aws-root-console-login"),
            "title": _text(
                "What the rule is about. A message shows it where the headline can only name the action.",
                "Root user signed in to the AWS console",
            ),
            "severity": _choice("How grave it is. Routes may ask for it.", Severity),
            "query": _query("Which events. An event belongs to the first rule of the file that matches it."),
            "notify": {**_texts("Which [destinations.NAME] of alertd.toml are told.", "security"), "minItems": 1},
            "deliver": {**_choice(_DELIVER, Deliver), "default": Deliver.MESSAGE.value},
            "runbook": _text(
                "What to do: an address, or a name below [rules] runbook_base.", "https://wiki.example.com/root"
            ),
            "description": _text("What the rule finds, and why that matters.", "Daily work needs no root user."),
            "false_positives": _texts(
                "Which events are harmless, and how to tell.", "A planned change of the account's plan."
            ),
            "references": _texts("What the rule follows.", "CIS AWS Foundations 3.0.0: 1.7"),
            "message": _table("How the message reads. The default is good.", {"summary": _summary()}),
            "silence": _silence("of this rule"),
            "exceptions": {
                "type": "array",
                "description": "Known events that are not told, for a time. The ledger keeps them, with the reason.",
                "items": _exception(),
            },
            "tests": {"type": "array", "description": "What `alertd test-rule` runs.", "items": _test()},
        },
        needed=["id", "title", "severity", "query"],
    )


def _summary() -> Schema:
    return _text(
        "The headline, as a Jinja2 template that knows `{{ event.NAME }}` (account_name, action, actor, …)"
        " and any field of the document, as `{{ document.requestParameters.bucketName }}`",
        "{{ event.account_name }}: root signed in from {{ event.source_ip }}",
    )


def _silence(whose: str) -> Schema:
    made = _table(f"Warnings {whose} that `alertd check` is not to tell: code = reason.", {})
    reason = _with_example("R201", _text("Why what is warned of is meant.", "both spellings are meant"))
    return {**made, "patternProperties": {"^R[0-9]{3}$": reason}, "examples": [{"R201": "both spellings are meant"}]}


def _exception() -> Schema:
    return _table(
        "Known events that are not told, for a time.",
        {
            "query": _query("Which of the rule's events."),
            "reason": _text("Why they are harmless. The ledger keeps it with each event.", "The backup job, OPS-17"),
            "until": {
                "type": "string",
                "pattern": MOMENT_PATTERN,
                "description": "What happens from then on is told again: a day (UTC, its end), or a moment with its "
                "offset; without quotes.\n\nExample: `until = 2026-12-31`",
                "examples": ["2026-12-31", "2026-12-31T14:00:00Z"],
            },
        },
        needed=["query", "reason", "until"],
    )


def _test() -> Schema:
    event = {"anyOf": [{"type": "string", "pattern": r"\S"}, {"type": "object"}]}
    outcomes = "|".join(OUTCOMES)
    return _table(
        "Events, and what must become of each.",
        {
            "name": _text("What the test shows.", "a sign-in without MFA"),
            "events": {
                "type": "array",
                "minItems": 1,
                "items": event,
                "description": "JSON files (one event or a list), NDJSON files, or tables; files relative to this one."
                '\n\nExample: `events = ["events/login.json", { eventName = "ConsoleLogin" }]`',
                "examples": [["events/login.json"]],
            },
            "expect": {
                "type": "string",
                "pattern": f"^({outcomes}|{ID.pattern})$",
                "description": '"match": this rule takes it. "no match": no rule of the file does. Another rule\'s id: '
                'that one does. "exception": this rule does, but an exception keeps it silent.',
                "examples": list(OUTCOMES),
            },
            "message_contains": _texts("Texts that each message must hold.", "no MFA"),
            "message_equals": _text("The whole message, as a terminal shows it.", "━ 🔴 Root signed in …"),
            "message_snapshot": _text(
                "A file that holds the messages; `alertd test-rule --update` writes it.", "snapshots/login.txt"
            ),
        },
        needed=["name", "events", "expect"],
    )


def _query(about: str) -> Schema:
    """Exactly one language."""
    made = _table(
        f"{about} Written as exactly one of query.lucene, query.kql and query.dsl.",
        {
            "lucene": _text(
                "As typed into Discover with the Lucene syntax.", "eventName:ConsoleLogin AND NOT userAgent:x"
            ),
            "kql": _text("As typed into Discover with KQL.", "eventName: ConsoleLogin and not userAgent: x"),
            "dsl": {
                "anyOf": [
                    {"type": "object", "minProperties": 1, "maxProperties": 1},
                    {"type": "string", "pattern": r"^\s*\{"},
                ],
                "description": "One clause of query DSL, as a table or as JSON in a text.\n\n"
                'Example: `query.dsl.term = { eventName = "ConsoleLogin" }`',
                "examples": [{"term": {"eventName": "ConsoleLogin"}}],
            },
        },
    )
    return {**made, "minProperties": 1, "maxProperties": 1}


def _table(about: str, keys: Schema, *, needed: Sequence[str] = ()) -> Schema:
    explained = {name: _with_example(name, each) for name, each in keys.items()}
    required = {"required": list(needed)} if needed else {}
    return {"type": "object", "description": about, "properties": explained, **required, "additionalProperties": False}


def _with_example(name: str, made: Schema) -> Schema:
    if "examples" not in made or "Example:" in made["description"]:
        return made
    value = json.dumps(made["examples"][0], ensure_ascii=False)
    return {**made, "description": f"{made['description']}\n\nExample: `{name} = {value}`"}


def _text(about: str, example: str) -> Schema:
    return {"type": "string", "pattern": r"\S", "description": about, "examples": [example]}


def _texts(about: str, example: str) -> Schema:
    items = {"type": "string", "pattern": r"\S"}
    return {"type": "array", "items": items, "description": about, "examples": [[example]]}


def _id(about: str, example: str) -> Schema:
    plain = {"type": "string", "pattern": f"^{ID.pattern}$", "not": {"enum": list(OUTCOMES)}}
    return {**plain, "description": f"{about} Small letters, digits, dots, dashes.", "examples": [example]}


def _choice(about: str, kind: type[StrEnum]) -> Schema:
    names = [member.value for member in kind]
    return {"enum": names, "description": about, "examples": [names[-2]]}
