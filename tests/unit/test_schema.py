"""The JSON Schemas for editors: valid, whole, true of what ships, and as strict as a schema can be."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from typer.testing import CliRunner

from alertd.cli.main import app
from alertd.config.schema import config_schema
from alertd.errors import ConfigError
from alertd.rules import load, query, quiet
from alertd.rules.schema import rules_schema
from alertd.toml.file import Key, TomlFile, read_toml
from tests.unit import test_config_mistakes as mistakes
from tests.unit import test_rules_load as rules
from tests.unit.configuration import GOOD

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "config.example.toml"
RULE_FILES = sorted((REPOSITORY / "rules").rglob("*.toml"))
SCHEMAS = {"rules": rules_schema(), "config": config_schema()}


# What a schema cannot tell: it sees one value at a time, no other file, and not what the environment adds.
BEYOND = {
    "rules": {
        "names that another file has": (
            'unknown destination "securty"',
            'unknown source "cloudtrial"',
            "only for [ops], not for alerts",
        ),
        "names that stand elsewhere in the file": ('expect names no rule of this file: "b"',),
        "languages of their own": (
            "message.summary: there is no event.nothing",
            "query.lucene cannot be parsed at column 19",
            "query.lucene cannot be parsed at line 2, column 5",
            "query.lucene cannot be parsed at column 93",
            "query.kql cannot be parsed at column 50",
            "query.kql cannot be parsed at line 2, column 3",
            "query.dsl is not JSON",
            "query.dsl must be one clause",
        ),
        "TOML that JSON has no word for": (
            "query.dsl holds a date",
            "an event cannot hold inf or nan",
        ),
        "other files": (
            "none.json cannot be read",
            "bad.ndjson:2 is not JSON",
            "empty.ndjson holds no event",
            "text.json must be an event",
        ),
    },
    "config": {
        "the environment may hold what is missing": (
            "destinations.security.token_file is missing",
            "elasticsearch: username and password_file belong together",
            "destinations.hook: channel and verify_token_file belong together",
            "destinations.oncall: username and password_file belong together",
        ),
        "one value against another": (
            "sources.cloudtrail.sweep_interval: must not be shorter",
            "sources.cloudtrail.overlap: must not be longer",
            "sources.cloudtrail.look_back: must not be shorter",
            "destinations.security.max_doubt: must be longer",
            "ledger: keep must be at least 32d",
            "ops.backlog_after: must be at least 1m",
            "expected[2].until: must be later",
        ),
        "names that stand elsewhere in the file": (
            "rules.notify[1]: there is no such destination",
            "ops.notify: there is no such destination",
            "routes[0].notify[0]: there is no such destination",
            'rules.notify[1]: "oncall" is e-mail',
            'routes[0].notify: "clear" is e-mail',
        ),
        "other files": (
            "elasticsearch.ca_file: cannot be read",
            "elasticsearch.client_cert_file: cannot be read",
        ),
        "what only alertd knows": (
            "message.timezone: must be a time zone",
            "expected[0].source_ip[0]: is an address within a network",
            "expected[0].source_ip[1]: is an address within a network",
            "destinations.security.channel: this looks like a secret",
            "destinations.security.token_file: this looks like the secret itself",
            "is not TOML at column 5",
        ),
    },
}
GOLDEN = {
    "rules": ("team.toml", rules.CASES, {"head": rules.HEAD, "rule": rules.RULE, "test": rules.TEST}),
    "config": ("alertd.toml", mistakes.CASES, mistakes.STANDARD),
}


def refused(schema: Mapping[str, Any], file: TomlFile) -> set[int]:
    """The lines of a file that the schema does not take."""
    errors = Draft7Validator(schema).iter_errors(_as_json(file.data))
    return {file.line_of(key) for error in errors for key in _places(error)}


def _places(error: ValidationError) -> Iterator[Key]:
    here = tuple(error.absolute_path)
    match error.validator:
        case "additionalProperties":
            known = [*map(re.escape, error.schema.get("properties", {})), *error.schema.get("patternProperties", {})]
            yield from ((*here, name) for name in error.instance if not any(re.fullmatch(each, name) for each in known))
        case "propertyNames":
            yield (*here, error.instance)
        case "dependencies":
            needed = error.validator_value
            yield from ((*here, name) for name in error.instance if set(needed.get(name, ())) - error.instance.keys())
        case _:
            yield here
            for below in error.context or ():
                yield from _places(below)


def _as_json(value: object) -> object:
    """As Taplo hands TOML to a validator: dates as texts."""
    if isinstance(value, dict):
        return {name: _as_json(below) for name, below in value.items()}
    if isinstance(value, list):
        return [_as_json(below) for below in value]
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_schemas_are_schemas(kind: str) -> None:
    """Of the draft that they name."""
    assert "http://json-schema.org/draft-07/schema#" == SCHEMAS[kind]["$schema"]
    Draft7Validator.check_schema(SCHEMAS[kind])


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_file_in_docs_is_what_the_command_prints(kind: str) -> None:
    """The lines in rule files and in the example point to it. To write it anew: make schema."""
    done = CliRunner().invoke(app, ["schema", kind])
    assert 0 == done.exit_code
    assert done.stdout == (REPOSITORY / f"docs/schema/{kind}.schema.json").read_text("utf-8")


@pytest.mark.parametrize("path", [EXAMPLE, *RULE_FILES], ids=lambda path: path.name)
def test_what_ships_names_its_schema_and_fits_it(path: Path) -> None:
    """A file that alertd takes and an editor marks red would teach people to look away."""
    first = path.read_text("utf-8").split("\n", 1)[0]
    kind = "config" if path == EXAMPLE else "rules"
    assert (REPOSITORY / f"docs/schema/{kind}.schema.json") == (path.parent / first.removeprefix("#:schema ")).resolve()
    assert set() == refused(SCHEMAS[kind], read_toml(path))


def test_the_example_fits_with_every_line_switched_on(tmp_path: Path) -> None:
    """But for the keys that exclude each other."""
    text = re.sub(r"(?m)^#(\[|\w+ = )", r"\1", EXAMPLE.read_text("utf-8"))
    text = re.sub(r"(?m)^(cloud_id|username|password_file) = .*\n", "", text)
    (tmp_path / "alertd.toml").write_text(text, "utf-8")
    file = read_toml(tmp_path / "alertd.toml")
    assert {"routes", "expected", "accounts_file"} < file.data.keys()
    assert set() == refused(SCHEMAS["config"], file)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_mistake_that_a_schema_can_tell_is_told_at_its_line(kind: str, tmp_path: Path) -> None:
    """Of all mistakes that alertd tells; those beyond a schema are listed, each is in the list, and no other."""
    name, cases, stand_ins = GOLDEN[kind]
    missed = []
    for case in cases.values():
        text, _, expected = f"{case}\n".partition("\n---\n")
        for stand_in, table in stand_ins.items():
            text = f"{text}\n".replace(f"<{stand_in}>\n", table)
        (tmp_path / name).write_text(text, "utf-8")
        lines = _lines(kind, tmp_path / name)
        told = re.findall(rf"^{re.escape(name)}:([0-9]+): (.*)$", expected, flags=re.MULTILINE)
        missed += [what for line, what in told if int(line) not in lines]
    listed = [text for texts in BEYOND[kind].values() for text in texts]
    assert [] == [what for what in missed if not what.startswith(tuple(listed))]
    assert [] == [text for text in listed if not any(what.startswith(text) for what in missed)]


def _lines(kind: str, path: Path) -> set[int]:
    try:
        return refused(SCHEMAS[kind], read_toml(path))
    except ConfigError:
        return set()  # no TOML at all: editors tell that without a schema


def test_the_schema_knows_every_key_that_the_loader_takes() -> None:
    """And no other: a key that is added there must be explained here."""
    rule = SCHEMAS["rules"]["properties"]["rules"]["items"]
    keys = {
        load._SET_KEYS: SCHEMAS["rules"],
        load._RULE_KEYS: rule,
        load._MESSAGE_KEYS: rule["properties"]["message"],
        quiet._EXCEPTION_KEYS: rule["properties"]["exceptions"]["items"],
        load._TEST_KEYS: rule["properties"]["tests"]["items"],
    }
    assert [set(names) for names in keys] == [set(table["properties"]) for table in keys.values()]
    assert set(query._READERS) == set(rule["properties"]["query"]["properties"])


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_key_is_explained_with_an_example(kind: str) -> None:
    """Who hovers over a key learns what it is for."""
    found = dict(_keys(SCHEMAS[kind]))
    assert len(found) > 20
    for key, made in found.items():
        assert len(made["description"]) > 10, key
        is_table = made.get("type") == "object" or made.get("items", {}).get("type") == "object"
        assert is_table or made.get("examples") or made.get("enum"), key


def _keys(table: Mapping[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    for below in (table.get("items"), table.get("additionalProperties"), *table.get("patternProperties", {}).values()):
        if isinstance(below, dict):
            yield from _keys(below, at)
    for key, made in table.get("properties", {}).items():
        yield (*at, key), made
        yield from _keys(made, (*at, key))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('until = "2026-12-31T14:00:00"', 3),  # no offset
        ("until = 2026-12-31T14:00:00Z", None),
        ("until = 2026-12-31T14:00:00.5+09:00", None),
        ("until = 2026-12-31", None),
        ("until = 14:00:00", 3),
    ],
)
def test_a_moment_is_a_day_or_has_its_offset(text: str, line: int | None, tmp_path: Path) -> None:
    """As alertd reads it."""
    path = tmp_path / "alertd.toml"
    path.write_text(f'[[expected]]\nticket = "x"\n{text}\nrule = "r"\n{GOOD}', "utf-8")
    assert ({line} if line else set()) == refused(SCHEMAS["config"], read_toml(path))
