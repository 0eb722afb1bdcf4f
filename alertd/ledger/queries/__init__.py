"""The named queries of the .sql files beside this one: `-- name`, a sentence about it, the statement."""

import re
from functools import cache
from importlib.resources import files

_QUERY = re.compile(r"^-- (?P<name>[a-z_]+)\n(?:-- [^\n]*\n)+(?P<sql>.*?;)$", re.MULTILINE | re.DOTALL)


@cache
def named() -> dict[str, str]:
    queries: dict[str, str] = {}
    for file in sorted(files(__package__).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            queries |= {match["name"]: match["sql"] for match in _QUERY.finditer(file.read_text("utf-8"))}
    return queries
