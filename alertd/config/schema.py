"""JSON Schema of alertd.toml, for editors: made from the model, its words from config.example.toml.

Draft-07, which Taplo and with it Even Better TOML know. They show what stands at a key itself, so nothing refers to a
place elsewhere in it.
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from alertd.config.destination import DESTINATIONS, EmailDestination, WebhookDestination
from alertd.config.example import Section, section
from alertd.config.model import TABLES, Elasticsearch, Expected, Tables
from alertd.toml.duration import show_duration
from alertd.toml.model import Table
from alertd.toml.value import listed

Schema = dict[str, Any]  # JSON

DIALECT = "http://json-schema.org/draft-07/schema#"
_CONDITIONS = ("account", "rule", "actor", "source_ip")
_MODELS: Mapping[str, type[Table]] = {
    **{model.__name__: model for model in TABLES.values()},
    **{model.__name__: model for model in DESTINATIONS.values()},
}
# What the model's validators say of several keys together.
_TOGETHER: Mapping[type[Table], Schema] = {
    Elasticsearch: {
        "if": {"required": ["cloud_id"]},
        "then": {"properties": {"url": False}},
        "else": {"required": ["url"]},
        "dependencies": {
            "username": {"properties": {"api_key_file": False}},
            "password_file": ["username"],
            "client_key_file": ["client_cert_file"],
        },
    },
    EmailDestination: {"dependencies": {"password_file": ["username"]}},
    WebhookDestination: {"dependencies": {"verify_token_file": ["channel"]}},
    Expected: {"anyOf": [{"required": [key]} for key in _CONDITIONS]},
}


def config_schema() -> Schema:
    """What may stand in the file. The environment may add to it: but for secrets, that is not reckoned with."""
    made = Tables.model_json_schema(schema_generator=_Generator)
    models = made.pop("$defs")
    about = "Where alertd searches, and whom it tells. Copy config.example.toml."
    return {"$schema": DIALECT, "title": "alertd.toml", "description": about, **_table(Tables, made, models)}


class _Generator(GenerateJsonSchema):
    schema_dialect = DIALECT

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 as pydantic has it
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """TOML has no null."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        if made.get("default") in (None, [], {}):
            made.pop("default", None)
        return made

    def encode_default(self, dft: Any) -> Any:  # as pydantic has it
        if isinstance(dft, Table):
            return {}
        return show_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        return {"minLength": 1, **super().str_schema(schema)}

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        made = super().function_before_schema(schema)
        return {"anyOf": [made["items"], made]} if schema["function"]["function"] is listed else made

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        return {**made, "additionalProperties": False} if "patternProperties" in made else made


def _table(model: type[Table], made: Schema, models: Mapping[str, Schema]) -> Schema:
    """As it may be written in the file: secrets by the names of their files."""
    told = _section(model)
    keys = {}
    for key, each in made["properties"].items():
        name = f"{key}_file" if key in model.secret_keys else key
        plain = {"type": "string", "minLength": 1} if key in model.secret_keys else _resolved(each, models)
        keys[name] = _explained(plain, name, told)
    keys = {key: keys[key] for key in told.keys if key in keys} | keys
    needed = [key for key in made.get("required", ()) if key not in model.secret_keys]
    # a table that may not be empty may not be missing either
    needed += [key for key, each in keys.items() if each.get("minProperties") and key not in needed]
    return {
        "type": "object",
        **({"description": told.text} if told.text else {}),
        "properties": keys,
        **({"required": needed} if needed else {}),
        "additionalProperties": False,
        **_TOGETHER.get(model, {}),
    }


def _section(model: type[Table]) -> Section:
    """The part of the example that shows such a table."""
    kind = next((kind for kind, each in DESTINATIONS.items() if each is model), None)
    if kind:
        return section("destinations", type=kind)
    return section(next((name for name, each in TABLES.items() if each is model), ""))


def _resolved(made: Any, models: Mapping[str, Schema]) -> Any:  # any part of a schema
    """With each table in the place where the model refers to it."""
    if isinstance(made, list):
        return [_resolved(each, models) for each in made]
    if not isinstance(made, dict):
        return made
    if "discriminator" in made:
        return _one_of_kinds({kind: _resolved({"$ref": ref}, models) for kind, ref in _refs(made).items()})
    name = str(made.get("$ref", "")).rpartition("/")[2]
    if name:
        return _table(_MODELS[name], models[name], models)
    return {key: _resolved(each, models) for key, each in made.items() if key != "format"}


def _refs(made: Schema) -> dict[str, str]:
    return dict(made["discriminator"]["mapping"])


def _one_of_kinds(kinds: Mapping[str, Schema]) -> Schema:
    """All keys of all kinds, so that an editor shows them; and, by the type, which of them go together.

    With `oneOf` an editor could only say that nothing fits.
    """
    keys: Schema = {}
    for table in kinds.values():
        for key, each in table["properties"].items():
            keys.setdefault(key, {**each, "description": _of_kinds(key, kinds)})
    keys["type"] = {"enum": list(kinds), "description": keys["type"]["description"]}
    choice: Schema = {}
    for kind, table in reversed([*kinds.items()]):
        own = {"propertyNames": {"enum": list(table["properties"])}, **_without_keys(table)}
        choice = {"if": {"properties": {"type": {"const": kind}}}, "then": own, **({"else": choice} if choice else {})}
    about = next(table["description"] for table in kinds.values())
    return {
        "type": "object",
        "description": about,
        "properties": keys,
        "required": ["type"],
        "additionalProperties": False,
        **choice,
    }


def _of_kinds(key: str, kinds: Mapping[str, Schema]) -> str:
    """What is said of the key: once where all kinds have it, and it means the same."""
    texts = {
        kind: table["properties"][key]["description"] for kind, table in kinds.items() if key in table["properties"]
    }
    if len(texts) == len(kinds) and (key == "type" or len(set(texts.values())) == 1):
        return str(next(iter(texts.values())))
    return "\n\n".join(f'With type = "{kind}": {text}' for kind, text in texts.items())


def _without_keys(table: Schema) -> Schema:
    return {key: table[key] for key in ("required", "dependencies") if key in table}


def _explained(made: Schema, key: str, told: Section) -> Schema:
    """With what the example says of the key, its default, and the value that is shown."""
    shown = told.keys.get(key)
    if shown is None:
        return {"description": section(key).text, **made}  # a table
    # JSON has no dates; TOML's stand without quotes
    is_date = isinstance(shown.value, date)
    value = shown.value.isoformat() if isinstance(shown.value, date) else shown.value
    lines = [shown.text]
    if "default" in made:
        lines.append(f"Default: `{_toml(made['default'])}`")
    if value != made.get("default"):
        lines.append(f"Example: `{key} = {value if is_date else _toml(value)}`")
    return {**made, "description": "\n\n".join(lines), "examples": [value, *made.get("examples", [])]}


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
