"""Reads the file, the environment and the secret files, and says everything that is wrong with them."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from alertd.config.model import Settings, Tables
from alertd.errors import ConfigError, Problem
from alertd.toml import Key, TomlFile, read_toml, suggest

PLACES = (Path("alertd.toml"), Path("/etc/alertd/alertd.toml"))
PREFIX = "ALERTD_"

# The keys that are secrets, by the last part of their name. In TOML only NAME_file may stand.
SECRETS = ("api_key", "password", "token", "url", "verify_token")


def load_settings(path: Path | None) -> Settings:
    """ConfigError with every mistake, each with its place."""
    file = read_toml(find(path))
    problems: list[Problem] = []
    warnings: list[str] = []
    data = _with_secret_files(file, problems, warnings)
    environment = _environment()
    merged = _merge(data, environment)
    state = os.environ.get("STATE_DIRECTORY")
    if state and "path" not in merged.get("ledger", {}):
        merged.setdefault("ledger", {})["path"] = str(Path(state.split(":")[0]) / "alertd.db")
    try:
        tables = Tables.model_validate(merged)
    except ValidationError as error:
        problems += [
            _problem(mistake, file, environment) for mistake in error.errors(include_input=False, include_url=False)
        ]
    if problems:
        raise ConfigError(sorted(problems, key=_place))
    return Settings(**dict(_resolved(tables, file.path.parent)), path=file.path, warnings=tuple(warnings))


def find(path: Path | None) -> Path:
    if path is not None:
        return path
    for place in PLACES:
        if place.exists():
            return place
    tried = ", ".join(str(place) for place in PLACES)
    what = f"there is no configuration: tried {tried}. Copy config.example.toml, or name one with --config."
    raise ConfigError([Problem("alertd.toml", what)])


def _environment() -> dict[str, Any]:
    """ALERTD_DESTINATIONS__SECURITY__TOKEN → {"destinations": {"security": {"token": …}}}; pydantic-settings' rules."""

    class Environment(BaseSettings):
        model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="ignore")
        elasticsearch: dict[str, Any] = {}
        sources: dict[str, Any] = {}
        destinations: dict[str, Any] = {}
        rules: dict[str, Any] = {}
        accounts: dict[str, Any] = {}
        message: dict[str, Any] = {}
        ledger: dict[str, Any] = {}
        log: dict[str, Any] = {}
        ops: dict[str, Any] = {}

    return {name: value for name, value in EnvSettingsSource(Environment)().items() if value}


def _with_secret_files(file: TomlFile, problems: list[Problem], warnings: list[str]) -> dict[str, Any]:
    """The file's data with each NAME_file replaced by what it holds, and secrets written inline refused."""
    data = dict(file.data)
    for at, table in _secret_tables(data):
        changed = dict(table)
        for name in SECRETS:
            if name == "url" and at == ("elasticsearch",):
                continue
            if isinstance(table.get(name), str):
                del changed[name]
                problems.append(Problem(file.where((*at, name)), _inline(at, name)))
            named = changed.pop(f"{name}_file", None) if not _is_plain_file(at, name) else None
            if named is not None:
                secret = _read_secret(file, (*at, f"{name}_file"), named, problems, warnings)
                changed[name] = secret or "-"
        _put(data, at, changed)
    return data


def _secret_tables(data: Mapping[str, Any]) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    if isinstance(data.get("elasticsearch"), dict):
        yield ("elasticsearch",), data["elasticsearch"]
    destinations = data.get("destinations")
    if isinstance(destinations, dict):
        for name, table in destinations.items():
            if isinstance(table, dict):
                yield ("destinations", name), table


def _is_plain_file(at: Key, name: str) -> bool:
    return at == ("elasticsearch",) and name in {"url", "token", "verify_token"}


def _put(data: dict[str, Any], at: Key, table: Mapping[str, Any]) -> None:
    if len(at) == 1:
        data[str(at[0])] = table
    else:
        data[str(at[0])] = {**data[str(at[0])], at[1]: table}


def _inline(at: Key, name: str) -> str:
    key = ".".join(str(part) for part in (*at, name))
    variable = PREFIX + "__".join(str(part).upper() for part in (*at, name))
    return f"{key}: a secret may not be written here. Use {name}_file, or {variable}."


def _read_secret(file: TomlFile, at: Key, named: object, problems: list[Problem], warnings: list[str]) -> str | None:
    """A path relative to the configuration, or the name of a systemd credential."""
    key = ".".join(str(part) for part in at)
    if not isinstance(named, str) or not named:
        problems.append(Problem(file.where(at), f"{key}: must be the path of a file"))
        return None
    path = file.path.parent / named
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials and "/" not in named and not path.exists():
        path = Path(credentials) / named
    try:
        secret = path.read_text("utf-8").strip()
        if path.stat().st_mode & 0o004 and not str(path).startswith("/run/"):
            warnings.append(f"{path} can be read by everybody: chmod 600")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(file.where(at), f"{key}: {path} cannot be read: {getattr(error, 'strerror', error)}"))
        return None
    if not secret:
        problems.append(Problem(file.where(at), f"{key}: {path} is empty"))
        return None
    return secret


def _merge(data: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """The environment wins, key by key. Names of tables are compared without case: variables are written in capitals."""
    merged = dict(data)
    for name, value in over.items():
        same = next((known for known in merged if known.lower() == name.lower()), name)
        known = merged.get(same)
        merged[same] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _problem(mistake: Mapping[str, Any], file: TomlFile, environment: Mapping[str, Any]) -> Problem:
    at = tuple(part for part in mistake["loc"] if part not in {"slack", "slack-webhook"})
    key = ".".join(str(part) for part in at)
    where = file.where(at)
    if _has(environment, at):
        where = "environment " + PREFIX + "__".join(str(part).upper() for part in at)
    match mistake["type"]:
        case "extra_forbidden":
            what = f'unknown key "{at[-1]}". {suggest(str(at[-1]), _allowed(mistake["loc"]))}'
        case "missing":
            what = f"{key} is missing"
        case "union_tag_invalid" | "union_tag_not_found":
            what = f'{key}: type must be "slack" or "slack-webhook"'
        case _:
            message = str(mistake["msg"]).removeprefix("Value error, ")
            what = f"{key}: {message[:1].lower()}{message[1:]}" if key else message
    return Problem(where, what)


def _has(data: Any, at: Key) -> bool:
    for part in at:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return bool(at)


def _allowed(loc: Key) -> list[str]:
    """The keys of the table that an unknown one stands in."""
    from alertd.config import model

    tables = {
        "elasticsearch": model.Elasticsearch,
        "sources": model.Source,
        "destinations": model.WebhookDestination if "slack-webhook" in loc else model.SlackDestination,
        "rules": model.Rules,
        "accounts": model.Account,
        "message": model.Message,
        "ledger": model.Ledger,
        "log": model.Log,
        "ops": model.Ops,
    }
    table: Any = Tables if len(loc) == 1 else tables.get(str(loc[0]), Tables)
    names = list(table.model_fields)
    return [
        f"{name}_file" if name in SECRETS and not (name == "url" and loc[0] == "elasticsearch") else name
        for name in names
    ]


def _resolved(tables: Tables, base: Path) -> Iterator[tuple[str, Any]]:
    """Paths are relative to the configuration file."""
    for name in Tables.model_fields:
        value = getattr(tables, name)
        if name == "elasticsearch":
            files = {
                key: base / path
                for key in ("ca_file", "client_cert_file", "client_key_file")
                if (path := getattr(value, key)) is not None
            }
            value = value.model_copy(update=files)
        elif name == "ledger":
            value = value.model_copy(update={"path": base / value.path})
        yield name, value


def _place(problem: Problem) -> tuple[str, int]:
    name, _, line = problem.where.rpartition(":")
    return (name, int(line)) if line.isdigit() else (problem.where, 0)
