"""Reads the file, the environment and the secret files, and says everything that is wrong with them."""

import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from alertd.config.accounts import fill_in_accounts
from alertd.config.cleartext import sent_in_the_clear
from alertd.config.draft import Draft
from alertd.config.environment import CONFIG_VARIABLE, read_environment
from alertd.config.mistakes import note_mistakes, note_unknown_names
from alertd.config.model import Settings, Tables
from alertd.config.permissions import note_readable, writable
from alertd.config.routes import useless_routes
from alertd.config.secrets import fill_in_secrets, refuse_lookalikes
from alertd.errors import ConfigError, Problem
from alertd.secret import hide_lookalikes
from alertd.toml.file import Key, read_toml

PLACES = (Path("alertd.toml"), Path("/etc/alertd/alertd.toml"))
LEDGER_NAME = "alertd.db"


def load_settings(path: Path | None, *, secrets: bool = True) -> Settings:
    """ConfigError with every mistake, each with its place.

    `secrets=False` is for what speaks to no server: it asks for no file that only alertd's user may read.
    """
    draft = Draft(read_toml(find(path)), read_environment())
    refuse_lookalikes(draft)
    fill_in_secrets(draft, needed=secrets)
    fill_in_accounts(draft)
    note_unknown_names(draft)
    _place_files(draft, secrets=secrets)
    tables = _checked(draft)
    if tables is None or draft.problems:
        # raised outside of any except: pydantic's error, which holds the secrets, must not hang on it
        problems = {
            Problem(hide_lookalikes(problem.where), hide_lookalikes(problem.what)): None for problem in draft.problems
        }
        raise ConfigError(sorted(problems, key=_place))
    warnings = (*draft.warnings, *_writable(draft, tables), *useless_routes(tables), *sent_in_the_clear(tables))
    return Settings(**dict(tables), path=draft.file.path, warnings=warnings)


def find(path: Path | None) -> Path:
    """The file that was named, or the first that exists."""
    named = path or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    if named is not None:
        return named
    for place in PLACES:
        try:
            place.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            # there may be one, which this user may not see: reading it tells why
            return place
        return place
    tried = ", ".join(str(place) for place in PLACES)
    raise ConfigError(
        [
            Problem(
                "alertd.toml",
                f"there is no configuration. Tried --config, ${CONFIG_VARIABLE} (neither is set), {tried}. "
                "Copy config.example.toml to one of these places.",
            )
        ]
    )


def _checked(draft: Draft) -> Tables | None:
    try:
        return Tables.model_validate(draft.data)
    except ValidationError as error:
        note_mistakes(error, draft)
        return None


def _writable(draft: Draft, tables: Tables) -> Iterator[str]:
    """Files that alertd goes by, and that others may write; secrets were looked at when they were read."""
    base = draft.file.path.parent
    named = [tables.elasticsearch.ca_file, tables.elasticsearch.client_cert_file, tables.elasticsearch.client_key_file]
    named += [base / tables.accounts_file] if tables.accounts_file else []
    named += [Path(table.profile) for table in tables.sources.values() if table.profile.endswith(".toml")]
    for path in dict.fromkeys((draft.file.path, *filter(None, named))):
        if others := writable(path):
            yield others


def _place_files(draft: Draft, *, secrets: bool) -> None:
    """Paths are relative to the configuration file, wherever alertd is started."""
    base = draft.file.path.parent
    for at in (("elasticsearch",), *(("destinations", name) for name in draft.table(("destinations",)) or {})):
        table = draft.table(at) or {}
        for key in ("ca_file", "client_cert_file", "client_key_file"):
            named = table.get(key)
            if isinstance(named, str) and named:
                table[key] = base / named
                if secrets:
                    _note_unreadable(draft, (*at, key), base / named)
    for source in (draft.table(("sources",)) or {}).values():
        profile = source.get("profile") if isinstance(source, dict) else None
        if isinstance(profile, str) and profile.endswith(".toml"):
            source["profile"] = str(base / profile)
    ledger = draft.data.setdefault("ledger", {})
    if isinstance(ledger, dict):
        # systemd may give several, apart by colons
        state = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
        if state:
            ledger.setdefault("path", str(Path(state) / LEDGER_NAME))
        if isinstance(ledger.get("path"), str) and ledger["path"]:
            ledger["path"] = base / ledger["path"]


def _note_unreadable(draft: Draft, at: Key, path: Path) -> None:
    try:
        with path.open("rb"):
            pass
        if at[-1] == "client_key_file":
            note_readable(draft, at, str(draft.value(at)), path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "there is no such file"
        draft.note(at, f"cannot be read: {reason}")


def _place(problem: Problem) -> tuple[str, int]:
    name, _, line = problem.where.rpartition(":")
    return (name, int(line)) if line.isdigit() else (problem.where, 0)
