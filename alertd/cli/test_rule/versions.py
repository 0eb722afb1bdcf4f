"""The other version of the rules: as they stood in git, or in another folder."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from alertd.errors import ConfigError, Problem
from alertd.rules.load import Surroundings, load_rules
from alertd.rules.model import RuleSet

# The names of sources and destinations may have changed since: only queries are compared.
_AROUND = Surroundings(None, None, (), lambda _: None, tests=False)


def load_version(against: str, paths: Sequence[Path], *, whole_folders: bool) -> tuple[RuleSet, ...]:
    """Without tests. `whole_folders`: also rule files beside `paths` that are there no more. ConfigError."""
    if Path(against).is_dir():
        files = sorted(Path(against).glob("*.toml"))
        if not whole_folders:
            names = {path.name for path in paths}
            files = [file for file in files if file.name in names]
        if not files:
            raise ConfigError([Problem("--against", f"no rule file is in {against}: NAME.toml beside each other")])
        return load_rules(files, _AROUND)
    return _from_git(against, paths, whole_folders=whole_folders)


def _from_git(ref: str, paths: Sequence[Path], *, whole_folders: bool) -> tuple[RuleSet, ...]:
    found: list[RuleSet] = []
    with TemporaryDirectory(prefix="alertd-") as folder:
        for place in sorted({path.absolute().parent for path in paths}):
            commit = _commit(ref, place)
            wanted = {path.name for path in paths if path.absolute().parent == place}
            # tree entries of this very folder; files of another kind may stand beside rules
            listed = _git(place, "ls-tree", "-z", "--name-only", commit, "--", "./").split("\0")
            names = [name for name in listed if name.endswith(".toml") and "/" not in name]
            copied = []
            for name in names:
                if whole_folders or name in wanted:
                    copy = Path(folder, str(len(found)), name)
                    copy.parent.mkdir(exist_ok=True)
                    copy.write_text(_git(place, "show", f"{commit}:./{name}"), "utf-8", newline="")
                    copied.append(copy)
            found += load_rules(copied, _AROUND)
    return tuple(found)


def _commit(ref: str, place: Path) -> str:
    try:
        # what stands for a commit and nothing else: a name that begins with "-" is no option
        return _git(place, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}").strip()
    except ConfigError as error:
        what = f'"{ref}" is neither a folder nor a commit of the repository of {place}: {error.problems[0].what}'
        raise ConfigError([Problem("--against", what)]) from error


def _git(place: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 no shell
            ["git", *arguments],  # noqa: S607 the one that the person has
            cwd=place,
            capture_output=True,
            check=True,
            text=True,
            encoding="utf-8",
        )
    except FileNotFoundError as error:
        raise ConfigError([Problem("--against", "git is not installed, or there is no folder of rules")]) from error
    except subprocess.CalledProcessError as error:
        raise ConfigError([Problem("--against", f"git {arguments[0]}: {str(error.stderr).strip()}")]) from error
    return done.stdout
