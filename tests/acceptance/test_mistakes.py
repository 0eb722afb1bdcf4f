"""What somebody new gets wrong: each is told in a sentence, once, with the way out."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.acceptance.installation import RULES, Installation, root_event
from tests.fakes.search_server import ScriptedServer, error_body, reply, serving

# Root may do anything; without these capabilities file modes hold for it too.
_ORDINARY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all") if os.geteuid() == 0 else ()


def test_check_tells_of_a_missing_index_once(installed: Installation) -> None:
    """And once more for the rule file, rather than for each of its rules."""
    config = installed.config.read_text()
    installed.config.write_text(config.replace(f"{installed.index}-*", "nosuch"))
    assert 0 == installed.run("init").returncode
    done = installed.run("check")
    assert (1, 2) == (done.returncode, done.stdout.count("FAILED")), done.stdout
    assert (
        "20 of its 20 queries could not be tried: 404 index_not_found_exception: no such index [nosuch]" in done.stdout
    )


def checked_on(installed: Installation, status: int, body: object, kind: str) -> str:
    """What check says where a server answers everything so."""
    assert 0 == installed.run("init").returncode
    with serving(ScriptedServer("opensearch")) as other:
        other.always = dict.fromkeys(("root", "search", "fields", "health"), reply(status, body, kind=kind))
        installed.config.write_text(installed.config.read_text().replace(installed.server.url, other.url))
        done = installed.run("check")
    assert 1 == done.returncode, done.stdout
    return done.stdout


def test_check_says_that_the_address_is_no_search_servers(installed: Installation) -> None:
    """Something answers 404 there: the index, or the key, is not to blame."""
    said = checked_on(installed, 404, "<html>Not Found</html>", "text/html")
    assert "this is no search server's answer. Check elasticsearch.url, with its path." in said, said
    assert "key index" not in said


def test_check_says_that_too_much_is_asked_just_now(installed: Installation) -> None:
    """It passes: nothing in the configuration is to be changed."""
    said = checked_on(
        installed, 429, error_body("es_rejected_execution_exception", "queue is full"), "application/json"
    )
    assert "queue is full" in said
    assert "too much is asked of it just now, which passes by itself" in said, said
    assert "Check elasticsearch" not in said


def test_check_says_which_address_of_slack_cannot_be_reached(installed: Installation) -> None:
    """With the reason, and without a library's words."""
    assert 0 == installed.run("init").returncode
    address = installed.slack.url.removesuffix("/")
    installed.slack.stop()
    done = installed.run("check")
    assert f"auth.test: no connection to {address}: Connection refused" in done.stdout, done.stdout
    assert "urlopen" not in done.stdout


def test_check_finds_a_ledger_that_run_would_refuse_to_write(installed: Installation) -> None:
    """Reading it is not enough."""
    assert 0 == installed.run("init").returncode
    (installed.folder / "alertd.db").chmod(0o444)
    done = subprocess.run(
        [*_ORDINARY, sys.executable, "-m", "alertd", "check", "--json", "--config", str(installed.config)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    ledger = next(each for each in json.loads(done.stdout)["findings"] if each["part"] == "ledger")
    assert (1, False) == (done.returncode, ledger["ok"])
    assert "read-only for this user. Check owner and mode." in ledger["text"]


def test_retrying_a_message_that_never_was_says_where_ids_stand(installed: Installation) -> None:
    """It is a mistake of the operator's, not a defect: 70 is for those."""
    assert 0 == installed.run("init").returncode
    done = installed.run("retry", "nosuch")
    assert 1 == done.returncode, done.stderr
    assert "there is no message nosuch" in done.stderr
    assert "alertd explain EVENT_ID" in done.stderr


def test_a_rule_file_that_was_removed_is_said_until_a_person_decides(installed: Installation) -> None:
    """Its rule set never comes back by itself, and nobody would notice that nothing searches."""
    assert 0 == installed.run("init").returncode
    assert 0 == installed.run("run", "--once").returncode
    renamed = installed.folder / "renamed.toml"
    renamed.write_text((RULES / "aws-root-user.toml").read_text().replace('id = "aws-root-user"', 'id = "renamed"', 1))
    installed.config.write_text(installed.config.read_text().replace(f"{RULES}/aws-root-user.toml", str(renamed)))
    check = installed.run("check")
    assert 1 == check.returncode, check.stdout
    assert "the rule set aws-root-user is in the ledger and in no rule file" in check.stdout
    assert 0 == installed.run("run", "--once").returncode
    early = installed.run("retry", "--from", "renamed", "--give-up")
    assert (1, True) == (early.returncode, "no rule set of that name was removed" in early.stderr), early.stderr
    forgotten = installed.run("retry", "--from", "aws-root-user", "--give-up")
    assert 0 == forgotten.returncode, forgotten.stderr
    assert "in no rule file" not in installed.run("check").stdout


def test_explain_says_if_nothing_was_searched_yet(installed: Installation) -> None:
    """Before the first start: no list of what was searched that has nothing in it."""
    assert 0 == installed.run("init").returncode
    done = installed.run("explain", "nosuch")
    assert (1, True) == (done.returncode, "Nothing was searched yet: alertd run" in done.stdout), done.stdout


def test_no_text_of_an_event_controls_the_terminal(installed: Installation) -> None:
    """Whoever acts in an account, or writes into the index, chooses it."""
    hostile = "\x1b]0;x\x07\x9b2J"
    event = root_event(f"Put{hostile}", account=f"1{hostile}")
    event |= {"sourceIPAddress": f"203.0.113.7{hostile}", "errorCode": hostile, "userAgent": hostile}
    assert 0 == installed.run("init").returncode
    installed.add(event, {**root_event(f"Get{hostile}"), "eventID": f"id{hostile}"})
    assert 0 == installed.run("run", "--once").returncode
    (installed.folder / "event.json").write_text(json.dumps(event))
    for command in (
        ("explain", event["eventID"]),
        ("explain", "id"),
        ("audit",),
        ("status",),
        ("check",),
        ("route", "event.json"),
        ("test-rule", "--live"),
        ("new-rule", "new.toml", "--from", "event.json", "--id", "mine"),
        ("test-rule", "new.toml"),
        ("replay", "--since", "1h"),
    ):
        done = installed.run(*command)
        shown = done.stdout + done.stderr
        assert shown, command
        assert not set(hostile) & {"\x1b", "\x07", "\x9b"} & set(shown), (command, shown)


def test_check_of_an_empty_index_does_not_blame_the_rules(installed: Installation) -> None:
    """Before the first event no field exists: one warning says so, not one for each rule."""
    assert 0 == installed.run("init").returncode
    found = [line for line in installed.run("check").stdout.splitlines() if line.startswith("warning")]
    assert ["warning  source cloudtrail: no event yet: is CloudTrail still arriving?"] == found


def test_a_narrow_terminal_cuts_nothing_off(installed: Installation) -> None:
    """Nor does a pipe, which counts as 80 columns: a line is too long rather than short of its end."""
    assert 0 == installed.run("init").returncode
    installed.slack.workspace.refuses = "token_revoked"
    installed.add(root_event())
    assert 0 == installed.run("run", "--once").returncode
    for columns in (200, 40):
        lines = installed.run("status", columns=columns).stdout.splitlines()
        assert ["rule set       last scan  coverage      new 24 h  open"] == lines[1:2]
        assert lines[2].startswith("aws-root-user ")
        assert "security " in lines[4]
        assert "token_revoked" in lines[4]
