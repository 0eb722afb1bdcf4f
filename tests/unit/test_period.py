"""--since and --until, as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from alertd.cli.period import Period, read_period
from alertd.errors import ConfigError

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "period"),
    [
        ("2h", None, Period(NOW - timedelta(hours=2), NOW)),
        ("7d", "1h", Period(NOW - timedelta(days=7), NOW - timedelta(hours=1))),
        ("2026-11-01", "2026-11-02", Period(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))),
        ("2026-11-24T09:00+09:00", None, Period(datetime(2026, 11, 24, tzinfo=UTC), NOW)),
        ("2026-11-24 08:00Z", None, Period(NOW - timedelta(hours=1), NOW)),
    ],
)
def test_a_period_is_a_length_back_from_now_or_lies_between_moments(
    since: str, until: str | None, period: Period
) -> None:
    """A day is one of UTC."""
    assert period == read_period(since, until, now=NOW)


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        ("yesterday", None, '--since: must be a length of time such as "2h" or "7d"'),
        ("7d", "soon", "--until: must be a length of time"),
        ("2026-11-24T09:00", None, "--since: needs an offset"),
        ("1h", "2h", "--until: must be later than --since, 2026-11-24 08:00:00 UTC"),
        ("99999d", None, "--since: reaches further back than anything is kept"),
    ],
)
def test_what_is_no_period_is_refused_with_what_would_be_right(since: str, until: str | None, message: str) -> None:
    """And nothing is taken for now."""
    with pytest.raises(ConfigError) as refused:
        read_period(since, until, now=NOW)
    assert message in str(refused.value)
