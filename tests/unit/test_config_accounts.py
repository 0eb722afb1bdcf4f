"""The accounts file and the routes: what is read, and what is told of mistakes in them."""

from dataclasses import replace
from pathlib import Path

import pytest

from alertd import compose
from alertd.config import Settings, load_settings
from alertd.config.routes import useless_for_rules
from alertd.rules.model import Query, Rule
from tests.unit.configuration import GOOD, told, write
from tests.unit.told import RULE

pytestmark = pytest.mark.usefixtures("empty_folder")


def _settings(accounts: str, more: str = "") -> Settings:
    Path("accounts.csv").write_text(accounts, "utf-8")
    return load_settings(write(f'accounts_file = "accounts.csv"\n{GOOD}{more}'))


def _told(accounts: str) -> str:
    Path("accounts.csv").write_bytes(accounts.encode("utf-8"))
    return told(write(f'accounts_file = "accounts.csv"\n{GOOD}'))


def test_accounts_come_from_a_file() -> None:
    """Empty cells say nothing, empty lines neither."""
    accounts = _settings(
        "id,name,owner,environment,tags\n"
        '111122223333,payments-prod,@team-payments,production,"pci, eu"\n\n'
        "000000000001,sandbox,,,\n"
    ).accounts
    assert ("payments-prod", "@team-payments", "production", ("pci", "eu")) == tuple(
        value for _, value in accounts["111122223333"]
    )
    assert ("sandbox", None, None, ()) == tuple(value for _, value in accounts["000000000001"])


def test_the_list_that_the_organizations_console_exports_will_do() -> None:
    """Its other columns are of no use, and no mistake; spreadsheets add a mark at the start, and semicolons."""
    accounts = _settings(
        "\ufeffAccount ID;ARN;Email;Account name\n111122223333;arn:…;a@example.com;payments\n"
    ).accounts
    assert "payments" == accounts["111122223333"].name


def test_tabs_divide_too() -> None:
    """What is copied from a spreadsheet has them."""
    assert "payments, all" == _settings("id\tname\n111122223333\tpayments, all\n").accounts["111122223333"].name


def test_cells_that_are_empty_at_the_end_may_be_left_out_or_too_many() -> None:
    """Spreadsheets write both."""
    accounts = _settings("id,name,owner\n111122223333,payments\n444455556666,sandbox,@team,,\n").accounts
    assert ["payments", "sandbox"] == [account.name for account in accounts.values()]


def test_a_table_wins_over_a_line() -> None:
    """It is nearer at hand."""
    settings = _settings("id,name\n111122223333,old\n", '[accounts.111122223333]\nname = "new"\n')
    assert "new" == settings.accounts["111122223333"].name


@pytest.mark.parametrize(
    ("accounts", "what"),
    [
        ("", ':1: the first line names no column "id": it has none'),
        ("id,owner\n", ':1: the first line names no column "name": it has id, owner'),
        ("id,name,enviroment\n", ':1: unknown column "enviroment". Did you mean "environment"?'),
        ("id,name,id\n", ':1: the first line names the column "id" twice'),
        ("id,name\n1122223333,x\n", ':2: "1122223333" is no id of an AWS account: it has 12 digits. A spreadsheet may'),
        ("id,name\nx,y\n", ':2: "x" is no id of an AWS account: it has 12 digits.'),
        ("id,name\n111122223333,\n", ":2: account 111122223333 has no name"),
        ("id,name\n111122223333,a\n111122223333,b\n", ":3: account 111122223333 stands at line 2 too"),
        ('id,name\n111122223333,"a\n', ":2: is not CSV: unexpected end of data"),
        (
            "id,name,tags\n111122223333,payments,pci,eu\n",
            ":2: has 4 cells, and the first line names 3 columns: a cell that holds a comma stands within quotes",
        ),
        (
            "id;name\n111122223333;a;b\n",
            ":2: has 3 cells, and the first line names 2 columns: a cell that holds a semicolon",
        ),
        (
            "id,name\n1.11122E+11,x\n",
            ':2: "1.11122E+11" is no id of an AWS account: it has 12 digits. A spreadsheet may',
        ),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(accounts: str, what: str) -> None:
    """Nothing of the file is taken as far as it goes."""
    assert f"accounts.csv{what}" in _told(accounts)


def test_a_file_that_cannot_be_read_is_a_mistake() -> None:
    """Missing, or in another encoding."""
    assert "alertd.toml:1: accounts_file: cannot be read: No such file or directory" in told(
        write(f'accounts_file = "gone.csv"\n{GOOD}')
    )
    Path("latin.csv").write_bytes("id,name\n111122223333,Zürich\n".encode("latin-1"))
    assert "alertd.toml:1: accounts_file: cannot be read: it is not UTF-8 text" in told(
        write(f'accounts_file = "latin.csv"\n{GOOD}')
    )


def test_the_environment_may_name_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands above all tables, so its variable has no table in its name. Lists of tables have no variable."""
    Path("accounts.csv").write_text("id,name\n111122223333,payments\n")
    monkeypatch.setenv("ALERTD_ACCOUNTS_FILE", "accounts.csv")
    assert ["111122223333"] == [*load_settings(write(GOOD)).accounts]
    monkeypatch.setenv("ALERTD_ROUTES", "[]")
    text = "environment ALERTD_ROUTES: cannot be set by the environment: write [[routes]] into the file"
    assert text in told(write(GOOD))


def test_a_route_that_can_never_decide_is_a_warning() -> None:
    """It is right by itself, so nothing else would tell."""
    settings = _settings(
        "id,name,environment,tags\n111122223333,payments,production,pci\n",
        """
        [[routes]]
        environment = "prodution"
        tag = "pic"
        account = "999999999999"
        notify = "security"
        [[routes]]
        notify = "security"
        [[routes]]
        severity = "high"
        notify = "security"
        """,
    )
    assert (
        '[[routes]] number 1: no account has environment "prodution". Did you mean "production"? Allowed: production.',
        '[[routes]] number 1: no account has tag "pic". Did you mean "pci"? Allowed: pci.',
        "[[routes]] number 1: no account is 999999999999. Allowed: 111122223333.",
        "[[routes]] number 3 is never reached: number 2 has no conditions and takes everything",
    ) == settings.warnings


def test_routes_know_the_accounts_of_the_file() -> None:
    """One table of accounts, wherever they come from."""
    settings = _settings("id,name,tags\n111122223333,payments,pci\n", '[[routes]]\ntag = "pci"\nnotify = "security"\n')
    assert ("pci",) == compose.rules.routing(settings).accounts["111122223333"].tags


ROUTES = """
[[routes]]
rule = ["aws-root-*", "aws-rot-*"]
notify = "security"
[[expected]]
ticket = "CHG-1"
rule = ["gcp-*"]
until = 2026-12-01
[[expected]]
ticket = "CHG-2"
account = ["999999999999"]
until = 2026-12-01
"""


def test_names_that_no_rule_and_no_account_has_are_warnings() -> None:
    """A misspelt pattern would otherwise be found on the day it is needed."""
    settings = _settings("id,name\n111122223333,payments\n", ROUTES)
    assert ("[[expected]] CHG-2: no account is 999999999999. Allowed: 111122223333.",) == settings.warnings
    assert [
        '[[routes]] number 1: no rule is "aws-rot-*". Did you mean "aws-root-login"? Allowed: aws-root-login.',
        '[[expected]] CHG-1: no rule is "gcp-*". Allowed: aws-root-login.',
    ] == list(useless_for_rules(settings, [_rule("aws-root-login", names_notify=False)]))


def test_routes_that_no_rule_leaves_anything_to_are_a_warning() -> None:
    """What the rules say is final."""
    settings = _settings("id,name\n", '[[routes]]\nnotify = "security"\n')
    named, left = _rule("a", names_notify=True), _rule("b", names_notify=False)
    assert ["[[routes]] decide nothing: every rule, or its file, names whom to tell"] == list(
        useless_for_rules(settings, [named])
    )
    assert [] == list(useless_for_rules(settings, [named, left]))
    assert [] == list(useless_for_rules(settings, []))


def _rule(rule_id: str, *, names_notify: bool) -> Rule:
    query = Query("lucene", "*", {"match_all": {}}, "r.toml:1")
    return Rule(replace(RULE, id=rule_id), query, ("security",), "r.toml:1", names_notify)
