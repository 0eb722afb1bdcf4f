"""Looks into an answer that take nothing for granted: each value has the type and the size it should have. Pure."""

from collections.abc import Mapping

# Elasticsearch's own bound for what it reads is 1,000. No event comes near this; reading on recurses.
MOST_LEVELS = 100
# No name, id or version is longer.
LONGEST_NAME = 2_000
_LARGEST = 2**63 - 1


class OddError(ValueError):
    """Not what a search server answers."""


def table(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise OddError
    return value


def items(value: object) -> list[object]:
    if not isinstance(value, list):
        raise OddError
    return value


def name(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise OddError
    try:
        value.encode()  # half a character cannot be kept, logged or sent
    except UnicodeEncodeError as error:
        raise OddError from error
    return value


def count(value: object) -> int:
    # a bool is an int too
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise OddError
    return value


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise OddError
    return value


def is_deep(value: object) -> bool:
    """Whether it holds more levels than may be read. It does not recurse itself."""
    layer = [value]
    for _ in range(MOST_LEVELS):
        layer = [
            below
            for one in layer
            for below in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(below, (dict, list))
        ]
        if not layer:
            return False
    return True
