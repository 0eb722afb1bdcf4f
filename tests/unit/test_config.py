"""What a configuration may hold, and where each setting comes from."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alertd.config import load_settings
from alertd.config.load import find
from alertd.toml.duration import parse_duration, show_duration
from tests.unit.configuration import GOOD, values, write, write_secret

pytestmark = pytest.mark.usefixtures("empty_folder")


def test_a_short_configuration_is_enough() -> None:
    """Everything but where to search, what to search and whom to tell has a default."""
    loaded = load_settings(write(GOOD))
    assert ("https://es.example.com:9200",) == loaded.elasticsearch.url
    assert timedelta(seconds=10) == loaded.sources["cloudtrail"].interval
    assert timedelta(days=31) == loaded.sources["cloudtrail"].look_back
    assert Path("/var/lib/alertd/alertd.db") == loaded.ledger.path
    assert ("xoxb-test-token",) == values(loaded)
    assert () == loaded.warnings


def test_the_environment_wins_over_the_file_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """ALERTD_TABLE__NAME__KEY sets one key and leaves its neighbours as they are."""
    monkeypatch.setenv("ALERTD_DESTINATIONS__SECURITY__TOKEN", "xoxb-other-token")
    monkeypatch.setenv("ALERTD_SOURCES__CLOUDTRAIL__INTERVAL", "5s")
    monkeypatch.setenv("ALERTD_SOURCES__CLOUDTRAIL__PAGE_SIZE", "10")
    monkeypatch.setenv("ALERTD_RULES__PATHS", '["a/*.toml", "b/*.toml"]')
    monkeypatch.setenv("ALERTD_RULES__NOTIFY", '["security"]')
    loaded = load_settings(write(GOOD.replace('token_file = "token"', 'token_file = "missing"')))
    assert ("xoxb-other-token",) == values(loaded)
    assert (timedelta(seconds=5), 10) == (
        loaded.sources["cloudtrail"].interval,
        loaded.sources["cloudtrail"].page_size,
    )
    assert "cloudtrail-*" == loaded.sources["cloudtrail"].index
    assert (("a/*.toml", "b/*.toml"), ("security",)) == (loaded.rules.paths, loaded.rules.notify)


def test_a_table_may_come_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container needs no file for what differs between deployments."""
    monkeypatch.setenv("ALERTD_DESTINATIONS__BACKUP__TYPE", "slack-webhook")
    monkeypatch.setenv("ALERTD_DESTINATIONS__BACKUP__URL_FILE", "hook")
    monkeypatch.setenv("ALERTD_ACCOUNTS__111122223333", '{"name": "payments"}')
    loaded = load_settings(write(GOOD))
    assert ["security", "backup"] == list(loaded.destinations)
    assert "payments" == loaded.accounts["111122223333"].name
    assert ("xoxb-test-token", "https://hooks.example.com/services/x") == values(loaded)


def test_a_name_with_dashes_and_capitals_can_be_set_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of variables have neither: AWS_ROOT stands for Aws-root."""
    monkeypatch.setenv("ALERTD_DESTINATIONS__AWS_ROOT__CHANNEL", "#other")
    loaded = load_settings(write(GOOD.replace("[destinations.security]", "[destinations.Aws-root]")))
    channels = {name: getattr(table, "channel", None) for name, table in loaded.destinations.items()}
    assert {"Aws-root": "#other"} == channels


def test_a_password_of_digits_or_json_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's text is read as JSON only where a list or a table belongs."""
    for password in ("12345678", "true", '{"a": 1}', "[1]", "null"):
        monkeypatch.setenv("ALERTD_ELASTICSEARCH__USERNAME", "alertd")
        monkeypatch.setenv("ALERTD_ELASTICSEARCH__PASSWORD", password)
        assert password in values(load_settings(write(GOOD)))


def test_an_empty_variable_is_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files pass on what is not set as an empty text."""
    monkeypatch.setenv("ALERTD_DESTINATIONS__SECURITY__TOKEN", "")
    assert ("xoxb-test-token",) == values(load_settings(write(GOOD)))


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where alertd is started makes no difference."""
    text = GOOD.replace("[sources", 'ca_file = "ca.pem"\n[sources').replace('-*"', '-*"\nprofile = "own.toml"')
    path = tmp_path / write(text + '[ledger]\npath = "alertd.db"\n', **{"ca.pem": "a certificate"})
    monkeypatch.chdir("/")
    loaded = load_settings(path)
    assert tmp_path / "ca.pem" == loaded.elasticsearch.ca_file
    assert tmp_path / "alertd.db" == loaded.ledger.path
    assert str(tmp_path / "own.toml") == loaded.sources["cloudtrail"].profile


def test_systemd_says_where_state_and_credentials_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """$STATE_DIRECTORY holds the ledger unless a path is set; $CREDENTIALS_DIRECTORY comes before the file's folder."""
    Path("credentials").mkdir()
    write_secret(Path("credentials/token"), "xoxb-credential-token")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(Path("credentials").absolute()))
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/private/alertd:/var/lib/private/other")
    loaded = load_settings(write(GOOD))
    assert Path("/var/lib/private/alertd/alertd.db") == loaded.ledger.path
    assert ("xoxb-credential-token",) == values(loaded)
    assert Path("mine.db") == load_settings(write(GOOD + '[ledger]\npath = "mine.db"\n')).ledger.path


def test_variables_that_set_nothing_are_warned_of_unless_kubernetes_made_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """One underscore instead of two is a likely slip; a service called alertd must not stop the daemon."""
    monkeypatch.setenv("ALERTD_LOG_LEVEL", "debug")
    for name in ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP", "PORT_80_TCP_ADDR"):
        monkeypatch.setenv(f"ALERTD_{name}", "tcp://192.0.2.1:80")
    warnings = load_settings(write(GOOD)).warnings
    assert (
        "ALERTD_LOG_LEVEL in the environment sets nothing: between table and key stand two underscores",
    ) == warnings


def test_the_first_place_with_a_configuration_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--config, then $ALERTD_CONFIG, then the working directory."""
    write(GOOD)
    assert Path("alertd.toml") == find(None)
    monkeypatch.setenv("ALERTD_CONFIG", "/elsewhere.toml")
    assert Path("/elsewhere.toml") == find(None)
    assert Path("named.toml") == find(Path("named.toml"))


@example(0, "d")
@given(st.integers(1, 3650), st.sampled_from("dhms"))
def test_a_duration_is_shown_as_it_could_be_written(number: int, unit: str) -> None:
    """Reading what is shown gives the same length."""
    length = parse_duration(f"{number}{unit}")
    assert length == parse_duration(show_duration(length))


def test_a_length_beyond_the_calendar_is_refused() -> None:
    """However many digits it has."""
    for text in ("3651d", "87625h", "999999999999d"):
        with pytest.raises(ValueError, match="must be at most 3650d"):
            parse_duration(text)


def test_settings_cannot_be_changed() -> None:
    """What was checked is what runs."""
    loaded = load_settings(write(GOOD))
    with pytest.raises(ValueError, match="frozen"):
        loaded.ledger = loaded.ledger  # type: ignore[misc] # the point of the test
