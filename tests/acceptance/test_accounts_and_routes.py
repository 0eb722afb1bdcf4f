"""Accounts, routes and announced use in the daemon, and that `alertd route` and `alertd check` say the same."""

import json
from datetime import UTC, datetime, timedelta

from tests.acceptance.installation import CHANNEL, Installation, event_id, root_event

PCI, UNKNOWN = "111122223333", "999988887777"
PAGER = "C0PAGER0001"
NOW = datetime.now(UTC)


def _configure(alertd: Installation) -> None:
    alertd.slack.workspace.add_channel(id=PAGER, name="pager")
    # as a spreadsheet writes it: a mark at the start, semicolons, quotes
    accounts = f'\ufeffid;name;owner;environment;tags\n{PCI};"payments; prod";@team;production;"pci, eu"\n'
    (alertd.folder / "accounts.csv").write_text(accounts, "utf-8")
    pager = f"""
[destinations.pager]
type = "slack"
channel = "{PAGER}"
token_file = "token"
base_url = "{alertd.slack.url.removesuffix("/")}"
[[routes]]
severity = ["medium", "high", "critical"]
rule = "aws-root-*"
account = "{PCI}"
environment = "production"
tag = "pci"
notify = "pager"
[[routes]]
notify = "security"
[[expected]]
ticket = "CHG-7"
account = "{PCI}"
until = {NOW + timedelta(days=1):%Y-%m-%d}
[[expected]]
ticket = "CHG-6"
account = "{PCI}"
rule = "aws-rot-*"
until = {NOW - timedelta(days=3):%Y-%m-%d}
"""
    alertd.configure(more=pager)
    alertd.config.write_text(f'accounts_file = "accounts.csv"\n{alertd.config.read_text()}')


def test_an_event_goes_where_its_route_says_and_announced_use_is_told_all_the_same(installed: Installation) -> None:
    """The message of announced use says so; an account that nobody knows is called that."""
    _configure(installed)
    announced, strange = root_event(account=PCI), root_event(account=UNKNOWN)
    with installed.daemon("--init") as daemon:
        daemon.wait_until_started()
        installed.wait_for(lambda: installed.run("status", "--check").returncode == 0, "alive")
        installed.add(announced, strange)
        installed.wait_for(
            lambda: installed.slack.messages(CHANNEL) and installed.slack.messages(PAGER), "a message in each channel"
        )
    [paged], [told] = installed.slack.messages(PAGER), installed.slack.messages(CHANNEL)
    assert event_id(announced) in paged.payload
    assert json.loads(paged.payload)["blocks"][0]["text"]["text"].startswith("☑ Expected (CHG-7, until ")
    assert "payments; prod (111122223333)" in paged.payload
    assert event_id(strange) in told.payload
    assert "Expected" not in told.payload
    assert f"{UNKNOWN} (not in the accounts table)" in told.payload
    (installed.folder / "events.json").write_text(f"{json.dumps(announced)}\n{json.dumps(strange)}")
    routed = json.loads(installed.run("route", "events.json", "--json").stdout)
    assert [["pager"], ["security"]] == [[*each["taken"][0]["destinations"]] for each in routed]
    headings = [json.loads(message.payload)["blocks"][0]["text"]["text"] for message in (paged, told)]
    assert headings == [each["taken"][0]["heading"] for each in routed]


def test_check_names_announced_use_that_is_over_and_what_nothing_has(installed: Installation) -> None:
    """Nobody would take it out otherwise."""
    _configure(installed)
    assert 0 == installed.run("init").returncode
    done = installed.run("check")
    over = f"{NOW - timedelta(days=2):%Y-%m-%d} 00:00:00"
    assert f"[[expected]] CHG-6 is over since {over}: remove it" in done.stdout
    assert '[[expected]] CHG-6: no rule is "aws-rot-*". Did you mean "aws-root-' in done.stdout
    assert "CHG-7" not in done.stdout
