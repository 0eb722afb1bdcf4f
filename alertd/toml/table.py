"""A TOML table that is read strictly: each look at a value checks it and notes the mistake with its place.

A stand-in takes the place of what is wrong, so that reading goes on and every mistake is found at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from alertd.errors import Problem
from alertd.toml.file import Key, TomlFile, as_moment, suggest

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Mistake:
    line: int
    problem: Problem


@dataclass(frozen=True, slots=True)
class Table:
    file: TomlFile
    at: Key  # () for the file itself
    data: Mapping[str, Any]  # whatever TOML can hold
    mistakes: list[Mistake]  # of the whole file

    def allow(self, names: Sequence[str], *, instead: Mapping[str, str] | None = None) -> None:
        """`instead`: what to write in place of a key that others have for the same thing."""
        for name in self.data:
            if name not in names and instead and name in instead:
                self.note(name, f'unknown key "{name}" in {self.label}: {instead[name]}')
            elif name not in names:
                self.note(name, f'unknown key "{name}" in {self.label}. {suggest(name, list(names))}')

    def text(self, name: str) -> str | None:
        """None: it is not there, or not a text."""
        if name not in self.data:
            return None
        value = self.data[name]
        if isinstance(value, str) and value.strip():
            return value
        self.note(name, f"{name} must {'not be empty' if value == '' else 'be a text'}")
        return None

    def needed_text(self, name: str) -> str:
        if name not in self.data:
            self.note(name, f"{name} is missing in {self.label}")
        return self.text(name) or ""

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.data.get(name, [])
        if isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value):
            return tuple(value)
        self.note(name, f"{name} must be a list of texts")
        return ()

    def choice(self, name: str, kind: type[Choice]) -> Choice | None:
        """None: it is not there, or no member of `kind`."""
        if name not in self.data:
            return None
        value, allowed = self.data[name], [member.value for member in kind]
        if value in allowed:
            return kind(value)
        self.note(name, f'unknown {name} "{value}". {suggest(str(value), allowed)}')
        return None

    def moment(self, name: str, *, end_of_day: bool) -> datetime | None:
        """None: it is not there, or no moment. UTC."""
        if name not in self.data:
            return None
        try:
            return as_moment(self.data[name], end_of_day=end_of_day)
        except ValueError as error:
            self.note(name, f"{name} {error}")
            return None

    def table(self, name: str, *, hint: str = "") -> "Table":
        """`hint`: how to write it."""
        value = self.data.get(name, {})
        if not isinstance(value, dict):
            self.note(name, f"{name} must be a table{hint}")
            value = {}
        return Table(self.file, (*self.at, name), value, self.mistakes)

    def tables(self, name: str) -> Iterator["Table"]:
        value = self.data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.note(name, f"{name} must be tables: [[{'.'.join((*self._names, name))}]]")
            return
        for number, item in enumerate(value):
            yield Table(self.file, (*self.at, name, number), item, self.mistakes)

    def where(self, name: str | None = None) -> str:
        return self.file.where((*self.at, name) if name else self.at)

    def note(self, name: str | None, what: str, *, text_line: int | None = None) -> None:
        """`text_line`, from 0: on which line of the value it is, if that is a text of several lines."""
        key = (*self.at, name) if name else self.at
        line = self.file.line_of(key, text_line=text_line)
        self.mistakes.append(Mistake(line, Problem(f"{self.file.shown}:{line}", what)))

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(part for part in self.at if isinstance(part, str))

    @property
    def label(self) -> str:
        if not self.at:
            return "this file"
        header = ".".join(self._names)
        if not isinstance(self.at[-1], int):
            return f"[{header}]"
        name = self.data.get("id", self.data.get("name"))
        return f'[[{header}]] "{name}"' if isinstance(name, str) else f"[[{header}]]"
