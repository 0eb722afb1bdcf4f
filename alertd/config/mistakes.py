"""What is wrong with a draft, in words for people. Names are repeated, values never: one may be a secret."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from alertd.config.destination import DESTINATIONS
from alertd.config.draft import Draft, dotted
from alertd.config.environment import variable_for
from alertd.config.model import TABLES, Tables
from alertd.toml.file import Key, suggest
from alertd.toml.model import Table
from alertd.toml.value import listed

_TEXTS = {
    "string_type": "must be text, in quotes",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "path_type": "must be a path, in quotes",
    "tuple_type": 'must be a list of texts, such as ["one", "two"]',
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_from_float": "must be a whole number",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "dict_type": "must be a table",
}
NOT_FOR_ALERTS = '"{}" is e-mail, which only notify in [ops] may name: alerts go to Slack.'
# A destination's mistakes name its type after its name.
_TYPE_AT = 2


def note_mistakes(error: ValidationError, draft: Draft) -> None:
    for mistake in error.errors(include_input=False, include_url=False):
        at: Key = mistake["loc"]
        if at[0] == "destinations" and at[_TYPE_AT : _TYPE_AT + 1] and at[_TYPE_AT] in DESTINATIONS:
            at = (*at[:_TYPE_AT], *at[_TYPE_AT + 1 :])
        _note(draft, at, mistake["type"], mistake.get("ctx", {}), mistake["msg"])


def note_unknown_names(draft: Draft) -> None:
    """Destinations are named in other tables. This looks at what is written: a mistake elsewhere hides none here."""
    known = list(draft.table(("destinations",)) or {})
    for at, name in _names_of_destinations(draft):
        if isinstance(name, str) and name and name not in known:
            draft.note(at, f"there is no such destination. {suggest(name, known)}")
        elif isinstance(name, str) and at[0] != "ops" and draft.value(("destinations", name, "type")) == "email":
            draft.note(at, NOT_FOR_ALERTS.format(name))


def _names_of_destinations(draft: Draft) -> Iterator[tuple[Key, object]]:
    yield ("ops", "notify"), draft.value(("ops", "notify"))
    lists: list[Key] = [("rules", "notify")]
    routes = draft.data.get("routes")
    lists += [("routes", index, "notify") for index in range(len(routes) if isinstance(routes, list) else 0)]
    for at in lists:
        notify = listed(draft.value(at))
        if isinstance(notify, list):
            for index, name in enumerate(notify):
                yield (*at, index), name


def _note(draft: Draft, at: Key, kind: str, context: Mapping[str, Any], message: str) -> None:
    match kind:
        case "extra_forbidden":
            _note_unknown(draft, at)
        case "missing":
            _note_missing(draft, at)
        case "union_tag_invalid" | "union_tag_not_found":
            _note_choice(draft, (*at, "type"), list(DESTINATIONS))
        case "literal_error":
            _note_choice(draft, at, re.findall(r"'([^']+)'", context["expected"]))
        case "too_short" | "tuple_type" if len(at) == 1:
            is_empty = kind == "too_short"
            text = f"there must be at least one [{at[0]}.NAME]" if is_empty else f"must be tables: [[{at[0]}]]"
            draft.note(() if is_empty else at, text)
        case "string_pattern_mismatch":
            draft.note(at[:-1] if at[0] == "accounts" else at, "the id of an AWS account has 12 digits")
        case "greater_than_equal":
            draft.note(at, f"must be at least {context['ge']}")
        case "less_than_equal":
            draft.note(at, f"must be at most {context['le']}")
        case "of_table":
            draft.note(at[:-1], message)
        case _:
            draft.note(at, _TEXTS.get(kind) or message.removeprefix("Value error, "))


def _note_unknown(draft: Draft, at: Key) -> None:
    *around, name = at
    where = draft.where(at)
    if not around:
        draft.note_at(where, f'unknown table "{name}". {suggest(str(name), list(Tables.model_fields))}')
        return
    hint = "Certificates are always verified: for an authority of your own set ca_file. "
    reason = hint if "verify" in str(name) and around[0] == "elasticsearch" else ""
    choice = suggest(str(name), _keys(_model(draft, at)))
    draft.note_at(where, f'unknown key "{name}" in [{dotted(around)}]. {reason}{choice}')


def _note_missing(draft: Draft, at: Key) -> None:
    if len(at) == 1:
        draft.note((), f"[{at[0]}] is missing.")
    elif at[-1] in _model(draft, at).secret_keys:
        choice = f"{at[-1]}_file is missing: set it, or {variable_for(at)} in the environment."
        draft.note_at(draft.where(at), f"{dotted(at[:-1])}.{choice}")
    else:
        draft.note_at(draft.where(at), f"{dotted(at)} is missing.{_misnamed(draft, at)}")


def _note_choice(draft: Draft, at: Key, allowed: list[str]) -> None:
    written = draft.value(at)
    state = " is missing" if written is None else ": unknown value"
    choice = suggest(written if isinstance(written, str) else "", allowed)
    draft.note_at(draft.where(at), f"{dotted(at)}{state}. {choice}{_misnamed(draft, at)}")


def _misnamed(draft: Draft, at: Key) -> str:
    """A variable with a misspelt name makes a table of its own."""
    table = draft.file.data.get(str(at[0]))
    if not draft.is_from_environment(at[:-1]) or not isinstance(table, dict):
        return ""
    close = get_close_matches(str(at[1]), table, n=1)
    return f" Or is [{at[0]}.{close[0]}] meant?" if close else ""


def _model(draft: Draft, at: Key) -> type[Table]:
    """The table that a key stands in."""
    if at[0] == "destinations":
        return DESTINATIONS[str(draft.value((*at[:_TYPE_AT], "type")))]
    return TABLES[str(at[0])]


def _keys(model: type[Table]) -> list[str]:
    """As they may be written in the file."""
    names = ((key, field.alias or key) for key, field in model.model_fields.items())
    return sorted(f"{name}_file" if key in model.secret_keys else name for key, name in names)
