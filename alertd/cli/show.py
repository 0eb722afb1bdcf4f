"""Printing for people and for programs."""

import dataclasses
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import typer
from rich.cells import cell_len

# What stands before the text of a line: a label or a time, and at least two blanks.
_LABEL = re.compile(r" *\S+(?: \S+)*?  +")


def as_json(value: object) -> None:
    typer.echo(json_text(value))


def json_text(value: object) -> str:
    """For programs; what would control a terminal is escaped, and means the same."""
    readable = json.dumps(plain(value), ensure_ascii=False, indent=2)
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in readable)


def text(lines: str, *, err: bool = False) -> None:
    """Without what would control the terminal: some of it is an event's or a server's own text."""
    typer.echo("\n".join(map(inert, lines.split("\n"))), err=err)


def folded(lines: str) -> None:
    """As text; on a terminal long lines go on below themselves. What is piped stays a line for grep."""
    if not sys.stdout.isatty():
        text(lines)
        return
    width = shutil.get_terminal_size().columns
    text("\n".join(part for line in lines.split("\n") for part in fold(line, width)))


def fold(line: str, width: int) -> Iterator[str]:
    """Between words, below the text of the line. A longer word, such as an address, stays whole."""
    label = _LABEL.match(line)
    start = len(line) - len(line.lstrip(" "))
    below = label.end() if label and label.end() <= width // 3 else min(start + 2, width // 3)
    so_far = ""
    for word in re.findall(r"\s*\S+", line):
        if so_far.strip() and cell_len(so_far) + cell_len(word) > width:
            yield so_far
            so_far = " " * below + word.lstrip()
        else:
            so_far += word
    yield so_far


def inert(line: str) -> str:
    return "".join(char if char.isprintable() or char == "\t" else "�" for char in line)


def table(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """However narrow the terminal: no cell is cut, and a row stays one line for grep."""
    rows = [[inert(cell) for cell in row] for row in (headings, *lines)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        typer.secho("  ".join(cells).rstrip(), bold=not number and not os.environ.get("NO_COLOR"))


def ago(moment: datetime | None, now: datetime) -> str:
    return f"{span(now - moment)} ago" if moment else "never"


def span(length: timedelta) -> str:
    """41 s, 12 m, 3 h 4 m, 31 d."""
    seconds = max(0, int(length.total_seconds()))
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} m" if minutes else f"{hours} h"
    return f"{minutes} m" if minutes else f"{seconds} s"


def lasting(began: datetime, now: datetime) -> str:
    """A clock that was ahead noted a moment that is still to come: then nobody knows."""
    return span(now - began) if began <= now else "unknown"


def moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


def plain(value: object) -> object:
    """As JSON can say it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value
