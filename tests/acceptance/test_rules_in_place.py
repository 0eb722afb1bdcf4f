"""Rule files as they are mounted, missing, broken or refused: the process as it ships."""

import shutil

from tests.acceptance.installation import CHANNEL, RULES, Installation, root_event


def _mount(installed: Installation, text: str) -> None:
    """As Kubernetes mounts a ConfigMap: no events, links through ..data."""
    folder = installed.folder / "rules"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "..2026_11_28").mkdir(parents=True)
    (folder / "..2026_11_28/aws-root-user.toml").write_text(text)
    (folder / "..data").symlink_to("..2026_11_28")
    (folder / "aws-root-user.toml").symlink_to("..data/aws-root-user.toml")
    config = installed.config.read_text()
    installed.config.write_text(config.replace(f"{RULES}/aws-root-user.toml", "rules/**/*.toml"))


def test_rules_of_a_config_map_run_without_the_events_of_their_tests(installed: Installation) -> None:
    """Each file once. `check` says which command needs the events."""
    _mount(installed, (RULES / "aws-root-user.toml").read_text())
    assert 0 == installed.run("init").returncode
    checked = installed.run("check")
    assert "of test events not here: only test-rule needs them" in checked.stdout
    assert "1 file, " in checked.stdout
    assert 0 == checked.returncode, checked.stdout
    installed.add(root_event())
    assert 0 == installed.run("run", "--once").returncode
    assert 1 == len(installed.slack.messages(CHANNEL))
    tested = installed.run("test-rule")
    assert (2, True) == (tested.returncode, "cannot be read: No such file or directory" in tested.stderr)


def test_a_rule_file_that_broke_leaves_the_last_good_rules_running(installed: Installation) -> None:
    """Loudly: in the log, in `status` and to [ops]; and it is over once the file is right. `check` fails as ever."""
    good = (RULES / "aws-root-user.toml").read_text()
    installed.configure(more='[ops]\nnotify = "security"\ndaily = "off"')
    _mount(installed, good)
    assert 0 == installed.run("init").returncode
    assert 0 == installed.run("run", "--once").returncode
    deep = '\n[[rules]]\nid = "d"\ntitle = "D"\nseverity = "low"\nquery.kql = "' + "not " * 400 + 'a:b"\n'
    for broken in (
        good + "\n[[rules]]\n",
        "not TOML",
        good + deep,
        "dangling",
        None,
    ):
        if broken is None:
            shutil.rmtree(installed.folder / "rules")
        elif broken == "dangling":
            (installed.folder / "rules/..2026_11_28/aws-root-user.toml").unlink()
        else:
            _mount_again(installed, broken)
        installed.add(root_event())
        before = len(installed.slack.messages(CHANNEL))
        assert 0 == installed.run("run", "--once").returncode
        assert len(installed.slack.messages(CHANNEL)) > before
        shown = installed.run("status").stdout
        assert "rules" in shown
        assert "Those that last did, of " in " ".join(shown.split())
        assert 1 == installed.run("check").returncode
    told = [message for message in installed.slack.messages(CHANNEL) if "do not load" in str(message)]
    assert 1 == len(told)
    _mount_again(installed, good)
    assert 0 == installed.run("run", "--once").returncode
    assert "do not load" not in installed.run("status").stdout


def test_without_rules_that_ever_loaded_nothing_starts(installed: Installation) -> None:
    """Nor with a configuration that is wrong."""
    _mount(installed, "not TOML")
    assert 0 == installed.run("init").returncode
    assert 2 == installed.run("run", "--once").returncode
    _mount_again(installed, (RULES / "aws-root-user.toml").read_text())
    assert 0 == installed.run("run", "--once").returncode
    (installed.folder / "alertd.db.rules").write_text("{}")
    _mount_again(installed, "not TOML")
    refused = installed.run("run", "--once")
    assert 2 == refused.returncode
    assert "alertd.db.rules: the rule files that last loaded are kept here and cannot be used either" in refused.stderr


def test_rules_that_cannot_be_kept_are_trouble(installed: Installation) -> None:
    """They run; but nothing stands in for them once a file breaks."""
    _mount(installed, (RULES / "aws-root-user.toml").read_text())
    assert 0 == installed.run("init").returncode
    (installed.folder / "alertd.db.rules.new").mkdir()
    assert 0 == installed.run("run", "--once").returncode
    assert "kept rules" in installed.run("status").stdout
    (installed.folder / "alertd.db.rules.new").rmdir()
    assert 0 == installed.run("run", "--once").returncode
    assert "kept rules" not in installed.run("status").stdout


def _mount_again(installed: Installation, text: str) -> None:
    config = installed.config.read_text()
    _mount(installed, text)
    installed.config.write_text(config)
