"""Lengths of time as people write them: "10s", "15m", "1h", "31d"."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

# Dates reach back as far as a duration: what is longer would leave the calendar, and nobody keeps logs as long.
LONGEST = timedelta(days=3650)

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_WRITTEN = re.compile(rf"([0-9]{{1,12}})\s*([{''.join(_UNITS)}])")


def parse_duration(text: str) -> timedelta:
    """ValueError that says how durations are written."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise ValueError('must be a duration such as "10s", "15m", "1h" or "31d"')
    number, unit = int(match[1]), _UNITS[match[2]]
    # compared as numbers: the product may be more than a timedelta can hold
    if number > LONGEST // unit:
        raise ValueError(f"must be at most {show_duration(LONGEST)}")
    return number * unit


def show_duration(length: timedelta) -> str:
    """As it would be written, in the largest unit that fits."""
    for name, unit in _UNITS.items():
        if length and not length % unit:
            return f"{length // unit}{name}"
    return f"{length.total_seconds():g}s"


def at_least(shortest: str) -> AfterValidator:
    limit = parse_duration(shortest)

    def check(length: timedelta) -> timedelta:
        if length < limit:
            raise ValueError(f"must be at least {shortest}")
        return length

    return AfterValidator(check)


def _read(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    return parse_duration(value if isinstance(value, str) else "")


def _pattern(first_digit: str) -> str:
    """For editors: as near as a pattern comes, so the longest is judged by its number of digits."""
    ways = (rf"0*{first_digit}[0-9]{{0,{len(str(LONGEST // unit)) - 1}}}\s*{name}" for name, unit in _UNITS.items())
    return rf"^\s*({'|'.join(ways)})\s*$"


Duration = Annotated[
    timedelta,
    BeforeValidator(_read),
    WithJsonSchema({"type": "string", "pattern": _pattern("[0-9]")}),
]
# What would be done all the time, or given up at once, if it could be nothing.
SomeTime = Annotated[
    Duration,
    at_least("1s"),
    WithJsonSchema({"type": "string", "pattern": _pattern("[1-9]")}),
]
