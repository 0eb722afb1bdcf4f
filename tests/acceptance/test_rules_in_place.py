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
