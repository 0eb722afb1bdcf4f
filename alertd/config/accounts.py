"""The accounts file: CSV with a line of names on top, as spreadsheets and the AWS Organizations console write it."""

import csv
import io
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from alertd.config.draft import Draft
from alertd.config.model import Tables
from alertd.errors import Problem
from alertd.event.account import Account
from alertd.toml.file import suggest

_COLUMNS = ("id", "name", "owner", "environment", "tags")
_NEEDED = ("id", "name")
# As the console of AWS Organizations names them in its export.
_ALIASES = {"account id": "id", "account name": "name"}
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_ID = re.compile(r"[0-9]{12}")
# What a spreadsheet makes of an id: without leading zeros, or 1.11122E+11.
_NUMBER = re.compile(r"[0-9]+([.,][0-9]+)?(E\+?[0-9]+)?")


def known_accounts(settings: Tables) -> dict[str, Account]:
    return {number: Account(number, **dict(table)) for number, table in settings.accounts.items()}


def fill_in_accounts(draft: Draft) -> None:
    """Put the accounts of the file beside those of the tables. A table wins over a line: it is nearer at hand."""
    named = draft.data.get("accounts_file")
    if not isinstance(named, str) or not named:
        return
    path = draft.file.path.parent / named
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        draft.note(("accounts_file",), f"cannot be read: {reason}")
        return
    accounts = draft.data.setdefault("accounts", {})
    if isinstance(accounts, dict):
        for number, account in _accounts(text, path, draft.problems):
            accounts.setdefault(number, account)


def _accounts(text: str, path: Path, problems: list[Problem]) -> Iterator[tuple[str, dict[str, Any]]]:
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: dict[str, int] = {}
    try:
        columns = _columns(next(reader, []), path, problems)
        for row in reader if columns else ():
            cells = {name: cell.strip() for name, cell in zip(columns, row, strict=False) if name and cell.strip()}
            if not cells:
                continue
            where, number = f"{path}:{reader.line_num}", cells.get("id", "")
            if mistake := _surplus(row, columns, delimiter) or _mistake(cells, lines.get(number)):
                problems.append(Problem(where, mistake))
                continue
            lines[number] = reader.line_num
            tags = re.split(r"[;,\s]+", cells.get("tags", ""))
            yield (
                number,
                {**{k: v for k, v in cells.items() if k not in {"id", "tags"}}, "tags": list(filter(None, tags))},
            )
    except csv.Error as error:
        problems.append(Problem(f"{path}:{reader.line_num}", f"is not CSV: {error}"))


def _delimiter(text: str) -> str:
    """Spreadsheets of some countries write semicolons, and what is copied from one has tabs."""
    return max(_DELIMITERS, key=text.split("\n", 1)[0].count)


def _columns(header: list[str], path: Path, problems: list[Problem]) -> list[str | None]:
    """The names of the columns; None for one that alertd has no use for. Nothing where one is missing or misspelt."""
    names = [_ALIASES.get(name.strip().lower(), name.strip().lower()) for name in header]
    mistakes = [
        f'unknown column "{name}". {suggest(name, list(_COLUMNS))}'
        for name in names
        if name not in _COLUMNS and get_close_matches(name, _COLUMNS, n=1, cutoff=0.8)
    ]
    mistakes += [
        f'the first line names no column "{name}": it has {", ".join(names) or "none"}'
        for name in _NEEDED
        if name not in names
    ]
    mistakes += [f'the first line names the column "{name}" twice' for name in _COLUMNS if names.count(name) > 1]
    problems += [Problem(f"{path}:1", mistake) for mistake in mistakes]
    return [] if mistakes else [name if name in _COLUMNS else None for name in names]


def _surplus(row: list[str], columns: list[str | None], delimiter: str) -> str | None:
    """A comma in a name moves all that follows into the next column, the last one out of the table."""
    if not any(cell.strip() for cell in row[len(columns) :]):
        return None
    return (
        f"has {len(row)} cells, and the first line names {len(columns)} columns: "
        f"a cell that holds a {_DELIMITERS[delimiter]} stands within quotes"
    )


def _mistake(cells: dict[str, str], before: int | None) -> str | None:
    number = cells.get("id", "")
    if not _ID.fullmatch(number):
        lost = " A spreadsheet may have cut its digits: format the column as text." if _NUMBER.fullmatch(number) else ""
        return f'"{number}" is no id of an AWS account: it has 12 digits.{lost}'
    if before:
        return f"account {number} stands at line {before} too"
    return None if "name" in cells else f"account {number} has no name"
