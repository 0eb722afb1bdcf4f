"""`alertd schema`: what may stand in a rule file or in alertd.toml, as JSON Schema for editors."""

import json
from collections.abc import Callable, Mapping

import typer

from alertd.config.schema import config_schema
from alertd.rules.schema import rules_schema

_SCHEMAS: Mapping[str, Callable[[], dict[str, object]]] = {"rules": rules_schema, "config": config_schema}


def print_schema(of: str) -> None:
    typer.echo(json.dumps(_SCHEMAS[of](), ensure_ascii=False, indent=2))
