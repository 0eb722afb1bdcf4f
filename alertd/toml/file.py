"""TOML with the line of every key: tomllib reads the values, the scanner here finds where they stand."""

import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from alertd.errors import ConfigError, Problem
from alertd.toml.depth import MOST_DEEP, too_deep

Key = tuple[str | int, ...]

EXAMPLE_MOMENT = "Write a day, 2026-12-31, or a moment with its offset, 2026-12-31T14:00:00Z."
# What people write for "for ever" is a day too late for the calendar, or only in another time zone.
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
# The largest file that is read in a second or two. A thousand rules have some 300 KB.
MOST_BYTES = 2 * 1024 * 1024
# Of what there is to choose from, what is still read: ids of accounts or rules may be hundreds.
MOST_ALLOWED = 30
# What editors are told of a moment. They see its text, and not whether quotes stand around it.
MOMENT_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$"
)


@dataclass(frozen=True, slots=True)
class TomlFile:
    path: Path
    shown: str  # the path as people wrote it
    data: dict[str, Any]  # TOML's values: what they mean is checked by who reads them
    _lines: Mapping[Key, int]
    _texts: Mapping[Key, int]  # the line on which a text of several lines begins

    def line_of(self, key: Key, *, text_line: int | None = None) -> int:
        """Where the key stands; for a key that is not there, its nearest table.

        With `text_line`, counted from 0: where that line of the key's text stands, as far as it can be told.
        """
        if text_line is not None and key in self._texts:
            return self._texts[key] + text_line
        while key and key not in self._lines:
            key = key[:-1]
        return self._lines.get(key, 1)

    def first_line(self, key: Key) -> int | None:
        """On which the key's text begins; None: it stands on one line, or its lines are not those of the file."""
        return self._texts.get(key)

    def where(self, key: Key, *, text_line: int | None = None) -> str:
        return f"{self.shown}:{self.line_of(key, text_line=text_line)}"


def read_toml(path: Path, *, shown: str | None = None) -> TomlFile:
    """ConfigError where it cannot be read or is not TOML."""
    shown = shown or str(path)
    return parse_toml(read_text(path, shown=shown), path, shown=shown)


def read_text(path: Path, *, shown: str) -> str:
    """ConfigError where it cannot be read; of what is too large, so much that parse_toml refuses it."""
    try:
        with path.open("rb") as file:
            written = file.read(MOST_BYTES + 1)  # of a device that never ends, too
        return written.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem(shown, f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(shown, f"is not UTF-8: {error.reason} at byte {error.start}")]) from error


def parse_toml(text: str, path: Path, *, shown: str) -> TomlFile:
    """ConfigError where the text is not TOML, or more than any person writes."""
    if len(text) > MOST_BYTES:
        raise ConfigError([Problem(shown, f"is larger than {MOST_BYTES // (1024 * 1024)} MB: divide it")])
    if (line := too_deep(text)) is not None:
        what = f"is nested more than {MOST_DEEP} deep: write it flatter, or as JSON in a file of its own"
        raise ConfigError([Problem(f"{shown}:{line}", what)])
    try:
        data = tomllib.loads(text)
        lines, texts = _Scanner(text.replace("\r\n", "\n")).scan()
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_problem(shown, str(error), text)]) from error
    except RecursionError as error:
        raise ConfigError([Problem(shown, "is nested too deeply: write it flatter")]) from error
    except ValueError as error:
        # an integer of thousands of digits: tomllib has no error of its own for it
        raise ConfigError([Problem(shown, f"is not TOML: {error}")]) from error
    return TomlFile(path, shown, data, lines, texts)


def as_moment(value: object, *, end_of_day: bool) -> datetime:
    """UTC. A day is taken as UTC's: its first moment, or with `end_of_day` the one after its last. What the
    calendar has no room for is its end, or its beginning. ValueError.
    """
    if not isinstance(value, date) or (isinstance(value, datetime) and value.tzinfo is None):
        raise ValueError(f"must say which moment is meant. {EXAMPLE_MOMENT}")
    try:
        if isinstance(value, datetime):
            moment = value.astimezone(UTC)
        else:
            moment = datetime.combine(value + timedelta(days=1 if end_of_day else 0), time(), UTC)
    except OverflowError:
        return _LAST if value.year > _FIRST.year else _FIRST
    return min(max(moment, _FIRST), _LAST)


def _syntax_problem(shown: str, message: str, text: str) -> Problem:
    what, _, place = message.removesuffix(")").partition(" (at ")
    line, _, column = place.removeprefix("line ").partition(", column ")
    if not column:
        return Problem(f"{shown}:{text.count(chr(10)) + 1}", f"is not TOML at the end of the file: {what}")
    return Problem(f"{shown}:{line}", f"is not TOML at column {column}: {what}")


def suggest(wrong: str, allowed: list[str]) -> str:
    """'Did you mean "x"?' and what there is, for a word that is not allowed."""
    close = get_close_matches(wrong, allowed, n=1)
    hint = f'Did you mean "{close[0]}"? ' if close else ""
    shown = ", ".join(allowed[:MOST_ALLOWED]) or "nothing"
    more = len(allowed) - MOST_ALLOWED
    return f"{hint}Allowed: {shown}{f', and {more} more' if more > 0 else ''}."


class _Scanner:
    """Walks through text that tomllib has accepted, so it need not judge it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line_ends = [at for at, char in enumerate(text) if char == "\n"]
        self._lines: dict[Key, int] = {}
        self._texts: dict[Key, int] = {}
        self._arrays: dict[Key, int] = {}  # [[tables]]: how many so far

    def scan(self) -> tuple[dict[Key, int], dict[Key, int]]:
        """The line of each key, and the first line of each text that is written over several lines."""
        table: Key = ()
        while self._skip_blank():
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._assignment(table)
        return self._lines, self._texts

    def _header(self) -> Key:
        start = self._at
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        parts = self._key()
        self._at += 2 if is_array else 1
        table: Key = ()
        for part in parts[:-1]:
            self._note((*table, part), start)
            table = self._inside((*table, part))
        table = (*table, parts[-1])
        if is_array:
            self._arrays[table] = self._arrays.get(table, -1) + 1
            self._note(table, start)
            table = self._inside(table)
        self._note(table, start)
        return table

    def _inside(self, table: Key) -> Key:
        """Within an array of tables, its last one."""
        return (*table, self._arrays[table]) if table in self._arrays else table

    def _assignment(self, table: Key) -> None:
        start = self._at
        path = (*table, *self._key())
        for length in range(len(table) + 1, len(path) + 1):
            self._note(path[:length], start)
        self._at = self._text.index("=", self._at) + 1
        self._value(path)

    def _key(self) -> tuple[str, ...]:
        parts = []
        while True:
            self._skip_spaces()
            if self._text[self._at] in "\"'":
                begin = self._at
                self._string()
                parts.append(str(tomllib.loads(f"k = {self._text[begin : self._at]}")["k"]))
            else:
                begin = self._at
                while self._text[self._at].isalnum() or self._text[self._at] in "_-":
                    self._at += 1
                parts.append(self._text[begin : self._at])
            self._skip_spaces()
            if self._text[self._at] != ".":
                return tuple(parts)
            self._at += 1

    def _value(self, path: Key) -> None:
        self._skip_blank()
        match self._text[self._at]:
            case '"' | "'":
                begin = self._at
                self._string()
                self._note_text(path, begin)
            case "[":
                self._elements("]", path)
            case "{":
                self._elements("}", path)
            case _:
                while self._at < len(self._text) and self._text[self._at] not in ",]}#\n":
                    self._at += 1

    def _elements(self, end: str, path: Key) -> None:
        self._at += 1
        index = 0
        while self._skip_blank() and self._text[self._at] != end:
            if self._text[self._at] == ",":
                self._at += 1
            elif end == "]":
                self._note((*path, index), self._at)
                self._value((*path, index))
                index += 1
            else:
                self._assignment(path)
        self._at += 1

    def _string(self) -> None:
        quote = self._text[self._at]
        mark = quote * 3 if self._text.startswith(quote * 3, self._at) else quote
        self._at += len(mark)
        while not self._text.startswith(mark, self._at):
            self._at += 2 if quote == '"' and self._text[self._at] == "\\" else 1
        self._at += len(mark)
        # a multi-line string may end in one or two more quotes of its own
        while len(mark) > 1 and self._text.startswith(quote, self._at):
            self._at += 1

    def _skip_spaces(self) -> None:
        while self._text[self._at] in " \t":
            self._at += 1

    def _skip_blank(self) -> bool:
        """Over spaces, line ends and comments; False at the end of the text."""
        while self._at < len(self._text):
            if self._text[self._at] == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif self._text[self._at] in " \t\n":
                self._at += 1
            else:
                return True
        return False

    def _note(self, key: Key, at: int) -> None:
        self._lines.setdefault(key, self._line(at))

    def _note_text(self, key: Key, begin: int) -> None:
        """A backslash that joins two lines would shift the ones below it."""
        written = self._text[begin : self._at]
        if "\n" in written and not (written[0] == '"' and "\\\n" in written):
            self._texts[key] = self._line(begin) + (1 if written[3] == "\n" else 0)

    def _line(self, at: int) -> int:
        return bisect_right(self._line_ends, at - 1) + 1
