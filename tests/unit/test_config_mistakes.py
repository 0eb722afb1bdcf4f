"""What people are told of a configuration that is wrong."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertd.config import load_settings
from alertd.config.destination import DESTINATIONS
from alertd.config.model import TABLES, Tables
from alertd.errors import ConfigError
from tests.unit.configuration import GOOD, HOOK, told, write

pytestmark = pytest.mark.usefixtures("empty_folder")


GOLDEN = Path(__file__).with_name("config_mistakes.txt").read_text("utf-8")
CASES = dict(case.rstrip("\n").split("\n", maxsplit=1) for case in GOLDEN.split("\n=== ")[1:])
ELASTICSEARCH, SOURCE, DESTINATION = re.split(r"^(?=\[)", GOOD, flags=re.MULTILINE)[1:]
STANDARD = {"elasticsearch": ELASTICSEARCH, "source": SOURCE, "destination": DESTINATION, "webhook": HOOK}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_mistake_is_told_at_once_with_its_line_and_a_way_out(case: str) -> None:
    """The very words that a person gets. Nobody should have to start alertd twice to learn of two mistakes."""
    text, _, expected = case.partition("\n---\n")
    text += "\n"
    for name, table in STANDARD.items():
        text = text.replace(f"<{name}>\n", table)
    assert expected == told(write(text))


def test_mistakes_in_the_environment_name_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of misspelt names, which make tables and keys of their own."""
    for name, value in {
        "ALERTD_LOG__LEVEL": "loud",
        "ALERTD_LOG__COLOUR": "red",
        "ALERTD_LGO__LEVEL": "info",
        "ALERTD_LEDGER": "/var/lib/alertd.db",
        "ALERTD_RULES__NOTIFY": '["security", "nobody"]',
        "ALERTD_DESTINATIONS__SECURTY__TOKEN": "xoxb-test-token",
        "ALERTD_SOURCES__CLOUDTRAIL__PAGE_SIZE": "many",
        "ALERTD_SOURCES__CLOUD_TRAIL__INTERVAL": "1s",
        "ALERTD_ELASTICSEARCH__API_KEY_FILE": "nowhere",
        "ALERTD_ELASTICSEARCH__URL": "es",
        "ALERTD_SOURCES__OTHER": '{"index": "x", "time_fields": ["@timestamp", 3]}',
    }.items():
        monkeypatch.setenv(name, value)
    expected = f"""\
environment ALERTD_DESTINATIONS__SECURTY__TYPE: destinations.securty.type is missing. Allowed: slack, slack-webhook, \
email. Or is [destinations.security] meant?
environment ALERTD_ELASTICSEARCH__API_KEY_FILE: elasticsearch.api_key_file: there is no such file in {Path.cwd()}
environment ALERTD_ELASTICSEARCH__URL: elasticsearch.url: must be an address such as "https://es.example.com:9200", \
without user or password
environment ALERTD_LEDGER: is a table: set its keys, such as ALERTD_LEDGER__KEY
environment ALERTD_LGO__LEVEL: unknown table "lgo". Did you mean "log"? Allowed: accounts_file, elasticsearch, \
sources, destinations, rules, accounts, routes, expected, message, ledger, files, log, ops.
environment ALERTD_LOG__COLOUR: unknown key "colour" in [log]. Allowed: format, level.
environment ALERTD_LOG__LEVEL: log.level: unknown value. Allowed: debug, info, warning, error.
environment ALERTD_RULES__NOTIFY: rules.notify: there is no such destination. Allowed: security, securty.
environment ALERTD_SOURCES__CLOUDTRAIL__PAGE_SIZE: sources.cloudtrail.page_size: must be a whole number
environment ALERTD_SOURCES__CLOUD_TRAIL__INDEX: sources.cloud_trail.index is missing. Or is [sources.cloudtrail] \
meant?
environment ALERTD_SOURCES__OTHER: sources.other.time_fields[1]: must be text, in quotes"""
    assert expected == told(write(GOOD))


def test_no_configuration_tells_where_it_was_looked_for() -> None:
    """And where to get one."""
    assert (
        "alertd.toml: there is no configuration. Tried --config, $ALERTD_CONFIG (neither is set), alertd.toml, "
        "/etc/alertd/alertd.toml. Copy config.example.toml to one of these places."
    ) == told()


def test_a_configuration_that_cannot_be_read_istold() -> None:
    """The one that was named, not another."""
    assert "none.toml: cannot be read: No such file or directory" == told(Path("none.toml"))
    assert ".: cannot be read: Is a directory" == told(Path())


def test_a_folder_that_may_not_be_looked_into_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be a configuration in it: going on to the next place would run another one."""
    Path("closed").symlink_to("closed")  # as impossible to look into, and for root too
    monkeypatch.setattr("alertd.config.load.PLACES", (Path("closed/alertd.toml"), Path("alertd.toml")))
    write(GOOD)
    assert "closed/alertd.toml: cannot be read: Too many levels of symbolic links" == told()


PLACES = [
    *((name,) for name in Tables.model_fields),
    *((name, key) for name in TABLES for key in ("NAME", *TABLES[name].model_fields)),
    *(("sources", "cloudtrail", key) for key in TABLES["sources"].model_fields),
    *(("accounts", "111122223333", key) for key in TABLES["accounts"].model_fields),
    *(
        ("destinations", kind, f"{key}{suffix}")
        for kind, model in DESTINATIONS.items()
        for key in model.model_fields
        for suffix in ("", "_file")
    ),
]
LEAVES = (
    st.sampled_from(
        [
            "",
            "10s",
            "99999d",
            "*",
            "[",
            "[1]",
            "{}",
            "http://[",
            "https://a:b@c",
            "UTC",
            "Europe",
            "../x",
            "\0",
            "\n",
            ".",
        ]
    )
    | st.text(max_size=5)
    | st.integers()
    | st.floats()
    | st.booleans()
)
VALUES = st.recursive(
    LEAVES, lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from("ab"), below, max_size=2)
)


def _as_toml(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{key} = {_as_toml(below)}" for key, below in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_as_toml, value)) + "]"
        case str():
            return '"' + "".join(f"\\U{ord(mark):08x}" for mark in value) + '"'
        case bool():
            return str(value).lower()
        case _:
            return str(value)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.dictionaries(st.sampled_from(PLACES), VALUES, max_size=4), is_variable=st.booleans())
def test_any_value_anywhere_is_settings_or_a_mistake_with_its_place(
    written: dict[tuple[str, ...], object], is_variable: bool
) -> None:
    """Never a traceback, and never the words of a library."""
    lines = [f"{'.'.join(place)} = {_as_toml(value)}" for place, value in written.items()]
    write("\n".join(lines if not is_variable else []) + "\n" + (GOOD if is_variable else ""))
    with pytest.MonkeyPatch.context() as patch:
        for place, value in written.items() if is_variable else ():
            name = "__".join(place).upper().replace("-", "_")
            patch.setenv(f"ALERTD_{name}", str(value).replace("\0", "").encode("utf-8", "replace").decode())
        try:
            load_settings(Path("alertd.toml"))
        except ConfigError as error:
            for line in str(error).splitlines():
                assert re.match(r"(alertd\.toml:\d+|environment ALERTD_\w+): ", line)
                assert not re.search(r"Input should|permitted|Field required|Error", line)
