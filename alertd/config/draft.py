"""The settings as written in file and environment, on their way to be checked: each knows where it stands."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alertd.config.environment import Environment, folded, variable_for
from alertd.errors import Problem
from alertd.toml.file import Key, TomlFile


@dataclass(slots=True)
class Draft:
    file: TomlFile
    environment: Environment
    data: dict[str, Any] = field(init=False)  # as TOML gives it: what it means is checked later
    read_from: dict[Key, Key] = field(default_factory=dict)  # secret → the key that names its file
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data = _merged(copy.deepcopy(self.file.data), self.environment.data)
        self.problems += self.environment.problems
        self.warnings += self.environment.warnings

    def note(self, at: Key, text: str) -> None:
        """A mistake at a key, or of the whole. The text goes on after the key's name."""
        at = self.read_from.get(at, at)
        if at and isinstance(at[-1], int) and not isinstance(self.value(at[:-1]), list):
            at = at[:-1]  # one text, taken as a list of one
        self.note_at(self.where(at), f"{dotted(at)}: {text}" if at else text)

    def note_at(self, where: str, text: str) -> None:
        self.problems.append(Problem(where, text))

    def where(self, at: Key) -> str:
        """The variable that a key comes from, or would have to; else its line in the file."""
        variable = self.environment.variable(at)
        if variable is None and self.is_from_environment(at[:-1]):
            variable = variable_for(at)
        return f"environment {variable}" if variable else self.file.where(at)

    def is_from_environment(self, at: Key) -> bool:
        """Whether the file says nothing of a table that the environment does."""
        return table_at(self.file.data, at) is None and table_at(self.environment.data, folded(at)) is not None

    def table(self, at: Key) -> dict[str, Any] | None:
        return table_at(self.data, at)

    def value(self, at: Key) -> object:
        """None where there is none."""
        return _value_at(self.data, at)


def dotted(at: Sequence[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).removeprefix(".")


def table_at(data: object, at: Key) -> dict[str, Any] | None:
    """None where there is no table, or something else."""
    found = _value_at(data, at)
    return found if isinstance(found, dict) else None


def _value_at(data: object, at: Key) -> object:
    for part in at:
        if isinstance(data, dict):
            data = data.get(str(part))
        else:
            data = data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None
    return data


def _merged(data: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """The environment wins, key by key; it can write neither capitals nor dashes, so a name may differ by them."""
    for name, value in over.items():
        same = next((known for known in data if folded((known,)) == folded((name,))), name)
        below = data.get(same)
        data[same] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return data
