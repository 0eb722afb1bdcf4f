"""Warnings about rules, as `alertd check` and `alertd test-rule` tell them."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.acceptance.installation import Installation, root_event

RULE = """\
[[rules]]
id = "team"
title = "t"
severity = "low"
query.lucene = "eventName:ConsoleLogin userIdentity.typ:Root"
%s
[[rules.tests]]
name = "t"
events = [{ eventName = "ConsoleLogin" }]
expect = "match"
[[rules.tests]]
name = "u"
events = [{ eventName = "Other" }]
expect = "no match"
"""
JOINED = 'Lucene joins with OR: "eventName:ConsoleLogin userIdentity.typ:Root" matches either. Write AND or OR.'
OLD = """\
[[expected]]
ticket = "CHG-1"
who = "Aiko"
account = "111122223333"
since = 2026-01-01T00:00:00Z
until = 2026-01-02T00:00:00Z
"""


@pytest.fixture
def team(installed: Installation) -> Installation:
    """With a rule file of its own, which has one warning whatever the cluster holds."""
    (installed.folder / "team.toml").write_text(RULE % "")
    config = installed.config.read_text()
    installed.config.write_text(config.replace("aws-root-user.toml", 'aws-root-user.toml", "team.toml'))
    installed.add(root_event(), root_event() | {"errorCode": "AccessDenied"})  # a trail has all that the rules ask
    return installed


def _warnings(text: str) -> list[str]:
    """Of rules: they have a code."""
    return [line for line in text.splitlines() if line.startswith(("warning R", "note    R"))]


def test_check_warns_and_fails_only_if_asked_to(team: Installation) -> None:
    """By what the cluster has; the same in JSON, with the code, the level and the rule."""
    done = team.run("check")
    assert f"warning R201 team.toml:5  {JOINED}" in _warnings(done.stdout)
    assert [] == [line for line in _warnings(done.stdout) if "aws-root-user" in line]
    found = json.loads(team.run("check", "--json").stdout)["warnings"]
    assert {
        "level": "warning",
        "code": "R201",
        "where": "team.toml:5",
        "text": JOINED,
        "rule_set": "team",
        "rule": "team",
    } in found
    assert 0 == team.run("init").returncode
    assert (0, 1) == (team.run("check").returncode, team.run("check", "--strict").returncode)
    (team.folder / "team.toml").write_text(RULE % 'silence = { R201 = "either will do" }')
    strict = team.run("check", "--strict")
    assert (0, []) == (strict.returncode, _warnings(strict.stdout))


def test_check_counts_what_a_rule_matches_in_a_day(team: Installation) -> None:
    """One request for most files: only where a file's own query matches too much, its rules are counted."""
    (team.folder / "team.toml").write_text(
        RULE % "" + '[[rules]]\nid="few"\ntitle="t"\nseverity="low"\nquery.kql="eventName: Few"\n'
    )
    assert "R305" not in team.run("check").stdout
    event = root_event("ConsoleLogin")
    team.add(*({**event, "eventID": f"{number}"} for number in range(10_001)))
    lines = [line for line in _warnings(team.run("check").stdout) if "R305" in line and "team.toml" in line]
    assert [
        "warning R305 team.toml:5  team matches more than 10,000 events a day: nobody reads as many messages"
    ] == lines


def test_an_expected_window_that_is_over_is_told(installed: Installation) -> None:
    """With a code, at the configuration."""
    installed.config.write_text(installed.config.read_text() + OLD)
    done = installed.run("check")
    text = "warning R602 alertd.toml  [[expected]] CHG-1 is over since 2026-01-02 00:00:00: remove it"
    assert text in _warnings(done.stdout), done.stdout + done.stderr


def test_a_look_at_the_cluster_warns_per_rule_file(team: Installation) -> None:
    """A misspelled field is only known to be one where an index was asked."""
    lines = _warnings(team.run("test-rule", "team.toml", "--live").stdout)
    assert [f"warning R201 team.toml:5  {JOINED}"] == lines
    (team.folder / "team.toml").write_text(RULE.replace(" userIdentity.typ", " AND userIdentity.typ") % "")
    done = team.run("test-rule", "team.toml", "--live", "--json", "--strict")
    (found,) = json.loads(done.stdout)
    assert (1, ["R104"]) == (done.returncode, [each["code"] for each in found["warnings"]])
    assert 'did you mean "userIdentity.type"?' in found["warnings"][0]["text"]
    assert 0 == team.run("test-rule", "team.toml", "--live").returncode


def test_offline_warnings_come_after_the_tests(team: Installation) -> None:
    """They fail nothing, unless asked to; silenced, there is nothing to tell."""
    done = team.run("test-rule", "team.toml")
    assert [f"warning R201 team.toml:5  {JOINED}"] == _warnings(done.stdout)
    assert done.stdout.splitlines()[-1].startswith("2 passed, 0 failed, 1 warning in ")
    assert (0, 1) == (done.returncode, team.run("test-rule", "team.toml", "--strict").returncode)
    (team.folder / "team.toml").write_text(RULE % 'silence = { R201 = "either will do" }')
    done = team.run("test-rule", "team.toml", "--strict")
    assert (0, []) == (done.returncode, _warnings(done.stdout))


def test_with_a_mapping_of_an_index_a_misspelled_field_is_found_offline(team: Installation, tmp_path: Path) -> None:
    """Without one, a field that the tests' events lack may well be in the index."""
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps({"properties": {"userIdentity": {"properties": {"type": {"type": "keyword"}}}}}))
    (team.folder / "team.toml").write_text(RULE.replace(" userIdentity.typ", " AND userIdentity.typ") % "")
    assert [] == _warnings(team.run("test-rule", "team.toml").stdout)
    (line,) = _warnings(team.run("test-rule", "team.toml", "--mapping", str(mapping)).stdout)
    assert line.startswith('warning R104 team.toml:5  field "userIdentity.typ" does not exist in')
    assert line.endswith('did you mean "userIdentity.type"?')


def test_pull_requests_show_warnings_at_their_lines(team: Installation) -> None:
    """As annotations, as a suite's output or failed cases, in a list."""

    def told(form: str, *more: str) -> str:
        return team.run("test-rule", "team.toml", "--format", form, *more).stdout

    annotation = f"file=team.toml,line=5,title=R201::{JOINED}"
    assert f"::warning {annotation}" == told("github").splitlines()[0]
    assert f"::error {annotation}" == told("github", "--strict").splitlines()[0]
    suite = ET.fromstring(told("junit"))
    assert ("2", "0") == (suite.get("tests"), suite.get("failures"))
    assert [f"warning R201 team.toml:5  {JOINED}"] == [str(each.text) for each in suite.iter("system-out")]
    strict = ET.fromstring(told("junit", "--strict"))
    assert ("3", "1") == (strict.get("tests"), strict.get("failures"))
    assert [JOINED] == [failure.get("message") for failure in strict.iter("failure")]
    assert "- warning R201: Lucene joins with OR: " in told("markdown")
    assert ["R201"] == [each["code"] for each in json.loads(told("json"))["warnings"]]


def test_strict_does_not_go_with_a_comparison(team: Installation) -> None:
    """It has no warnings."""
    done = team.run("test-rule", "--against", "main", "--strict")
    assert (2, True) == (done.returncode, "--strict: does not go with --against" in done.stderr)


@pytest.mark.parametrize(("source", "folder"), [("cloudtrail", "rules"), ("gcp-audit", "rules/gcp")])
def test_the_rules_that_ship_are_warned_of_nothing(installed: Installation, source: str, folder: str) -> None:
    """Whoever reads them as an example learns nothing that lint would have to unteach."""
    shipped = sorted((Path(__file__).parents[2] / folder).glob("*.toml"))
    one = f'[sources.{source.partition("-")[0]}]\nprofile = "{source}"'
    installed.config.write_text(installed.config.read_text().replace("[sources.cloudtrail]", one))
    done = installed.run("test-rule", "--strict", *map(str, shipped))
    assert (0, []) == (done.returncode, _warnings(done.stdout))
