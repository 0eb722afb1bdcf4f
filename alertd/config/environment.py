"""Settings from the environment: ALERTD_DESTINATIONS__SECURITY__TOKEN is token in [destinations.security]."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from alertd.config.model import Tables
from alertd.errors import Problem
from alertd.toml.file import Key, suggest

PREFIX = "ALERTD_"
DELIMITER = "__"
# Names the file itself, so it stands for no key in it.
CONFIG_VARIABLE = "ALERTD_CONFIG"

# What stands above all tables, and lists of tables, which no variable can name.
_SINGLE = {"accounts_file"}
_LISTS = {"routes", "expected"}

# What Kubernetes sets in every container beside a service called alertd.
_KUBERNETES = re.compile(r"(.*_)?(SERVICE_(HOST|PORT(_.*)?)|PORT(_[0-9]+_.*)?)")


@dataclass(frozen=True, slots=True)
class Environment:
    data: Mapping[str, Any]
    variables: Mapping[Key, str]  # folded key → the variable that sets it, or the table around it
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]

    def variable(self, at: Key) -> str | None:
        """The variable that a key comes from."""
        data: object = self.data
        for part in folded(at):
            if not isinstance(data, dict):
                break  # within a list
            if part not in data:
                return None
            data = data[part]
        # a variable may hold a whole table, as JSON
        outward = (folded(at)[:length] for length in range(len(at), 0, -1))
        return next((self.variables[key] for key in outward if key in self.variables), None)


class _Variables(BaseSettings, Tables):
    """Tells pydantic-settings what there is to look for. It is never filled in."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, env_ignore_empty=True, extra="ignore"
    )


def read_environment() -> Environment:
    variables: dict[Key, str] = {}
    problems, warnings = [], []
    for name in sorted(os.environ):
        if not name.upper().startswith(PREFIX) or name.upper() == CONFIG_VARIABLE:
            continue
        key = tuple(name[len(PREFIX) :].lower().split(DELIMITER))
        if key[0] in Tables.model_fields and (len(key) > 1) is not (key[0] in _SINGLE) and key[0] not in _LISTS:
            variables[key] = name
        elif len(key) > 1 or key[0] in Tables.model_fields:
            problems.append(Problem(f"environment {name}", _no_setting(key)))
        elif not _KUBERNETES.fullmatch(name[len(PREFIX) :].upper()):
            warnings.append(f"{name} in the environment sets nothing: between table and key stand two underscores")
    source = EnvSettingsSource(_Variables)
    read = {name.lower() for name in variables.values()}
    source.env_vars = {name: value for name, value in source.env_vars.items() if name in read}
    return Environment(source(), variables, tuple(problems), tuple(warnings))


def folded(at: Key) -> Key:
    """A key as the environment can write it."""
    return tuple(re.sub(r"[^a-z0-9]", "_", str(part).lower()) for part in at)


def variable_for(at: Key) -> str:
    """The variable that a key may be set by."""
    return PREFIX + DELIMITER.join(map(str, folded(at))).upper()


def _no_setting(key: Key) -> str:
    if key[0] in _LISTS:
        return f"cannot be set by the environment: write [[{key[0]}]] into the file"
    if key[0] in _SINGLE:
        return f"is no table: set {PREFIX}{str(key[0]).upper()}"
    if key[0] in Tables.model_fields:
        return f"is a table: set its keys, such as {PREFIX}{str(key[0]).upper()}{DELIMITER}KEY"
    return f'unknown table "{key[0]}". {suggest(str(key[0]), list(Tables.model_fields))}'
