"""--since and --until: a length of time back from now, or a point in time."""

from dataclasses import dataclass
from datetime import UTC, datetime

from alertd.errors import ConfigError, Problem
from alertd.toml.duration import parse_duration

_FORMS = 'must be a length of time such as "2h" or "7d", a day (UTC), or a moment such as "2026-11-24T13:05+00:00"'


@dataclass(frozen=True, slots=True)
class Period:
    since: datetime
    until: datetime


def read_period(since: str, until: str | None, *, now: datetime) -> Period:
    """ConfigError with every mistake."""
    problems: list[Problem] = []
    began = _moment("--since", since, now, problems)
    ended = now if until is None else _moment("--until", until, now, problems)
    if not problems and began >= ended:
        problems.append(Problem("--until", f"must be later than --since, {began:%Y-%m-%d %H:%M:%S} UTC"))
    if problems:
        raise ConfigError(problems)
    return Period(began, ended)


def _moment(option: str, text: str, now: datetime, problems: list[Problem]) -> datetime:
    try:
        return now - parse_duration(text)
    except ValueError as error:
        too_long = "at most" in str(error)
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None and len(text.strip()) > len("2026-11-24"):
            problems.append(Problem(option, 'needs an offset: "+00:00" for UTC'))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        problems.append(Problem(option, "reaches further back than anything is kept" if too_long else _FORMS))
        return now
