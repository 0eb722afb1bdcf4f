"""Commands as a person types them beside a daemon that runs as its own user: as root, in a plain shell."""

import os
from pathlib import Path

import pytest

from tests.acceptance.installation import Installation, event_id, root_event

USER = 12_345

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it works on another user's ledger")


def _state_folder(installed: Installation) -> Path:
    """As /var/lib/alertd is: of alertd's user alone."""
    folder = installed.folder / "state"
    folder.mkdir(mode=0o700)
    os.chown(folder, USER, USER)
    text = installed.config.read_text()
    installed.config.write_text(text.replace('path = "alertd.db"', 'path = "state/alertd.db"'))
    return folder


def _owners(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_uid for path in folder.iterdir()}


@as_root
def test_what_root_does_leaves_the_ledger_to_its_owner(installed: Installation) -> None:
    """Neither the ledger nor a lock or journal beside it becomes root's, or the daemon could not open it."""
    folder = _state_folder(installed)
    assert 0 == installed.run("init").returncode
    installed.add(root_event())
    for command in (
        ("status",),
        ("explain", "nosuch"),
        ("check",),
        ("run", "--once"),
        ("audit",),
        ("replay", "--since", "1h", "--yes"),
        ("retry", "nosuch"),
        ("status",),
    ):
        assert installed.run(*command).returncode in {0, 1}, installed.outputs[-2:]
        assert {USER} == set(_owners(folder).values()), (command, _owners(folder))


@as_root
def test_a_link_beside_the_ledger_gives_nothing_else_away(installed: Installation) -> None:
    """The folder is the user's: what lies there under the lock's name may lead to a file of root's."""
    folder = _state_folder(installed)
    victim = installed.folder / "victim"
    victim.write_text("")
    (folder / "alertd.db.other").symlink_to(victim)
    (folder / "alertd.db.hard").hardlink_to(victim)
    assert 0 == installed.run("init").returncode
    assert 0 == victim.stat().st_uid


def test_status_and_explain_need_no_secret(installed: Installation) -> None:
    """Under systemd the daemon has credentials that a plain shell has not."""
    assert 0 == installed.run("init").returncode
    (installed.folder / "token").unlink()
    assert 0 == installed.run("status").returncode
    assert (1, "") == ((done := installed.run("explain", "nosuch")).returncode, done.stderr)
    assert 0 == installed.run("replay", "--since", "1h", "--yes").returncode
    assert 2 == installed.run("check").returncode


def test_init_is_done_where_a_good_ledger_is(installed: Installation) -> None:
    """Provisioning says it each time. What is no good ledger is still refused, and so is one that was called lost."""
    assert 0 == installed.run("init").returncode
    before = (installed.folder / "alertd.db").read_bytes()
    done = installed.run("init")
    assert (0, True) == (done.returncode, "nothing was changed" in done.stdout), done.stderr
    assert 3 == installed.run("init", "--after-loss").returncode
    assert before == (installed.folder / "alertd.db").read_bytes()
    (installed.folder / "alertd.db").write_text("something else")
    assert 3 == installed.run("init").returncode
    assert "something else" == (installed.folder / "alertd.db").read_text()


def test_explain_of_an_unknown_event_says_which_way_to_go(installed: Installation) -> None:
    """There is more to ask than the ledger."""
    assert 0 == installed.run("init").returncode
    shown = installed.run("explain", "no such").stdout
    for way in ("alertd audit", "look_back", "test-rule --live", "new-rule rules/FILE.toml --event 'no such'"):
        assert way in shown


def test_commands_work_beside_the_running_daemon(installed: Installation) -> None:
    """What a replay queues, the daemon sends."""
    event = root_event()
    assert 0 == installed.run("init").returncode
    with installed.daemon() as daemon:
        daemon.wait_until_started()
        installed.add(event)
        installed.wait_for_events({event_id(event)})
        assert 0 == installed.run("status", "--check").returncode
        installed.wait_for(lambda: "  sent to security" in installed.run("explain", event_id(event)).stdout, "sent")
        done = installed.run("replay", "--since", "1h", "--yes")
        assert 0 == done.returncode, done.stderr
        installed.wait_for(lambda: 2 == installed.told()[event_id(event)], "the replay")
        assert 0 == installed.run("init").returncode
