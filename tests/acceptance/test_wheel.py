"""What pip installs, without the folder that it was made from: in an environment of its own, from an empty folder."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from alertd import __version__
from alertd.rules.load import Surroundings, fingerprint, load_rules

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def alertd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of the wheel. Dependencies are those of the tests: nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    here = sysconfig.get_paths()
    path = os.pathsep.join([here["scripts"], os.environ["PATH"]])
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, timeout=120, env={**os.environ, "PATH": path})
    [wheel] = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    install = [*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, timeout=120)
    [packages] = environment.glob("lib/python*/site-packages")
    # a folder that is named in a .pth file is searched last, and its own .pth files, such as ours, say nothing
    (packages / "dependencies.pth").write_text(here["purelib"] + "\n")
    return environment / "bin" / "alertd"


def _run(alertd: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ALERTD_", "PYTHON"))}
    return subprocess.run(
        [alertd, *arguments], capture_output=True, text=True, timeout=200, cwd=folder, env=env, check=False
    )


def test_the_wheel_is_not_the_folder_that_it_was_made_from(alertd: Path, tmp_path: Path) -> None:
    """Else this would try the sources."""
    python = alertd.with_name("python")
    done = _run(python, tmp_path, "-c", "import alertd; print(alertd.__file__)")
    assert str(alertd.parents[1]) in done.stdout, done.stderr


def test_the_installed_command_tells_its_version(alertd: Path, tmp_path: Path) -> None:
    """From an empty folder."""
    assert f"alertd {__version__}\n" == _run(alertd, tmp_path, "--version").stdout


def test_the_installed_demo_loses_nothing(alertd: Path, tmp_path: Path) -> None:
    """It has its rules with it."""
    done = _run(alertd, tmp_path, "demo", "--seconds", "5", "--port", "0")
    assert 0 == done.returncode, done.stdout + done.stderr
    assert " 0 lost · 0 repeated" in done.stdout


def test_the_installed_commands_say_what_is_missing(alertd: Path, tmp_path: Path) -> None:
    """Each in words, and with everything that it reads in the package: profiles, migrations, what explains each key."""
    assert (2, True) == (
        (done := _run(alertd, tmp_path, "check")).returncode,
        "there is no configuration" in done.stderr,
    )
    (tmp_path / "alertd.toml").write_text(
        '[elasticsearch]\nurl = "http://127.0.0.1:9"\n[sources.cloudtrail]\nindex = "x"\n'
        '[destinations.security]\ntype = "slack"\nchannel = "#x"\ntoken_file = "token"\nbase_url = "http://127.0.0.1:9"\n'
        '[rules]\npaths = ["mine.toml"]\n[ledger]\npath = "alertd.db"\n'
    )
    (tmp_path / "token").write_text("xoxb-of-no-use")
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "mine.toml").write_text(
        '[[rules]]\nid = "mine"\ntitle = "t"\nseverity = "low"\nquery.lucene = "eventName:x"\n'
    )
    assert 0 == _run(alertd, tmp_path, "init").returncode
    assert 0 == _run(alertd, tmp_path, "status").returncode
    done = _run(alertd, tmp_path, "check")
    assert (1, True) == (done.returncode, "127.0.0.1:9" in done.stdout), done.stdout + done.stderr
    for what in ("rules", "config"):
        assert _run(alertd, tmp_path, "schema", what).stdout == (ROOT / f"docs/schema/{what}.schema.json").read_text()


def test_the_demo_shows_the_rules_that_ship() -> None:
    """Its own file may not fall behind."""
    around = Surroundings(
        sources={"cloudtrail"}, destinations={"x"}, default_notify=("x",), check_template=lambda _: None
    )
    [shipped], [shown] = (
        load_rules([ROOT / folder / "aws-root-user.toml"], around) for folder in ("rules", "alertd/demo")
    )
    assert [fingerprint(shipped, rule) for rule in shipped.rules] == [fingerprint(shown, rule) for rule in shown.rules]
    assert [rule.facts for rule in shipped.rules] == [rule.facts for rule in shown.rules]
