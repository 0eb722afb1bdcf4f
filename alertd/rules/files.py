"""Which files are rules, and which files they may name: no pattern and no name keeps alertd waiting for ever."""

import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from alertd.errors import ConfigError, Problem

# Names that one pattern may look at, some seconds' worth; a folder of rules has hundreds.
MOST_NAMES = 50_000
MOST_FILES = 5_000
# Of one file of events: a thousand large events.
MOST_EVENT_BYTES = 10 * 1024 * 1024
# No folder, so that nothing is looked at.
_NOWHERE = ".alertd-nowhere"
_WILD = re.compile(r"[*?\[]")


class _TooManyError(Exception):
    """A pattern looks at more names than any folder of rules has."""


class OutsideError(Exception):
    """A rule file names what it may not. Says why."""


def find_rule_files(base: Path, patterns: Sequence[str]) -> tuple[Path, ...]:
    """Files in order of their names; a pattern that finds none is a mistake. ConfigError.

    A file is loaded once, under the first of the names that lead to it. What stands in a folder that begins with two
    dots is what links elsewhere lead to, as Kubernetes mounts files, and is left out.
    """
    problems: list[Problem] = []
    found: dict[Path, Path] = {}
    for pattern in patterns:
        # a pattern may be absolute
        root, relative = (Path("/"), pattern.lstrip("/")) if pattern.startswith("/") else (base, pattern)
        try:
            next((root / _NOWHERE).glob(relative), None)  # it judges the pattern
            files = sorted(set(_Walk().matches(root, Path(relative).parts)))
        except ValueError as error:
            problems.append(Problem("rules.paths", f'"{pattern}" is no pattern of file names: {error}'))
            continue
        except _TooManyError:
            what = f'"{pattern}" looks at more than {MOST_NAMES:,} names in {root}: name the folder of the rules'
            problems.append(Problem("rules.paths", what))
            continue
        if not files:
            problems.append(Problem("rules.paths", f'no file matches "{pattern}" in {base}'))
        if len(files) > MOST_FILES:
            what = f'"{pattern}" matches {len(files):,} files, more than {MOST_FILES:,}: name the folder of the rules'
            problems.append(Problem("rules.paths", what))
            continue
        for file in files:
            if why := _unreadable(file):
                problems.append(Problem(shown_path(file), why))
            else:
                found.setdefault(file.resolve(), file)
    if problems:
        raise ConfigError(problems)
    return tuple(found.values())


def _unreadable(file: Path) -> str | None:
    """Why it is no file although a pattern finds it: left out, its rules would be missed by nobody."""
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        return "is a link that leads nowhere: put the file there, or remove the link"
    except (OSError, RuntimeError) as error:  # links in a circle, a folder that may not be entered
        return f"cannot be read: {error.strerror if isinstance(error, OSError) else error}"
    if stat.S_ISREG(mode):
        return None
    return "is no file but a device, a pipe or a socket: put the rules into a file"


def shown_path(path: Path) -> str:
    """Relative to where the person is, if below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def beside(rule_file: Path, name: str) -> Path:
    """What a rule file names: below its own folder, or that of the file which it is a link to. OutsideError."""
    path = rule_file.parent / name
    homes = (rule_file.parent.resolve(), rule_file.resolve().parent)
    try:
        real = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle; a name with a zero byte
        raise OutsideError(f"{name} leads nowhere: {error}") from error
    if not any(real.is_relative_to(home) for home in homes):
        raise OutsideError(f"{name} is outside the folder of the rule file: put it beside the rules, or below them")
    return path


def check_readable(path: Path, name: str) -> None:
    """Of a file that is there: what never ends, or is too large to be meant. OutsideError, OSError."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise OutsideError(f"{name} is a folder: name the files in it")
    if not stat.S_ISREG(found.st_mode):
        raise OutsideError(f"{name} is no file but a device, a pipe or a socket")
    if found.st_size > MOST_EVENT_BYTES:
        most = MOST_EVENT_BYTES // (1024 * 1024)
        raise OutsideError(f"{name} has {found.st_size:,} bytes, more than {most} MB: keep what the test needs")


@dataclass(slots=True)
class _Walk:
    left: int = MOST_NAMES

    def matches(self, folder: Path, parts: Sequence[str]) -> Iterator[Path]:
        """What the rest of a pattern finds below the folder and is no folder. _TooManyError."""
        if not parts:
            if _is_there(folder) and not _leads_to_folder(folder):
                yield folder
            return
        first, *more = parts
        if first == "**":
            yield from self.matches(folder, more)
            for path in self._names(folder):
                # a link to a folder may lead in a circle
                if _is_folder(path):
                    yield from self.matches(path, parts)
        elif _WILD.search(first):
            for path in self._names(folder):
                if fnmatchcase(path.name, first):
                    yield from self.matches(path, more)
        else:
            yield from self.matches(folder / first, more)

    def _names(self, folder: Path) -> Iterator[Path]:
        """Of a folder that is ours to read; what two dots hide is not looked for."""
        with suppress(OSError):
            for path in folder.iterdir():
                self.left -= 1
                if self.left < 0:
                    raise _TooManyError
                if not path.name.startswith(".."):
                    yield path


def _is_folder(path: Path) -> bool:
    try:
        return not path.is_symlink() and path.is_dir()
    except OSError:  # not ours to look at
        return False


def _is_there(path: Path) -> bool:
    """Also as a link that leads nowhere, and where only its name may be known."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _leads_to_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # it is for who reads it to say why not
        return False
