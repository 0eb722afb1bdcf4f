"""config.example.toml taken apart: what it says of each key and table. Nowhere else are they explained."""

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

_HEADING = re.compile(r"#?\[+([^\]]+)\]+")
_PAIR = re.compile(r"#?(\w+) = (.*)")
_EXAMPLE = re.compile(r"Examples?: ")
_AS_ABOVE = "As in "  # the table before that has the same key


@dataclass(frozen=True, slots=True)
class Shown:
    text: str
    value: object  # as TOML gives it


@dataclass(frozen=True, slots=True)
class Section:
    name: str  # "" above all tables, "sources.cloudtrail", "routes"
    text: str
    keys: dict[str, Shown] = field(default_factory=dict)

    @property
    def table(self) -> str:
        return self.name.partition(".")[0]


@cache
def sections() -> tuple[Section, ...]:
    """In the order of the file."""
    # a link to the file that people copy; a package holds the file itself
    text = files("alertd.config").joinpath("example.toml").read_text("utf-8")
    # the first paragraphs are about the file
    return tuple(_read(text.partition("\n\n\n")[2]))


def section(table: str, **values: object) -> Section:
    """The first section of the table that shows these values."""
    return next(
        each
        for each in sections()
        if each.table == table and all(each.keys[key].value == value for key, value in values.items())
    )


def _read(text: str) -> list[Section]:
    found = [Section("", "")]
    comment: list[str] = []
    open_ = True  # the comment goes on: no key has taken it yet
    for line in text.splitlines():
        if heading := _HEADING.fullmatch(line):
            found.append(Section(heading[1], _paragraphs(comment)))
            comment = []
        elif pair := _PAIR.fullmatch(line):
            shown = Shown(_paragraphs(comment), tomllib.loads(f"value = {pair[2]}")["value"])
            found[-1].keys[pair[1]] = _resolved(shown, pair[1], found)
            open_ = False
        else:
            comment = [*(comment if line and open_ else []), line.removeprefix("#").strip()]
            open_ = True
    return found


def _paragraphs(comment: list[str]) -> str:
    text = "\n\n".join(" ".join(part.split("\n")) for part in "\n".join(comment).strip().split("\n\n"))
    text = _EXAMPLE.sub("", text, count=1) if _EXAMPLE.match(text) else text
    return text[:1].upper() + text[1:]


def _resolved(shown: Shown, key: str, above: list[Section]) -> Shown:
    if not shown.text.startswith(_AS_ABOVE):
        return shown
    same = next(each for each in above if each.table == above[-1].table and key in each.keys)
    return Shown(same.keys[key].text, shown.value)
