"""Who may read a secret, and who may write what alertd goes by; and which commands need no secret at all."""

from pathlib import Path

import pytest

from alertd.config import load_settings
from tests.unit.configuration import GOOD, HOOK, told, values, write

pytestmark = pytest.mark.usefixtures("empty_folder")

ALLOWED = '[files]\nallow_world_readable = ["token"]\n'


def test_a_secret_file_that_everybody_can_read_is_refused() -> None:
    """With the way out, and without what it holds."""
    path = write(GOOD)
    Path("token").chmod(0o604)
    said = told(path)
    assert "alertd.toml:8: destinations.security.token_file: everybody on this machine can read token." in said
    assert "chmod 600" in said
    assert "files.allow_world_readable" in said
    assert "xoxb" not in said


def test_a_secret_file_that_is_allowed_by_name_may_be_read_by_everybody() -> None:
    """Only the one that is named."""
    path = write(GOOD + HOOK + ALLOWED)
    Path("token").chmod(0o644)
    assert ("xoxb-test-token", "https://hooks.example.com/services/x") == values(load_settings(path))
    Path("hook").chmod(0o644)
    said = told(path)
    assert "destinations.hook.url_file: everybody" in said
    assert "destinations.security" not in said


def test_the_environment_can_allow_a_secret_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file is the image's, and the mode the engine's."""
    path = write(GOOD)
    Path("token").chmod(0o644)
    monkeypatch.setenv("ALERTD_FILES__ALLOW_WORLD_READABLE", "token")
    assert values(load_settings(path))


def test_a_private_key_that_everybody_can_read_is_refused() -> None:
    """It is a secret like any other."""
    path = write(
        GOOD.replace("[sources", 'client_cert_file = "cert"\nclient_key_file = "key"\n[sources'), cert="c", key="k"
    )
    assert ("xoxb-test-token",) == values(load_settings(path))
    Path("key").chmod(0o644)
    assert "elasticsearch.client_key_file: everybody" in told(path)


@pytest.mark.parametrize("name", ["alertd.toml", "token", "mine.csv", "profile.toml"])
def test_a_file_that_others_can_write_is_warned_of(name: str) -> None:
    """Whoever writes it decides who is told."""
    text = 'accounts_file = "mine.csv"\n' + GOOD.replace("[destinations", 'profile = "profile.toml"\n[destinations')
    path = write(text)
    Path("mine.csv").write_text("id,name\n111122223333,pay\n")
    Path("profile.toml").write_text("")
    assert () == load_settings(path).warnings
    Path(name).chmod(0o602)
    [warning] = load_settings(path).warnings
    assert f"everybody can write {name}: chmod o-w" in warning


def test_a_folder_that_others_can_write_in_is_warned_of() -> None:
    """They could put another file there."""
    path = write(GOOD)
    Path.cwd().chmod(0o777)
    assert f"everybody can write in {Path.cwd()}, and put another alertd.toml there: chmod o-w" in str(
        load_settings(path).warnings
    )
    Path.cwd().chmod(0o1777)
    assert () == load_settings(path).warnings


def test_what_speaks_to_no_server_asks_for_no_secret() -> None:
    """Neither for one that is not there nor for one that may not be read; other mistakes are told."""
    text = GOOD.replace("[sources", 'username = "u"\npassword_file = "pw"\nclient_key_file = "k"\n[sources')
    path = write(text.replace("client_key_file", 'client_cert_file = "c"\nclient_key_file'))
    Path("token").chmod(0o644)
    assert load_settings(path, secrets=False).destinations
    Path("token").unlink()
    assert load_settings(path, secrets=False).destinations
    path = write(GOOD.replace('token_file = "token"\n', ""))
    assert load_settings(path, secrets=False).destinations
    path = write(GOOD.replace('channel = "#aws-root"', 'chanel = "#aws-root"'))
    with pytest.raises(Exception, match="chanel"):
        load_settings(path, secrets=False)


def test_a_name_is_looked_for_in_the_folder_that_the_unit_takes_credentials_from() -> None:
    """A command in a plain shell finds what systemd hands to the daemon."""
    path = write(GOOD)
    Path("secrets").mkdir()
    Path("token").rename("secrets/token")
    assert ("xoxb-test-token",) == values(load_settings(path))
