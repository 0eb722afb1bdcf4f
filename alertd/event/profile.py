"""How to read one kind of document: data, in TOML. Built in are the files of alertd/profiles.

A profile says where each fact stands, first present wins, and which facts make an event what it is: its key.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path as FilePath
from typing import Any

from alertd.errors import ConfigError, Problem
from alertd.event.document import Path
from alertd.toml.file import Key, TomlFile, read_toml, suggest

# In a path it stands for the event's own action: responseElements.{action} is responseElements.ConsoleLogin.
ACTION = "{action}"
SUCCESS, FAILURE = "success", "failure"

FACTS = [
    "id",
    "time",
    "ingested",
    "account",
    "action",
    "provider",
    "event_type",
    "region",
    "source_address",
    "country",
    "city",
    "network",
    "user_agent",
    "identity_type",
    "actor",
    "user_name",
    "actor_account",
    "issuer_type",  # of a federated or assumed session: whose power it has
    "behind",  # on whose behalf a service account acted
    "access_key",
    "created_key",
    "invoked_by",
    "mfa",
    "result",  # what the service answered to this very action: it decides the outcome before an error does
    "outcome",  # what a pipeline made of it
    "error_code",
    "error_message",
    "read_only",
    "parameters",
    "touched",
    "session_start",
    "assumed_root",
    "update_of",
    "log",  # where an id is unique only within its log
]

_ID = re.compile("[a-z0-9][a-z0-9-]*")
_KEYS = [
    "id",
    "key",
    "key_needs",
    "session",
    "account_digits",
    "touched_parameters",
    "creates_key",
    "whole",
    "record",
    "document",
    "original",
    "outcome",
]
_RECORD_KEYS = ["parents", "fields"]
_DOCUMENT_KEYS = ["fields"]
_ORIGINAL_KEYS = ["path", "fields"]
_OUTCOME_KEYS = [SUCCESS, FAILURE, "without_error", "answered"]


@dataclass(frozen=True, slots=True)
class Profile:
    id: str  # event keys begin with it
    key: tuple[str, ...]  # the facts that make the event's key, in their order
    key_needs: frozenset[str]  # those without which there is no key
    session: tuple[str, ...]  # the facts that all acts of one session share; all are needed
    account_digits: int | None  # numbers of accounts are as long as this: leading zeros get lost on the way
    paths: Mapping[str, tuple[Path, ...]]
    original: Path | None  # where a pipeline keeps the whole record as text
    original_paths: Mapping[str, tuple[Path, ...]]  # within it: facts that the pipeline leaves out elsewhere
    outcomes: Mapping[str, str]  # word in lower case → success or failure
    without_error: str | None  # the outcome of an act about which nothing bad is said
    answered: frozenset[str] = frozenset()  # actions that may fail without an error: without an answer, nobody knows
    touched_parameters: tuple[
        str, ...
    ] = ()  # of the request: what names the thing that was touched, first present wins
    creates_key: frozenset[str] = frozenset()  # the actions that make a key; none: whatever answers with one
    whole: frozenset[str] = frozenset()  # parts of a document that may be text: searches ask for all of each
    more_times: tuple[Path, ...] = ()  # by which the source is searched too; never a part of a key
    shapes: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)  # first in the bare record, and in a document

    @property
    def key_fields(self) -> tuple[str, ...]:
        """The document fields that read_key looks at."""
        return _asked((path for fact in self.key for path in self.paths.get(fact, ())), self.whole)

    @property
    def fields(self) -> tuple[str, ...]:
        """The document fields that read_event looks at."""
        everything = [path for paths in (*self.paths.values(), self.more_times) for path in paths]
        return _asked([*everything, self.original] if self.original else everything, self.whole)


def load_profile(name_or_path: str, *, times: Iterable[str] = ()) -> Profile:
    """A built-in profile by its name, or any by the path of its file. ConfigError with every mistake.

    `times`: the fields by which the source is searched: what is searched is read, be it known to the profile or not.
    """
    profile = _load(name_or_path)
    more = (_path("", name) for name in times)
    return replace(profile, more_times=tuple(path for path in more if path not in profile.paths.get("time", ())))


def _load(name_or_path: str) -> Profile:
    built_in = FilePath(str(files("alertd.event") / "profiles" / f"{name_or_path}.toml"))
    if built_in.is_file() and "/" not in name_or_path:
        return _Reader(read_toml(built_in)).profile()
    path = FilePath(name_or_path)
    if path.suffix != ".toml" and not path.is_file():
        names = sorted(entry.stem for entry in built_in.parent.glob("*.toml"))
        what = f"is no profile. {suggest(name_or_path, names)} Or give the path of a TOML file."
        raise ConfigError([Problem(f'profile "{name_or_path}"', what)])
    return _Reader(read_toml(path)).profile()


def _asked(paths: Iterable[Path], whole: Collection[str]) -> tuple[str, ...]:
    """The action is not known when the search is written: everything above it is asked for."""
    asked = (name for path in paths for name in (*_wholes(path, whole), ".".join(path).partition(f".{ACTION}")[0]))
    return tuple(dict.fromkeys(asked))


def _wholes(path: Path, whole: Collection[str]) -> Iterator[str]:
    """additionalEventData of json.additionalEventData.MFAUsed."""
    above = (".".join(path[:length]) for length in range(1, len(path)))
    yield from (name for name in above if any(f".{name}".endswith(f".{each}") for each in whole))


@dataclass(slots=True)
class _Reader:
    """Reads one file; mistakes are collected, and stand-ins let reading go on."""

    file: TomlFile
    problems: list[Problem] = field(default_factory=list)

    def profile(self) -> Profile:
        data = self.file.data
        self._allow(data, (), _KEYS)
        record, document = self._table("record", _RECORD_KEYS), self._table("document", _DOCUMENT_KEYS)
        original, outcome = self._table("original", _ORIGINAL_KEYS), self._table("outcome", _OUTCOME_KEYS)
        parents = self._texts(record, ("record", "parents"), [""])
        paths = self._paths(record, "record", parents)
        bare = parents.index("") if "" in parents else 0
        shapes = {fact: some[bare : bare + 1] for fact, some in paths.items()}
        for fact, more in self._paths(document, "document", [""]).items():
            paths[fact] = (*paths.get(fact, ()), *more)
            shapes[fact] = (*shapes.get(fact, ()), *more[:1])
        key = self._known(data, "key", paths)
        profile = Profile(
            id=self._id(data),
            key=key,
            key_needs=frozenset(self._known(data, "key_needs", key) or key),
            session=self._known(data, "session", paths),
            account_digits=self._digits(data),
            paths=paths,
            original=self._original(original),
            original_paths=self._paths(original, "original", [""]),
            outcomes=self._outcomes(outcome),
            without_error=self._without_error(outcome),
            answered=frozenset(self._texts(outcome, ("outcome", "answered"), [])),
            creates_key=frozenset(self._texts(data, ("creates_key",), [])),
            whole=frozenset(self._texts(data, ("whole",), [])),
            touched_parameters=tuple(self._texts(data, ("touched_parameters",), [])),
            shapes=shapes,
        )
        if not key:
            self._problem(("key",), 'must list the facts that tell events apart, for example key = ["account", "id"]')
        if self.problems:
            raise ConfigError(self.problems)
        return profile

    def _paths(self, table: Mapping[str, Any], name: str, parents: list[str]) -> dict[str, tuple[Path, ...]]:
        facts = table.get("fields", {})
        self._allow(facts, (name, "fields"), FACTS)
        if not isinstance(facts, dict):
            return {}
        return {
            fact: tuple(
                _path(parent, path)
                for path in self._texts(facts, (name, "fields", fact), [])
                for parent in parents
                if self._is_path(path, (name, "fields", fact))
            )
            for fact in facts
        }

    def _is_path(self, path: str, key: Key) -> bool:
        if all(path.split(".")) and "*" not in path:
            return True
        self._problem(key, f'"{path}" is no field of a document: names with a dot between them, no wildcards')
        return False

    def _known(self, data: Mapping[str, Any], name: str, known: Collection[str]) -> tuple[str, ...]:
        facts = self._texts(data, (name,), [])
        for fact in facts:
            if fact not in known:
                self._problem((name,), f'"{fact}" has no paths here. {suggest(fact, sorted(known))}')
        return tuple(facts)

    def _outcomes(self, outcome: Mapping[str, Any]) -> dict[str, str]:
        return {
            word.lower(): meaning
            for meaning in (SUCCESS, FAILURE)
            for word in self._texts(outcome, ("outcome", meaning), [meaning])
        }

    def _without_error(self, outcome: Mapping[str, Any]) -> str | None:
        meaning = outcome.get("without_error")
        if meaning not in (None, SUCCESS, FAILURE):
            self._problem(("outcome", "without_error"), f'must be "{SUCCESS}" or "{FAILURE}", or be left out')
        return meaning

    def _original(self, original: Mapping[str, Any]) -> Path | None:
        path = original.get("path")
        if path is None or (isinstance(path, str) and self._is_path(path, ("original", "path"))):
            return _path("", path) if path else None
        self._problem(("original", "path"), "must be one field of a document")
        return None

    def _digits(self, data: Mapping[str, Any]) -> int | None:
        digits = data.get("account_digits")
        if digits is not None and (not isinstance(digits, int) or isinstance(digits, bool) or digits < 1):
            self._problem(("account_digits",), "must be a whole number: how many digits an account's number has")
        return digits

    def _id(self, data: Mapping[str, Any]) -> str:
        profile_id = data.get("id")
        if not isinstance(profile_id, str) or not _ID.fullmatch(profile_id):
            self._problem(
                ("id",), "must name the profile, in small letters, digits and hyphens: event keys begin with it"
            )
        return str(profile_id)

    def _table(self, name: str, allowed: list[str]) -> Mapping[str, Any]:
        table = self.file.data.get(name, {})
        self._allow(table, (name,), allowed)
        return table if isinstance(table, dict) else {}

    def _texts(self, table: Mapping[str, Any], key: Key, default: list[str]) -> list[str]:
        value = table.get(str(key[-1]), default)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        self._problem(key, "must be a list of texts")
        return default

    def _allow(self, table: Any, at: Key, allowed: list[str]) -> None:
        if not isinstance(table, dict):
            self._problem(at, "must be a table")
            return
        for name in table:
            if name not in allowed:
                self._problem((*at, name), f"is unknown. {suggest(name, allowed)}")

    def _problem(self, key: Key, what: str) -> None:
        self.problems.append(Problem(self.file.where(key), f"{'.'.join(map(str, key))}: {what}"))


def _path(parent: str, path: str) -> Path:
    return tuple((f"{parent}.{path}" if parent else path).split("."))
