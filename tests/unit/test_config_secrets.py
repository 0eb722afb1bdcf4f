"""Secrets come from files and the environment, and are never repeated."""

import os
import typing
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from alertd.config import load_settings
from alertd.config.destination import DESTINATIONS
from alertd.config.model import TABLES, Elasticsearch
from alertd.errors import ConfigError
from tests.planted import PLANTED
from tests.unit.configuration import GOOD, HOOK, told, values, write

pytestmark = pytest.mark.usefixtures("empty_folder")


def test_only_the_line_ends_of_a_secret_file_are_cut_off() -> None:
    """Editors add them; a space may be part of a password."""
    text = GOOD.replace("[sources", 'username = "u"\npassword_file = "pw"\n[sources')
    assert (" pass word ", "xoxb-test-token") == values(load_settings(write(text, pw="\ufeff pass word \r\n\n")))


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("https://es.example.com:9200", "http://es.example.com:9200", "elasticsearch.url"),
        ('channel = "#aws-root"', 'channel = "#aws-root"\nbase_url = "http://relay.example.com"', "security.base_url"),
    ],
)
def test_a_secret_that_goes_unencrypted_to_another_machine_is_a_warning(old: str, new: str, key: str) -> None:
    """With its key; to this machine itself it may."""
    good = GOOD.replace("[sources", 'api_key_file = "key"\n[sources')
    assert () == load_settings(write(good, key="bm90OmtleQ==")).warnings
    [warning] = load_settings(write(good.replace(old, new), key="bm90OmtleQ==")).warnings
    assert key in warning
    assert "is not encrypted" in warning
    for host in ("127.0.0.1", "localhost", "[::1]"):
        near = good.replace(old, new.replace("es.example.com", host).replace("relay.example.com", host))
        assert () == load_settings(write(near, key="bm90OmtleQ==")).warnings


@pytest.mark.parametrize("key", ["elasticsearch.proxy", "destinations.security.proxy"])
def test_a_proxy_whose_password_goes_unencrypted_is_a_warning(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the password itself; none where it needs none, and to this machine itself it may."""
    path = write(GOOD)
    variable = "ALERTD_" + key.upper().replace(".", "__")
    monkeypatch.setenv(variable, f"http://me:{PLANTED}@proxy.example.com:3128")
    [warning] = load_settings(path).warnings
    assert f"{key} http://proxy.example.com:3128 is not encrypted: whoever is on the way reads its password" in warning
    assert PLANTED not in warning
    for fine in ("https://me:pass@proxy.example.com", "http://proxy.example.com:3128", "http://me:pass@[::1]:3128"):
        monkeypatch.setenv(variable, fine)
        assert () == load_settings(path).warnings


def test_a_webhook_that_is_called_unencrypted_is_a_warning() -> None:
    """Its address is the secret: the key is named, not the address."""
    secret = f"services/{PLANTED}"
    assert () == load_settings(write(GOOD + HOOK, hook=f"http://127.0.0.1:9/{secret}\n")).warnings
    warning = "\n".join(load_settings(write(GOOD + HOOK, hook=f"http://relay.example.com/{secret}\n")).warnings)
    assert warning.startswith("destinations.hook.url is http://: whoever is on the way reads it")
    assert PLANTED not in warning


def test_mail_that_goes_unencrypted_to_another_machine_is_a_warning() -> None:
    """Without a password too: it tells what alertd sees and does not see. A relay on this machine is fine."""
    mail = '[destinations.mail]\ntype = "email"\nhost = "{}"\nfrom = "a@example.com"\nto = ["b@example.com"]\n{}\n'
    warning = "\n".join(load_settings(write(GOOD + mail.format("smtp.example.com", 'security = "none"'))).warnings)
    assert warning.startswith('destinations.mail.security = "none": whoever is on the way reads each mail.')
    for host, security in (("localhost", "none"), ("127.0.0.1", "none"), ("::1", "none"), ("smtp.example.com", "tls")):
        assert () == load_settings(write(GOOD + mail.format(host, f'security = "{security}"'))).warnings


SECRET_FILES = {
    "missing": (None, "there is no such file in {folder}"),
    "empty": (b"\n", "the file is empty"),
    "not text": (b"\xff\xfe", "the file is not UTF-8 text"),
    "huge": (b"x" * 20_000, "the file is too long for a secret"),
    "several lines": (b"one\ntwo\n", "must be one line of text, without control characters"),
}


@pytest.mark.parametrize(("content", "reason"), SECRET_FILES.values(), ids=SECRET_FILES.keys())
def test_a_secret_file_that_holds_no_secret_is_told(content: bytes | None, reason: str) -> None:
    """At the key that names it; nothing of the content is repeated."""
    path = write(GOOD)
    Path("token").unlink() if content is None else Path("token").write_bytes(content)
    assert f"alertd.toml:8: destinations.security.token_file: {reason.format(folder=Path.cwd())}" == told(path)


def test_what_is_no_file_is_not_read_as_a_secret() -> None:
    """A folder has no content, and a pipe may never end."""
    os.mkfifo("pipe")
    for name in ("pipe", ".", "/dev/zero"):
        path = write(GOOD.replace('"token"', f'"{name}"'))
        assert "alertd.toml:8: destinations.security.token_file: this is not a file" == told(path)


def test_a_secret_file_that_cannot_be_looked_for_is_told() -> None:
    """A name may be impossible, such as a key that was pasted in its place: it is not repeated."""
    for name in (PLANTED * 30, PLANTED, f"{PLANTED}\\u0000"):
        text = told(write(GOOD.replace('"token"', f'"{name}"')))
        assert text.startswith("alertd.toml:8: destinations.security.token_file: ")
        assert PLANTED not in text
    assert (
        "alertd.toml:8: destinations.security.token_file: must be the path of a file, or the name of a systemd "
        "credential" == told(write(GOOD.replace('"token"', "3")))
    )


def test_a_webhook_that_is_no_address_is_told_without_it() -> None:
    """A library would quote it, and it is the secret."""
    path = write(GOOD + HOOK, hook=f"{PLANTED} {PLANTED}")
    reason = "must be the address that Slack shows for the webhook: https://…"
    assert f"alertd.toml:11: destinations.hook.url_file: {reason}" == told(path)


def _leaks(text: str, environment: Mapping[str, str]) -> str:
    """All that could be printed of a configuration, right or wrong."""
    Path("alertd.toml").write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            loaded = load_settings(Path("alertd.toml"))
        except ConfigError as error:
            return f"{error!r} {error} {error.__cause__!r} {error.__cause__} {error.__context__!r}"
        return f"{loaded!r} {loaded} {loaded.warnings}"


SOMEWHERE = [line for line in (GOOD + HOOK).splitlines() if "=" in line]
KEYS = [line.partition(" =")[0] for line in SOMEWHERE]
SECRET_KEYS = [key for model in [*TABLES.values(), *DESTINATIONS.values()] for key in model.secret_keys]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.sampled_from(range(len(SOMEWHERE))),
    key=st.sampled_from([*SECRET_KEYS, *(f"{key}_file" for key in SECRET_KEYS), "proxy", "notify", *KEYS]),
    form=st.sampled_from(
        [
            PLANTED,
            f"xoxb-{PLANTED}",
            f"https://me:{PLANTED}@h",
            f"https://hooks.slack.com/{PLANTED}",
            f"{PLANTED}\\u0000",
        ]
    ),
    kind=st.sampled_from(['"{}"', '["{}"]', '{{ a = "{}" }}', "'''\n{}'''", "{}", '"{}']),
)
def test_no_secret_written_anywhere_in_the_file_is_ever_repeated(place: int, key: str, form: str, kind: str) -> None:
    """Whatever key it was pasted into, well or badly quoted."""
    write(GOOD)
    lines = (GOOD + HOOK).splitlines()
    at = lines.index(SOMEWHERE[place])
    lines[at] = f"{key} = {kind.format(form)}"
    text = "\n".join(lines)
    # what is no place for a secret is shown, unless it has the looks of one
    assume("slack" in form or "xoxb" in form or key not in {"index", "channel"})
    assert PLANTED not in _leaks(text, {})


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(
        [
            "ELASTICSEARCH__API_KEY",
            "ELASTICSEARCH__PASSWORD",
            "ELASTICSEARCH__PASSWORD_FILE",
            "ELASTICSEARCH__PROXY",
            "ELASTICSEARCH__TIMEOUT",
            "DESTINATIONS__SECURITY__TOKEN",
            "DESTINATIONS__SECURITY__PROXY",
            "DESTINATIONS__HOOK__URL",
            "DESTINATIONS__HOOK__VERIFY_TOKEN",
            "DESTINATIONS__SECURITY",
            "DESTINATIONS",
            "SOURCES__CLOUDTRAIL",
            "LEDGER",
            "LGO__LEVEL",
            "TOKEN",
        ]
    ),
    form=st.sampled_from(
        ["{}", "{}\n{}", "http://me:{}@proxy.example.com:3128", '{{"token": "{}", "x": 1}}', '["{}"', "http://[{}"]
    ),
)
def test_no_secret_in_the_environment_is_ever_repeated(name: str, form: str) -> None:
    """Also where it is not what belongs there."""
    write(GOOD)
    assert PLANTED not in _leaks(GOOD + HOOK, {f"ALERTD_{name}": form.format(PLANTED, PLANTED)})


def test_pydantics_own_error_does_not_repeat_a_secret() -> None:
    """Nothing shows it, but a traceback might one day."""
    with pytest.raises(ValidationError) as caught:
        Elasticsearch.model_validate({"api_key": [PLANTED], "password": f"{PLANTED}\n"})
    assert PLANTED not in f"{caught.value} {caught.value!r}"


def test_the_log_is_told_every_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy's password too, as it is and as it stands in an address."""
    monkeypatch.setenv("ALERTD_ELASTICSEARCH__PROXY", "http://me:pass%20word@proxy.example.com:3128")
    text = GOOD.replace("[sources", 'api_key_file = "key"\n[sources') + HOOK
    text += 'channel = "#x"\nverify_token_file = "verify"\n'
    loaded = load_settings(write(text, key="an-api-key", verify="xoxb-verify-token"))
    assert {
        "an-api-key",
        "pass%20word",
        "pass word",
        "xoxb-test-token",
        "https://hooks.example.com/services/x",
        "xoxb-verify-token",
    } == set(values(loaded))
    assert "pass%20word" not in repr(loaded)


def test_every_secret_in_the_model_is_known_as_one() -> None:
    """What is read as a secret may not be written into the file."""
    for model in [*TABLES.values(), *DESTINATIONS.values()]:
        kept = {name for name, field in model.model_fields.items() if _holds(field.annotation, SecretStr)}
        assert kept == set(model.secret_keys)


def _holds(annotation: object, kind: type) -> bool:
    return annotation is kind or any(_holds(part, kind) for part in typing.get_args(annotation))
