"""Secrets come from the environment or from files, never from the configuration itself. No mistake repeats one."""

import os
from collections.abc import Iterator
from pathlib import Path

from alertd.config.destination import DESTINATIONS
from alertd.config.draft import Draft, dotted, table_at
from alertd.config.environment import variable_for
from alertd.config.model import Elasticsearch
from alertd.config.permissions import note_readable, writable
from alertd.secret import Credential, looks_secret, read_secret
from alertd.toml.file import Key
from alertd.toml.model import Table
from alertd.toml.value import KeptSecret

# Takes the place of a secret that was refused, so that it is not called missing as well.
_STAND_IN = "https://refused.invalid/"
# Beside the configuration, where the systemd unit takes credentials from: a command in a plain shell finds them too.
_FOLDER = "secrets"
# Where its table has the one key, it needs the secret too.
_GOES_WITH = {"token": "type", "url": "type", "password": "username", "verify_token": "channel"}


def fill_in_secrets(draft: Draft, *, needed: bool) -> None:
    """Refuse secrets in the file, read those in secret files. A value in the environment wins over a file's name.

    Where none is `needed`, no file is looked at, and stand-ins take their places.
    """
    for at, secret_keys in _places(draft):
        table = draft.table(at) or {}
        written = table_at(draft.file.data, at) or {}
        for key in secret_keys:
            if key in written:
                here = (*at, key)
                text = f"a secret may not be written here. Use {key}_file, or {variable_for(here)}."
                draft.note_at(draft.file.where(here), f"{dotted(here)}: {text}")
                table[key] = _STAND_IN
            named = table.pop(f"{key}_file", None)
            if not needed:
                if named is not None or table.get(_GOES_WITH.get(key, "")):
                    table.setdefault(key, _STAND_IN)
            elif named is not None and key not in table:
                draft.read_from[(*at, key)] = (*at, f"{key}_file")
                kept = _read(draft, (*at, f"{key}_file"), named)
                table[key] = KeptSecret(kept) if kept else _STAND_IN


def refuse_lookalikes(draft: Draft) -> None:
    """What is shaped like a secret is refused wherever it stands in the file: people paste into the wrong key."""
    told_elsewhere = {
        (*at, name) for at, secret_keys in _places(draft) for key in secret_keys for name in (key, f"{key}_file")
    }
    for at, text in _texts((), draft.file.data):
        if at in told_elsewhere:
            continue
        if looks_secret(text):
            draft.note(at, "this looks like a secret, which may not be written here. Use a file or the environment.")
        elif at[-1] == "proxy" and "@" in text:
            draft.note(at, f"a password may not be written here. Use {variable_for(at)}.")


def _texts(at: Key, value: object) -> Iterator[tuple[Key, str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for name, below in value.items():
            yield from _texts((*at, name), below)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _texts((*at, index), below)


def _places(draft: Draft) -> Iterator[tuple[Key, tuple[str, ...]]]:
    """Tables that hold secrets, and the keys of these."""
    if draft.table(("elasticsearch",)) is not None:
        yield ("elasticsearch",), Elasticsearch.secret_keys
    for name in draft.table(("destinations",)) or {}:
        at = ("destinations", name)
        kind = draft.value((*at, "type"))
        # where the type is wrong, what is a secret in any of them is one
        models: list[type[Table]] = [DESTINATIONS[key] for key in DESTINATIONS if key == kind] or [
            *DESTINATIONS.values()
        ]
        if draft.table(at) is not None:
            yield at, tuple(key for model in models for key in model.secret_keys)


def _read(draft: Draft, at: Key, named: object) -> Credential | None:
    if not isinstance(named, str) or not named:
        draft.note(at, "must be the path of a file, or the name of a systemd credential")
        return None
    if looks_secret(named):
        draft.note(at, "this looks like the secret itself. Write it into a file, and here the file's name.")
        return None
    try:
        path = _find(named, draft.file.path.parent)
        secret = Credential(read_secret(path), path)
        note_readable(draft, at, named, path)
    except OSError as error:
        draft.note(at, f"the file cannot be read: {error.strerror}")
        return None
    except ValueError as error:
        draft.note(at, str(error))
        return None
    if others := writable(path):
        draft.warnings.append(f"{dotted(at)}: {others}")
    return secret


def _find(named: str, base: Path) -> Path:
    """ValueError without the name: what stands there may be the secret itself, pasted into the wrong key."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    folders = [Path(credentials), base] if credentials else [base]
    if "/" not in named and (base / _FOLDER).is_dir():
        folders.append(base / _FOLDER)
    for folder in folders:
        try:
            (folder / named).stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        return folder / named
    tried = " and ".join(str(folder.absolute()) for folder in folders)
    raise ValueError("there is no such file" if named.startswith("/") else f"there is no such file in {tried}")
