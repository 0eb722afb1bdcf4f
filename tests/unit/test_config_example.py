"""config.example.toml: complete, right, and true about defaults."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alertd.config import load_settings
from alertd.config.destination import DESTINATIONS
from alertd.config.model import TABLES, Tables
from alertd.toml.duration import show_duration
from alertd.toml.file import read_toml
from alertd.toml.model import Table

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"

pytestmark = pytest.mark.usefixtures("empty_folder")


def test_the_example_is_right_once_its_secrets_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of it runs as it stands."""
    _set_secrets(monkeypatch)
    assert load_settings(EXAMPLE).sources.keys() == {"cloudtrail"}


def test_routes_and_expected_use_are_right_when_they_are_no_comments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people take the "#" away from."""
    _set_secrets(monkeypatch)
    text = re.sub(r"(?m)^#(\[|\w+ = )", r"\1", EXAMPLE.read_text("utf-8"))
    routes, expected = text.index("\n[[routes]]"), text.index("\n# How messages look.\n[message]")
    backup = '[destinations.backup]\ntype = "slack-webhook"\nurl_file = "hook"\n'
    (tmp_path / "hook").write_text("https://hooks.slack.com/services/T0/B0/x")
    (tmp_path / "hook").chmod(0o600)
    path = tmp_path / "alertd.toml"
    path.write_text(EXAMPLE.read_text("utf-8") + text[routes:expected] + backup, "utf-8")
    settings = load_settings(path)
    assert [("security", "backup")] == [route.notify for route in settings.routes]
    assert ["CHG-1234"] == [each.ticket for each in settings.expected]
    assert () == settings.warnings


def _set_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTD_ELASTICSEARCH__API_KEY", "an-api-key")
    monkeypatch.setenv("ALERTD_DESTINATIONS__SECURITY__TOKEN", "xoxb-test-token")


def test_the_example_shows_every_key_and_no_other() -> None:
    """A key that nobody can find might as well not exist."""
    shown = {(section, key) for section, key, _, _ in _shown()}
    sections: dict[str, type[Table]] = {
        **{name: model for name, model in TABLES.items() if name not in {"sources", "accounts"}},
        "sources.cloudtrail": TABLES["sources"],
        "accounts.111122223333": TABLES["accounts"],
        "destinations.security": DESTINATIONS["slack"],
        "destinations.backup": DESTINATIONS["slack-webhook"],
        "destinations.oncall": DESTINATIONS["email"],
    }
    single = {"accounts_file"}
    assert set(Tables.model_fields) == {section.partition(".")[0] for section in sections} | single
    written = {(section, key) for section, model in sections.items() for key in _written(model)}
    assert written | {("", key) for key in single} == shown


def test_what_the_example_shows_as_a_default_is_one(tmp_path: Path) -> None:
    """Else the example would lie after the first change."""
    for section, key, value, is_example in _shown():
        if not section:
            continue  # above all tables: each has an example, and no default
        model = _model(section)
        if value is not None and not is_example and key not in {"type", "url_file", "host", "from", "to"}:
            (tmp_path / "value.toml").write_text(f"value = {value}", "utf-8")
            written = read_toml(tmp_path / "value.toml").data["value"]
            default = model.model_fields[key].default
            assert _plain(default) == written, (section, key)


def _model(section: str) -> type[Table]:
    name, _, below = section.partition(".")
    types = {"security": "slack", "backup": "slack-webhook", "oncall": "email"}
    return DESTINATIONS[types[below]] if name == "destinations" else TABLES[name]


def _plain(default: object) -> object:
    match default:
        case timedelta():
            return show_duration(default)
        case tuple():
            return list(default)
        case Path():
            return str(default)
        case _:
            return default


def _written(model: type[Table]) -> list[str]:
    names = ((key, field.alias or key) for key, field in model.model_fields.items())
    return [f"{name}_file" if key in model.secret_keys else name for key, name in names]


def _shown() -> Iterator[tuple[str, str, str | None, bool]]:
    """Section, key, the value of a key that is commented out, and whether its comment calls it an example."""
    section, is_example = "", False
    for line in EXAMPLE.read_text("utf-8").splitlines():
        if not line:
            is_example = False
        elif line.startswith("# "):
            is_example = is_example or line.startswith(("# Example", "# As in"))
        elif heading := re.fullmatch(r"#?\[+([^\]]+)\]+", line):
            section = heading[1]
        elif pair := re.fullmatch(r"(#?)(\w+) = (.*)", line):
            yield section, pair[2], pair[3] if pair[1] else None, is_example
