"""config.example.toml: complete, right, and true about defaults."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alertd.config import load_settings
from alertd.config.duration import show_duration
from alertd.config.model import DESTINATIONS, TABLES, Table, Tables
from alertd.toml import read_toml

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"

pytestmark = pytest.mark.usefixtures("empty_folder")


def test_the_example_is_right_once_its_secrets_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of it runs as it stands."""
    monkeypatch.setenv("ALERTD_ELASTICSEARCH__API_KEY", "an-api-key")
    monkeypatch.setenv("ALERTD_DESTINATIONS__SECURITY__TOKEN", "xoxb-test-token")
    assert load_settings(EXAMPLE).sources.keys() == {"cloudtrail"}


def test_the_example_shows_every_key_and_no_other() -> None:
    """A key that nobody can find might as well not exist."""
    shown = {(section, key) for section, key, _, _ in _shown()}
    sections: dict[str, type[Table]] = {
        **{name: model for name, model in TABLES.items() if name not in {"sources", "accounts"}},
        "sources.cloudtrail": TABLES["sources"],
        "accounts.111122223333": TABLES["accounts"],
        "destinations.security": DESTINATIONS["slack"],
        "destinations.backup": DESTINATIONS["slack-webhook"],
    }
    assert set(Tables.model_fields) == {section.partition(".")[0] for section in sections}
    assert {(section, key) for section, model in sections.items() for key in _written(model)} == shown


def test_what_the_example_shows_as_a_default_is_one(tmp_path: Path) -> None:
    """Else the example would lie after the first change."""
    for section, key, value, is_example in _shown():
        model = DESTINATIONS["slack"] if section.startswith("destinations.sec") else _model(section)
        if value is not None and not is_example and key not in {"type", "url_file"}:
            (tmp_path / "value.toml").write_text(f"value = {value}", "utf-8")
            written = read_toml(tmp_path / "value.toml").data["value"]
            default = model.model_fields[key].default
            assert _plain(default) == written, (section, key)


def _model(section: str) -> type[Table]:
    name, _, below = section.partition(".")
    return DESTINATIONS["slack-webhook"] if below == "backup" else TABLES[name]


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
    return [f"{key}_file" if key in model.secret_keys else key for key in model.model_fields]


def _shown() -> Iterator[tuple[str, str, str | None, bool]]:
    """Section, key, the value of a key that is commented out, and whether its comment calls it an example."""
    section, is_example = "", False
    for line in EXAMPLE.read_text("utf-8").splitlines():
        if not line:
            is_example = False
        elif line.startswith("# "):
            is_example = is_example or line.startswith(("# Example", "# As in"))
        elif heading := re.fullmatch(r"#?\[(.+)\]", line):
            section = heading[1]
        elif pair := re.fullmatch(r"(#?)(\w+) = (.*)", line):
            yield section, pair[2], pair[3] if pair[1] else None, is_example
