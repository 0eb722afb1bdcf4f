"""What people are told of a configuration that is wrong."""

import re
from pathlib import Path

import pytest

from tests.unit.configuration import GOOD, HOOK, told, write

pytestmark = pytest.mark.usefixtures("empty_folder")


GOLDEN = Path(__file__).with_name("config_mistakes.txt").read_text("utf-8")
CASES = dict(case.rstrip("\n").split("\n", maxsplit=1) for case in GOLDEN.split("\n=== ")[1:])
ELASTICSEARCH, SOURCE, DESTINATION = re.split(r"^(?=\[)", GOOD, flags=re.MULTILINE)[1:]
RIGHT = {"elasticsearch": ELASTICSEARCH, "source": SOURCE, "destination": DESTINATION, "webhook": HOOK}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_mistake_is_told_at_once_with_its_line_and_a_way_out(case: str) -> None:
    """The very words: they are what a person gets. Nobody should have to start alertd twice to learn of two mistakes."""
    text, _, expected = case.partition("\n---\n")
    text += "\n"
    for name, table in RIGHT.items():
        text = text.replace(f"<{name}>\n", table)
    assert expected == told(write(text))


def test_mistakes_in_the_environment_name_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of misspelt names, which make tables and keys of their own."""
    for name, value in {
        "ALERTD_LOG__LEVEL": "loud",
        "ALERTD_LOG__COLOUR": "red",
        "ALERTD_LGO__LEVEL": "info",
        "ALERTD_LEDGER": "/var/lib/alertd.db",
        "ALERTD_RULES__NOTIFY": "nobody",
        "ALERTD_DESTINATIONS__SECURTY__TOKEN": "xoxb-test-token",
        "ALERTD_SOURCES__CLOUDTRAIL__PAGE_SIZE": "many",
        "ALERTD_SOURCES__CLOUD_TRAIL__INTERVAL": "1s",
        "ALERTD_ELASTICSEARCH__API_KEY_FILE": "nowhere",
        "ALERTD_ELASTICSEARCH__URL": "es",
    }.items():
        monkeypatch.setenv(name, value)
    expected = f"""\
environment ALERTD_DESTINATIONS__SECURTY__TYPE: destinations.securty.type is missing. Allowed: slack, slack-webhook. \
Or is [destinations.security] meant?
environment ALERTD_ELASTICSEARCH__API_KEY_FILE: elasticsearch.api_key_file: there is no such file in {Path.cwd()}
environment ALERTD_ELASTICSEARCH__URL: elasticsearch.url: must be an address such as "https://es.example.com:9200", \
without user or password
environment ALERTD_LEDGER: is a table: set its keys, such as ALERTD_LEDGER__KEY
environment ALERTD_LGO__LEVEL: unknown table "lgo". Did you mean "log"? Allowed: elasticsearch, sources, destinations, \
rules, accounts, message, ledger, log, ops.
environment ALERTD_LOG__COLOUR: unknown key "colour" in [log]. Allowed: format, level.
environment ALERTD_LOG__LEVEL: log.level: unknown value. Allowed: debug, info, warning, error.
environment ALERTD_RULES__NOTIFY: rules.notify: there is no such destination. Allowed: security, securty.
environment ALERTD_SOURCES__CLOUDTRAIL__PAGE_SIZE: sources.cloudtrail.page_size: must be a whole number
environment ALERTD_SOURCES__CLOUD_TRAIL__INDEX: sources.cloud_trail.index is missing. Or is [sources.cloudtrail] \
meant?"""
    assert expected == told(write(GOOD))


def test_no_configuration_tells_where_it_was_looked_for() -> None:
    """And where to get one."""
    told = told()
    assert (
        "alertd.toml: there is no configuration. Tried --config, $ALERTD_CONFIG (neither is set), alertd.toml, "
        "/etc/alertd/alertd.toml. Copy config.example.toml to one of these places."
    ) == told


def test_a_configuration_that_cannot_be_read_istold() -> None:
    """The one that was named, not another."""
    assert "none.toml: cannot be read: No such file or directory" == told(Path("none.toml"))
    assert ".: cannot be read: Is a directory" == told(Path())
